"""A search inside words: offered where whole words found little, shown with how far it came, gone on with by a link."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from clew.cli.tailing import read_events
from clew.core.clock import DAY_MS, HOUR_MS, FakeClock
from clew.log.memory import MemoryStore
from harness.page_text import events_of, link_of, text_of
from harness.pages import Client, Keep, MakeRecord
from harness.pausing_store import PausingStore


@pytest.fixture
def store(clock: FakeClock) -> MemoryStore:
    return PausingStore(clock.now_ms())


@pytest.fixture
def apples(keep: Keep, make_record: MakeRecord) -> list[str]:
    """Events over eight days, one every nine hours, the newest first; all of them are about pineapples."""
    records = [
        make_record("external_event", after=-n * 9 * HOUR_MS, event=f"pineapple.{n}", message="Some pineapples came")
        for n in range(20)
    ]
    keep(*records)
    return [record.event for record in records]


@pytest.mark.feature("A17")
def test_where_no_whole_word_is_found_the_search_inside_words_is_offered_and_finds(
    client: Client, apples: list[str]
) -> None:
    html = client.get("/logs/external-events?q=apples+-absent&duration=30d").text
    assert "No records match" in html
    offer = link_of(html, "Search inside words too: contains “apples”")
    assert "contains=apples" in offer
    assert "q=-absent" in offer
    assert "duration=30d" in offer
    assert events_of(client.get(offer).text) == apples[:3]


def test_where_little_is_found_it_is_offered_too_and_where_much_is_it_is_not(
    client: Client, apples: list[str], keep: Keep, make_record: MakeRecord
) -> None:
    keep(make_record("external_event", event="other", message="a pear"))
    few = client.get("/logs/external-events?q=pear&duration=30d").text
    assert events_of(few) == ["other"]
    assert "contains=pear" in link_of(few, "Search inside words too")
    assert "Search inside words too" not in client.get("/logs/external-events?q=pineapples&duration=30d").text
    assert "Search inside words too" not in client.get("/logs/external-events?duration=1h").text


@pytest.mark.feature("A17", "N08")
@pytest.mark.parametrize("sort", ["desc", "asc"])
def test_without_a_script_the_link_goes_on_until_all_of_it_is_searched(
    client: Client, apples: list[str], sort: str
) -> None:
    href, found, pages = f"/logs/external-events?contains=APPLES+c&duration=30d&sort={sort}", [], 0
    while href:
        html = client.get(href).text
        found += events_of(html)
        pages += 1
        href = ""
        if "<log-scan" in html:
            assert ("Searched on to" if sort == "asc" else "Searched back to") in text_of(html)
            assert f"{'Newer' if sort == 'asc' else 'Older'}</a>" not in html  # it would lead to the same rows
            href = link_of(html, "Go on")
    assert found == (apples if sort == "desc" else apples[::-1])
    assert pages > 6
    assert "There may be more" not in html


def test_while_nothing_is_found_yet_the_page_says_so_and_does_not_say_that_there_is_nothing(
    client: Client, apples: list[str], keep: Keep, make_record: MakeRecord
) -> None:
    keep(make_record("external_event", after=-7 * DAY_MS, event="far", message="a strawberry"))
    html = client.get("/logs/external-events?contains=wberr&duration=30d").text
    assert "nothing found yet" in text_of(html)
    assert "No records match" not in html
    assert "<tbody>" in html


def test_a_list_of_what_contains_a_text_is_not_counted_and_shows_its_filter(client: Client, apples: list[str]) -> None:
    html = client.get("/logs/external-events?contains=apples").text
    assert re.search(r"Contains <b>apples</b>", html)
    assert "over-time" not in html
    assert "records ·" not in text_of(html)
    assert "/facets" not in html


@pytest.mark.parametrize("path", ["/logs", "/logs/external-events"])
def test_with_a_script_the_rest_comes_in_steps_that_say_how_far_they_came(
    client: Client, apples: list[str], path: str
) -> None:
    html = client.get(f"{path}?contains=apples&duration=30d&limit=7").text
    assert events_of(html) == apples[:3]
    match = re.search(r'<log-scan data-src="([^"]+)"', html)
    assert match
    answer = client.get(unescape(match.group(1)))
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [(event.name, json.loads(event.data)) for event in read_events([answer.content])]
    assert {name for name, _ in events} == {"step"}
    steps = [told for _, told in events]
    assert [name for step in steps for name in events_of(step["rows"])] == apples[3:10]
    assert [step["is_done"] for step in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[-1]["matches"] == 7
    assert all("Searched back to" in step["said"] for step in steps)
    assert all("Searched" in step["coverage"] for step in steps)
    assert events_of(client.get(steps[-1]["next"]).text) == apples[10:12]


def test_a_scan_of_no_text_or_of_no_log_is_refused(client: Client) -> None:
    assert client.get("/logs/external-events/scan").status_code == 400
    assert client.get("/logs/nothing/scan?contains=x").status_code == 404
    assert client.get("/logs/scan?contains=x&colour=red").status_code == 400


def test_a_scan_is_for_those_who_are_signed_in(stranger: Client) -> None:
    assert stranger.get("/logs/scan?contains=x").status_code == 303


def test_the_text_filter_says_how_to_search(client: Client, apples: list[str]) -> None:
    html = client.get("/logs/external-events").text
    assert ">How to search<" in html
    assert '-"test order": without this phrase' in text_of(html)
    wrong = client.get('/logs/external-events?q="a')
    assert wrong.status_code == 400
    assert "a quotation mark that is not closed" in text_of(wrong.text)
    assert "Close it" in wrong.text
