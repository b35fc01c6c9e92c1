"""Connections over HTTP: their life, filters, paging, and who may say what of them."""

from __future__ import annotations

import httpx
import pytest

from clew.core.clock import FakeClock, to_rfc3339
from clew.registry.registry import Registry
from harness.registry_api import Client, KeyWith, W, check_problem


@pytest.mark.feature("C02")
class TestConnections:
    def test_one_is_added_lost_found_again_and_taken_out_of_use(self, client: Client, clock: FakeClock) -> None:
        made = client.post("/v1/connections", json={"key": "acme-ship", "customer": "acme", "name": "Acme's Ship"})
        now = to_rfc3339(clock.now_ms())
        assert made.status_code == 201
        assert made.json() == {
            "workspace": W,
            "key": "acme-ship",
            "name": "Acme's Ship",
            "customer": "acme",
            "integration": "",
            "state": "connected",
            "error": "",
            "is_test": False,
            "first_seen_at": now,
            "changed_at": now,
            "last_active_at": None,
            "archived_at": None,
        }
        assert client.get("/v1/customers/acme").json()["first_seen_at"] == now
        clock.advance(5_000)
        lost = client.post("/v1/connections/acme-ship/disconnect", json={"error": "The token expired."}).json()
        assert (lost["state"], lost["error"]) == ("disconnected", "The token expired.")
        assert lost["changed_at"] == to_rfc3339(clock.now_ms())
        clock.advance(5_000)
        found = client.post("/v1/connections/acme-ship/reconnect").json()
        assert (found["state"], found["error"]) == ("connected", "")
        assert client.delete("/v1/connections/acme-ship").status_code == 204
        assert client.get("/v1/connections").json()["items"] == []
        archived = client.get("/v1/connections", params={"archived": "true"}).json()["items"]
        assert [one["archived_at"] for one in archived] == [to_rfc3339(clock.now_ms())]
        assert client.post("/v1/connections/acme-ship/restore").json()["archived_at"] is None
        assert client.get("/v1/connections/acme-ship").json() == found

    def test_what_is_changed_is_changed_and_the_rest_stays(self, client: Client) -> None:
        made = client.post("/v1/connections", json={"key": "c"}).json()
        changed = client.patch("/v1/connections/c", json={"name": "Ours", "is_test": True}).json()
        assert changed == {**made, "name": "Ours", "is_test": True}
        assert client.patch("/v1/connections/c", json={}).json() == changed
        assert client.patch("/v1/connections/c", json={"name": ""}).json() == {**changed, "name": "c"}

    def test_the_filters_work_alone_and_together(self, client: Client, registry: Registry) -> None:
        seen = [("a", "acme", "orders"), ("b", "acme", "parts"), ("c", "brick", "orders"), ("d", "brick", "parts")]
        registry.connections.see(W, seen, 1)
        registry.connections.disconnect(W, "a")
        registry.connections.disconnect(W, "d")

        def keys(**filters: str) -> list[str]:
            return [one["key"] for one in client.get("/v1/connections", params=filters).json()["items"]]

        assert keys() == ["a", "b", "c", "d"]
        assert keys(customer="acme") == ["a", "b"]
        assert keys(integration="orders") == ["a", "c"]
        assert keys(state="disconnected") == ["a", "d"]
        assert keys(state="connected", customer="brick", integration="orders") == ["c"]
        assert keys(customer="nobody") == []

    def test_following_the_cursor_visits_each_once(self, client: Client, registry: Registry) -> None:
        registry.connections.see(W, [(f"c{number}", "acme", "") for number in range(7)], 1)
        visited, answer = [], client.get("/v1/connections", params={"limit": "3", "customer": "acme"})
        while True:
            visited.append([one["key"] for one in answer.json()["items"]])
            if answer.json()["next"] is None:
                break
            link = answer.headers["link"]
            assert link.endswith('; rel="next"')
            answer = client.get(link.split(">")[0].lstrip("<"))
        assert visited == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6"]]
        assert "link" not in answer.headers

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("state=broken", "connected, disconnected"),
            ("colour=red", "customer, integration, state"),
            ("state=connected&state=connected", "twice"),
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("archived=perhaps", "archived"),
        ],
    )
    def test_an_unknown_filter_is_refused_and_never_an_empty_list(self, client: Client, query: str, said: str) -> None:
        check_problem(client.get(f"/v1/connections?{query}"), 400, said)

    def test_bad_input_is_refused_with_its_place(self, client: Client) -> None:
        def post(**body: object) -> httpx.Response:
            return client.post("/v1/connections", json=body)

        check_problem(post(key=""), 422, pointer="/key")
        check_problem(post(key="a/b"), 422, "'a/b'", pointer="/key")
        check_problem(post(key="a\u0000b"), 422, pointer="/key")
        check_problem(post(key="k" * 201), 422, "201", pointer="/key")
        check_problem(post(key="c", name="n" * 201), 422, "201", pointer="/name")
        check_problem(post(key="c", customer="a\nb"), 422, pointer="/customer")
        check_problem(post(key="c", integration="none"), 422, "'none'", "none yet", pointer="/integration")
        check_problem(post(key=3), 400, pointer="/key")
        check_problem(post(), 400, "key")
        check_problem(post(key="c", colour="red"), 400, "colour")
        assert client.get("/v1/connections").json()["items"] == []
        client.post("/v1/connections", json={"key": "c"})
        disconnect = "/v1/connections/c/disconnect"
        check_problem(client.post(disconnect, json={"error": "e" * 2_001}), 422, "2,001", pointer="/error")
        check_problem(client.post(disconnect, json={"error": "\u0007"}), 422, pointer="/error")
        assert client.get("/v1/connections/c").json()["state"] == "connected"

    def test_what_is_not_there_is_not_found(self, client: Client) -> None:
        for method, path in [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/disconnect"),
            ("POST", "/reconnect"),
            ("POST", "/restore"),
        ]:
            answer = client.request(method, f"/v1/connections/nothing{path}", json={})
            check_problem(answer, 404, "There is no connection 'nothing'.")

    def test_a_key_of_one_customer_sees_that_customers_alone(
        self, client: Client, registry: Registry, key_with: KeyWith
    ) -> None:
        registry.connections.see(W, [("a", "acme", ""), ("b", "brick", "")], 1)
        own = key_with("read", customer="acme")
        assert [one["key"] for one in client.get("/v1/connections", headers=own).json()["items"]] == ["a"]
        assert client.get("/v1/connections", params={"customer": "brick"}, headers=own).json()["items"] == []
        assert client.get("/v1/connections/a", headers=own).status_code == 200
        check_problem(client.get("/v1/connections/b", headers=own), 404, "There is no connection 'b'.")
        check_problem(client.post("/v1/connections/a/disconnect", json={}, headers=own), 403, "operate")

    def test_saying_that_one_is_lost_needs_operate_and_changing_it_admin(
        self, client: Client, key_with: KeyWith
    ) -> None:
        client.post("/v1/connections", json={"key": "c"})
        operator = key_with("read", "operate")
        assert client.post("/v1/connections/c/disconnect", json={}, headers=operator).status_code == 200
        assert client.post("/v1/connections/c/reconnect", headers=operator).status_code == 200
        for method, path in [("POST", ""), ("PATCH", "/c"), ("DELETE", "/c"), ("POST", "/c/restore")]:
            check_problem(
                client.request(method, f"/v1/connections{path}", json={"key": "d"}, headers=operator), 403, "admin"
            )
