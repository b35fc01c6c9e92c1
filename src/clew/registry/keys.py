"""API keys: who a program is, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from clew.core.clock import MINUTE_MS, Clock
from clew.core.errors import FieldError, NotFound, Unavailable
from clew.core.ids import new_id
from clew.registry.audit import write_entry
from clew.registry.checks import check_title, refuse
from clew.state.database import Database
from clew.state.snapshot import Snapshot
from clew.state.tables import api_keys

Scope = Literal["ingest", "read", "operate", "admin"]
SCOPES: tuple[Scope, ...] = ("ingest", "read", "operate", "admin")

PREFIX = "clew_"
SHOWN = len(PREFIX) + 6
"""How much of a key is kept as text, to tell keys apart by: 36 of its 240 bits."""
MISS_AGE_MS = 100
"""How old the answer "there is no such key" may be. It bounds what wrong keys cost, however many are tried."""

LOCAL = "local"
"""The id of the key that `Keys.make_local` makes."""

_log = logging.getLogger(__name__)


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its text: `prefix` is how that begins. Times are ms.

    `customer`: the key reads this customer's records and nothing else; empty: it is not confined.
    `last_used_at` is right within a minute. `archived_at` is when it was revoked.
    """

    id: str
    workspace: str
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    customer: str = ""
    created_at: int
    last_used_at: int | None = None
    archived_at: int | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling by a key, and what they may do. Ask `has`, not `scopes`: `admin` has every scope.

    A principal with a `customer` may see that customer's records alone. `prefix` is how the key begins.
    """

    workspace: str
    scopes: frozenset[Scope]
    key_id: str
    name: str
    customer: str = ""
    prefix: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is a command on the server's own machine, which may read and write what the server may."""
        return self.key_id == LOCAL

    @property
    def actor(self) -> str:
        """Who it is, in Configuration Activity: the key's name and how it begins."""
        return f"{self.name} ({self.prefix}...)" if self.prefix else self.name

    def has(self, scope: Scope) -> bool:
        """Whether the caller may do what this scope stands for."""
        return scope in self.scopes or "admin" in self.scopes


class Keys:
    """The keys of every workspace, and the admin key of the settings, which belongs to `workspace`."""

    def __init__(self, database: Database, clock: Clock, admin_key: str = "", workspace: str = "default") -> None:
        self._database = database
        self._clock = clock
        self._by_hash = Snapshot(database, clock, api_keys.name, _load_principals)
        self._admin_hash = _hash(admin_key) if admin_key else b""
        self._admin = Principal(
            workspace=workspace, scopes=frozenset(SCOPES), key_id="settings", name="the admin key of the settings"
        )
        self._local_hash = b""
        self._local = Principal(workspace=workspace, scopes=frozenset(SCOPES), key_id=LOCAL, name="the clew command")
        self._noted: dict[str, int] = {}
        self._noting = threading.Lock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clew-key-use")

    def create(
        self, workspace: str, name: str, scopes: Iterable[str], customer: str = "", *, by: str = ""
    ) -> tuple[Key, str]:
        """A new key and its text, `clew_` and 40 characters, which is kept nowhere: show it once. `by` is who makes it.

        Raises `Invalid` for an empty or long name, for no or unknown scopes, and for a customer's key that may do more
        than read.
        """
        wanted = frozenset(scopes)
        refuse("The key", check_title(name, "/name", least=1), _check_scopes(wanted, customer))
        text = PREFIX + secrets.token_urlsafe(30)
        now_ms = self._clock.now_ms()
        key = Key(
            id=new_id(now_ms),
            workspace=workspace,
            name=name.strip(),
            prefix=text[:SHOWN],
            scopes=tuple(scope for scope in SCOPES if scope in wanted),
            customer=customer,
            created_at=now_ms,
        )
        with self._database.write(api_keys.name) as connection:
            row = {**msgspec.structs.asdict(key), "scopes": " ".join(key.scopes), "hash": _hash(text)}
            connection.execute(sa.insert(api_keys).values(**row))
            _note(connection, key, "created", by, now_ms)
        self._by_hash.refresh()
        return key, text

    def make_local(self) -> str:
        """A key with every scope that is kept nowhere and ends with this process, for commands on the same machine."""
        text = PREFIX + secrets.token_urlsafe(30)
        self._local_hash = _hash(text)
        return text

    def authenticate(self, text: str) -> Principal | None:
        """Who has this key, or None. A dictionary look-up; the time it takes says nothing about other keys.

        A key made by another process is seen at the latest `MISS_AGE_MS` later, a revoked one refused at the latest
        one second (`Snapshot`) later. Raises `Unavailable` where the database does not answer.
        """
        digest = _hash(text)
        principal = self._by_hash.value().get(digest)
        if principal is None:
            if hmac.compare_digest(digest, self._admin_hash):
                return self._admin
            if hmac.compare_digest(digest, self._local_hash):
                return self._local
            principal = self._by_hash.value(MISS_AGE_MS).get(digest)
        if principal is not None:
            self._note_use(principal.key_id)
        return principal

    def list(self, workspace: str, *, archived: bool = False) -> tuple[Key, ...]:
        """The workspace's keys, newest first; with `archived` also the revoked ones."""
        query = _select().where(api_keys.c.workspace == workspace)
        if not archived:
            query = query.where(api_keys.c.archived_at.is_(None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(api_keys.c.id.desc())).mappings()
            return tuple(_key(row) for row in rows)

    def find(self, workspace: str, key_id: str) -> Key | None:
        """The key of this id, revoked or not, or None."""
        with self._database.read() as connection:
            query = _select().where(api_keys.c.workspace == workspace, api_keys.c.id == key_id)
            row = connection.execute(query).mappings().first()
        return _key(row) if row else None

    def archive(self, workspace: str, key_id: str, by: str = "") -> Key:
        """Revoke the key, for ever. Revoking it again changes nothing. Raises `NotFound` where there is none."""
        at = (api_keys.c.workspace == workspace, api_keys.c.id == key_id)
        now_ms = self._clock.now_ms()
        with self._database.write(api_keys.name) as connection:
            in_use = sa.update(api_keys).where(*at, api_keys.c.archived_at.is_(None))
            is_revoked = connection.execute(in_use.values(archived_at=now_ms)).rowcount > 0
            row = connection.execute(_select().where(*at)).mappings().first()
            if row is None:
                raise NotFound(f"There is no key {key_id[:120]!r}.")
            key = _key(row)
            if is_revoked:
                _note(connection, key, "revoked", by, now_ms)
        self._by_hash.refresh()
        return key

    def close(self) -> None:
        """Write the uses that wait. Closing twice changes nothing."""
        self._writer.shutdown(wait=True)

    def _note_use(self, key_id: str) -> None:
        now_ms = self._clock.now_ms()
        if now_ms - self._noted.get(key_id, 0) < MINUTE_MS:
            return
        with self._noting:
            if now_ms - self._noted.get(key_id, 0) < MINUTE_MS:
                return
            self._noted[key_id] = now_ms
        # In a thread of its own: the caller may be the event loop, which must not wait for the disk.
        # After `close` it takes nothing more; who is still being answered then is let in all the same.
        with suppress(RuntimeError):
            self._writer.submit(self._write_use, key_id, now_ms)

    def _write_use(self, key_id: str, now_ms: int) -> None:
        last = api_keys.c.last_used_at
        newer = sa.update(api_keys).where(api_keys.c.id == key_id, last.is_(None) | (last < now_ms))
        try:
            with self._database.write() as connection:
                connection.execute(newer.values(last_used_at=now_ms))
        except Unavailable as error:
            # The next use after a minute tells it again; to refuse the request for it would be worse.
            _log.warning("The use of key %s was not noted: %s", key_id, error.detail)


def _note(connection: sa.Connection, key: Key, action: str, by: str, at_ms: int) -> None:
    """Write who made or revoked it. The subject is its id; what people know it by stands beside it."""
    known_by = {"name": key.name, "prefix": key.prefix, "scopes": key.scopes, "customer": key.customer}
    write_entry(
        connection,
        key.workspace,
        actor=by,
        action=action,
        subject_kind="key",
        subject=key.id,
        before=known_by if action == "revoked" else None,
        after=known_by if action == "created" else None,
        at_ms=at_ms,
    )


def _hash(text: str) -> bytes:
    # SHA-256 and not a slow hash: a key is 240 random bits, which no speed of guessing finds. Slow hashes make up for
    # what people choose. "surrogatepass": what is no text is no key of ours either, and no error.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _check_scopes(scopes: frozenset[str], customer: str) -> FieldError | None:
    unknown = sorted(scopes - set(SCOPES))
    if unknown or not scopes:
        given = f"{', '.join(unknown)[:120]!r} is no scope." if unknown else "A key needs a scope."
        return FieldError("/scopes", f"{given} There are: {', '.join(SCOPES)}.")
    if customer and scopes != {"read"}:
        return FieldError("/scopes", "A key for one customer may only read: its scope is read.")
    return None


def _select() -> sa.Select[tuple[Any, ...]]:
    return sa.select(*(api_keys.c[name] for name in Key.__struct_fields__))


def _key(row: sa.RowMapping) -> Key:
    values = {**row, "scopes": tuple(row["scopes"].split())}
    return Key(**values)


def _load_principals(connection: sa.Connection) -> dict[bytes, Principal]:
    columns = (api_keys.c[name] for name in ("hash", "workspace", "scopes", "id", "name", "customer", "prefix"))
    rows = connection.execute(sa.select(*columns).where(api_keys.c.archived_at.is_(None)))
    return {
        digest: Principal(
            workspace=workspace,
            scopes=frozenset(scopes.split()),
            key_id=key_id,
            name=name,
            customer=customer,
            prefix=prefix,
        )
        for digest, workspace, scopes, key_id, name, customer, prefix in rows
    }
