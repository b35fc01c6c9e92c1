"""Cursors: a place in a list as text a client gives back. Opaque, versioned, safe in a URL, bound to filters and sort.

42 bytes in base64url: version, direction, time, id, what it is bound to, and a keyed check over all of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import uuid

import msgspec

from clew.core.errors import BadRequest
from clew.log.query import Place

VERSION = 1
_FORM = struct.Struct(">BBq16s8s")
_CHECK_BYTES = 8
_TEXT_LENGTH = (_FORM.size + _CHECK_BYTES) * 4 // 3
_HINT = "Leave `cursor` out to begin at the first page, then follow `next` and `prev` as they are answered."


class Cursor(msgspec.Struct, frozen=True):
    """A place and the direction in which the page lies from there."""

    place: Place
    backward: bool = False


class CursorCodec:
    """Cursors as text and back. `secret` is the server's: what another server made is refused."""

    def __init__(self, secret: bytes = b"") -> None:
        self._key = hashlib.blake2b(secret, digest_size=32, person=b"clew cursor").digest()

    def encode(self, cursor: Cursor, binding: bytes) -> str:
        """The text. `binding` is 8 bytes that stand for filters and sort."""
        body = _FORM.pack(VERSION, cursor.backward, cursor.place.time, uuid.UUID(cursor.place.id).bytes, binding)
        return base64.urlsafe_b64encode(body + self._check(body)).decode()

    def decode(self, text: str, binding: bytes) -> Cursor:
        """The cursor of a text.

        Raises `BadRequest` where it is no cursor, was changed, is of another version or belongs to other filters.
        """
        data = _bytes_of(text)
        if data[0] != VERSION:
            raise BadRequest(
                f"The cursor is of version {data[0]}, this server reads version {VERSION}.",
                hint=f"It is from before an upgrade. {_HINT}",
            )
        body, check = data[: _FORM.size], data[_FORM.size :]
        if not hmac.compare_digest(check, self._check(body)):
            raise BadRequest("The cursor was changed, or another server made it.", hint=_HINT)
        _, backward, time_ms, record_id, bound_to = _FORM.unpack(body)
        if bound_to != binding:
            raise BadRequest(
                "The cursor belongs to other filters or another sort.",
                hint=f"Ask with the filters and the sort it was answered for. {_HINT}",
            )
        return Cursor(Place(time_ms, str(uuid.UUID(bytes=record_id))), backward=bool(backward))

    def _check(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=_CHECK_BYTES, key=self._key).digest()


def _bytes_of(text: str) -> bytes:
    try:
        data = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(text) != _TEXT_LENGTH or len(data) != _FORM.size + _CHECK_BYTES:
        raise BadRequest(f"cursor={text[:80]!r} is no cursor.", hint=_HINT)
    return data
