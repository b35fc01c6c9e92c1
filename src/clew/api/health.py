"""Whether the process lives, and whether each part of it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio.to_thread
from litestar import Response, Router, get

Check = Callable[[], dict[str, Any]]
"""Says how a part is, as JSON; `ok` tells whether it works. It may block and must not raise."""


def build_health(checks: Mapping[str, Check]) -> Router:
    """The routes for operators and their tools. They need no key and tell no secrets."""

    @get("/livez", operation_id="livez", sync_to_thread=False)
    def livez() -> dict[str, str]:
        """Answer as long as the process lives."""
        return {"status": "ok"}

    @get("/readyz", operation_id="readyz")
    async def readyz() -> Response[dict[str, Any]]:
        """Say of each part whether it works: 200 when all do, 503 when one does not."""
        parts = {name: await anyio.to_thread.run_sync(check) for name, check in checks.items()}
        is_ready = all(part["ok"] for part in parts.values())
        body = {"status": "ok" if is_ready else "failing", "parts": parts}
        headers = {} if is_ready else {"retry-after": "5"}
        return Response(body, status_code=200 if is_ready else 503, headers=headers)

    return Router("/", route_handlers=[livez, readyz], tags=["For operators"])
