"""The same POST, sent again by who did not hear the answer."""

from __future__ import annotations

import uuid

import httpx
import pytest


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/keys", {"name": "sender", "scopes": ["ingest"]}),
        ("/v1/products", {"key": f"p-{uuid.uuid4().hex[:8]}", "title": "A product"}),
    ],
)
def test_what_is_made_with_an_idempotency_key_is_made_once(api: httpx.Client, path: str, body: dict) -> None:
    headers = {"idempotency-key": str(uuid.uuid4())}
    first = api.post(path, json=body, headers=headers)
    again = api.post(path, json=body, headers=headers)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    other = api.post(path, json={**body, "name": "another"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_post_may_be_corrected_under_its_key(api: httpx.Client) -> None:
    headers = {"idempotency-key": str(uuid.uuid4())}
    assert api.post("/v1/keys", json={"name": "x", "scopes": []}, headers=headers).status_code == 422
    assert api.post("/v1/keys", json={"name": "x", "scopes": ["read"]}, headers=headers).status_code == 201


def test_logs_are_those_of_the_request_and_not_of_the_first(api: httpx.Client) -> None:
    headers = {"idempotency-key": str(uuid.uuid4())}
    body = {"name": "logged", "scopes": ["read"]}
    first = api.post("/v1/keys?logs=1", json=body, headers=headers).json()
    again = api.post("/v1/keys?logs=1", json=body, headers=headers).json()
    assert first["key"] == again["key"]
    assert "came before" in str(again["_logs"])
    assert "came before" not in str(first["_logs"])


def test_every_post_of_the_api_says_that_it_takes_the_header(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    posts = {path: item["post"] for path, item in paths.items() if "post" in item and path.startswith("/v1/")}
    assert len(posts) > 5
    for path, post in posts.items():
        names = [one["name"] for one in post["parameters"]]
        assert names.count("Idempotency-Key") == 1, path
