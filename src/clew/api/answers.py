"""What requests with an Idempotency-Key were answered, kept so that only who asks again can read it.

An answer may hold what is told once, such as the text of a new key, so it is not kept in clear. It is sealed with what
only the asker brings and the server does not keep (the text of his key, his Idempotency-Key), and with the server's
own secret: neither the database nor a backup of it can be opened alone. No library of ciphers is needed for that: each
answer is combined with a pad of its own from SHAKE-256, which is used once, and signed with BLAKE2b.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading

import msgspec
import sqlalchemy as sa

from clew.core.clock import HOUR_MS, MINUTE_MS, Clock
from clew.core.errors import Conflict, KeyReused, Unavailable
from clew.core.ids import digest
from clew.state.database import Database
from clew.state.tables import answered_requests

log = logging.getLogger("clew.api")

_SALT_BYTES = 16
_MAC_BYTES = 16
_MAC_KEY_BYTES = 32


class Answer(msgspec.Struct, frozen=True):
    """An answer as it was sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is to be answered once. `bearer` is the text of the caller's key, `key_id` that key's id.

    `asked` is all that must be the same for it to be the same request.
    """

    workspace: str
    key_id: str
    bearer: str
    idempotency_key: str
    asked: bytes

    def place(self) -> bytes:
        """The key under which its answer is kept."""
        return digest("request", self.workspace, self.key_id, self.idempotency_key)


class Answers:
    """The answers that were given in the last `keep_hours`. Any thread may use it; its methods block.

    `secret` is the server's own.
    """

    def __init__(self, database: Database, clock: Clock, *, secret: bytes, keep_hours: int) -> None:
        self._database = database
        self._clock = clock
        self._secret = secret
        self._keep_ms = keep_hours * HOUR_MS
        self._lock = threading.Lock()
        self._open: set[bytes] = set()
        self._trimmed_ms = 0

    def begin(self, request: Request) -> Answer | None:
        """The first answer where there was one; else None, and the request is being answered until `end`.

        Raises `KeyReused` for another request under the same key, `Conflict` where the first is being answered, or
        was when the server ended, or cannot be read any more.
        """
        place = request.place()
        now_ms = self._clock.now_ms()
        with self._lock, self._database.write() as connection:
            self._trim(connection, now_ms)
            row = connection.execute(sa.select(answered_requests).where(answered_requests.c.key == place)).first()
            if row is None or row.created_at < now_ms - self._keep_ms:
                new = {"key": place, "fingerprint": request.asked, "answer": None, "created_at": now_ms}
                self._database.upsert(connection, answered_requests, [new], keep=frozenset())
                self._open.add(place)
                return None
            is_open = place in self._open
        if row.fingerprint != request.asked:
            raise KeyReused("This key came before with another request.", hint="A new request needs a new key.")
        if row.answer is None:
            raise _unanswered(is_open=is_open)
        return self._opened(request, row.answer)

    def end(self, request: Request, answer: Answer | None) -> None:
        """Keep the answer. None where nothing was done: then the request may come again, and another in its place."""
        place = request.place()
        where = answered_requests.c.key == place
        try:
            with self._database.write() as connection:
                if answer is None:
                    connection.execute(sa.delete(answered_requests).where(where))
                else:
                    sealed = self._sealed(request, msgspec.msgpack.encode(answer))
                    connection.execute(sa.update(answered_requests).where(where).values(answer=sealed))
        except Unavailable as error:  # what was asked for is done: that must be told all the same
            log.warning("the answer to a request with an Idempotency-Key was not kept: %s", error.detail)
        finally:
            self.leave(request)

    def leave(self, request: Request) -> None:
        """Stop answering it without knowing whether it was done."""
        with self._lock:
            self._open.discard(request.place())

    def _trim(self, connection: sa.Connection, now_ms: int) -> None:
        if now_ms - self._trimmed_ms < MINUTE_MS:
            return
        self._trimmed_ms = now_ms
        old = answered_requests.c.created_at < now_ms - self._keep_ms
        connection.execute(sa.delete(answered_requests).where(old))

    def _sealed(self, request: Request, text: bytes) -> bytes:
        salt = secrets.token_bytes(_SALT_BYTES)
        mac_key, pad = self._pad(request, salt, len(text))
        hidden = _xor(text, pad)
        return salt + _mac(mac_key, hidden) + hidden

    def _opened(self, request: Request, sealed: bytes) -> Answer:
        salt, mac, hidden = sealed[:_SALT_BYTES], sealed[_SALT_BYTES:][:_MAC_BYTES], sealed[_SALT_BYTES + _MAC_BYTES :]
        mac_key, pad = self._pad(request, salt, len(hidden))
        if not hmac.compare_digest(mac, _mac(mac_key, hidden)):
            raise Conflict(
                "The first request with this Idempotency-Key was answered, and its answer cannot be read any more.",
                hint="The server's secret was changed since. Look for what was made, and use a new key.",
            )
        return msgspec.msgpack.decode(_xor(hidden, pad), type=Answer)

    def _pad(self, request: Request, salt: bytes, size: int) -> tuple[bytes, bytes]:
        """A key to sign with, and a pad as long as the text."""
        source = hashlib.shake_256()
        for part in (b"clew answer", self._secret, request.bearer.encode(), request.idempotency_key.encode(), salt):
            source.update(len(part).to_bytes(4, "big") + part)
        stream = source.digest(_MAC_KEY_BYTES + size)
        return stream[:_MAC_KEY_BYTES], stream[_MAC_KEY_BYTES:]


def _unanswered(*, is_open: bool) -> Conflict:
    if is_open:
        return Conflict(
            "The first request with this Idempotency-Key is still being answered.",
            hint="Send it again in a moment.",
            retry_after_s=1,
        )
    return Conflict(
        "The first request with this Idempotency-Key was cut short: whether it was done is not known.",
        hint="Look whether what it asks for is there; where it is not, send it with a new key.",
    )


def _mac(key: bytes, text: bytes) -> bytes:
    return hashlib.blake2b(text, key=key, digest_size=_MAC_BYTES).digest()


def _xor(text: bytes, pad: bytes) -> bytes:
    return (int.from_bytes(text) ^ int.from_bytes(pad)).to_bytes(len(text))
