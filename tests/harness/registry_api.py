"""What tests of the API over a registry ask of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient

ADMIN_KEY = "clew_test_admin_key_0123456789abcdefghij"
ADMIN = "the admin key of the settings"
W = "default"
Client = TestClient[Litestar]
KeyWith = Callable[..., dict[str, str]]


def entries(client: Client, **filters: str) -> list[tuple[Any, ...]]:
    items = client.get("/v1/audit", params=filters).json()["items"]
    return [(one["action"], one["subject_kind"], one["subject"], one["before"], one["after"]) for one in items]


def check_problem(answer: httpx.Response, status: int, *words: str, pointer: str = "") -> None:
    document = answer.json()
    assert answer.status_code == document["status"] == status, document
    assert all(word in f"{document['detail']} {document.get('hint', '')} {document.get('errors')}" for word in words)
    if pointer:
        assert pointer in [error["pointer"] for error in document["errors"]]
