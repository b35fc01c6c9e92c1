"""Products: the systems that are connected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.registry.checks import check_key, check_title, check_url, refuse
from clew.registry.declared import archive_row, declare_rows, save_row
from clew.state.database import Database
from clew.state.snapshot import Snapshot
from clew.state.tables import products


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A system that is connected. `declared`: code declares it, and only code may change it.

    `archived_at` is when it was taken out of use (ms), None while it is in use.
    """

    workspace: str
    key: str
    title: str = ""
    base_url: str = ""
    declared: bool = False
    archived_at: int | None = None


class DeclaredProduct(Protocol):
    """What is asked of a product that code declares."""

    @property
    def key(self) -> str:
        """What it is called in filters and URLs."""

    @property
    def title(self) -> str:
        """What people call it; empty: the key."""

    @property
    def base_url(self) -> str:
        """Where its API is; may be empty."""


class Products:
    """The products of every workspace, answered from memory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rows = Snapshot(database, clock, products.name, _load)

    def list(self, workspace: str, *, archived: bool = False) -> tuple[Product, ...]:
        """The workspace's products by title; with `archived` also those out of use."""
        rows = (product for product in self._rows.value().values() if product.workspace == workspace)
        return tuple(
            sorted((row for row in rows if archived or row.archived_at is None), key=lambda row: row.title.lower())
        )

    def find(self, workspace: str, key: str, *, archived: bool = False) -> Product | None:
        """The product, or None; with `archived` also one out of use."""
        product = self._rows.value().get((workspace, key))
        return product if product and (archived or product.archived_at is None) else None

    def title(self, workspace: str, key: str) -> str:
        """What people call the product, also when it is archived. The key itself for one that is not known."""
        product = self._rows.value().get((workspace, key))
        return product.title if product else key

    def save(self, product: Product, by: str = "") -> Product:
        """Add or change a product. An empty title becomes the key; an archived one is in use again.

        Raises `Invalid` for a wrong key, title or URL, `Conflict` for one that code declares.
        """
        row = _row(product)
        with self._database.write(products.name) as connection:
            full = {**row, "workspace": product.workspace}
            save_row(self._database, connection, products, full, by=by, now_ms=self._clock.now_ms())
        return self._rows.refresh()[product.workspace, product.key]

    def archive(self, workspace: str, key: str, by: str = "") -> Product:
        """Take a product out of use.

        Raises `NotFound` where there is none, `Conflict` for one that code declares.
        """
        with self._database.write(products.name) as connection:
            archive_row(connection, products, workspace, key, by=by, now_ms=self._clock.now_ms())
        return self._rows.refresh()[workspace, key]

    def declare(self, connection: sa.Connection, workspace: str, declared: Sequence[DeclaredProduct]) -> None:
        """Make these the declared products, in a transaction that announces `products`.

        Raises `Invalid` for a wrong key, title or URL.
        """
        rows = [_row(product) for product in declared]
        declare_rows(self._database, connection, products, workspace=workspace, rows=rows, now_ms=self._clock.now_ms())

    def refresh(self) -> None:
        """See what was changed since."""
        self._rows.refresh()


def _row(product: DeclaredProduct) -> dict[str, str]:
    refuse(
        f"The product {product.key[:120]!r}",
        check_key(product.key),
        check_title(product.title),
        check_url(product.base_url),
    )
    return {"key": product.key, "title": product.title.strip() or product.key, "base_url": product.base_url}


def _load(connection: sa.Connection) -> dict[tuple[str, str], Product]:
    columns = [products.c[name] for name in Product.__struct_fields__]
    rows = (Product(**row) for row in connection.execute(sa.select(*columns)).mappings())
    return {(row.workspace, row.key): row for row in rows}
