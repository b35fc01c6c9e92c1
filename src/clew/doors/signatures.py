"""Whether a webhook comes from whom it says: the check of a `SignatureScheme` over the bytes as they came.

The answer is a verdict that a person understands. A signature that does not hold is tried again the ways senders get it
wrong (`signature_diagnosis`), so that the record says "the body was re-serialised" and not only "no".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from clew.core.clock import SECOND_MS, from_rfc3339
from clew.doors.signature_diagnosis import Attempt, diagnose
from clew.doors.signing import decode_signature, scheme_key, signed_content
from clew.registry.schemes import SignatureScheme

Code = Literal["ok", "no_secret", "missing_header", "bad_format", "mismatch", "too_old", "too_new"]

_DIGITS = re.compile(r"[0-9]{1,14}\Z")
# Seconds since the epoch have ten digits until the year 2286; from twelve on they are milliseconds.
_MILLISECOND_DIGITS = 12


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was signed: the body before anything was done to it. Header names are in lower case.

    `url` is the whole URL as the sender wrote it, `path` its path with the query.
    """

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    url: str = ""
    path: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a signature holds and, where not, why. It holds nothing secret and may be told to the sender.

    `delivery_id` is the sender's id of the delivery, "" where the scheme has none. `skew_ms` is how far the sender's
    clock is behind ours (negative: ahead), None where nothing said its time.
    """

    ok: bool
    code: Code
    reason: str = ""
    hint: str = ""
    delivery_id: str = ""
    skew_ms: int | None = None


def verify(scheme: SignatureScheme, secrets: Sequence[str], request: SignedRequest, now_ms: int) -> Verdict:
    """Check a request in constant time. `secrets` are the secrets themselves; one that holds is enough."""
    secrets = [secret for secret in secrets if secret]
    if not secrets:
        return _refused(
            "no_secret", f"The secret {' or '.join(scheme.secrets)} is not set here.", "Set it and restart."
        )
    found = next((place for place, name in enumerate(scheme.header) if request.headers.get(name.lower())), None)
    if found is None:
        return _refused(
            "missing_header",
            f"The header {' or '.join(scheme.header)} is missing.",
            "Check that the sender has a secret for this webhook, and that no proxy removes the header.",
        )
    reading = _read(scheme, request, found)
    if isinstance(reading, Verdict):
        return reading
    return _judge(scheme, secrets, reading, request, now_ms)


class _Reading(msgspec.Struct, frozen=True, kw_only=True):
    signatures: tuple[bytes, ...]
    raw: tuple[str, ...]
    values: dict[str, bytes]
    time_ms: int | None
    delivery_id: str


def _read(scheme: SignatureScheme, request: SignedRequest, found: int) -> _Reading | Verdict:
    header = scheme.header[found]
    text = request.headers[header.lower()].strip()
    fields = [field.strip() for field in text.split(scheme.separator)] if scheme.separator else [text]
    timestamp, missing = _timestamp(scheme, request, fields, found)
    delivery_id = _alternative(scheme.id_header, request, found)
    if missing:
        return _refused(
            "missing_header", f"The timestamp is missing: {missing}.", "The sender signs it, so it must come."
        )
    if "{id}" in scheme.content and not delivery_id:
        return _refused("missing_header", f"The header {_name(scheme.id_header, found)} is missing.", "It is signed.")
    time_ms = _time_ms(timestamp) if timestamp else None
    if timestamp and time_ms is None:
        return _refused("bad_format", f"The timestamp {timestamp[:40]!r} is no time.", "It is seconds since the epoch.")
    raw = tuple(field.removeprefix(scheme.prefix) for field in fields if field.startswith(scheme.prefix))
    values = {
        "timestamp": timestamp,
        "id": delivery_id,
        "method": request.method,
        "url": request.url,
        "path": request.path,
    }
    return _Reading(
        signatures=tuple(signature for one in raw if (signature := decode_signature(one, scheme.encoding))),
        raw=raw,
        values={name: value.encode("utf-8", "surrogateescape") for name, value in values.items()},
        time_ms=time_ms,
        delivery_id=delivery_id,
    )


def _judge(
    scheme: SignatureScheme, secrets: Sequence[str], reading: _Reading, request: SignedRequest, now_ms: int
) -> Verdict:
    content = signed_content(scheme.content, reading.values, request.body)
    skew_ms = None if reading.time_ms is None else now_ms - reading.time_ms
    keys = [key for secret in secrets if (key := scheme_key(scheme, secret)) is not None]
    if not keys:
        return _refused("no_secret", f"The secret {scheme.secrets[0]} is no {scheme.key_encoding}.", "Copy it again.")
    holds = False
    for key in keys:  # every one of them, so that the time tells nothing
        expected = hmac.digest(key, content, scheme.hash)
        for signature in reading.signatures:
            holds |= hmac.compare_digest(expected, signature)
    if not holds:
        return _explain(scheme, secrets, reading, request, skew_ms)
    late = _lateness(scheme, skew_ms)
    if late is not None:
        return late
    return Verdict(ok=True, code="ok", delivery_id=reading.delivery_id, skew_ms=skew_ms)


def _explain(
    scheme: SignatureScheme, secrets: Sequence[str], reading: _Reading, request: SignedRequest, skew_ms: int | None
) -> Verdict:
    header = next(name for name in scheme.header if request.headers.get(name.lower()))
    attempt = Attempt(
        scheme=scheme,
        header=header,
        text=request.headers[header.lower()],
        raw=reading.raw,
        secrets=tuple(secrets),
        values=reading.values,
        body=request.body,
    )
    reason, hint = diagnose(attempt)
    code: Code = "mismatch" if reading.signatures else "bad_format"
    return Verdict(ok=False, code=code, reason=reason, hint=hint, delivery_id=reading.delivery_id, skew_ms=skew_ms)


def _lateness(scheme: SignatureScheme, skew_ms: int | None) -> Verdict | None:
    if skew_ms is None or not scheme.tolerance_s or abs(skew_ms) <= scheme.tolerance_s * SECOND_MS:
        return None
    seconds = abs(skew_ms) / SECOND_MS
    old = skew_ms > 0
    return Verdict(
        ok=False,
        code="too_old" if old else "too_new",
        reason=f"The signature is right, but its time is {seconds:.0f} s {'before' if old else 'after'} ours; "
        f"{scheme.tolerance_s} s are allowed.",
        hint="An old delivery was sent again, or one of the two clocks is wrong." if old else "Check both clocks.",
        skew_ms=skew_ms,
    )


def _timestamp(scheme: SignatureScheme, request: SignedRequest, fields: Sequence[str], found: int) -> tuple[str, str]:
    """The timestamp and, where it should be there and is not, its place."""
    if scheme.timestamp_field:
        mark = scheme.timestamp_field + "="
        value = next((field.removeprefix(mark) for field in fields if field.startswith(mark)), "")
        return value, "" if value else f"no {mark} in {scheme.header[found]}"
    if scheme.timestamp_header:
        value = _alternative(scheme.timestamp_header, request, found)
        return value, "" if value else f"no {_name(scheme.timestamp_header, found)}"
    return "", ""


def _alternative(names: Sequence[str], request: SignedRequest, found: int) -> str:
    return request.headers.get(_name(names, found).lower(), "").strip() if names else ""


def _name(names: Sequence[str], found: int) -> str:
    return names[min(found, len(names) - 1)]


def _time_ms(text: str) -> int | None:
    if _DIGITS.match(text):
        return int(text) * (1 if len(text) >= _MILLISECOND_DIGITS else SECOND_MS)
    try:
        return from_rfc3339(text)
    except ValueError:
        return None


def _refused(code: Code, reason: str, hint: str) -> Verdict:
    return Verdict(ok=False, code=code, reason=reason, hint=hint)
