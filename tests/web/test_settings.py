"""What is logged and who changed what, as pages; both change nothing for who may only look."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from clew.core.clock import DAY_MS, FakeClock
from clew.registry.integrations import Integration
from clew.registry.members import Role
from clew.registry.products import Product
from clew.registry.registry import Registry
from harness.page_text import main_text_of, text_of, token_of
from harness.pages import Client

As = Callable[[Role], Client]

ACTIVITY = "/settings/configuration-activity"
LOGGING = "/settings/logging"


@pytest.fixture
def signed_in_as(stranger: Client, registry: Registry) -> As:
    """A browser in which a member with this role is signed in."""

    def signed_in_as(role: Role) -> Client:
        member = registry.members.create(
            "default", f"{role}@acme.example", "correct horse", role, by="ada@acme.example"
        )
        stranger.cookies.set("clew_session", registry.sessions.start(member)[0])
        return stranger

    return signed_in_as


def read(answer: httpx.Response) -> str:
    return main_text_of(answer.text)


def rows_of(answer: httpx.Response) -> list[str]:
    """The rows of the page's tables, each as it is read."""
    bodies = "".join(re.findall(r"<tbody>(.*?)</tbody>", answer.text, re.DOTALL))
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", bodies, re.DOTALL)
    return [text_of(row) for row in rows]


@pytest.mark.feature("B19")
class TestConfigurationActivity:
    def test_it_says_who_changed_what_from_what_to_what(self, client: Client, registry: Registry) -> None:
        registry.products.save(Product(workspace="default", key="ship", title="Ship"), by="ada@acme.example")
        registry.connections.see("default", [("c1", "acme", "")], 1)
        registry.connections.disconnect("default", "c1", "The token expired.", by="Ship (clew_abc123...)")
        answer = client.get(ACTIVITY)
        disconnected, renamed = rows_of(answer)[:2]
        assert disconnected.endswith(
            "c1 connection disconnected state connected → disconnected error nothing → The token expired. "
            "Ship (clew_abc123...)"
        )
        assert renamed.endswith("ship product changed title Aptean Ship → Ship ada@acme.example")
        assert 'href="/connections/c1"' in answer.text
        assert 'href="/products/ship"' in answer.text
        assert rows_of(answer)[-1].endswith("erp product created title ERP the server")

    def test_a_key_is_called_by_its_name_and_beginning(self, client: Client, registry: Registry) -> None:
        key, text = registry.keys.create("default", "shop", ["ingest", "read"], by="ada@acme.example")
        answer = client.get(ACTIVITY, params={"kind": "key"})
        (row,) = rows_of(answer)
        assert row.endswith(f"shop ({key.prefix}...) key created scopes ingest, read ada@acme.example")
        assert text not in answer.text

    @pytest.mark.feature("B20")
    def test_it_is_narrowed_by_date_kind_and_who(self, client: Client, registry: Registry, clock: FakeClock) -> None:
        clock.advance(10 * DAY_MS)
        registry.switches.set("default", api_logs=False, by="ada@acme.example")
        clock.advance(DAY_MS // 2)
        registry.products.archive("default", "ship", by="bob@acme.example")
        client.cookies.set("clew_session", registry.sessions.start(registry.members.list("default")[0])[0])

        def subjects(**asked: str) -> list[str]:
            found = re.findall(r'<th scope="row"[^>]*>(?:<a[^>]*>)?([^<]*)', client.get(ACTIVITY, params=asked).text)
            return [subject.strip() for subject in found]

        assert subjects(within="24h") == ["ship", "logging"]
        assert subjects(within="24h", who="bob@acme.example") == ["ship"]
        assert subjects(kind="switches") == ["logging"]
        assert subjects(kind="product", within="7d") == ["ship"]
        assert "erp" in subjects(kind="product")
        begin = "2026-06-07T20:26:40Z"
        assert subjects(**{"from": begin, "to": "2026-06-08T00:00:00Z"}) == ["logging"]
        empty = read(client.get(ACTIVITY, params={"kind": "flow", "within": "7d"}))
        assert "Every change of a flow from 1 Jun 08:26 until 8 Jun 08:26 UTC was looked at." in empty

    def test_older_changes_are_a_page_away(self, client: Client, registry: Registry) -> None:
        for number in range(60):
            registry.products.save(Product(workspace="default", key=f"p{number:02}"), by="ada@acme.example")
        first = client.get(ACTIVITY)
        older = re.search(r'href="([^"]*cursor=[^"]*)">Older', first.text)
        assert older
        second = client.get(older[1].replace("&amp;", "&"))
        keys = [re.search(r"\bp\d\d\b", row) for row in (*rows_of(first), *rows_of(second))]
        assert [found[0] for found in keys if found] == [f"p{number:02}" for number in reversed(range(60))]
        assert ">Newest<" in second.text
        assert ">Older<" not in second.text

    @pytest.mark.parametrize("role", ["support", "viewer"])
    def test_only_who_administers_sees_it(self, signed_in_as: As, role: Role) -> None:
        client = signed_in_as(role)
        answer = client.get(ACTIVITY)
        assert answer.status_code == 403
        assert f"{role}@acme.example may not see who changed what." in read(answer)
        assert f'href="{ACTIVITY}"' not in client.get("/").text
        assert "ERP" not in read(answer)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("colour=red", "Filters are: within, from, to, kind, who."),
            ("kind=colour", "kind may be: connection, customer, flow"),
            ("within=1y", "within may be: 24h, 7d, 30d."),
            ("from=yesterday", "Write it as 2026-11-22T06:41."),
            ("cursor=zzz", "Begin with the newest."),
        ],
    )
    def test_what_does_not_exist_is_refused_with_what_does(self, client: Client, query: str, said: str) -> None:
        answer = client.get(f"{ACTIVITY}?{query}")
        assert answer.status_code == 400
        assert said in read(answer)
        assert "List all" in answer.text
        assert "No change" not in answer.text

    def test_who_administers_is_led_to_it(self, client: Client) -> None:
        assert f'href="{ACTIVITY}"' in client.get("/").text

    def test_markup_in_what_was_changed_is_text(self, client: Client, registry: Registry) -> None:
        evil = "<script>alert(1)</script>"
        registry.products.save(Product(workspace="default", key="erp", title=evil), by=evil)
        registry.connections.save("default", "<b>c<b>", by="ada@acme.example")
        answer = client.get(ACTIVITY)
        assert "<script>alert" not in answer.text
        assert "<b>c" not in answer.text
        assert "&lt;script&gt;" in answer.text


@pytest.mark.feature("C14", "C24")
class TestLogging:
    def test_both_switches_are_on_and_say_what_they_do(self, client: Client) -> None:
        answer = client.get(LOGGING)
        api, webhooks = rows_of(answer)[:2]
        assert api.startswith("enableApiLogs API Requests on On: Each request that a flow makes and each call of")
        assert webhooks.startswith("enableWebhookLogs External Webhooks on On: Each webhook is a record as it came")
        assert "Configuration Activity without end" in read(answer)
        assert "48 hours The setting CLEW_KEEP_KEYS_HOURS." in read(answer)

    def test_an_administrator_turns_one_off_and_on_again(self, client: Client, registry: Registry) -> None:
        token = token_of(client.get(LOGGING).text)
        turned = client.post(f"{LOGGING}/enableWebhookLogs/off", data={"form_token": token})
        assert (turned.status_code, turned.headers["location"]) == (303, LOGGING)
        stand = registry.switches.read("default")
        assert (stand.api_logs, stand.webhook_logs) == (True, False)
        row = rows_of(client.get(LOGGING))[1]
        assert "off by ada@acme.example" in row
        assert "Turn on enableWebhookLogs" in row
        client.post(f"{LOGGING}/enableWebhookLogs/on", data={"form_token": token})
        client.post(f"{LOGGING}/enableApiLogs/off", data={"form_token": token})
        stand = registry.switches.read("default")
        assert (stand.api_logs, stand.webhook_logs) == (False, True)
        assert "logging switches changed enableApiLogs on → off ada@acme.example" in rows_of(client.get(ACTIVITY))[0]

    @pytest.mark.parametrize("role", ["support", "viewer"])
    def test_others_see_how_they_stand_and_turn_nothing(self, signed_in_as: As, registry: Registry, role: Role) -> None:
        client = signed_in_as(role)
        answer = client.get(LOGGING)
        assert "An administrator can turn them." in read(answer)
        assert "Turn off" not in answer.text
        refused = client.post(f"{LOGGING}/enableApiLogs/off", data={"form_token": token_of(answer.text)})
        assert refused.status_code == 403
        assert registry.switches.read("default").api_logs

    def test_a_form_of_another_site_turns_nothing(self, client: Client, registry: Registry) -> None:
        assert client.post(f"{LOGGING}/enableApiLogs/off", data={"form_token": "guessed"}).status_code == 403
        assert registry.switches.read("default").api_logs

    @pytest.mark.parametrize("path", ["enableActionRunLogs/off", "enableApiLogs/perhaps"])
    def test_what_is_no_switch_is_not_found(self, client: Client, path: str) -> None:
        token = token_of(client.get(LOGGING).text)
        answer = client.post(f"{LOGGING}/{path}", data={"form_token": token})
        assert answer.status_code == 404
        assert "enableApiLogs, enableWebhookLogs: on and off." in read(answer)


def test_what_was_changed_leads_to_where_it_is(client: Client, registry: Registry) -> None:
    registry.customers.see("default", ["a/b"], 1)
    registry.customers.rename("default", "a/b", "A & B", by="ada@acme.example")
    registry.integrations.save(
        Integration(workspace="default", key="orders", source_product="erp", target_product="ship", direction="two-way")
    )
    page = client.get(ACTIVITY).text
    assert 'href="/customers/a~1b"' in page
    assert 'href="/integrations/orders"' in page
    assert 'href="/products/erp"' in page
