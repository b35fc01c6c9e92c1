"""What is connected, as the API takes and shows it: times as RFC 3339, secrets never."""

from __future__ import annotations

from typing import Any

import msgspec

from clew.registry.integrations import Method
from clew.registry.keys import Scope
from clew.registry.sources import SourceKind


class ProductForm(msgspec.Struct, frozen=True, kw_only=True):
    """A system that is connected. `declared`: code declares it, and only code may change it."""

    workspace: str
    key: str
    title: str
    base_url: str
    declared: bool
    archived_at: str | None


class IntegrationForm(msgspec.Struct, frozen=True, kw_only=True):
    """What connects two products. `declared`: code declares it, and only code may change it."""

    workspace: str
    key: str
    title: str
    source_product: str
    target_product: str
    direction: Method
    declared: bool
    archived_at: str | None


class SourceForm(msgspec.Struct, frozen=True, kw_only=True):
    """A place where events of a product come from. `definition` is its declaration; it names secrets, holding none."""

    workspace: str
    key: str
    product: str
    kind: SourceKind
    definition: dict[str, Any]
    declared: bool
    archived_at: str | None


class CustomerForm(msgspec.Struct, frozen=True, kw_only=True):
    """A customer. `last_active_at` is when the last record that names it came, right within a minute."""

    workspace: str
    key: str
    name: str
    is_test: bool
    first_seen_at: str
    last_active_at: str | None
    archived_at: str | None


class KeyForm(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its text: `prefix` is how that begins. `archived_at` is when it was revoked."""

    id: str
    workspace: str
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    customer: str
    created_at: str
    last_used_at: str | None
    archived_at: str | None


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made. `key` is its text, told this once."""

    id: str
    key: str
    name: str
    scopes: tuple[Scope, ...]
    customer: str


class NewProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product to add."""

    key: str
    title: str = ""
    base_url: str = ""


class NewIntegration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An integration to add, between two products that are known."""

    key: str
    source_product: str
    target_product: str
    direction: Method = "one-way"
    title: str = ""


class CustomerChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people say of a customer. What is left out stays."""

    name: str | None = None
    is_test: bool | None = None


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make. With a `customer` it reads that customer's records and nothing else."""

    name: str
    scopes: tuple[Scope, ...]
    customer: str = ""
