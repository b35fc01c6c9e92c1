"""No answer at all: time ran out, the name is not known, the certificate is not trusted, nobody listens."""

from __future__ import annotations

import re

from clew.diagnosis.facts import Facts
from clew.diagnosis.rule import Explanation, explain_as

# Narrow, for they are looked for in all that a failure says: a message may well speak of a certificate of origin.
_TIMEOUT = re.compile(r"(?<!lock[_ ])timed?[ _-]?out|deadline exceeded|etimedout")
_DNS = re.compile(
    r"getaddrinfo|name or service not known|nodename nor servname|enotfound|eai_again"
    r"|temporary failure in name resolution|no address associated|name resolution|could not resolve"
)
_TLS = re.compile(r"\[ssl|ssl[a-z]*error|tls handshake|ssl handshake|certificate[_ ]verify|certificate has expired")
_NO_CONNECTION = re.compile(
    r"connection ?refused|econnrefused|connecterror|all connection attempts failed|connection ?reset|econnreset"
    r"|network is unreachable|no route to host|server disconnected|broken pipe|connection (?:was )?closed"
)
_LOOK_FIRST = "See whether it was done there all the same before you run it again."
_REFUSED = re.compile(r"refused|attempts failed")
_LOST = re.compile(r"reset|disconnected|broken pipe|closed")


def explain_timeout(facts: Facts) -> Explanation | None:
    """The answer did not come in time."""
    if facts.status_code not in (0, 408) or not (facts.status_code or facts.has_sign(_TIMEOUT)):
        return None
    asked = f" {facts.call}" if facts.call else ""
    duration_ms = facts.record.duration_ms
    within = f" within {duration_ms / 1000:.3g} s" if duration_ms else " in time"
    if facts.record.kind == "node_run" and not facts.host:
        said = f"The node {facts.name} did not finish{within}"
        return explain_as("timeout", said, "See what it waited for; give it a longer timeout_s if it needs more time.")
    return explain_as(
        "timeout",
        f"{facts.side} did not answer{asked}{within}",
        _LOOK_FIRST,
    )


def explain_cut_short(facts: Facts) -> Explanation | None:
    """A request whose node ended, by its time or by somebody, before the answer came."""
    if facts.status_code or facts.record.kind != "api_request" or "cancelled" not in facts.codes:
        return None
    duration_ms = facts.record.duration_ms
    after = f" for {duration_ms / 1000:.3g} s" if duration_ms else ""
    said = f"{facts.side} had not answered {facts.call}{after} when the node that waited for it was ended"
    return explain_as("timeout", said, _LOOK_FIRST)


def explain_refused_address(facts: Facts) -> Explanation | None:
    """Clew itself would not call that address."""
    if facts.status_code or "refused_address" not in facts.codes:
        return None
    return explain_as(
        "refused_address",
        f"Clew did not call {facts.host or 'the address'}: {facts.reason}",
        "If the product lives there, declare that address as its base_url.",
    )


def explain_dns(facts: Facts) -> Explanation | None:
    """The host's name leads nowhere."""
    if facts.status_code or not _is(facts, "dns", _DNS):
        return None
    host = f" {facts.host}" if facts.host else ""
    of = "" if facts.side in (facts.host, "The other side") else f" of {facts.side}"
    return explain_as(
        "dns", f"The host{host}{of} is not known: its name could not be resolved (DNS)", "Check the address."
    )


def explain_tls(facts: Facts) -> Explanation | None:
    """The other side could not prove who it is."""
    if facts.status_code or not _is(facts, "tls", _TLS):
        return None
    return explain_as(
        "tls",
        f"No secure connection to {facts.side_within}{_at(facts)}: {facts.reason}",
        f"Its certificate may have expired or be for another name: ask those who run {facts.side_within}.",
    )


def explain_no_connection(facts: Facts) -> Explanation | None:
    """Nobody answers at that address."""
    if facts.status_code or not _is(facts, "connection", _NO_CONNECTION):
        return None
    if facts.has_sign(_LOST):
        return explain_as(
            "connection_lost",
            f"{facts.side} broke off the connection{_at(facts)} before it answered",
            _LOOK_FIRST,
        )
    if facts.has_sign(_REFUSED):
        said = f"{facts.side} takes no connections{_at(facts)}: it may be down"
    else:
        said = f"No connection to {facts.side_within}{_at(facts)}: {facts.reason}"
    return explain_as("no_connection", said, "See whether it runs, and whether the address and its port are right.")


def _at(facts: Facts) -> str:
    return f" at {facts.host}" if facts.host and facts.host != facts.side else ""


def _is(facts: Facts, code: str, signs: re.Pattern[str]) -> bool:
    """Whether the error's type or key is `code`, or one of the signs is in its words."""
    return code in facts.codes or facts.has_sign(signs)
