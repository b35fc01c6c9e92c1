"""Products, integrations and connections: who is connected to whom, how it does, and what operators may do."""

from __future__ import annotations

import re
from html import unescape

import pytest

from clew.core.clock import HOUR_MS, MINUTE_MS, FakeClock
from clew.core.record import ErrorInfo
from clew.registry import declare
from clew.registry.integrations import Integration
from clew.registry.members import Member
from clew.registry.products import Product
from clew.registry.registry import Registry
from clew.registry.schemes import hmac_sha256
from harness.page_text import main_text_of, text_of, token_of
from harness.pages import Client, Keep, MakeRecord

ORDERS = {"source_product": "erp", "target_product": "ship", "integration": "orders"}


@pytest.fixture
def connected(registry: Registry) -> Registry:
    """Two integrations between ERP and Ship, one within ERP, and two connections of which neither is cut off."""
    save = registry.integrations.save
    save(Integration(workspace="default", key="orders", title="Orders and shipments", direction="two-way", **_ENDS))
    save(Integration(workspace="default", key="invoices", title="Invoices", direction="one-way", **_ENDS))
    within = {"source_product": "erp", "target_product": "erp"}
    save(Integration(workspace="default", key="ledger", title="Ledger", direction="one-way", **within))
    registry.connections.see("default", [("acme-ship", "acme", "orders"), ("holm-ship", "holm", "invoices")], 1)
    registry.customers.see("default", ["acme", "holm"], 1)
    registry.customers.rename("default", "acme", "Acme Outdoor")
    return registry


_ENDS = {"source_product": "erp", "target_product": "ship"}


@pytest.fixture
def onlooker(stranger: Client, registry: Registry) -> Client:
    """A browser in which someone is signed in who may only look."""
    member = registry.members.create("default", "eve@acme.example", "correct horse battery", "viewer")
    token, session = registry.sessions.start(member)
    stranger.cookies.set("clew_session", token)
    stranger.form = {"form_token": session.csrf_token}
    return stranger


def rows_of(html: str, part: str = "<main") -> list[str]:
    body = html[html.index("<tbody", html.index(part)) :]
    return re.findall(r"<tr.*?</tr>", body[: body.index("</tbody>")], re.DOTALL)


def count_rows(client: Client, href: str) -> int:
    answer = client.get(unescape(href))
    assert answer.status_code == 200, answer.text
    return answer.text.count('<tr class="')


def href_of(row: str, words: str) -> str:
    links = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', row, re.DOTALL)
    return next(unescape(href) for href, inner in links if text_of(inner).startswith(words))


def press(client: Client, path: str, **fields: str) -> str:
    """Send the form of a page and go where it leads."""
    page = client.get(path.rpartition("/")[0])
    answer = client.post(path, data={"form_token": token_of(page.text), **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.feature("A29", "A14")
def test_integrations_are_listed_with_name_product_target_status_and_direction(
    client: Client, connected: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record(**ORDERS), make_record(after=1, status="failure", **ORDERS))
    keep(make_record(source_product="erp", target_product="erp", integration="ledger"))
    html = client.get("/integrations").text
    head = html[html.index("<thead") : html.index("</thead>")]
    assert re.findall(r'<th scope="col">([A-Z]\w+)</th>', head) == ["Name", "Product", "Target", "Status", "Direction"]
    invoices, ledger, orders = rows_of(html)
    assert "Invoices invoices ERP → Aptean Ship Quiet no record in 24 h One-way" in text_of(invoices)
    assert "Orders and shipments orders ERP ↔ Aptean Ship Failing 1 of 2 records failed Two-way" in text_of(orders)
    assert "Ledger ledger ERP → ERP Working 1 record One-way" in text_of(ledger)
    assert 'class="dot failure"' in orders
    assert 'class="dot failure"' not in invoices + ledger
    assert count_rows(client, href_of(orders, "1 of 2")) == 1
    assert count_rows(client, href_of(ledger, "1 record")) == 1


@pytest.mark.feature("A29")
def test_an_integrations_status_names_what_is_set_up_wrongly(
    client: Client, connected: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    error = ErrorInfo(type="configuration", message="no mapping for the warehouse")
    keep(*(make_record(after=at, status="failure", error=error, **ORDERS) for at in range(2)))
    connected.connections.disconnect("default", "acme-ship", "The access expired.")
    orders = rows_of(client.get("/integrations").text)[2]
    assert "2 failures of the configuration" in text_of(orders)
    assert "1 connection disconnected" in text_of(orders)
    assert count_rows(client, href_of(orders, "2 failures")) == 2
    assert "acme-ship" in client.get(href_of(orders, "1 connection")).text


@pytest.mark.feature("A14")
def test_an_integrations_page_says_how_it_connects_and_leads_to_its_logs(
    client: Client, connected: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record("integration_event", connection="acme-ship", **ORDERS),
        make_record("api_request", 1, status="failure", connection="acme-ship", **ORDERS),
    )
    html = client.get("/integrations/orders").text
    assert "Two-way: ERP ↔ Aptean Ship" in main_text_of(html)
    assert "1 of 2 records failed in the last 24 hours" in main_text_of(html)
    logs = rows_of(html, 'aria-labelledby="logs"')
    assert [text_of(row).removeprefix("with failures ") for row in logs][-1] == "API Requests 1 failed 1 record"
    assert count_rows(client, href_of(logs[-1], "1 failed")) == 1
    assert "acme-ship" in rows_of(html, 'aria-labelledby="connections"')[0]
    assert "<event-chart" in html
    assert "One-way: within ERP" in main_text_of(client.get("/integrations/ledger").text)


def test_products_are_listed_with_their_failures_also_those_that_records_only_name(
    client: Client, connected: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    keep(
        make_record(status="failure", **ORDERS),
        make_record(after=1, source_product="erp"),
        make_record(after=2, source_product="shop", target_product="erp"),
    )
    html = client.get("/products").text
    ship, erp, shop = rows_of(html)
    assert text_of(ship).endswith("Aptean Ship ship 2 integrations 1 failure 1 record")
    assert "ERP erp 3 integrations 1 failure 3 records" in text_of(erp)
    assert "shop only named" in text_of(shop)
    assert 'class="dot failure"' in erp
    assert 'class="dot failure"' not in shop
    for row, words, count in ((erp, "1 failure", 1), (erp, "3 records", 3), (shop, "1 record", 1)):
        assert count_rows(client, href_of(row, words)) == count


def test_a_products_page_has_its_integrations_its_doors_and_its_logs(
    client: Client, connected: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    erp = declare.Product("erp", title="ERP", base_url="https://erp.example")
    erp.webhook("orders", event="$.type", verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"))
    connected.apply(declare.collect([erp]))
    keep(make_record("external_webhook", source_product="erp", source="orders"))
    html = client.get("/products/erp").text
    assert len(rows_of(html, 'id="integrations"')) == 3
    doors = rows_of(html, 'aria-labelledby="sources"')
    assert [text_of(row) for row in doors] == ["/webhooks/in/orders signature in X-ERP-Signature Webhooks"]
    assert count_rows(client, href_of(doors[0], "Webhooks")) == 1
    assert [text_of(row) for row in rows_of(html, 'aria-labelledby="logs"')] == ["External Webhooks 1 record"]
    assert "Base URL https://erp.example Declared in code" in main_text_of(html)


def test_a_product_out_of_use_keeps_its_page(client: Client, connected: Registry) -> None:
    connected.products.save(Product(workspace="default", key="old", title="The old one"))
    connected.products.archive("default", "old")
    assert "Archived" in main_text_of(client.get("/products/old").text)
    assert "The old one" not in main_text_of(client.get("/products").text)


@pytest.mark.feature("I03")
def test_a_connections_page_shows_all_that_is_known_of_it(
    client: Client, connected: Registry, clock: FakeClock, make_record: MakeRecord, keep: Keep
) -> None:
    keep(make_record(connection="acme-ship", customer="acme", status="failure", **ORDERS))
    connected.connections.disconnect("default", "acme-ship", "The access expired.")
    html = client.get("/connections/acme-ship").text
    about = html[html.index('id="about"') : html.index("</main>")]
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", about, re.DOTALL))
    assert {name: text_of(value) for name, value in facts.items()} == {
        "Id": "acme-ship",
        "Customer": "Acme Outdoor",
        "Integration": "Orders and shipments",
        "State": "Disconnected since 28 May 20:26",
        "Error": "The access expired.",
        "Created": "1 Jan 00:00:00",
        "Updated": "28 May 20:26:40",
        "Last active": "not since it was made",
        "Test": "no",
    }
    assert 'href="/customers/acme"' in facts["Customer"]
    assert 'href="/integrations/orders"' in facts["Integration"]
    assert "Disconnected since 28 May 20:26: its events launch nothing. The access expired." in main_text_of(html)


@pytest.mark.feature("I03")
def test_connections_are_listed_with_customer_integration_state_error_and_failures(
    client: Client, connected: Registry, make_record: MakeRecord, keep: Keep
) -> None:
    keep(*(make_record(after=at, connection="holm-ship", status="failure") for at in range(2)))
    connected.connections.disconnect("default", "acme-ship", "The access expired.")
    acme, holm = rows_of(client.get("/connections").text)
    assert "acme-ship Acme Outdoor Orders and shipments Disconnected since 28 May 20:26 The access expired." in text_of(
        acme
    )
    assert "holm-ship holm Invoices Connected 2 failures 2 records" in text_of(holm)
    assert 'class="dot failure"' in acme
    assert 'class="dot failure"' in holm
    assert count_rows(client, href_of(holm, "2 failures")) == 2


def test_connections_are_filtered_and_the_state_is_the_address(client: Client, connected: Registry) -> None:
    connected.connections.disconnect("default", "acme-ship", "The access expired.")
    connected.connections.archive("default", "holm-ship")
    for query, keys in (
        ("", ["acme-ship"]),
        ("?state=disconnected", ["acme-ship"]),
        ("?state=connected", []),
        ("?archived=1", ["acme-ship", "holm-ship"]),
        ("?archived=1&integration=invoices", ["holm-ship"]),
        ("?customer=acme&state=disconnected", ["acme-ship"]),
        ("?customer=nobody", []),
    ):
        html = client.get(f"/connections{query}").text
        found = re.findall(r'<th scope="row"><a href="/connections/([^"]+)"', html)
        assert found == keys, query
    assert "Looked for every connection of nobody." in main_text_of(client.get("/connections?customer=nobody").text)


def test_paging_shows_every_connection_once(client: Client, connected: Registry) -> None:
    connected.connections.see("default", [(f"c{number:03}", "", "") for number in range(120)], 1)
    href, seen = "/connections", []
    while href:
        html = client.get(href).text
        seen += re.findall(r'<th scope="row"><a href="/connections/([^"]+)"', html)
        following = re.search(r'<a href="([^"]+)">Next</a>', html)
        href = unescape(following[1]) if following else ""
    assert len(seen) == 122
    assert seen == sorted(set(seen))


def test_a_filter_of_connections_that_does_not_exist_is_refused_with_those_that_do(
    client: Client, connected: Registry
) -> None:
    for query, hint in (
        ("?status=failure", "Filters are: customer, integration, state, archived."),
        ("?state=broken", "state may be: connected, disconnected."),
        ("?archived=yes", "archived may be: 1."),
    ):
        answer = client.get(f"/connections{query}")
        assert answer.status_code == 400
        assert hint in main_text_of(answer.text)


@pytest.mark.feature("I04", "I07")
def test_an_operator_disconnects_reconnects_archives_restores_and_renames(
    client: Client, connected: Registry, member: Member
) -> None:
    find = connected.connections.find
    here = "/connections/acme-ship"
    assert press(client, f"{here}/disconnect", error="The access expired.") == here
    assert (find("default", "acme-ship").state, find("default", "acme-ship").error) == (
        "disconnected",
        "The access expired.",
    )
    assert press(client, f"{here}/reconnect") == here
    assert (find("default", "acme-ship").state, find("default", "acme-ship").error) == ("connected", "")
    assert press(client, f"{here}/archive") == here
    assert "Out of use" in main_text_of(client.get(here).text)
    assert press(client, f"{here}/restore") == here
    assert "Out of use" not in main_text_of(client.get(here).text)
    assert press(client, f"{here}/rename", name="Acme's Ship") == here
    assert "<h1>Acme&#39;s Ship</h1>" in client.get(here).text
    entries = connected.audit.list("default", subject_kind="connection")
    assert {entry.actor for entry in entries} == {member.email}
    assert {entry.action for entry in entries} == {"disconnected", "reconnected", "archived", "restored", "changed"}


def test_who_may_only_look_changes_no_connection(onlooker: Client, connected: Registry) -> None:
    html = onlooker.get("/connections/acme-ship").text
    assert "Reconnect" not in main_text_of(html)
    assert "Disconnect" not in main_text_of(html)
    answer = onlooker.post("/connections/acme-ship/disconnect", data=onlooker.form)
    assert answer.status_code == 403
    assert connected.connections.find("default", "acme-ship").state == "connected"


def test_a_form_from_elsewhere_changes_no_connection(client: Client, connected: Registry) -> None:
    assert client.post("/connections/acme-ship/archive", data={"form_token": "forged"}).status_code == 403
    assert connected.connections.find("default", "acme-ship").archived_at is None


def test_a_connection_of_any_name_has_a_page(client: Client, connected: Registry) -> None:
    keys = ["a/b", "100 %", "..", "<b>", "ä?x#y&z"]
    connected.connections.see("default", [(key, "", "") for key in keys], 1)
    html = client.get("/connections").text
    hrefs = [unescape(href) for href in re.findall(r'<th scope="row"><a href="(/connections/[^"]+)"', html)]
    titles = [unescape(re.search(r"<h1>(.*?)</h1>", client.get(href).text)[1]) for href in hrefs]
    assert sorted(set(titles) - {"acme-ship", "holm-ship"}) == sorted(keys)
    href = next(href for href in hrefs if "<h1>a/b</h1>" in client.get(href).text)
    assert press(client, f"{href}/disconnect") == href
    assert connected.connections.find("default", "a/b").state == "disconnected"


@pytest.mark.parametrize("path", ["/products/no", "/integrations/no", "/connections/no", "/connections/no/where"])
def test_what_is_not_there_is_a_page_that_says_so(client: Client, connected: Registry, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "There is no" in main_text_of(answer.text)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/integrations", "No integration is declared"),
        ("/connections", "Looked for every connection. A connection is there from the first record that names it."),
    ],
)
def test_an_empty_list_says_how_it_fills(client: Client, path: str, words: str) -> None:
    assert words in main_text_of(client.get(path).text)


def test_the_last_activity_of_a_connection_is_said(client: Client, connected: Registry, clock: FakeClock) -> None:
    connected.activity.note("default", ["acme"], [("acme-ship", "acme", "orders")])
    connected.activity.close()
    clock.advance(2 * HOUR_MS + MINUTE_MS)
    assert "2 h ago" in text_of(rows_of(client.get("/connections").text)[0])
    assert "Last active 28 May 20:26:40" in main_text_of(client.get("/connections/acme-ship").text)
