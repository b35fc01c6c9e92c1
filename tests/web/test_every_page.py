"""harness/every_page.py leaves no page out."""

from __future__ import annotations

import re

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from harness.every_page import NO_PAGES, PAGES

ANYTHING = re.compile(r"/\{rest:path\}$")


def page_routes(client: TestClient[Litestar]) -> set[str]:
    """What a browser can ask for: the GET routes, but for those that catch what nothing else does."""
    routes = [route for route in client.app.routes if isinstance(route, HTTPRoute) and "GET" in route.methods]
    return {route.path for route in routes if not ANYTHING.search(route.path)}


def matches(route: str, path: str) -> bool:
    pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(route))
    return re.fullmatch(pattern, path.partition("?")[0]) is not None


def test_every_route_that_shows_a_page_is_visited(stranger: TestClient[Litestar]) -> None:
    routes = page_routes(stranger)
    assert "/logs/{name:str}" in routes
    paths = [visit.path for visit in PAGES.values()]
    assert sorted(route for route in routes - set(NO_PAGES) if not any(matches(route, path) for path in paths)) == []
    assert sorted(set(NO_PAGES) - routes) == []
