"""Every error Clew raises, on one page.

ClewError
├── BadRequest             400  malformed: it could not be read
│   └── UnknownFilter      400  a filter name or value that does not exist
├── NotSignedIn            401  no key, no session, or a wrong one
│   └── SignatureRefused   401  a webhook whose signature does not hold
├── NotAllowed             403  known, but without the right
├── NotFound               404
├── Conflict               409
├── TooLarge               413
├── UnsupportedMediaType   415
├── Invalid                422  well-formed but wrong
│   └── KeyReused          422  an Idempotency-Key that came before with another body
├── TooMany                429  limited; again after `retry_after_s`
├── Unavailable            503  a part is not working now; again after `retry_after_s`
│   ├── JournalBusy        503  more is waiting to be written than memory may hold
│   └── JournalFull        503  the journal's disk is full
├── Unexpected             500  a mistake of ours
├── SettingsError               the server cannot start with these settings
└── DataDirInUse                another process owns the data directory

Each says what was wrong with the offending value, what to do about it (`hint`), and whether trying again can help
(`retry_after_s`). `problem()` is its form on the wire, RFC 9457.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong in a request: `pointer` is a JSON Pointer (RFC 6901) into the body."""

    pointer: str
    detail: str


class ClewError(Exception):
    """The root. `status` is the HTTP status that answers it."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str,
        *,
        hint: str = "",
        errors: tuple[FieldError, ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.errors = errors
        self.retry_after_s = retry_after_s

    def problem(self, instance: str = "") -> dict[str, Any]:
        """The problem document of RFC 9457."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if instance:
            document["instance"] = instance
        if self.hint:
            document["hint"] = self.hint
        if self.errors:
            document["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in self.errors]
        return document


class BadRequest(ClewError):
    """The request could not be read."""

    status = 400
    code = "malformed"
    title = "The request could not be read"


class UnknownFilter(BadRequest):
    """A filter name or value that does not exist. The hint lists those that do."""

    code = "unknown_filter"
    title = "There is no such filter"


class NotSignedIn(ClewError):
    """No key or session, or one that is not ours."""

    status = 401
    code = "not_signed_in"
    title = "A key is needed"


class SignatureRefused(NotSignedIn):
    """A webhook whose signature does not hold."""

    code = "signature_refused"
    title = "The signature was refused"


class NotAllowed(ClewError):
    """Known, but without the right."""

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class NotFound(ClewError):
    """There is no such thing here."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(ClewError):
    """It stands against what is there."""

    status = 409
    code = "conflict"
    title = "This stands against what is there"


class TooLarge(ClewError):
    """More bytes than are taken."""

    status = 413
    code = "too_large"
    title = "The body is too large"


class UnsupportedMediaType(ClewError):
    """A content type or encoding that is not taken here."""

    status = 415
    code = "unsupported_media_type"
    title = "This content type is not taken here"


class Invalid(ClewError):
    """Well-formed but wrong. `errors` says where."""

    status = 422
    code = "invalid"
    title = "The request is well-formed but wrong"


class KeyReused(Invalid):
    """An Idempotency-Key that came before with another body."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key was used with another body"


class TooMany(ClewError):
    """Limited."""

    status = 429
    code = "too_many"
    title = "Too many requests"


class Unavailable(ClewError):
    """A part is not working now."""

    status = 503
    code = "unavailable"
    title = "A part of Clew is not working now"

    def __init__(self, detail: str, *, hint: str = "", retry_after_s: int = 5) -> None:
        super().__init__(detail, hint=hint, retry_after_s=retry_after_s)


class JournalBusy(Unavailable):
    """More is waiting to be written than memory may hold."""

    code = "journal_busy"
    title = "The journal is busy"


class JournalFull(Unavailable):
    """The journal's disk is full. Reading goes on."""

    code = "journal_full"
    title = "The journal's disk is full"


class Unexpected(ClewError):
    """A mistake of ours. The server's log has the details."""


class SettingsError(ClewError):
    """The server cannot start with these settings. Names the setting."""

    code = "settings"
    title = "The settings are wrong"


class DataDirInUse(ClewError):
    """Another process owns the data directory."""

    code = "data_dir_in_use"
    title = "The data directory is in use"
