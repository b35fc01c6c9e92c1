"""The page of one integration event: its status, and the Data section."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from clew.core.record import ErrorInfo, Record
from harness.page_text import text_of
from harness.pages import Client, Keep, MakeRecord


def data_of(html: str) -> str:
    """The Data section."""
    start = html.index('<h2 id="data">Data</h2>')
    return html[start : html.index("</section>", start)]


def facts_of(html: str) -> dict[str, str]:
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", html, re.DOTALL)
    return {text_of(name): text_of(value) for name, value in pairs}


def parameters_of(html: str) -> dict[str, str]:
    rows = re.findall(r'<th scope="row">(.*?)</th>\s*<td[^>]*>(.*?)</td>', html, re.DOTALL)
    return {unescape(name): unescape(value) for name, value in rows}


@pytest.fixture
def failure(make_record: MakeRecord, keep: Keep) -> Record:
    record = make_record(
        "integration_event",
        type="Conversion",
        event="referral.converted",
        status="failure",
        state="rejected",
        message="email: a required parameter is missing",
        error=ErrorInfo(type="bad_request", message="email: a required parameter is missing"),
        parameters='{"externalIdentifier": "R-17", "email": "", "amount": 420.10, "debug": false, "lines": ["a", "b"]}',
    )
    keep(record)
    return record


@pytest.mark.feature("B14")
def test_an_event_has_a_page_of_its_own_with_its_status_and_what_that_means(client: Client, failure: Record) -> None:
    html = client.get(f"/records/{failure.id}").text
    assert re.search(r"<h1>Event Details\s*</h1>", html)
    assert "<title>Event Details · Clew</title>" in html
    assert facts_of(data_of(html))["Status"] == "Failure The conversion failed, use the details column to see why."
    assert re.search(r'<a href="/logs/integration-events" aria-current="page">', html)
    assert "referral.converted" in text_of(html[html.index("<h1>") :])


@pytest.mark.feature("B14", "B15")
def test_data_has_the_result_why_it_failed_and_each_parameter_with_its_value(client: Client, failure: Record) -> None:
    data = data_of(client.get(f"/records/{failure.id}").text)
    facts = facts_of(data)
    assert facts["Result"] == "rejected"
    assert facts["Message"] == "email: a required parameter is missing"
    assert parameters_of(data) == {
        "externalIdentifier": "R-17",
        "email": "",
        "amount": "420.10",
        "debug": "false",
        "lines": '["a", "b"]',
    }


@pytest.mark.feature("B15")
@pytest.mark.parametrize("status", ["success", "info"])
def test_only_a_failure_has_a_message_in_its_data(
    client: Client, make_record: MakeRecord, keep: Keep, status: str
) -> None:
    record = make_record("integration_event", type="Invoice", status=status, message="booked", parameters="{}")
    keep(record)
    html = client.get(f"/records/{record.id}").text
    facts = facts_of(data_of(html))
    assert facts.keys() == {"Status", "Result"}
    assert facts["Result"] == status
    assert "No parameters were captured." in data_of(html)
    assert "booked" in text_of(html[html.index("What happened") :])  # what it said is not lost


PARAMETERS = {
    "One Click Access": {
        "programIdentifier": "friends-2026",
        "email": "ada@acme.example",
        "fullName": "Ada Berg",
        "firstname": "Ada",
        "lastname": "Berg",
        "favouriteColour": "green",
    },
    "Conversion": {
        "externalIdentifier": "R-17",
        "email": "ada@acme.example",
        "amount": "420.10",
        "firstName": "Ada",
        "lastName": "Berg",
        "fullName": "Ada Berg",
        "size": "L",
    },
    "Integration Script": {"emailParamName": "buyer_email", "debug": "true", "amountParamName": "total"},
    "API Call": {"referralkey_email": "ada@acme.example", "referralkey_externalid": "R-17", "referralkey_id": "a1b2"},
}


@pytest.mark.feature("B21", "B22", "B23")
@pytest.mark.parametrize("type_", PARAMETERS)
def test_the_parameters_of_each_type_are_shown_by_name(
    client: Client, make_record: MakeRecord, keep: Keep, type_: str
) -> None:
    record = make_record("integration_event", type=type_, parameters=json.dumps(PARAMETERS[type_]))
    keep(record)
    assert parameters_of(data_of(client.get(f"/records/{record.id}").text)) == PARAMETERS[type_]


@pytest.mark.feature("B24")
def test_a_fraud_rule_that_blocked_an_event_is_named_on_its_page(
    client: Client, make_record: MakeRecord, keep: Keep
) -> None:
    reason = "Fraud Trigger Blocked: Coupon Spam (blocklisted Domain)."
    record = make_record("integration_event", type="Conversion", status="info", message=reason)
    keep(record)
    html = client.get(f"/records/{record.id}").text
    assert reason in text_of(html)
    assert facts_of(data_of(html))["Status"].startswith("Info Information was captured but a Referral was not created.")


def test_a_link_to_the_data_of_an_event_opens_the_page_that_begins_with_it(client: Client, failure: Record) -> None:
    html = client.get(f"/records/{failure.id}?tab=data").text
    assert 'aria-current="page">Details' in html
    assert "R-17" in data_of(html)


def test_markup_in_parameters_is_text(client: Client, make_record: MakeRecord, keep: Keep) -> None:
    evil = "<script>alert(1)</script>"
    record = make_record("integration_event", type=evil, parameters=json.dumps({evil: evil}))
    keep(record)
    html = client.get(f"/records/{record.id}").text
    assert "<script>alert" not in html
    assert parameters_of(data_of(html)) == {evil: evil}
