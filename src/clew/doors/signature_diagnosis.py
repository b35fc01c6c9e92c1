"""Why a signature does not hold: it is tried again the ways in which senders, proxies and copied secrets get it wrong.

Each way is one deviation from what should be. A way that makes the signature hold needs the right secret, so that to
say it tells an attacker nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator

import msgspec

from clew.doors.signing import decode_signature, key_of, scheme_key, signed_content
from clew.registry.schemes import SignatureScheme

# Anyone may send a wrong signature: what is tried for it must stay cheap (about 10 ms at worst).
_MAX_TRIED_BYTES = 1_000_000
_MAX_RESERIALISED_BYTES = 64_000
_PREFIXES = ("sha256=", "sha1=", "sha512=", "v1=", "v0=", "v1,", "")
_CONTENTS = ("{body}", "{timestamp}.{body}", "{timestamp}{body}", "{id}.{timestamp}.{body}", "v0:{timestamp}:{body}")
_DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha512": 64}

Finding = tuple[str, str]
"""What is wrong, and what to do about it."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that did not hold. `text` is the header as it came, `raw` its signatures without the prefix."""

    scheme: SignatureScheme
    header: str
    text: str
    raw: tuple[str, ...]
    secrets: tuple[str, ...]
    values: dict[str, bytes]
    body: bytes


def diagnose(attempt: Attempt) -> Finding:
    """What is wrong with a signature and what to do."""
    if len(attempt.body) <= _MAX_TRIED_BYTES:
        for try_one in (_wrong_prefix, _wrong_encoding, _wrong_hash, _wrong_secret, _wrong_body, _wrong_content):
            finding = try_one(attempt)
            if finding:
                return finding
    return _bad_form(attempt) or (
        f"The signature in {attempt.header} does not match the body.",
        "The sender signs with another secret, or the body was changed on the way. Compare the secret on both sides.",
    )


def _bad_form(attempt: Attempt) -> Finding | None:
    scheme = attempt.scheme
    if not attempt.raw:
        return f"The header {attempt.header} does not hold {scheme.prefix!r}, which signatures begin with.", (
            "Check which scheme the sender uses, and its version."
        )
    decoded = [decode_signature(raw, scheme.encoding) for raw in attempt.raw]
    if not any(decoded):
        return f"The signature in {attempt.header} is no {scheme.encoding}.", f"It should be {scheme.encoding}."
    if all(one and len(one) != _DIGEST_BYTES[scheme.hash] for one in decoded):
        length, wanted = len(next(one for one in decoded if one)), _DIGEST_BYTES[scheme.hash]
        return (
            f"The signature in {attempt.header} has {length} bytes; one of {scheme.hash} has {wanted}.",
            "The sender uses another hash or encoding.",
        )
    return None


def _wrong_prefix(attempt: Attempt) -> Finding | None:
    if attempt.raw:
        return None
    scheme = attempt.scheme
    for prefix in _PREFIXES:
        given = attempt.text.strip()
        if given.startswith(prefix) and _holds(attempt, raw=(given.removeprefix(prefix),)):
            says = f"with {prefix!r} before it" if prefix else "with nothing before it"
            return f"The signature is right, but it comes {says} instead of {scheme.prefix!r}.", (
                f"Declare prefix={prefix!r}, or let the sender write {scheme.prefix!r}."
            )
    return None


def _wrong_encoding(attempt: Attempt) -> Finding | None:
    for encoding in ("hex", "base64"):
        if encoding != attempt.scheme.encoding and _holds(attempt, encoding=encoding):
            return f"The signature is right, but it is {encoding} instead of {attempt.scheme.encoding}.", (
                f"Declare encoding={encoding!r}."
            )
    return None


def _wrong_hash(attempt: Attempt) -> Finding | None:
    for name in _DIGEST_BYTES:
        if name != attempt.scheme.hash and _holds(attempt, digest=name):
            return f"The signature is right, but made with {name} instead of {attempt.scheme.hash}.", (
                f"Let the sender use {attempt.scheme.hash}."
            )
    return None


def _wrong_secret(attempt: Attempt) -> Finding | None:
    scheme = attempt.scheme
    for secret in attempt.secrets:
        for other in (secret.strip(), secret + "\n", secret + "\r\n"):
            key = scheme_key(scheme, other)
            if other != secret and key and _holds(attempt, keys=(key,)):
                where = "here" if other == secret.strip() else "at the sender"
                return f"The secret {where} has a space or line end too much.", "Set it again without."
        for encoding in ("text", "base64", "hex"):
            for prefix in {scheme.key_prefix, ""}:
                key = key_of(secret, encoding, prefix)
                if key and _holds(attempt, keys=(key,)):
                    return f"The signature is right if the secret is taken as {encoding}, not {scheme.key_encoding}.", (
                        f"Declare key_encoding={encoding!r}, or let the sender decode the secret."
                    )
    return None


def _wrong_body(attempt: Attempt) -> Finding | None:
    body = attempt.body
    for other in (body.strip(), body + b"\n", body + b"\r\n"):
        if other != body and _holds(attempt, body=other):
            return "The signature is right for the body with other white space at its end.", (
                "Something between signing and here adds or removes it: sign and send the same bytes."
            )
    for other in _reserialised(body):
        if other != body and _holds(attempt, body=other):
            return "The signature is right for the same JSON in another notation: the body was re-serialised.", (
                "The sender must sign the bytes it sends, and no proxy may rewrite them."
            )
    return None


def _wrong_content(attempt: Attempt) -> Finding | None:
    for content in _CONTENTS:
        if content != attempt.scheme.content and _holds(attempt, content=content):
            return f"The signature is right for {content} instead of {attempt.scheme.content}.", (
                f"Declare content={content!r} if the sender signs so; without a timestamp anyone can send it again."
            )
    return None


def _reserialised(body: bytes) -> Iterator[bytes]:
    if len(body) > _MAX_RESERIALISED_BYTES:
        return
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return
    for separators in ((",", ":"), (", ", ": ")):
        for is_sorted in (False, True):
            for is_ascii in (False, True):
                text = json.dumps(data, separators=separators, sort_keys=is_sorted, ensure_ascii=is_ascii)
                yield text.encode("utf-8", "surrogatepass")
    yield json.dumps(data, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _holds(
    attempt: Attempt,
    *,
    raw: tuple[str, ...] | None = None,
    encoding: str = "",
    digest: str = "",
    keys: tuple[bytes, ...] = (),
    body: bytes | None = None,
    content: str = "",
) -> bool:
    """Whether the signature holds with these deviations from the scheme."""
    scheme = attempt.scheme
    signed = signed_content(content or scheme.content, attempt.values, attempt.body if body is None else body)
    decoded = [decode_signature(one, encoding or scheme.encoding) for one in (attempt.raw if raw is None else raw)]
    keys = keys or tuple(key for secret in attempt.secrets if (key := scheme_key(scheme, secret)))
    return any(
        hmac.compare_digest(hmac.digest(key, signed, digest or scheme.hash), one)
        for key in keys
        for one in decoded
        if one
    )
