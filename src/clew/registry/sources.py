"""Sources: the places events come from, each with a door of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.core.errors import FieldError
from clew.registry.checks import check_key, refuse
from clew.registry.declared import archive_row, declare_rows
from clew.state.database import Database
from clew.state.snapshot import Snapshot
from clew.state.tables import products, sources

SourceKind = Literal["webhook"]
KINDS: tuple[str, ...] = ("webhook",)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A place where events of a product come from.

    `definition` is its declaration as JSON, to be shown: how it verifies, where it finds event, customer and keys. It
    names secrets and never holds one. `declared`: code declares it now; only then can it take anything in.
    `archived_at` is when it was taken out of use (ms).
    """

    workspace: str
    key: str
    product: str
    kind: SourceKind
    definition: dict[str, Any] = {}
    declared: bool = False
    archived_at: int | None = None

    @property
    def path(self) -> str:
        """Where a webhook is sent to."""
        return f"/webhooks/in/{self.key}"


class DeclaredSource(Protocol):
    """What is asked of a source that code declares: a struct with these fields and more, which are shown as JSON."""

    @property
    def key(self) -> str:
        """What it is called in URLs."""

    @property
    def product(self) -> str:
        """The key of its product."""

    @property
    def kind(self) -> str:
        """How its events come: `webhook`."""


class Sources:
    """The sources of every workspace, answered from memory. They are declared in code and nowhere else."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rows = Snapshot(database, clock, sources.name, _load)

    def list(self, workspace: str, *, archived: bool = False) -> tuple[Source, ...]:
        """The workspace's sources by key; with `archived` also those out of use."""
        rows = (source for source in self._rows.value().values() if source.workspace == workspace)
        return tuple(sorted((row for row in rows if archived or row.archived_at is None), key=lambda row: row.key))

    def find(self, workspace: str, key: str, *, archived: bool = False) -> Source | None:
        """The source, or None; with `archived` also one out of use."""
        source = self._rows.value().get((workspace, key))
        return source if source and (archived or source.archived_at is None) else None

    def archive(self, workspace: str, key: str, by: str = "") -> Source:
        """Take a source out of use that is no longer declared.

        Raises `NotFound` where there is none, `Conflict` for one that code declares.
        """
        with self._database.write(sources.name) as connection:
            archive_row(connection, sources, workspace, key, by=by, now_ms=self._clock.now_ms())
        return self._rows.refresh()[workspace, key]

    def declare(self, connection: sa.Connection, workspace: str, declared: Sequence[DeclaredSource]) -> None:
        """Make these the declared sources, in a transaction that announces `sources`.

        Their products must be there by then. Raises `Invalid` for a wrong key or kind, and for one of a product that
        is not there.
        """
        of_workspace = sa.select(products.c.key).where(products.c.workspace == workspace)
        known = frozenset(connection.scalars(of_workspace))
        for source in declared:
            refuse(f"The source {source.key[:120]!r}", _check_product(source.product, known))
        rows = [_row(source) for source in declared]
        declare_rows(self._database, connection, sources, workspace=workspace, rows=rows, now_ms=self._clock.now_ms())

    def refresh(self) -> None:
        """See what was changed since."""
        self._rows.refresh()


def _check_product(product: str, known: frozenset[str]) -> FieldError | None:
    if product in known:
        return None
    return FieldError("/product", f"There is no product {product[:120]!r}. Declare it beside the source.")


def _row(source: DeclaredSource) -> dict[str, str]:
    wrong = FieldError("/kind", f"{source.kind[:40]!r} is no kind of source. It is one of: {', '.join(KINDS)}.")
    refuse(f"The source {source.key[:120]!r}", check_key(source.key), None if source.kind in KINDS else wrong)
    definition = msgspec.json.encode(source).decode()
    return {"key": source.key, "product": source.product, "kind": source.kind, "definition": definition}


def _load(connection: sa.Connection) -> dict[tuple[str, str], Source]:
    columns = [sources.c[name] for name in Source.__struct_fields__]
    found = {}
    for row in connection.execute(sa.select(*columns)).mappings():
        values = {**row, "definition": msgspec.json.decode(row["definition"])}
        found[row["workspace"], row["key"]] = Source(**values)
    return found
