"""Times are said and read in the zone of who looks, and kept in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock, from_rfc3339, to_rfc3339
from clew.web.logs.url import read_url
from clew.web.time_zone import (
    BOUNDS,
    ZONE_COOKIE,
    Bound,
    exact_bound,
    find_zone,
    in_zone,
    is_same_day,
    known_names,
    offered_names,
    read_local,
    write_local,
    zone_key,
    zone_label,
    zone_words,
)
from clew.web.wording import say_day, say_minute, say_moment, say_other_day
from harness.page_text import token_of
from harness.pages import Client

Form = dict[str, str]

BERLIN = ZoneInfo("Europe/Berlin")
TIMES = st.integers(from_rfc3339("1900-01-01"), from_rfc3339("2200-01-01"))
ZONES = st.sampled_from(sorted(known_names()))


def test_a_time_is_said_in_the_zone_and_exactly_in_utc():
    time_ms = from_rfc3339("2026-11-22T23:41:25.410Z")
    with in_zone("Asia/Kolkata"):
        moment = say_moment(time_ms)
        assert (moment.date, moment.clock, moment.exact) == ("23 Nov", "05:11:25.410", "2026-11-22T23:41:25.410Z")
        assert say_minute(time_ms) == "23 Nov 05:11"
    assert say_minute(time_ms) == "22 Nov 23:41"


def test_a_day_begins_and_a_year_ends_at_midnight_of_the_zone():
    late, early = from_rfc3339("2026-12-31T22:30Z"), from_rfc3339("2026-12-31T23:30Z")
    assert is_same_day(late, early)
    with in_zone("Europe/Berlin"):
        assert not is_same_day(late, early)
        assert say_other_day(late, early) == "31 Dec 2026"
        assert say_day(early, early) == "1 Jan"
        assert say_other_day(early, early) == ""


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("UTC", "UTC", "UTC"),
        ("Europe/Berlin", "Berlin", "Berlin time"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires", "Buenos Aires time"),
    ],
)
def test_the_zone_is_called_by_its_place(name: str, label: str, words: str):
    with in_zone(name):
        assert (zone_key(), zone_label(), zone_words()) == (name, label, words)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "europe/berlin", "\0"])
def test_a_name_that_is_no_zone_is_utc(name: str):
    assert find_zone(name) is None
    with in_zone(name):
        assert zone_key() == "UTC"


def test_a_place_is_called_what_it_is_called_today():
    with in_zone("Asia/Calcutta"):
        assert zone_label() == "Kolkata"


def test_the_zones_to_choose_from_are_all_known_utc_first():
    assert offered_names()[0] == "UTC"
    assert {"Europe/Berlin", "America/New_York", "Asia/Kolkata"} < set(offered_names()) <= known_names()


@given(time_ms=TIMES, zone=ZONES, bound=st.sampled_from(BOUNDS))
def test_what_a_field_shows_is_read_as_the_same_moment(time_ms: int, zone: str, bound: Bound):
    with in_zone(zone):
        assert read_local(write_local(time_ms), ZoneInfo(zone), bound) == time_ms


@given(local=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), zone=ZONES)
def test_from_is_never_after_to_of_the_same_words(local: datetime, zone: str):
    text = local.isoformat(timespec="milliseconds")
    first, last = (read_local(text, ZoneInfo(zone), bound) for bound in BOUNDS)
    assert first <= last <= first + DAY_MS


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("2026-11-22T07:40", "2026-11-22T06:40:00.000Z", "2026-11-22T06:40:00.000Z"),
        ("2026-11-22", "2026-11-21T23:00:00.000Z", "2026-11-21T23:00:00.000Z"),
        ("2026-11-22T07:40Z", "2026-11-22T07:40:00.000Z", "2026-11-22T07:40:00.000Z"),
        ("2026-11-22T07:40+05:30", "2026-11-22T02:10:00.000Z", "2026-11-22T02:10:00.000Z"),
        # Set back at three: half past two comes twice.
        ("2026-10-25T02:30", "2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"),
        # Set forward at two: half past two never comes.
        ("2026-03-29T02:30", "2026-03-29T01:30:00.000Z", "2026-03-29T01:30:00.000Z"),
    ],
)
def test_what_is_typed_is_read_in_the_zone(typed: str, first: str, last: str):
    assert (exact_bound(typed, BERLIN, "from"), exact_bound(typed, BERLIN, "to")) == (first, last)


@pytest.mark.parametrize("typed", ["soon", "9999-12-31T23:59:60", "0001-01-01"])
def test_what_cannot_be_read_stays_as_it_was_typed(typed: str):
    assert exact_bound(typed, BERLIN, "from") == typed


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_ends_of_time_can_be_shown_in_every_zone(text: str):
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        with in_zone(zone):
            assert say_moment(from_rfc3339(text)).exact == text


def test_a_link_made_of_typed_bounds_says_the_same_to_everyone():
    url = read_url("/logs", [("from", "2026-11-22T07:40"), ("to", ""), ("zone", "Europe/Berlin")])
    assert url.href == "/logs?from=2026-11-22T06:40:00.000Z"
    assert read_url("/logs", [("from", "2026-11-22T07:40")]).href == "/logs?from=2026-11-22T07:40"


def choose(client: Client, **fields: str) -> Form:
    """What choosing a zone in the menu of a page leads to."""
    page = client.get("/logs").text
    answer = client.post("/settings/time-zone", data={"form_token": token_of(page), **fields}, headers=REFERER)
    assert answer.status_code == 303
    return dict(answer.headers)


REFERER = {"referer": "http://testserver.local/logs?status=failure"}


def test_a_zone_is_chosen_in_the_menu_and_every_time_of_the_log_is_in_it(
    client: Client, refused_order: object, clock: FakeClock
):
    assert choose(client, zone="Asia/Kolkata")["location"] == "/logs?status=failure"
    page = client.get("/logs").text
    shown = datetime.fromtimestamp((clock.now_ms() - 1_000) / 1_000, UTC).astimezone(ZoneInfo("Asia/Kolkata"))
    assert "Time (Kolkata)" in page
    assert f"{shown:%H:%M:%S}." in page
    assert f'datetime="{to_rfc3339(clock.now_ms() - 1_000)}"' in page
    assert choose(client, zone="UTC")
    assert "Time (UTC)" in client.get("/logs").text


def test_bounds_are_typed_and_shown_in_the_chosen_zone(client: Client, refused_order: object, clock: FakeClock):
    choose(client, zone="Asia/Kolkata")
    with in_zone("Asia/Kolkata"):
        since, until = write_local(clock.now_ms() - HOUR_MS), write_local(clock.now_ms() + HOUR_MS)
    page = client.get("/logs", params={"from": since, "to": until, "zone": "Asia/Kolkata"}).text
    assert f'name="from" value="{since}"' in page
    assert '<input type="hidden" name="zone" value="Asia/Kolkata" data-with="from to">' in page
    assert "order.released" in page
    before = client.get("/logs", params={"from": since, "to": until, "zone": "Pacific/Kiritimati"}).text
    assert "No records match" in before


def test_a_zone_in_the_address_that_is_none_is_refused(client: Client):
    answer = client.get("/logs?from=2026-11-22&zone=Mars/Olympus")
    assert answer.status_code == 400
    assert "zone" in answer.text


def test_without_a_script_the_zone_is_chosen_from_a_list(client: Client):
    location = choose(client, zone="")["location"]
    assert location == "/settings/time-zone?next=/logs%3Fstatus%3Dfailure"
    page = client.get(location).text
    assert "<option>Asia/Kolkata</option>" in page
    assert "<option selected>UTC</option>" in page
    assert 'name="next" value="/logs?status=failure"' in page
    assert choose(client, zone="Asia/Kolkata", next="/flows")["location"] == "/flows"


def test_who_chooses_another_zone_comes_back_to_the_page_they_were_on(client: Client):
    page = client.get("/settings/time-zone", headers=REFERER).text
    assert 'name="next" value="/logs?status=failure"' in page
    elsewhere = client.get("/settings/time-zone", headers={"referer": "https://evil.example/logs"}).text
    assert 'name="next" value="/"' in elsewhere


def test_an_unknown_zone_is_refused_and_a_form_from_elsewhere_too(client: Client):
    token = token_of(client.get("/logs").text)
    refused = client.post("/settings/time-zone", data={"form_token": token, "zone": "Mars/Olympus"})
    assert refused.status_code == 422
    assert "Mars/Olympus" in refused.text
    assert client.post("/settings/time-zone", data={"zone": "UTC"}).status_code == 403


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/"])
def test_choosing_a_zone_leads_to_no_other_site(client: Client, target: str):
    assert choose(client, zone="UTC", next=target)["location"] == "/"


def test_a_stale_cookie_takes_no_page_away(client: Client, refused_order: object):
    client.cookies.set(ZONE_COOKIE, "Mars/Olympus")
    assert "Time (UTC)" in client.get("/logs").text
