"""The Configuration Activity over HTTP: who changed what, from what to what."""

from __future__ import annotations

import pytest

from clew.core.clock import FakeClock, to_rfc3339
from clew.registry.registry import Registry
from harness.registry_api import ADMIN, Client, KeyWith, W, check_problem, entries


@pytest.mark.feature("B19")
class TestConfigurationActivity:
    def test_every_change_says_who_what_and_from_what_to_what(self, client: Client, registry: Registry) -> None:
        registry.customers.see(W, ["acme"], 1)
        client.post("/v1/products", json={"key": "erp", "title": "ERP"})
        client.post("/v1/products", json={"key": "erp", "title": "Our ERP"})
        client.post("/v1/products", json={"key": "erp", "title": "Our ERP"})
        client.post("/v1/integrations", json={"key": "own", "source_product": "erp", "target_product": "erp"})
        client.delete("/v1/integrations/own")
        client.patch("/v1/customers/acme", json={"name": "Acme Inc."})
        client.delete("/v1/customers/acme")
        client.post("/v1/customers/acme/restore")
        client.patch("/v1/switches", json={"enable_api_logs": False})
        client.post("/v1/connections", json={"key": "c"})
        client.post("/v1/connections/c/disconnect", json={"error": "gone"})
        assert entries(client) == [
            (
                "disconnected",
                "connection",
                "c",
                {"state": "connected", "error": ""},
                {"state": "disconnected", "error": "gone"},
            ),
            (
                "created",
                "connection",
                "c",
                {},
                {"name": "c", "customer": "", "integration": "", "state": "connected", "error": "", "is_test": False},
            ),
            ("changed", "switches", "logging", {"api_logs": True}, {"api_logs": False}),
            ("restored", "customer", "acme", {}, {}),
            ("archived", "customer", "acme", {}, {}),
            ("changed", "customer", "acme", {"name": "acme"}, {"name": "Acme Inc."}),
            ("archived", "integration", "own", {}, {}),
            (
                "created",
                "integration",
                "own",
                {},
                {"title": "own", "source_product": "erp", "target_product": "erp", "direction": "one-way"},
            ),
            ("changed", "product", "erp", {"title": "ERP"}, {"title": "Our ERP"}),
            ("created", "product", "erp", {}, {"title": "ERP", "base_url": ""}),
        ]
        assert {one["actor"] for one in client.get("/v1/audit").json()["items"]} == {ADMIN}

    def test_a_key_is_told_by_its_name_and_beginning_and_never_by_its_text(self, client: Client) -> None:
        made = client.post("/v1/keys", json={"name": "shop", "scopes": ["admin"]}).json()
        shop = {"authorization": f"Bearer {made['key']}"}
        client.post("/v1/products", json={"key": "erp"}, headers=shop)
        client.delete(f"/v1/keys/{made['id']}")
        client.delete(f"/v1/keys/{made['id']}")
        prefix = made["key"][:11]
        known_by = {"name": "shop", "prefix": prefix, "scopes": ["admin"], "customer": ""}
        assert entries(client, subject_kind="key") == [
            ("revoked", "key", made["id"], known_by, {}),
            ("created", "key", made["id"], {}, known_by),
        ]
        answer = client.get("/v1/audit", params={"subject": "erp"})
        assert [one["actor"] for one in answer.json()["items"]] == [f"shop ({prefix}...)"]
        assert made["key"] not in client.get("/v1/audit").text

    def test_it_is_paged_and_narrowed_by_time(self, client: Client, clock: FakeClock) -> None:
        for number in range(5):
            client.post("/v1/products", json={"key": f"p{number}"})
            clock.advance(1_000)
        visited: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = client.get("/v1/audit", params={"limit": "2", **cursor}).json()
            visited += [one["subject"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert visited == ["p4", "p3", "p2", "p1", "p0"]
        begin = clock.now_ms() - 5_000
        span = {"from": to_rfc3339(begin + 1_000), "to": to_rfc3339(begin + 3_000)}
        assert [subject for _, _, subject, _, _ in entries(client, **span)] == ["p2", "p1"]
        assert entries(client, actor="nobody") == []

    def test_only_who_administers_may_read_it(self, client: Client, key_with: KeyWith) -> None:
        check_problem(client.get("/v1/audit", headers=key_with("read", "operate")), 403, "admin")

    @pytest.mark.parametrize(
        ("query", "said"), [("from=yesterday", "RFC 3339"), ("cursor=zzz", "next"), ("who=me", "actor")]
    )
    def test_what_cannot_be_read_is_refused(self, client: Client, query: str, said: str) -> None:
        check_problem(client.get(f"/v1/audit?{query}"), 400, said)
