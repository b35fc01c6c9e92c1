"""What is connected: products, integrations, customers, sources, and the keys that programs call with."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from litestar import Router, delete, get, patch, post
from litestar.params import Parameter
from litestar.types import ControllerRouterHandler

from clew.api.authentication import requires
from clew.core.errors import NotFound
from clew.registry.customers import Customer
from clew.registry.integrations import Integration, Method
from clew.registry.keys import Key, Principal, Scope
from clew.registry.products import Product
from clew.registry.registry import Registry
from clew.registry.sources import Source

T = TypeVar("T")


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A list, with the cursor of what follows where there is more."""

    items: tuple[T, ...]
    next: str | None = None
    prev: str | None = None


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
    """What people call a customer."""

    name: str


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make. With a `customer` it reads that customer's records and nothing else."""

    name: str
    scopes: tuple[Scope, ...]
    customer: str = ""


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made. `key` is its text, told this once."""

    id: str
    key: str
    name: str
    scopes: tuple[Scope, ...]
    customer: str


def build_connected(registry: Registry) -> list[Router]:
    """The routes. Reading needs `read`, changing needs `admin`."""
    return [
        Router(
            "/v1",
            guards=[requires(registry.keys, "read")],
            route_handlers=[*_reading(registry)],
            tags=["What is connected"],
        ),
        Router(
            "/v1",
            guards=[requires(registry.keys, "admin")],
            route_handlers=[*_changing(registry), *_keys(registry)],
            tags=["What is connected"],
        ),
    ]


def _reading(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/products", operation_id="listProducts", sync_to_thread=False)
    def list_products(principal: Principal) -> Listed[Product]:
        """List the products."""
        return Listed(registry.products.list(principal.workspace))

    @get("/products/{key:str}", operation_id="getProduct", sync_to_thread=False)
    def get_product(principal: Principal, key: str) -> Product:
        """Show one product, also one out of use."""
        return _found(registry.products.find(principal.workspace, key, archived=True), "product", key)

    @get("/integrations", operation_id="listIntegrations", sync_to_thread=False)
    def list_integrations(principal: Principal) -> Listed[Integration]:
        """List the integrations."""
        return Listed(registry.integrations.list(principal.workspace))

    @get("/integrations/{key:str}", operation_id="getIntegration", sync_to_thread=False)
    def get_integration(principal: Principal, key: str) -> Integration:
        """Show one integration, also one out of use."""
        return _found(registry.integrations.find(principal.workspace, key, archived=True), "integration", key)

    @get("/sources", operation_id="listSources", sync_to_thread=False)
    def list_sources(principal: Principal) -> Listed[Source]:
        """List the sources."""
        return Listed(registry.sources.list(principal.workspace))

    @get("/sources/{key:str}", operation_id="getSource", sync_to_thread=False)
    def get_source(principal: Principal, key: str) -> Source:
        """Show one source, also one out of use."""
        return _found(registry.sources.find(principal.workspace, key, archived=True), "source", key)

    @get("/customers", operation_id="listCustomers", sync_to_thread=True)
    def list_customers(
        principal: Principal,
        limit: int = Parameter(ge=1, le=1000, default=50),
        cursor: str = "",
        starting: str = "",
    ) -> Listed[Customer]:
        """List the customers by key. `starting` is how their key or name begins."""
        if principal.customer:
            own = registry.customers.find(principal.workspace, principal.customer)
            return Listed((own,) if own else ())
        rows = registry.customers.list(principal.workspace, starting=starting, after=cursor, limit=limit + 1)
        return Listed(rows[:limit], next=rows[limit - 1].key if len(rows) > limit else None)

    @get("/customers/{key:str}", operation_id="getCustomer", sync_to_thread=True)
    def get_customer(principal: Principal, key: str) -> Customer:
        """Show one customer."""
        allowed = not principal.customer or principal.customer == key
        return _found(registry.customers.find(principal.workspace, key) if allowed else None, "customer", key)

    return [
        list_products,
        get_product,
        list_integrations,
        get_integration,
        list_sources,
        get_source,
        list_customers,
        get_customer,
    ]


def _changing(registry: Registry) -> list[ControllerRouterHandler]:
    @post("/products", operation_id="addProduct", sync_to_thread=True)
    def add_product(principal: Principal, data: NewProduct) -> Product:
        """Add a product, or change one that code does not declare."""
        return registry.products.save(Product(workspace=principal.workspace, **msgspec.structs.asdict(data)))

    @delete("/products/{key:str}", operation_id="archiveProduct", sync_to_thread=True)
    def archive_product(principal: Principal, key: str) -> None:
        """Take a product out of use."""
        registry.products.archive(principal.workspace, key)

    @post("/integrations", operation_id="addIntegration", sync_to_thread=True)
    def add_integration(principal: Principal, data: NewIntegration) -> Integration:
        """Add an integration, or change one that code does not declare."""
        return registry.integrations.save(Integration(workspace=principal.workspace, **msgspec.structs.asdict(data)))

    @delete("/integrations/{key:str}", operation_id="archiveIntegration", sync_to_thread=True)
    def archive_integration(principal: Principal, key: str) -> None:
        """Take an integration out of use."""
        registry.integrations.archive(principal.workspace, key)

    @delete("/sources/{key:str}", operation_id="archiveSource", sync_to_thread=True)
    def archive_source(principal: Principal, key: str) -> None:
        """Take a source out of use that code no longer declares."""
        registry.sources.archive(principal.workspace, key)

    @patch("/customers/{key:str}", operation_id="renameCustomer", sync_to_thread=True)
    def rename_customer(principal: Principal, key: str, data: CustomerChange) -> Customer:
        """Say what people call a customer."""
        return registry.customers.rename(principal.workspace, key, data.name)

    @delete("/customers/{key:str}", operation_id="archiveCustomer", sync_to_thread=True)
    def archive_customer(principal: Principal, key: str) -> None:
        """Take a customer out of the lists."""
        registry.customers.archive(principal.workspace, key)

    return [
        add_product,
        archive_product,
        add_integration,
        archive_integration,
        archive_source,
        rename_customer,
        archive_customer,
    ]


def _keys(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/keys", operation_id="listKeys", sync_to_thread=True)
    def list_keys(principal: Principal) -> Listed[Key]:
        """List the keys in use, without their texts."""
        return Listed(registry.keys.list(principal.workspace))

    @get("/keys/{key_id:str}", operation_id="getKey", sync_to_thread=True)
    def get_key(principal: Principal, key_id: str) -> Key:
        """Show one key, also a revoked one."""
        return _found(registry.keys.find(principal.workspace, key_id), "key", key_id)

    @post("/keys", operation_id="makeKey", sync_to_thread=True)
    def make_key(principal: Principal, data: NewKey) -> MadeKey:
        """Make a key. Its text is told this once."""
        key, text = registry.keys.create(principal.workspace, data.name, data.scopes, data.customer)
        return MadeKey(id=key.id, key=text, name=key.name, scopes=key.scopes, customer=key.customer)

    @delete("/keys/{key_id:str}", operation_id="revokeKey", sync_to_thread=True)
    def revoke_key(principal: Principal, key_id: str) -> None:
        """Revoke a key, for ever."""
        registry.keys.archive(principal.workspace, key_id)

    return [list_keys, get_key, make_key, revoke_key]


def _found(row: T | None, noun: str, key: str) -> T:
    if row is None:
        raise NotFound(f"There is no {noun} {key[:120]!r}.")
    return row
