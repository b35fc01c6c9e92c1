"""How people get in and stay in: one-time sign-in links, and sessions.

Both are random tokens of 256 bits, stored as SHA-256 only: who reads the database cannot sign in with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from clew.core.clock import DAY_MS, HOUR_MS, Clock, to_rfc3339
from clew.core.errors import Conflict, NotFound
from clew.registry.members import Member, Members, find_member, has_members, note_member
from clew.state.database import Database
from clew.state.tables import members, sessions, sign_in_links

LINK_MS = DAY_MS
SESSION_MS = 14 * DAY_MS
SLIDE_MS = HOUR_MS
"""A session in use is prolonged when this much of it is gone: once an hour, and not a write for each page."""

_NEW_LINK = "Ask an administrator for a new one; while nobody can sign in yet, a start of the server prints one."


class SignInLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that lets in once. Times are ms.

    Without a `member_id` it lets the first member in, who then chooses e-mail and password.
    """

    workspace: str
    member_id: str | None
    created_at: int
    expires_at: int
    used_at: int | None = None

    @property
    def purpose(self) -> Literal["first", "member"]:
        """`first`: to make the first member; `member`: to sign a member in."""
        return "first" if self.member_id is None else "member"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Someone signed in, until `expires_at` (ms) or the end of the session.

    `csrf_token` goes into every form of the session.
    """

    member: Member
    csrf_token: str
    started_at: int
    expires_at: int

    def accepts(self, csrf_token: str) -> bool:
        """Whether a form came from a page of this session. Compared in constant time."""
        return hmac.compare_digest(self.csrf_token.encode(), csrf_token.encode("utf-8", "surrogatepass"))


class SignInLinks:
    """The one-time links of every workspace. They last 24 hours."""

    def __init__(self, database: Database, clock: Clock, members: Members) -> None:
        self._database = database
        self._clock = clock
        self._members = members

    def create(self, workspace: str, member_id: str | None = None, *, by: str = "") -> str:
        """A token for a new link: for this member, or without one for the first member, who will be an admin.

        That a link for a member was made is written down, with who made it (`by`).

        Raises `NotFound` where there is no such member, `Conflict` for a first link where there are members.
        """
        token = secrets.token_urlsafe(32)
        now_ms = self._clock.now_ms()
        row = {"workspace": workspace, "member_id": member_id, "created_at": now_ms, "expires_at": now_ms + LINK_MS}
        with self._database.write() as connection:
            if member_id is None and has_members(connection, workspace):
                raise Conflict("There are members already.", hint="Make a link for one of them.")
            member = find_member(connection, member_id) if member_id else None
            if member_id and (member is None or member.archived_at is not None or member.workspace != workspace):
                raise NotFound(f"There is no member {member_id[:120]!r}.")
            connection.execute(sa.insert(sign_in_links).values(token_hash=_hash(token), **row))
            if member:
                note_member(connection, member, "sign-in link made", by, at_ms=now_ms)
        return token

    def peek(self, token: str) -> SignInLink:
        """The link, unused: for the page that asks whether to sign in.

        Raises `NotFound` for a link that does not exist, was used, is expired, is for a member who is archived, or is
        for the first member when there is one. The detail says which.
        """
        with self._database.read() as connection:
            return self._find(connection, token)

    def use(self, token: str) -> SignInLink:
        """Use the link up. Of several who try at once, one succeeds. Raises `NotFound` as `peek` does."""
        with self._database.write() as connection:
            return self._use(connection, token)

    def claim_first(self, token: str, email: str, password: str) -> Member:
        """Use a first link up and make the first member, an admin: both or nothing.

        Takes a tenth of a second or more, for the hash. Raises `NotFound` as `peek` does, also for a link of another
        purpose, and `Invalid` for a wrong e-mail or password, after which the link still works.
        """
        link = self.peek(token)
        member, password_hash = self._members.prepare(link.workspace, email, password, "admin")
        with self._database.write() as connection:
            if self._use(connection, token).purpose != "first":
                raise NotFound("This sign-in link is for a member who exists.", hint="Sign in with it instead.")
            self._members.insert(connection, member, password_hash, by=member.email)
        return member

    def _use(self, connection: sa.Connection, token: str) -> SignInLink:
        link = self._find(connection, token)
        now_ms = self._clock.now_ms()
        unused = (sign_in_links.c.token_hash == _hash(token), sign_in_links.c.used_at.is_(None))
        if connection.execute(sa.update(sign_in_links).where(*unused).values(used_at=now_ms)).rowcount == 0:
            # Where writers do not take turns, another may have come in between.
            raise NotFound("This sign-in link was used already.", hint=_NEW_LINK)
        return msgspec.structs.replace(link, used_at=now_ms)

    def _find(self, connection: sa.Connection, token: str) -> SignInLink:
        columns = (sign_in_links.c[name] for name in SignInLink.__struct_fields__)
        query = sa.select(*columns).where(sign_in_links.c.token_hash == _hash(token))
        row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound("There is no such sign-in link.", hint="Check that it was copied whole. " + _NEW_LINK)
        link = SignInLink(**row)
        if link.used_at is not None:
            raise NotFound(f"This sign-in link was used already, at {to_rfc3339(link.used_at)}.", hint=_NEW_LINK)
        if link.expires_at <= self._clock.now_ms():
            raise NotFound(f"This sign-in link expired at {to_rfc3339(link.expires_at)}.", hint=_NEW_LINK)
        _refuse_stranded(connection, link)
        return link


class Sessions:
    """Who is signed in. A session lasts 14 days from its last use."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start(self, member: Member) -> tuple[str, Session]:
        """Sign the member in. The token goes into the cookie and is kept nowhere else.

        Raises `NotFound` where the member may not sign in any more.
        """
        token = secrets.token_urlsafe(32)
        now_ms = self._clock.now_ms()
        row = {"token_hash": _hash(token), "started_at": now_ms, "expires_at": now_ms + SESSION_MS}
        with self._database.write() as connection:
            present = find_member(connection, member.id)
            if present is None or present.archived_at is not None:
                raise NotFound(f"There is no member {member.id[:120]!r}.")
            connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= now_ms))
            connection.execute(sa.insert(sessions).values(member_id=member.id, **row))
        return token, _session(token, present, now_ms, now_ms + SESSION_MS)

    def find(self, token: str) -> Session | None:
        """The session of a cookie, with the member as they are now, or None where it ended, expired, or never was.

        A use prolongs it, at most once an hour.
        """
        now_ms = self._clock.now_ms()
        with self._database.read() as connection:
            row = connection.execute(_joined().where(sessions.c.token_hash == _hash(token))).mappings().first()
        if row is None or row["expires_at"] <= now_ms or row["archived_at"] is not None:
            return None
        values = dict(row)
        started_at, expires_at = values.pop("started_at"), values.pop("expires_at")
        if expires_at - now_ms <= SESSION_MS - SLIDE_MS:
            expires_at = self._prolong(token, now_ms)
        return _session(token, Member(**values), started_at, expires_at)

    def end(self, token: str) -> None:
        """Sign out. Ending a session that is not there changes nothing."""
        with self._database.write() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.token_hash == _hash(token)))

    def end_all(self, member_id: str) -> None:
        """Sign the member out everywhere."""
        with self._database.write() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.member_id == member_id))

    def _prolong(self, token: str, now_ms: int) -> int:
        expires_at = now_ms + SESSION_MS
        with self._database.write() as connection:
            mine = sa.update(sessions).where(sessions.c.token_hash == _hash(token))
            connection.execute(mine.values(expires_at=expires_at))
        return expires_at


def _refuse_stranded(connection: sa.Connection, link: SignInLink) -> None:
    """Raise `NotFound` for a link whose purpose is gone."""
    if link.member_id is None:
        # An old first link must not make an admin of whoever finds it.
        if has_members(connection, link.workspace):
            raise NotFound("This sign-in link was for the first member, and there is one already.", hint=_NEW_LINK)
        return
    member = find_member(connection, link.member_id)
    if member is None or member.archived_at is not None:
        raise NotFound("This sign-in link is for a member who may not sign in any more.", hint=_NEW_LINK)


def _session(token: str, member: Member, started_at: int, expires_at: int) -> Session:
    return Session(member=member, csrf_token=_csrf_token(token), started_at=started_at, expires_at=expires_at)


def _csrf_token(token: str) -> str:
    # Made of the session's own token, so it needs no place and no key, and whoever sees it learns nothing of that.
    return hmac.new(token.encode("utf-8", "surrogatepass"), b"clew csrf", hashlib.sha256).hexdigest()


def _hash(token: str) -> bytes:
    # 256 random bits need no slow hash; see `keys.py`.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _joined() -> sa.Select[tuple[Any, ...]]:
    columns = (members.c[name] for name in Member.__struct_fields__)
    both = sessions.join(members, sessions.c.member_id == members.c.id)
    return sa.select(*columns, sessions.c.started_at, sessions.c.expires_at).select_from(both)
