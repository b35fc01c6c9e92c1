"""What is connected, who changed it, switches and saved views, over HTTP on a registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import TestClient

from clew.api.audit import build_audit
from clew.api.authentication import provide_principal
from clew.api.connected import build_connected
from clew.api.connections import build_connections
from clew.api.problems import HANDLERS
from clew.api.switches import build_switches
from clew.api.views import build_views
from clew.core.clock import FakeClock, to_rfc3339
from clew.core.settings import Settings
from clew.registry.products import Product
from clew.registry.registry import Registry
from clew.state.database import open_database

ADMIN_KEY = "clew_test_admin_key_0123456789abcdefghij"
ADMIN = "the admin key of the settings"
W = "default"
Client = TestClient[Litestar]
KeyWith = Callable[..., dict[str, str]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock) -> Iterator[Registry]:
    opened = Registry(open_database(Settings(data_dir=str(tmp_path))), clock, admin_key=ADMIN_KEY)
    yield opened
    opened.close()


@pytest.fixture
def app(registry: Registry) -> Litestar:
    routers = [*build_connected(registry), *build_connections(registry), *build_switches(registry)]
    return Litestar(
        [Router("/", route_handlers=[*routers, *build_views(registry), build_audit(registry)])],
        dependencies={"principal": Provide(provide_principal, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        openapi_config=None,
    )


@pytest.fixture
def client(app: Litestar) -> Iterator[Client]:
    with TestClient(app) as client:
        client.headers["authorization"] = f"Bearer {ADMIN_KEY}"
        yield client


@pytest.fixture
def key_with(registry: Registry) -> KeyWith:
    """The headers of a key that has these scopes alone."""

    def key_with(*scopes: str, customer: str = "") -> dict[str, str]:
        return {"authorization": f"Bearer {registry.keys.create(W, 'tried', scopes, customer)[1]}"}

    return key_with


def entries(client: Client, **filters: str) -> list[tuple[Any, ...]]:
    items = client.get("/v1/audit", params=filters).json()["items"]
    return [(one["action"], one["subject_kind"], one["subject"], one["before"], one["after"]) for one in items]


def check_problem(answer: httpx.Response, status: int, *words: str, pointer: str = "") -> None:
    document = answer.json()
    assert answer.status_code == document["status"] == status, document
    assert all(word in f"{document['detail']} {document.get('hint', '')} {document.get('errors')}" for word in words)
    if pointer:
        assert pointer in [error["pointer"] for error in document["errors"]]


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


@pytest.mark.feature("C14", "C24")
class TestSwitches:
    def test_all_is_logged_until_somebody_turns_it_off(self, client: Client, clock: FakeClock) -> None:
        on = {"enable_api_logs": True, "enable_webhook_logs": True, "changes": {}}
        assert client.get("/v1/switches").json() == on
        turned = client.patch("/v1/switches", json={"enable_webhook_logs": False}).json()
        by = {"changed_by": ADMIN, "changed_at": to_rfc3339(clock.now_ms())}
        assert turned == {**on, "enable_webhook_logs": False, "changes": {"enable_webhook_logs": by}}
        assert client.get("/v1/switches").json() == turned
        assert client.patch("/v1/switches", json={}).json() == turned

    def test_turning_needs_admin(self, client: Client, key_with: KeyWith) -> None:
        reader = key_with("read", "operate")
        assert client.get("/v1/switches", headers=reader).status_code == 200
        check_problem(client.patch("/v1/switches", json={"enable_api_logs": False}, headers=reader), 403, "admin")

    def test_what_is_no_switch_is_refused(self, client: Client) -> None:
        check_problem(client.patch("/v1/switches", json={"api_logs": False}), 400, "api_logs")
        check_problem(client.patch("/v1/switches", json={"enable_api_logs": "no"}), 400, pointer="/enable_api_logs")


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
