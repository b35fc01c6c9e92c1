"""Saved views: a page as somebody filtered it, under a name that everyone of the workspace sees."""

from __future__ import annotations

import re

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.core.errors import FieldError, NotFound
from clew.core.ids import new_id
from clew.registry.checks import check_title, refuse
from clew.state.database import Database
from clew.state.tables import views

MAX_PATH = 200
MAX_QUERY = 4_000
"""Characters of a query: browsers and proxies take lines of 8 KB, and a filter may be percent-encoded."""

_PATH = re.compile(r"/(?:[A-Za-z0-9._~%@:+-]+/?)*\Z")
_QUERY = re.compile(r"[!-~]*\Z")


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A page under a name: `path` and `query` (without `?`) are its URL.

    `created_at` is when it was saved last (ms), `created_by` by whom.
    """

    id: str
    workspace: str
    path: str
    name: str
    query: str
    created_by: str = ""
    created_at: int

    @property
    def href(self) -> str:
        """Where it is."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Views:
    """The saved views of every workspace."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def save(self, workspace: str, path: str, name: str, query: str, by: str = "") -> View:
        """Save a page under a name. A view of the same page and name is replaced and keeps its id. Blocks.

        Raises `Invalid` for an empty or long name, a path that is no page's, and a query that is not percent-encoded.
        """
        name, query = name.strip(), query.removeprefix("?")
        refuse("The view", check_title(name, "/name", least=1), _check_path(path), _check_query(query))
        now_ms = self._clock.now_ms()
        row = {
            "id": new_id(now_ms),
            "workspace": workspace,
            "path": path,
            "name": name,
            "query": query,
            "created_by": by,
            "created_at": now_ms,
        }
        here = (views.c.workspace == workspace, views.c.path == path, views.c.name == name)
        with self._database.write() as connection:
            self._database.insert_new(connection, views, [row])
            connection.execute(sa.update(views).where(*here).values(query=query, created_by=by, created_at=now_ms))
            return _view(connection.execute(sa.select(views).where(*here)).mappings().one())

    def list(self, workspace: str, path: str | None = None) -> tuple[View, ...]:
        """The workspace's views by path and name; with `path` those of one page. Blocks."""
        query = sa.select(views).where(views.c.workspace == workspace)
        if path is not None:
            query = query.where(views.c.path == path)
        with self._database.read() as connection:
            found = [_view(row) for row in connection.execute(query).mappings()]
        return tuple(sorted(found, key=lambda view: (view.path, view.name.lower(), view.name)))

    def find(self, workspace: str, view_id: str) -> View | None:
        """The view, or None. Blocks."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(views).where(*_at(workspace, view_id))).mappings().first()
        return _view(row) if row else None

    def delete(self, workspace: str, view_id: str) -> None:
        """Delete a view. Raises `NotFound` where there is none. Blocks."""
        with self._database.write() as connection:
            if connection.execute(sa.delete(views).where(*_at(workspace, view_id))).rowcount == 0:
                raise NotFound(f"There is no view {view_id[:120]!r}.")


def _at(workspace: str, view_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return views.c.workspace == workspace, views.c.id == view_id


def _view(row: sa.RowMapping) -> View:
    return View(**{name: row[name] for name in View.__struct_fields__})


def _check_path(path: str) -> FieldError | None:
    if len(path) <= MAX_PATH and _PATH.match(path):
        return None
    return FieldError("/path", f"{path[:120]!r} is no page of this server. It is like '/logs/integration-events'.")


def _check_query(query: str) -> FieldError | None:
    if len(query) > MAX_QUERY:
        return FieldError("/query", f"It has {len(query)} characters; it may have at most {MAX_QUERY}.")
    if not _QUERY.match(query) or "#" in query:
        return FieldError("/query", "It is no query of a URL: everything but visible ASCII is percent-encoded there.")
    return None
