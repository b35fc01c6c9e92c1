"""What a request asks of the log: its parameters as they came, and the filters that its caller cannot leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request

from clew.core.record import Kind
from clew.registry.keys import Principal


def pairs_of(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """The parameters of the request, in their order."""
    # "surrogateescape": what is no UTF-8 must reach the parser, which says so, and not turn into another text
    query = request.scope["query_string"].decode("ascii", "replace")
    return parse_qsl(query, keep_blank_values=True, errors="surrogateescape")


def fixed_filters(principal: Principal, kind: Kind | None) -> Mapping[str, tuple[str, ...]]:
    """The kind of a list of one kind, and the customer of a customer's key."""
    fixed: dict[str, tuple[str, ...]] = {}
    if principal.customer:
        fixed["customer"] = (principal.customer,)
    if kind:
        fixed["kind"] = (kind,)
    return fixed
