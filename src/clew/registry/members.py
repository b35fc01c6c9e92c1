"""Members: the people who sign in."""

from __future__ import annotations

import base64
import re
import secrets
import threading
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy.exc import IntegrityError

from clew.core.clock import Clock
from clew.core.errors import Conflict, FieldError, NotFound, NotSignedIn
from clew.core.ids import new_id
from clew.registry.audit import write_entry
from clew.registry.checks import refuse
from clew.registry.throttle import Throttle
from clew.state.database import Database
from clew.state.tables import members, sessions

Role = Literal["admin", "support", "viewer"]
ROLES: tuple[Role, ...] = ("admin", "support", "viewer")

MIN_PASSWORD = 10
MAX_PASSWORD = 200
MAX_EMAIL = 254
"""What SMTP can carry (RFC 5321)."""
HASHES_AT_ONCE = 2
"""Each takes 64 MiB and a core for a tenth of a second: a flood of sign-ins must not take the machine."""

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f\"(),:;<>\[\]\\]{1,64}@[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)*\Z")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who signs in with an e-mail and a password. Times are ms; `archived_at`: may not sign in since.

    `admin` may do everything, `support` looks and repairs, `viewer` looks.
    """

    id: str
    workspace: str
    email: str
    role: Role
    created_at: int
    archived_at: int | None = None


class Members:
    """The members of every workspace. An e-mail belongs to one member of the whole installation.

    What hashes a password (`create`, `set_password`, `verify`) takes a tenth of a second or more: call it in a thread.
    """

    def __init__(self, database: Database, clock: Clock, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._clock = clock
        self._hasher = hasher or PasswordHasher()
        self._unknown_hash = _hash_of_nothing(self._hasher)
        self._hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._throttle = Throttle(clock)

    def create(self, workspace: str, email: str, password: str, role: Role, *, by: str = "") -> Member:
        """A new member. `by` is who makes them one.

        Raises `Invalid` for a wrong e-mail, password (10 to 200 characters) or role, `Conflict` for an e-mail that a
        member has.
        """
        member, password_hash = self.prepare(workspace, email, password, role)
        with self._database.write() as connection:
            self.insert(connection, member, password_hash, by)
        return member

    def prepare(self, workspace: str, email: str, password: str, role: Role) -> tuple[Member, str]:
        """A member that is not yet written, checked, and the hash of its password: the slow half of `create`.

        Raises `Invalid` as `create` does.
        """
        address = normalize_email(email)
        wrong_role = FieldError("/role", f"{role[:40]!r} is no role. There are: {', '.join(ROLES)}.")
        refuse("The member", check_email(address), check_password(password), None if role in ROLES else wrong_role)
        now_ms = self._clock.now_ms()
        member = Member(id=new_id(now_ms), workspace=workspace, email=address, role=role, created_at=now_ms)
        return member, self._hash(password)

    def insert(self, connection: sa.Connection, member: Member, password_hash: str, by: str) -> None:
        """Write a prepared member, in a transaction of the caller. Raises `Conflict` for an e-mail that is taken."""
        row = {**msgspec.structs.asdict(member), "password_hash": password_hash}
        try:
            connection.execute(sa.insert(members).values(**row))
        except IntegrityError as error:
            raise Conflict(f"There is a member with the e-mail {member.email!r} already.") from error
        after = {"role": member.role}
        note_member(connection, member, "created", by, at_ms=member.created_at, before={}, after=after)

    def verify(self, email: str, password: str) -> Member:
        """The member who signs in so. It takes as long for an e-mail that nobody has.

        After 5 failures of an e-mail it raises `TooMany` with `retry_after_s`, whatever the password. Otherwise
        `NotSignedIn`, which does not say whether e-mail or password was wrong.
        """
        address = normalize_email(email)[: MAX_EMAIL + 1]
        self._throttle.begin(address)
        found = self._find_hash(address)
        if not self._matches(found[1] if found else self._unknown_hash, password) or found is None:
            raise NotSignedIn("E-mail or password is wrong.", hint="An administrator can make you a sign-in link.")
        self._throttle.succeed(address)
        member, password_hash = found
        if self._hasher.check_needs_rehash(password_hash):
            self._write_hash(member.id, self._hash(password), password_hash)
        return member

    def list(self, workspace: str, *, archived: bool = False) -> tuple[Member, ...]:
        """The workspace's members by e-mail; with `archived` also those who may not sign in any more."""
        query = _select().where(members.c.workspace == workspace)
        if not archived:
            query = query.where(members.c.archived_at.is_(None))
        with self._database.read() as connection:
            return tuple(Member(**row) for row in connection.execute(query.order_by(members.c.email)).mappings())

    def find(self, member_id: str) -> Member | None:
        """The member of this id, archived or not, or None."""
        with self._database.read() as connection:
            return find_member(connection, member_id)

    def has_any(self, workspace: str) -> bool:
        """Whether anyone may sign in. Where nobody may, the first start's link makes the first member."""
        with self._database.read() as connection:
            return has_members(connection, workspace)

    def set_password(self, member_id: str, password: str, by: str = "") -> None:
        """Give the member another password and end all their sessions.

        Raises `NotFound` where there is no such member, `Invalid` for a password that is too short or too long.
        """
        refuse("The password", check_password(password))
        password_hash = self._hash(password)
        with self._database.write() as connection:
            member = self._change(connection, member_id, {"password_hash": password_hash})
            note_member(connection, member, "password changed", by, at_ms=self._clock.now_ms())
            connection.execute(sa.delete(sessions).where(sessions.c.member_id == member_id))

    def set_role(self, member_id: str, role: Role, by: str = "") -> Member:
        """Give the member another role, from the next request on.

        Raises `NotFound`, `Invalid` for an unknown role, `Conflict` where nobody would be left with role admin.
        """
        wrong_role = FieldError("/role", f"{role[:40]!r} is no role. There are: {', '.join(ROLES)}.")
        refuse("The member", None if role in ROLES else wrong_role)
        with self._database.write() as connection:
            if role != "admin":
                _refuse_last_admin(connection, member_id)
            before = find_member(connection, member_id)
            member = self._change(connection, member_id, {"role": role})
            assert before is not None
            roles = {"before": {"role": before.role}, "after": {"role": role}}
            note_member(connection, member, "changed", by, at_ms=self._clock.now_ms(), **roles)
            return member

    def archive(self, member_id: str, by: str = "") -> Member:
        """Let the member sign in no more, and end all their sessions. Their e-mail is free again.

        Raises `NotFound`, also for one archived before, and `Conflict` for the last one with role admin.
        """
        with self._database.write() as connection:
            _refuse_last_admin(connection, member_id)
            connection.execute(sa.delete(sessions).where(sessions.c.member_id == member_id))
            now_ms = self._clock.now_ms()
            member = self._change(connection, member_id, {"archived_at": now_ms})
            note_member(connection, member, "archived", by, at_ms=now_ms)
            return member

    def _change(self, connection: sa.Connection, member_id: str, values: dict[str, str | int]) -> Member:
        in_use = (members.c.id == member_id, members.c.archived_at.is_(None))
        if connection.execute(sa.update(members).where(*in_use).values(**values)).rowcount == 0:
            raise NotFound(f"There is no member {member_id[:120]!r}.")
        member = find_member(connection, member_id)
        assert member is not None
        return member

    def _find_hash(self, address: str) -> tuple[Member, str] | None:
        query = _select().add_columns(members.c.password_hash)
        with self._database.read() as connection:
            in_use = query.where(members.c.email == address, members.c.archived_at.is_(None))
            row = connection.execute(in_use).mappings().first()
        if row is None:
            return None
        values = dict(row)
        password_hash = values.pop("password_hash")
        return Member(**values), password_hash

    def _write_hash(self, member_id: str, password_hash: str, instead_of: str) -> None:
        # Only instead of the hash that was verified: a password set in the meantime stays.
        unchanged = (members.c.id == member_id, members.c.password_hash == instead_of)
        with self._database.write() as connection:
            connection.execute(sa.update(members).where(*unchanged).values(password_hash=password_hash))

    def _hash(self, password: str) -> str:
        with self._hashing:
            return self._hasher.hash(_password_bytes(password))

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            with self._hashing:
                return self._hasher.verify(password_hash, _password_bytes(password))
        except VerificationError:
            return False


def find_member(connection: sa.Connection, member_id: str) -> Member | None:
    """The member of this id, archived or not, or None."""
    row = connection.execute(_select().where(members.c.id == member_id)).mappings().first()
    return Member(**row) if row else None


def note_member(
    connection: sa.Connection,
    member: Member,
    action: str,
    by: str,
    *,
    at_ms: int,
    before: Mapping[str, str] | None = None,
    after: Mapping[str, str] | None = None,
) -> None:
    """Write who changed a member, in the transaction of the change."""
    write_entry(
        connection,
        member.workspace,
        actor=by,
        action=action,
        subject_kind="member",
        subject=member.email,
        before=before,
        after=after,
        at_ms=at_ms,
    )


def has_members(connection: sa.Connection, workspace: str) -> bool:
    """Whether anyone of the workspace may sign in."""
    in_use = sa.select(members.c.id).where(members.c.workspace == workspace, members.c.archived_at.is_(None))
    return connection.execute(in_use.limit(1)).first() is not None


def normalize_email(email: str) -> str:
    """The one form of an e-mail address that is stored and compared: composed, lower case, without spaces around."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower()).strip()


def check_email(address: str) -> FieldError | None:
    """What is wrong with a normalised address, or None. It says nothing about whether mail would arrive."""
    if len(address) <= MAX_EMAIL and _EMAIL.match(address):
        return None
    return FieldError("/email", f"{address[:MAX_EMAIL]!r} is no e-mail address. It is like ada@example.com.")


def check_password(password: str) -> FieldError | None:
    """What is wrong with a new password, or None. Its length is all that is asked: rules make people predictable."""
    if MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return None
    return FieldError("/password", f"It has {len(password)} characters; it needs {MIN_PASSWORD} to {MAX_PASSWORD}.")


def _password_bytes(password: str) -> bytes:
    # NFC, as RFC 8265 asks: the same letters typed on another system must be the same password.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """A hash that no password has and that takes as long to verify as a real one."""
    salt = base64.b64encode(secrets.token_bytes(hasher.salt_len)).decode().rstrip("=")
    digest = base64.b64encode(secrets.token_bytes(hasher.hash_len)).decode().rstrip("=")
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _refuse_last_admin(connection: sa.Connection, member_id: str) -> None:
    member = find_member(connection, member_id)
    if member is None or member.role != "admin" or member.archived_at is not None:
        return
    others = sa.select(members.c.id).where(
        members.c.workspace == member.workspace,
        members.c.role == "admin",
        members.c.archived_at.is_(None),
        members.c.id != member_id,
    )
    if connection.execute(others.limit(1)).first() is None:
        raise Conflict(f"{member.email} is the only one with role admin.", hint="Give another member that role first.")


def _select() -> sa.Select[tuple[Any, ...]]:
    return sa.select(*(members.c[name] for name in Member.__struct_fields__))
