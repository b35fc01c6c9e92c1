"""Customers and products over HTTP."""

from __future__ import annotations

from clew.core.clock import FakeClock, to_rfc3339
from clew.registry.products import Product
from clew.registry.registry import Registry
from harness.registry_api import Client, W, check_problem


class TestCustomers:
    def test_its_times_and_its_mark_are_shown(self, client: Client, registry: Registry, clock: FakeClock) -> None:
        registry.customers.see(W, ["acme"], clock.now_ms())
        changed = client.patch("/v1/customers/acme", json={"is_test": True}).json()
        assert changed == {
            "workspace": W,
            "key": "acme",
            "name": "acme",
            "is_test": True,
            "first_seen_at": to_rfc3339(clock.now_ms()),
            "last_active_at": None,
            "archived_at": None,
        }
        assert client.get("/v1/customers").json()["items"] == [changed]

    def test_those_out_of_use_are_listed_when_asked_for(self, client: Client, registry: Registry) -> None:
        registry.customers.see(W, ["acme", "gone"], 1)
        client.delete("/v1/customers/gone")
        assert [one["key"] for one in client.get("/v1/customers").json()["items"]] == ["acme"]
        listed = client.get("/v1/customers", params={"archived": "true", "limit": "1"})
        assert [one["key"] for one in listed.json()["items"]] == ["acme"]
        assert listed.json()["next"] == "acme"
        check_problem(client.get("/v1/customers?name=acme"), 400, "starting")


def test_products_out_of_use_are_listed_when_asked_for(client: Client, registry: Registry, clock: FakeClock) -> None:
    registry.products.save(Product(workspace=W, key="erp"))
    client.delete("/v1/products/erp")
    assert client.get("/v1/products").json()["items"] == []
    (product,) = client.get("/v1/products", params={"archived": "true"}).json()["items"]
    assert product["archived_at"] == to_rfc3339(clock.now_ms())
    check_problem(client.get("/v1/products?colour=red"), 400, "archived")
