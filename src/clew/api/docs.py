"""`/openapi.json` and `/docs`: what the API says of itself, made from the code."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, Router, get

from clew.api.idempotency import describe_idempotency

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Clew API</title>
<link rel="icon" href="/static/clew.svg">
<link rel="stylesheet" href="/static/vendor/swagger-ui.css">
</head>
<body>
<main id="api"><p>The description is at <a href="/openapi.json">/openapi.json</a>.</p></main>
<script src="/static/vendor/swagger-ui.js"></script>
<script src="/static/docs.js"></script>
</body>
</html>
"""
# The library draws with inline styles and data: images; it runs no inline script.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def build_docs() -> Router:
    """The routes. They need no key: they tell nothing that the source does not."""

    @get("/openapi.json", sync_to_thread=False)
    def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
        document = request.app.openapi_schema.to_schema()
        describe_idempotency(document)
        return Response(msgspec.json.encode(document), media_type="application/json; charset=utf-8")

    @get("/docs", sync_to_thread=False)
    def docs() -> Response[str]:
        headers = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff"}
        return Response(_PAGE, media_type="text/html; charset=utf-8", headers=headers)

    return Router("/", route_handlers=[openapi, docs], include_in_schema=False)
