"""What is connected: products, integrations, customers, sources, and the keys that programs call with."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from clew.api.authentication import requires
from clew.api.connected_forms import (
    CustomerChange,
    CustomerForm,
    IntegrationForm,
    KeyForm,
    MadeKey,
    NewIntegration,
    NewKey,
    NewProduct,
    ProductForm,
    SourceForm,
)
from clew.api.listed import Listed, check_names, found, respond_page, show_as
from clew.registry.integrations import Integration
from clew.registry.keys import Principal
from clew.registry.products import Product
from clew.registry.registry import Registry


def build_connected(registry: Registry) -> list[Router]:
    """The routes. Reading needs `read`, changing needs `admin`."""
    return [
        Router(
            "/v1",
            guards=[requires(registry.keys, "read")],
            route_handlers=[
                *_reading_products(registry),
                *_reading_integrations(registry),
                *_reading_sources(registry),
                *_reading_customers(registry),
            ],
            tags=["What is connected"],
        ),
        Router(
            "/v1",
            guards=[requires(registry.keys, "admin")],
            route_handlers=[*_changing(registry), *_changing_customers(registry), *_keys(registry)],
            tags=["What is connected"],
        ),
    ]


def _reading_products(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/products", operation_id="listProducts", sync_to_thread=False)
    def list_products(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], archived: FromQuery[bool] = False
    ) -> Listed[ProductForm]:
        """List the products; `archived=true` has also those out of use."""
        check_names(request, ("archived",))
        rows = registry.products.list(principal.workspace, archived=archived)
        return Listed(tuple(show_as(ProductForm, row) for row in rows))

    @get("/products/{key:str}", operation_id="getProduct", sync_to_thread=False)
    def get_product(principal: NamedDependency[Principal], key: FromPath[str]) -> ProductForm:
        """Show one product, also one out of use."""
        row = registry.products.find(principal.workspace, key, archived=True)
        return show_as(ProductForm, found(row, "product", key))

    return [list_products, get_product]


def _reading_integrations(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/integrations", operation_id="listIntegrations", sync_to_thread=False)
    def list_integrations(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], archived: FromQuery[bool] = False
    ) -> Listed[IntegrationForm]:
        """List the integrations; `archived=true` has also those out of use."""
        check_names(request, ("archived",))
        rows = registry.integrations.list(principal.workspace, archived=archived)
        return Listed(tuple(show_as(IntegrationForm, row) for row in rows))

    @get("/integrations/{key:str}", operation_id="getIntegration", sync_to_thread=False)
    def get_integration(principal: NamedDependency[Principal], key: FromPath[str]) -> IntegrationForm:
        """Show one integration, also one out of use."""
        row = registry.integrations.find(principal.workspace, key, archived=True)
        return show_as(IntegrationForm, found(row, "integration", key))

    return [list_integrations, get_integration]


def _reading_sources(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/sources", operation_id="listSources", sync_to_thread=False)
    def list_sources(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], archived: FromQuery[bool] = False
    ) -> Listed[SourceForm]:
        """List the sources; `archived=true` has also those out of use."""
        check_names(request, ("archived",))
        rows = registry.sources.list(principal.workspace, archived=archived)
        return Listed(tuple(show_as(SourceForm, row) for row in rows))

    @get("/sources/{key:str}", operation_id="getSource", sync_to_thread=False)
    def get_source(principal: NamedDependency[Principal], key: FromPath[str]) -> SourceForm:
        """Show one source, also one out of use."""
        row = registry.sources.find(principal.workspace, key, archived=True)
        return show_as(SourceForm, found(row, "source", key))

    return [list_sources, get_source]


def _reading_customers(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/customers", operation_id="listCustomers", sync_to_thread=True)
    def list_customers(
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        *,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 50,
        cursor: FromQuery[str] = "",
        starting: FromQuery[str] = "",
        archived: FromQuery[bool] = False,
    ) -> Response[Listed[CustomerForm]]:
        """List the customers by key. `starting` is how their key or name begins."""
        check_names(request, ("starting", "archived", "limit", "cursor"))
        if principal.customer:
            own = registry.customers.find(principal.workspace, principal.customer)
            return Response(Listed((show_as(CustomerForm, own),) if own else ()))
        rows = registry.customers.list(
            principal.workspace, starting=starting, after=cursor, limit=limit + 1, archived=archived
        )
        show = partial(show_as, CustomerForm)
        return respond_page(request, rows, limit=limit, show=show, cursor_of=lambda row: row.key)

    @get("/customers/{key:str}", operation_id="getCustomer", sync_to_thread=True)
    def get_customer(principal: NamedDependency[Principal], key: FromPath[str]) -> CustomerForm:
        """Show one customer, also one out of use."""
        allowed = not principal.customer or principal.customer == key
        row = registry.customers.find(principal.workspace, key) if allowed else None
        return show_as(CustomerForm, found(row, "customer", key))

    return [list_customers, get_customer]


def _changing(registry: Registry) -> list[ControllerRouterHandler]:
    @post("/products", operation_id="addProduct", sync_to_thread=True)
    def add_product(principal: NamedDependency[Principal], data: JSONBody[NewProduct]) -> ProductForm:
        """Add a product, or change one that code does not declare."""
        product = Product(workspace=principal.workspace, **msgspec.structs.asdict(data))
        return show_as(ProductForm, registry.products.save(product, by=principal.actor))

    @delete("/products/{key:str}", operation_id="archiveProduct", sync_to_thread=True)
    def archive_product(principal: NamedDependency[Principal], key: FromPath[str]) -> None:
        """Take a product out of use."""
        registry.products.archive(principal.workspace, key, by=principal.actor)

    @post("/integrations", operation_id="addIntegration", sync_to_thread=True)
    def add_integration(principal: NamedDependency[Principal], data: JSONBody[NewIntegration]) -> IntegrationForm:
        """Add an integration, or change one that code does not declare."""
        integration = Integration(workspace=principal.workspace, **msgspec.structs.asdict(data))
        return show_as(IntegrationForm, registry.integrations.save(integration, by=principal.actor))

    @delete("/integrations/{key:str}", operation_id="archiveIntegration", sync_to_thread=True)
    def archive_integration(principal: NamedDependency[Principal], key: FromPath[str]) -> None:
        """Take an integration out of use."""
        registry.integrations.archive(principal.workspace, key, by=principal.actor)

    @delete("/sources/{key:str}", operation_id="archiveSource", sync_to_thread=True)
    def archive_source(principal: NamedDependency[Principal], key: FromPath[str]) -> None:
        """Take a source out of use that code no longer declares."""
        registry.sources.archive(principal.workspace, key, by=principal.actor)

    return [add_product, archive_product, add_integration, archive_integration, archive_source]


def _changing_customers(registry: Registry) -> list[ControllerRouterHandler]:
    @patch("/customers/{key:str}", operation_id="changeCustomer", sync_to_thread=True)
    def change_customer(
        principal: NamedDependency[Principal], key: FromPath[str], data: JSONBody[CustomerChange]
    ) -> CustomerForm:
        """Say what people call a customer, and whether it is there to try things out."""
        row = registry.customers.change(
            principal.workspace, key, name=data.name, is_test=data.is_test, by=principal.actor
        )
        return show_as(CustomerForm, row)

    @delete("/customers/{key:str}", operation_id="archiveCustomer", sync_to_thread=True)
    def archive_customer(principal: NamedDependency[Principal], key: FromPath[str]) -> None:
        """Take a customer out of the lists. Its records are still taken and found; its events launch nothing."""
        registry.customers.archive(principal.workspace, key, by=principal.actor)

    @post("/customers/{key:str}/restore", operation_id="restoreCustomer", status_code=200, sync_to_thread=True)
    def restore_customer(principal: NamedDependency[Principal], key: FromPath[str]) -> CustomerForm:
        """Bring an archived customer back."""
        return show_as(CustomerForm, registry.customers.restore(principal.workspace, key, by=principal.actor))

    return [change_customer, archive_customer, restore_customer]


def _keys(registry: Registry) -> list[ControllerRouterHandler]:
    @get("/keys", operation_id="listKeys", sync_to_thread=True)
    def list_keys(
        request: Request[Any, Any, Any], principal: NamedDependency[Principal], archived: FromQuery[bool] = False
    ) -> Listed[KeyForm]:
        """List the keys in use, without their texts; `archived=true` has also the revoked ones."""
        check_names(request, ("archived",))
        rows = registry.keys.list(principal.workspace, archived=archived)
        return Listed(tuple(show_as(KeyForm, row) for row in rows))

    @get("/keys/{key_id:str}", operation_id="getKey", sync_to_thread=True)
    def get_key(principal: NamedDependency[Principal], key_id: FromPath[str]) -> KeyForm:
        """Show one key, also a revoked one."""
        return show_as(KeyForm, found(registry.keys.find(principal.workspace, key_id), "key", key_id))

    @post("/keys", operation_id="makeKey", sync_to_thread=True)
    def make_key(principal: NamedDependency[Principal], data: JSONBody[NewKey]) -> MadeKey:
        """Make a key. Its text is told this once."""
        key, text = registry.keys.create(principal.workspace, data.name, data.scopes, data.customer, by=principal.actor)
        return MadeKey(id=key.id, key=text, name=key.name, scopes=key.scopes, customer=key.customer)

    @delete("/keys/{key_id:str}", operation_id="revokeKey", sync_to_thread=True)
    def revoke_key(principal: NamedDependency[Principal], key_id: FromPath[str]) -> None:
        """Revoke a key, for ever."""
        registry.keys.archive(principal.workspace, key_id, by=principal.actor)

    return [list_keys, get_key, make_key, revoke_key]
