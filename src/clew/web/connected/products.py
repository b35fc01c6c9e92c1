"""Products: their list, and one with its doors and its integrations."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from clew.core.errors import NotFound
from clew.log.store import FacetValue
from clew.registry.integrations import Integration
from clew.registry.products import Product
from clew.registry.sources import Source
from clew.web.connected.activity import ask_recent, build_activity, count_each
from clew.web.connected.integrations import build_rows
from clew.web.connected.views import Fact, Link, ProductPage, ProductRow, ProductsPage, SourceRow
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import PRODUCTS_PATH
from clew.web.links import product_href
from clew.web.logs.url import LogUrl
from clew.web.wording import cut, say_count, say_minute


@get("/products")
async def show_products(request: HttpRequest, face: Face) -> Response[str]:
    """The products by title, then those that only records name."""
    session = session_of(request)
    workspace = session.member.workspace
    layout, counted = await asyncio.gather(
        face.layout(session, "Products", path=PRODUCTS_PATH), count_each(face, workspace, "product")
    )
    products = face.registry.products.list(workspace)
    integrations = face.registry.integrations.list(workspace)
    rows = [_row(product, integrations, counted.get(product.key)) for product in products]
    rows += _named_only(face, workspace, counted)
    return face.respond(ProductsPage(layout=layout, counter=say_count(len(rows), "product"), rows=tuple(rows)))


@get("/products/{key:str}")
async def show_product(request: HttpRequest, face: Face, key: FromPath[str]) -> Response[str]:
    """One product, also one out of use."""
    session = session_of(request)
    workspace = session.member.workspace
    product = face.registry.products.find(workspace, key, archived=True)
    if product is None:
        known = ", ".join(one.key for one in face.registry.products.list(workspace)) or "none"
        raise NotFound(f"There is no product {key[:80]!r}.", hint=f"There are: {known}.")
    integrations = _of_product(face.registry.integrations.list(workspace), key)
    layout, recent, rows = await asyncio.gather(
        face.layout(session, product.title, path=PRODUCTS_PATH),
        ask_recent(face, workspace, ("product", key)),
        build_rows(face, workspace, integrations),
    )
    sources = (one for one in face.registry.sources.list(workspace) if one.product == key)
    page = ProductPage(
        layout=layout,
        key=key,
        title=product.title,
        facts=tuple(_facts(product)),
        sources=tuple(_source(one) for one in sources),
        integrations=rows,
        recent=recent,
    )
    return face.respond(page)


def _row(product: Product, integrations: Sequence[Integration], counted: FacetValue | None) -> ProductRow:
    href = product_href(product.key)
    count = len(_of_product(integrations, product.key))
    return ProductRow(
        key=product.key,
        title=Link(product.title, href),
        base_url=product.base_url,
        integrations=Link(say_count(count, "integration"), f"{href}#integrations") if count else Link("none"),
        activity=build_activity(counted, ("product", product.key)),
    )


def _named_only(face: WebFace, workspace: str, counted: dict[str, FacetValue]) -> Iterable[ProductRow]:
    """Products that senders name and nobody registered: their records are there all the same."""
    for key, found in counted.items():
        if face.registry.products.find(workspace, key) is None:
            yield ProductRow(
                key=cut(key),
                title=Link(cut(face.registry.products.title(workspace, key))),
                base_url="",
                integrations=Link(""),
                activity=build_activity(found, ("product", key)),
            )


def _of_product(integrations: Iterable[Integration], key: str) -> list[Integration]:
    return [one for one in integrations if key in (one.source_product, one.target_product)]


def _facts(product: Product) -> Iterable[Fact]:
    yield Fact("Key", Link(product.key), is_mono=True)
    yield Fact(
        "Base URL", Link(product.base_url or "none: flows cannot call it by a path"), is_mono=bool(product.base_url)
    )
    yield Fact("Declared", Link("in code" if product.declared else "by hand, or no longer in code"))
    if product.archived_at is not None:
        yield Fact("Archived", Link(say_minute(product.archived_at)))


def _source(source: Source) -> SourceRow:
    url = LogUrl("/logs/external-webhooks", (("source", source.key),))
    return SourceRow(
        source.key, source.path, _say_verify(source.definition), Link("Webhooks", url.href), source.declared
    )


def _say_verify(definition: dict[str, Any]) -> str:
    """How deliveries are verified: `signature in X-ERP-Signature`, `github in X-Hub-Signature-256`."""
    verify = definition.get("verify")
    if not isinstance(verify, dict):
        return "not verified"
    name = verify.get("name", "custom")
    return f"{'signature' if name == 'custom' else name} in {' or '.join(verify.get('header') or ())}"
