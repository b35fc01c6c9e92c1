"""Asking the log for a customer's application events: a page in a few questions, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock, to_rfc3339
from clew.core.errors import NotFound
from clew.core.ids import new_id, trace_id_of
from clew.core.record import ErrorInfo, HttpExchange, Kind, Record, encode_line
from clew.diagnosis import application_events
from clew.diagnosis.application_events import ApplicationEvents, Asked, FoundEvents
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.parameters import FilterParser
from clew.log.search import Search
from clew.log.store import Count


class CountingStore(MemoryStore):
    """Counts the questions."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def page(self, query: Any) -> Any:
        self.asked.append("page")
        return super().page(query)

    def find(self, workspace: str, record_id: str) -> Any:
        self.asked.append("find")
        return super().find(workspace, record_id)

    def trace(self, *arguments: Any) -> Any:
        self.asked.append("trace")
        return super().trace(*arguments)


class Place:
    """A log with what asks it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = CountingStore()
        cursors = CursorCodec(b"secret")
        self.search = Search(self.store, progress=self, clock=self.clock, cursors=cursors)
        self.parser = FilterParser(clock=self.clock, cursors=cursors)
        self.events = ApplicationEvents(self.search)

    def indexed_until_ms(self) -> int:
        return self.clock.now_ms()

    def keep(
        self, kind: Kind = "external_event", after: int = 0, parent: Record | None = None, **fields: Any
    ) -> Record:
        time = self.clock.now_ms() - HOUR_MS + after
        record_id = new_id(time)
        given = {
            "customer": "acme",
            "event": "e",
            "status": "success",
            "trace_id": parent.trace_id if parent else trace_id_of(record_id),
            "parent_id": parent.id if parent else "",
            **fields,
        }
        record = Record(id=record_id, time=time, workspace="default", kind=kind, **given)
        self.store.insert(encode_line(record), token=record.id)
        return record

    async def ask(self, *pairs: tuple[str, str], **picked: Any) -> FoundEvents:
        request = self.parser.parse_list(pairs, workspace="default", fixed={"customer": ("acme",)})
        self.store.asked.clear()
        return await self.events.page(Asked(request=request, customer="acme", **picked))


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.search.close()


def ids(found: FoundEvents) -> list[str]:
    return [one.event.id for one in found.items]


async def test_a_page_of_fifty_events_takes_three_questions(place: Place) -> None:
    for n in range(60):
        place.keep(
            "flow_run", 1, place.keep(after=n), flow="f", state="failed", status="failure" if n % 2 else "success"
        )
    found = await place.ask(("duration", "24h"))
    assert len(found.items) == 50
    assert place.store.asked == ["page"] * 2
    assert sum(one.status == "failure" for one in found.items) == 25


async def test_events_and_steps_of_another_customer_never_appear(place: Place) -> None:
    mine = place.keep()
    theirs = place.keep(customer="other")
    place.keep("step", 1, mine, customer="other", status="failure", action="Processed")
    found = await place.ask()
    assert ids(found) == [mine.id]
    assert found.items[0].status == "success"
    assert [one.event.id for one in await place.events.find_all("default", "acme", [mine.id, theirs.id])] == [mine.id]
    with pytest.raises(NotFound):
        await place.events.find("default", "acme", theirs.id)
    with pytest.raises(NotFound):
        await place.events.find("elsewhere", "acme", mine.id)


async def test_an_event_that_failed_is_found_by_a_step_that_came_after_the_time_that_is_asked_for(place: Place) -> None:
    event = place.keep()
    place.keep("step", 2 * HOUR_MS, event, action="Processed", status="failure")
    until = place.clock.now_ms() - HOUR_MS + 1
    bounds = (("from", "2001-01-01"), ("to", to_rfc3339(until)))
    assert ids(await place.ask(*bounds, status="failure")) == [event.id]
    assert ids(await place.ask(*bounds, status="success")) == []


async def test_failures_of_one_event_do_not_make_the_others_of_its_thread_fail(place: Place) -> None:
    first = place.keep()
    second = place.keep(after=5, trace_id=first.trace_id)
    place.keep("flow_run", 6, second, flow="f", status="failure", state="failed")
    assert ids(await place.ask(status="failure")) == [second.id]
    assert ids(await place.ask(status="success")) == [first.id]


async def test_too_many_failures_are_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application_events, "FIRST_FAILED", 2)
    monkeypatch.setattr(application_events, "MAX_FAILED", 3)
    for n in range(5):
        place.keep(after=n, status="failure")
    found = await place.ask(status="failure")
    assert len(found.items) == 3
    assert found.is_cut
    assert not (await place.ask()).is_cut


@pytest.mark.feature("A22")
async def test_events_of_a_class_are_those_whose_failure_was_not_got_over(place: Place) -> None:
    refused, recovered = place.keep(), place.keep(after=100)
    led_to = place.keep("integration_event", 4, refused, event="other", action="Published")
    for event, status_code, status in ((refused, 422, "failure"), (recovered, 503, "success")):
        run = place.keep("flow_run", 1, event, flow="f", status=status, state="ended")
        tried = place.keep("node_run", 2, run, flow="f", node="n", state="failed", status="failure")
        if status == "success":
            tried = place.keep("node_run", 2, run, flow="f", node="n", state="failed", status="info")
        http = HttpExchange(direction="outgoing", method="POST", url="https://ship.example/", status_code=status_code)
        error = ErrorInfo(type="http", message="refused")
        request = place.keep("api_request", 3, tried, status="failure", http=http, error=error)
        if event is refused:
            reason = request
    found = await place.ask(failure_class="data")
    assert ids(found) == [refused.id]
    assert found.items[0].cause.id == reason.id
    assert [one.id for one in found.items[0].led_to] == [led_to.id]
    assert ids(await place.ask(failure_class="delivery")) == []
    (listed,) = (await place.ask(status="failure")).items
    (explained,) = (await place.ask(status="failure", with_causes=True)).items
    assert (listed.failure_class, explained.failure_class) == (None, "data")
    assert (await place.events.find_all("default", "acme", [refused.id]))[0].cause.id == reason.id


async def test_without_any_failure_nothing_more_is_asked(place: Place) -> None:
    place.keep()
    found = await place.ask(status="failure")
    assert (found.items, found.next_cursor, found.prev_cursor, found.is_cut) == ((), None, None, False)
    assert place.store.asked == ["page"]
    assert found.coverage.oldest_kept is not None


@pytest.mark.parametrize("looked_at_first", [200, 60, 30])
@pytest.mark.parametrize("wanted", ["failure", "success"])
async def test_picked_pages_are_walked_forth_and_back_without_a_gap(
    place: Place, wanted: str, looked_at_first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application_events, "FIRST_FAILED", looked_at_first)
    every = [place.keep(after=n, status="failure" if n % 3 == 0 else "success") for n in range(300)]
    picked = [one.id for one in reversed(every) if one.status == wanted]
    found = await place.ask(status=wanted)
    pages = [ids(found)]
    while found.next_cursor:
        found = await place.ask(("cursor", found.next_cursor), status=wanted)
        pages.append(ids(found))
    assert [one for page in pages for one in page] == picked
    back = [pages[-1]]
    while found.prev_cursor:
        found = await place.ask(("cursor", found.prev_cursor), status=wanted)
        back.insert(0, ids(found))
    assert [one for page in back for one in page] == picked


async def test_the_open_event_has_all_steps_of_its_thread_however_late(place: Place) -> None:
    event = place.keep(after=-20 * DAY_MS)
    place.keep("step", -20 * DAY_MS + 5, event, action="Received")
    late = place.keep("step", -DAY_MS, event, action="Republished")
    opened = await place.events.find("default", "acme", event.id)
    assert late.id in [step.record.id for step in opened.steps.steps]
    assert len(opened.chain) == 3


async def test_an_event_without_a_trace_is_its_own_thread(place: Place) -> None:
    event = place.keep(trace_id="", status="failure", message="no")
    assert ids(await place.ask()) == [event.id]
    opened = await place.events.find("default", "acme", event.id.upper())
    assert [step.record.id for step in opened.steps.steps] == [event.id]


async def test_ticked_events_have_the_same_steps_as_the_open_one(place: Place) -> None:
    event = place.keep()
    run = place.keep("flow_run", 5, event, flow="f", state="completed")
    place.keep("node_run", 6, run, flow="f", node="n", state="completed")
    (ticked,) = await place.events.find_all("default", "acme", [event.id, event.id, new_id(), "nonsense", run.id])
    opened = (await place.events.find("default", "acme", event.id)).steps
    assert [(one.action, one.time) for one in ticked.steps] == [(one.action, one.time) for one in opened.steps]
    assert len(ticked.steps) == 3


async def test_counting_counts_application_events_alone(place: Place) -> None:
    event = place.keep()
    place.keep("step", 1, event, action="Received")
    place.keep("integration_event", 2, event, action="Processed")
    place.keep("integration_event", 3, action="Processed")
    request = place.parser.parse_list([], workspace="default", fixed={"customer": ("acme",)})
    found = await place.events.page(Asked(request=request, customer="acme", opens_first=True))
    assert found.count == Count(2)
    assert found.opened
    assert found.opened.steps.event.id == found.items[0].event.id
    first = msgspec.structs.replace(request, query=msgspec.structs.replace(request.query, limit=1))
    assert (await place.events.page(Asked(request=first, customer="acme"))).count == Count(2)
