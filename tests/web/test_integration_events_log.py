"""The account's Integration Events Log: what came, how it ended, and all of it as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape

import msgspec
import pytest

from clew.core.clock import DAY_MS
from clew.core.record import ErrorInfo, Record
from harness.page_text import cells_of, headings_of, text_of
from harness.pages import Client, Keep, MakeRecord

MakeEvent = Callable[..., Record]

LOG = "/logs/integration-events"
REFERRALS = {
    "Info": "Information was captured but a Referral was not created.",
    "Success": "The conversion was successful.",
    "Failure": "The conversion failed, use the details column to see why.",
}
OTHERS = {
    "Info": "Information was captured but nothing was created.",
    "Success": "The event was successful.",
    "Failure": "The event failed, use the details column to see why.",
}


def download(client: Client, query: str = "") -> str:
    answer = client.get(f"{LOG}/download{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.fixture
def make_event(make_record: MakeRecord) -> MakeEvent:
    def make_event(after: int = 0, **fields: object) -> Record:
        parameters = fields.pop("parameters", {"email": "ada@acme.example"})
        given = {"type": "Conversion", "event": "referral.converted", "message": "said", **fields}
        return make_record("integration_event", after, parameters=json.dumps(parameters), **given)

    return make_event


@pytest.fixture
def conversions(make_event: MakeEvent, keep: Keep) -> dict[str, Record]:
    """One event of each status, by status."""
    info = make_event(
        1,
        status="info",
        message=f"{REFERRALS['Info']} Fraud Trigger Blocked: Self Referral.",
        parameters={"programIdentifier": "friends", "email": "mira@acme.example", "fullName": "Mira Holm"},
    )
    success = make_event(2, type="One Click Access", message=REFERRALS["Success"])
    error = ErrorInfo(type="bad_request", message="email: a required parameter is missing")
    failure = make_event(
        3,
        status="failure",
        message=f"{REFERRALS['Failure']} email: a required parameter is missing",
        error=error,
        parameters={"externalIdentifier": "R-17", "email": "", "amount": 420.10, "custom": {"size": "L"}},
    )
    keep(info, success, failure)
    return {"info": info, "success": success, "failure": failure}


@pytest.mark.feature("B02", "B03")
def test_the_page_has_its_title_its_subtitle_and_an_address_of_its_own(client: Client) -> None:
    html = client.get(LOG).text
    assert "<h1>Integration Events Log</h1>" in html
    assert "View a list of all the integration events associated with your account" in html
    menu = html[html.index('aria-label="Logs"') :]
    assert re.search(rf'<a href="{LOG}"[^>]*>Integration Events', menu)


@pytest.mark.feature("B03")
def test_another_accounts_events_are_not_in_it(client: Client, make_event: MakeEvent, keep: Keep) -> None:
    keep(msgspec.structs.replace(make_event(), workspace="other"))
    assert cells_of(client.get(LOG).text) == []
    assert len(download(client).splitlines()) == 1


@pytest.mark.feature("B04")
def test_the_columns_are_created_date_type_status_message_details(
    client: Client, conversions: dict[str, Record]
) -> None:
    html = client.get(LOG).text
    assert headings_of(html) == ["Created Date", "Type", "Status", "Message", "Details"]
    assert all(len(row) == 5 for row in cells_of(html))


@pytest.mark.feature("B05", "B17")
def test_each_type_appears_as_it_was_reported_conversions_and_one_click_access_among_them(
    client: Client, make_event: MakeEvent, keep: Keep
) -> None:
    types = ["Invoice", "Conversion", "Integration Script", "API Call", "One Click Access"]
    keep(*(make_event(n, type=name) for n, name in enumerate(types)))
    assert [row[1] for row in cells_of(client.get(LOG).text)] == types[::-1]
    assert [row[1] for row in cells_of(client.get(f"{LOG}?type=API+Call").text)] == ["API Call"]
    offered = client.get(LOG).text
    for name in types[1:]:
        assert f'<option value="{name}">' in offered


@pytest.mark.feature("B06")
def test_a_status_is_info_success_or_failure_and_nothing_else(
    client: Client, conversions: dict[str, Record], make_event: MakeEvent, keep: Keep
) -> None:
    keep(make_event(9, status="success", state="queued"))
    assert [row[2] for row in cells_of(client.get(LOG).text)] == ["Success", "Failure", "Success", "Info"]


@pytest.mark.feature("B07")
def test_what_a_status_means_is_on_the_page_and_at_each_status(client: Client, conversions: dict[str, Record]) -> None:
    html = client.get(LOG).text
    for word, text in REFERRALS.items():
        assert f"{word} {text}" in text_of(html)
        assert re.search(rf'<td class="verdict" title="{re.escape(text)}">.*?{word}</span></td>', html, re.DOTALL)


@pytest.mark.feature("B07")
def test_what_a_status_means_belongs_to_the_type_of_the_event(
    client: Client, make_event: MakeEvent, keep: Keep
) -> None:
    keep(*(make_event(n, type="Invoice", status=word.lower()) for n, word in enumerate(OTHERS)))
    html = client.get(f"{LOG}?type=Invoice").text
    for word, text in OTHERS.items():
        assert f"{word} {text}" in text_of(html)
        assert f'<td class="verdict" title="{text}">' in html
        assert REFERRALS[word] not in html
    of_all = text_of(client.get(LOG).text)
    assert all(text in of_all for text in (*REFERRALS.values(), *OTHERS.values()))
    assert OTHERS["Info"] not in client.get(f"{LOG}?type=Conversion").text


@pytest.mark.feature("B08", "B24")
@pytest.mark.parametrize(
    "reason", ["The link is not a valid member's link.", "Fraud Trigger Blocked: Duplicate Referral (email)."]
)
def test_an_info_says_why_nothing_was_created(client: Client, make_event: MakeEvent, keep: Keep, reason: str) -> None:
    keep(make_event(status="info", message=f"{REFERRALS['Info']} {reason}"))
    ((_, _, status, message, _),) = cells_of(client.get(LOG).text)
    assert (status, message) == ("Info", f"{REFERRALS['Info']} {reason}")


@pytest.mark.feature("B09")
@pytest.mark.parametrize("status", ["info", "failure"])
def test_an_info_or_a_failure_without_a_message_says_what_it_means(
    client: Client, make_event: MakeEvent, keep: Keep, status: str
) -> None:
    keep(make_event(status=status, message=""))
    assert cells_of(client.get(LOG).text)[0][3] == REFERRALS[status.title()]


@pytest.mark.feature("B09")
def test_a_failure_without_a_message_says_its_errors(client: Client, make_event: MakeEvent, keep: Keep) -> None:
    keep(make_event(status="failure", message="", error=ErrorInfo(type="data", message="amount: not a number")))
    assert cells_of(client.get(LOG).text)[0][3] == "amount: not a number"


@pytest.mark.feature("B10")
@pytest.mark.parametrize(
    ("parameters", "who"),
    [
        ({"fullName": "Mira Holm", "email": "mira@acme.example", "plan": "gold"}, "Mira Holm"),
        ({"first_name": "Mira", "Last Name": "Holm", "email": "mira@acme.example"}, "Mira Holm"),
        ({"referralkey_email": "mira@acme.example", "plan": "gold"}, "mira@acme.example"),
        ({"plan": "gold"}, "referral.converted"),
        ({}, "referral.converted"),
    ],
)
def test_details_name_who_it_was_about_and_lead_to_the_event_details(
    client: Client, make_event: MakeEvent, keep: Keep, parameters: dict[str, str], who: str
) -> None:
    event = make_event(parameters=parameters)
    keep(event)
    html = client.get(LOG).text
    assert f'<td class="event details"><a href="/records/{event.id}">{who}</a>' in html
    details = cells_of(html)[0][4]
    for value in ("mira@acme.example", "plan gold"):
        assert (value in details) == any(value.endswith(str(given)) for given in parameters.values())
    assert "<h1>Event Details" in client.get(f"/records/{event.id}").text


@pytest.mark.parametrize("parameters", ["[1, 2", '{"email": {"a": 1}}', '["x"]', "null"])
def test_parameters_of_any_shape_leave_the_list_whole(
    client: Client, make_record: MakeRecord, keep: Keep, parameters: str
) -> None:
    keep(make_record("integration_event", event="odd", parameters=parameters))
    assert cells_of(client.get(LOG).text)[0][4] == "odd"


@pytest.mark.feature("B11")
def test_info_success_and_failure_give_their_rows_and_list_all_gives_all_of_them(
    client: Client, conversions: dict[str, Record]
) -> None:
    html = client.get(LOG).text
    choices = re.findall(r"<a [^>]*>([^<]+)</a>", html[html.index('<nav class="segments"') :].split("</nav>")[0])
    assert choices == ["List All", "Info", "Success", "Failure"]
    for status in ("info", "success", "failure"):
        (row,) = cells_of(client.get(f"{LOG}?status={status}").text)
        assert row[2] == status.title()
    chosen = client.get(f"{LOG}?status=failure&type=Conversion").text
    assert f'<a href="{LOG}?type=Conversion">List All</a>' in chosen
    assert len(cells_of(client.get(LOG).text)) == 3


@pytest.mark.feature("B12", "B13")
@pytest.mark.parametrize(
    "query", ["", "?status=failure", "?status=info&type=Conversion", "?q=missing", "?type=Nothing"]
)
def test_the_counter_the_rows_and_the_download_are_as_many(
    client: Client, conversions: dict[str, Record], query: str
) -> None:
    html = client.get(f"{LOG}{query}").text
    counter = re.search(r"<h1>.*?</h1>\s*<span[^>]*>(\d+) integration events?", html)
    assert counter
    rows = list(csv.reader(io.StringIO(download(client, query), newline="")))[1:]
    assert int(counter.group(1)) == len(cells_of(html)) == len(rows)
    button = html.index("Download", counter.end())
    assert "<h1" not in html[counter.end() : button]  # it is beside the counter
    assert button < html.index('<form class="filters')


@pytest.mark.feature("B12")
def test_the_counter_counts_more_than_one_page_and_each_row_once_when_paging(
    client: Client, make_event: MakeEvent, keep: Keep
) -> None:
    keep(*(make_event(n) for n in range(120)))
    assert "120 integration events" in text_of(client.get(LOG).text)
    assert len(download(client).splitlines()) == 121


@pytest.mark.feature("B13")
def test_the_download_is_csv_with_the_columns_of_the_log_first(client: Client, conversions: dict[str, Record]) -> None:
    answer = client.get(f"{LOG}/download")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="integration-events-\d{8}T\d{6}Z\.csv"', answer.headers["content-disposition"]
    )
    head, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert head[:5] == ["Created Date", "Type", "Status", "Message", "Details"]
    assert [row[2] for row in rows] == ["Failure", "Success", "Info"]
    assert json.loads(rows[0][4])["externalIdentifier"] == "R-17"


@pytest.mark.feature("B13")
def test_the_download_is_json_one_record_a_line_where_that_is_chosen(
    client: Client, conversions: dict[str, Record]
) -> None:
    html = client.get(f"{LOG}?status=failure").text
    href = re.search(r'<a href="([^"]+)" download>JSON', html)
    assert href
    answer = client.get(unescape(href.group(1)))
    assert answer.headers["content-type"] == "application/x-ndjson"
    (record,) = [json.loads(line) for line in answer.text.splitlines()]
    assert record["id"] == conversions["failure"].id
    assert record["parameters"]["amount"] == 420.10


@pytest.mark.feature("B13")
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_is_text_in_the_download(
    client: Client, make_event: MakeEvent, keep: Keep, start: str
) -> None:
    formula = f"{start}HYPERLINK(1)"
    keep(make_event(message=formula, type=formula, event=formula))
    _, row = csv.reader(io.StringIO(download(client), newline=""))
    assert row[1] == row[3] == f"'{formula}"
    assert not any(cell.startswith(start) for cell in row)


@pytest.mark.parametrize(("query", "said"), [("format=exe", "exe"), ("status=red", "red"), ("nonsense=1", "nonsense")])
def test_a_download_that_cannot_be_says_so_on_a_page(client: Client, query: str, said: str) -> None:
    answer = client.get(f"{LOG}/download?{query}")
    assert answer.status_code == 400
    assert said in text_of(answer.text)
    assert 'class="side"' in answer.text


def test_nobody_downloads_without_signing_in(stranger: Client) -> None:
    answer = stranger.get(f"{LOG}/download")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.feature("B16", "B20")
def test_past_events_are_reached_by_date_and_by_paging(client: Client, make_event: MakeEvent, keep: Keep) -> None:
    old = [make_event(-9 * DAY_MS + n, message=f"old {n}") for n in range(60)]
    keep(*old, make_event(message="new"))
    assert [row[3] for row in cells_of(client.get(LOG).text)] == ["new"]
    html = client.get(f"{LOG}?duration=30d").text
    assert "Created Date, custom" in html
    href = re.search(r'<a href="([^"]+)"[^>]*>Older</a>', html)
    assert href
    older = cells_of(client.get(unescape(href.group(1))).text)
    assert older[-1][3] == "old 0"
    assert len(cells_of(html)) + len(older) == 61
    bounds = client.get(f"{LOG}?to=2100-01-01&from=2020-01-01&sort=asc").text
    assert cells_of(bounds)[0][3] == "old 0"


def test_markup_and_length_in_an_event_do_no_harm(client: Client, make_event: MakeEvent, keep: Keep) -> None:
    evil = "<img src onerror>" * 400
    keep(make_event(type=evil, message=evil, parameters={"fullName": evil, evil: evil, "email": evil}, customer=evil))
    html = client.get(LOG).text
    assert "<img" not in html
    assert len(html) < 60_000
