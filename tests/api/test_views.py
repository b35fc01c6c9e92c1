"""Saved views over HTTP."""

from __future__ import annotations

import httpx

from clew.core.clock import FakeClock, to_rfc3339
from harness.registry_api import ADMIN, Client, KeyWith, W, check_problem


class TestViews:
    def test_one_is_saved_found_replaced_and_deleted(self, client: Client, clock: FakeClock) -> None:
        body = {"path": "/logs/integration-events", "name": "Acme fails", "query": "?customer=acme&status=failure"}
        saved = client.post("/v1/views", json=body).json()
        assert saved == {
            "id": saved["id"],
            "workspace": W,
            "path": "/logs/integration-events",
            "name": "Acme fails",
            "query": "customer=acme&status=failure",
            "href": "/logs/integration-events?customer=acme&status=failure",
            "created_by": ADMIN,
            "created_at": to_rfc3339(clock.now_ms()),
        }
        assert client.get(f"/v1/views/{saved['id']}").json() == saved
        again = client.post("/v1/views", json={**body, "query": "customer=acme"}).json()
        assert (again["id"], again["query"]) == (saved["id"], "customer=acme")
        client.post("/v1/views", json={"path": "/logs", "name": "All"})
        listed = client.get("/v1/views").json()["items"]
        assert [(one["path"], one["name"]) for one in listed] == [
            ("/logs", "All"),
            ("/logs/integration-events", "Acme fails"),
        ]
        assert [one["name"] for one in client.get("/v1/views", params={"path": "/logs"}).json()["items"]] == ["All"]
        assert client.delete(f"/v1/views/{saved['id']}").status_code == 204
        check_problem(client.get(f"/v1/views/{saved['id']}"), 404, "There is no view")
        check_problem(client.delete(f"/v1/views/{saved['id']}"), 404, "There is no view")

    def test_bad_input_is_refused_with_its_place(self, client: Client) -> None:
        def post(**body: object) -> httpx.Response:
            return client.post("/v1/views", json={"path": "/logs", "name": "n", **body})

        check_problem(post(name=" "), 422, pointer="/name")
        check_problem(post(path="https://elsewhere.example/"), 422, pointer="/path")
        check_problem(post(path="//elsewhere.example"), 422, pointer="/path")
        check_problem(post(path="/logs?a=b"), 422, pointer="/path")
        check_problem(post(query="a=\u00e9"), 422, pointer="/query")
        check_problem(post(query="a=b#c"), 422, pointer="/query")
        check_problem(post(query="q" * 4_001), 422, "4001", pointer="/query")
        check_problem(post(query=3), 400, pointer="/query")

    def test_a_key_of_one_customer_sees_none(self, client: Client, key_with: KeyWith) -> None:
        own = key_with("read", customer="acme")
        check_problem(client.get("/v1/views", headers=own), 403, "saved views")
        check_problem(client.get("/v1/views/x", headers=own), 403, "saved views")
        check_problem(client.post("/v1/views", json={"path": "/logs", "name": "n"}, headers=own), 403, "operate")
