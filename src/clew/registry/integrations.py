"""Integrations: what flows between two products, and which way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.core.errors import FieldError
from clew.core.record import DIRECTIONS
from clew.registry.checks import check_key, check_title, refuse
from clew.registry.declared import archive_row, declare_rows, save_row
from clew.registry.products import Products
from clew.state.database import Database
from clew.state.snapshot import Snapshot
from clew.state.tables import integrations

Method = Literal["one-way", "two-way"]


class Integration(msgspec.Struct, frozen=True, kw_only=True):
    """What connects two products, both named by key. `direction` says whether the target also answers.

    `declared`: code declares it, and only code may change it. `archived_at` is when it was taken out of use (ms).
    """

    workspace: str
    key: str
    title: str = ""
    source_product: str
    target_product: str
    direction: Method
    declared: bool = False
    archived_at: int | None = None


class DeclaredIntegration(Protocol):
    """What is asked of an integration that code declares."""

    @property
    def key(self) -> str:
        """What it is called in filters and URLs."""

    @property
    def title(self) -> str:
        """What people call it; empty: the key."""

    @property
    def source_product(self) -> str:
        """The key of the product that it leads from."""

    @property
    def target_product(self) -> str:
        """The key of the product that it leads to."""

    @property
    def direction(self) -> str:
        """`one-way` or `two-way`."""


def method_sentence(direction: str, source_title: str, target_title: str) -> str:
    """How two products are connected, in words: `One-way: ERP -> Ship`, `Two-way: ERP <-> Ship`.

    Where no direction was said, the ends alone: `ERP -> Ship`.
    """
    arrow = "<->" if direction == "two-way" else "->"
    ends = f"{source_title} {arrow} {target_title}"
    return f"{direction.capitalize()}: {ends}" if direction else ends


class Integrations:
    """The integrations of every workspace, answered from memory."""

    def __init__(self, database: Database, clock: Clock, products: Products) -> None:
        self._database = database
        self._clock = clock
        self._products = products
        self._rows = Snapshot(database, clock, integrations.name, _load)

    def list(self, workspace: str, *, archived: bool = False) -> tuple[Integration, ...]:
        """The workspace's integrations by title; with `archived` also those out of use."""
        rows = (integration for integration in self._rows.value().values() if integration.workspace == workspace)
        return tuple(
            sorted((row for row in rows if archived or row.archived_at is None), key=lambda row: row.title.lower())
        )

    def find(self, workspace: str, key: str, *, archived: bool = False) -> Integration | None:
        """The integration, or None; with `archived` also one out of use."""
        integration = self._rows.value().get((workspace, key))
        return integration if integration and (archived or integration.archived_at is None) else None

    def title(self, workspace: str, key: str) -> str:
        """What people call the integration, also when it is archived. The key itself for one that is not known."""
        integration = self._rows.value().get((workspace, key))
        return integration.title if integration else key

    def sentence(self, integration: Integration) -> str:
        """How it connects its products, with their titles: `Two-way: ERP <-> Ship`."""
        source = self._products.title(integration.workspace, integration.source_product)
        target = self._products.title(integration.workspace, integration.target_product)
        return method_sentence(integration.direction, source, target)

    def save(self, integration: Integration, by: str = "") -> Integration:
        """Add or change an integration. An empty title becomes the key; an archived one is in use again.

        Raises `Invalid` for a wrong key, title or direction and for products that are not there, `Conflict` for one
        that code declares.
        """
        row = _row(integration)
        refuse(
            f"The integration {integration.key!r}",
            self._check_product(integration.workspace, integration.source_product, "/source_product"),
            self._check_product(integration.workspace, integration.target_product, "/target_product"),
        )
        with self._database.write(integrations.name) as connection:
            full = {**row, "workspace": integration.workspace}
            save_row(self._database, connection, integrations, full, by=by, now_ms=self._clock.now_ms())
        return self._rows.refresh()[integration.workspace, integration.key]

    def archive(self, workspace: str, key: str, by: str = "") -> Integration:
        """Take an integration out of use.

        Raises `NotFound` where there is none, `Conflict` for one that code declares.
        """
        with self._database.write(integrations.name) as connection:
            archive_row(connection, integrations, workspace, key, by=by, now_ms=self._clock.now_ms())
        return self._rows.refresh()[workspace, key]

    def declare(self, connection: sa.Connection, workspace: str, declared: Sequence[DeclaredIntegration]) -> None:
        """Make these the declared integrations, in a transaction that announces `integrations`.

        Their products must be declared in it before. Raises `Invalid` for a wrong key, title or direction.
        """
        rows = [_row(integration) for integration in declared]
        declare_rows(
            self._database, connection, integrations, workspace=workspace, rows=rows, now_ms=self._clock.now_ms()
        )

    def refresh(self) -> None:
        """See what was changed since."""
        self._rows.refresh()

    def _check_product(self, workspace: str, key: str, pointer: str) -> FieldError | None:
        if self._products.find(workspace, key):
            return None
        known = ", ".join(product.key for product in self._products.list(workspace)) or "none yet"
        return FieldError(pointer, f"There is no product {key[:120]!r}. There are: {known}.")


def _row(integration: DeclaredIntegration) -> dict[str, str]:
    key, direction = integration.key, integration.direction
    wrong = FieldError("/direction", f"{direction[:40]!r} is no direction. It is one of: {', '.join(DIRECTIONS)}.")
    refuse(
        f"The integration {key[:120]!r}",
        check_key(key),
        check_title(integration.title),
        None if direction in DIRECTIONS else wrong,
    )
    return {
        "key": key,
        "title": integration.title.strip() or key,
        "source_product": integration.source_product,
        "target_product": integration.target_product,
        "direction": direction,
    }


def _load(connection: sa.Connection) -> dict[tuple[str, str], Integration]:
    columns = [integrations.c[name] for name in Integration.__struct_fields__]
    rows = (Integration(**row) for row in connection.execute(sa.select(*columns)).mappings())
    return {(row.workspace, row.key): row for row in rows}
