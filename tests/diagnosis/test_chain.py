"""The chain of a record, whose trace may be longer than can be read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from clew.core.clock import FakeClock
from clew.core.ids import new_id, trace_id_of
from clew.core.record import Kind, Record, encode_line
from clew.diagnosis.chain import MOST_CHAIN, Focus, find_chain, read_chain
from clew.diagnosis.flow_runs import FlowRuns
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.search import Search

NOW = 1_780_000_000_000


class AllIndexed:
    """A log that is never behind."""

    def indexed_until_ms(self) -> int:
        return NOW


class Trace:
    """Makes the records of one trace: a webhook, and what it brought."""

    def __init__(self) -> None:
        webhook_id = new_id(NOW)
        self.trace_id = trace_id_of(webhook_id)
        self.webhook = self._record(webhook_id, NOW, "external_webhook")

    def make(self, kind: Kind, after_ms: int, parent: Record, **fields: object) -> Record:
        time = NOW + after_ms
        return self._record(new_id(time), time, kind, parent_id=parent.id, **fields)

    def _record(self, record_id: str, time: int, kind: Kind, **fields: object) -> Record:
        given = {"status": "success", "trace_id": self.trace_id, **fields}
        return Record(id=record_id, time=time, workspace="w", kind=kind, **given)  # type: ignore[arg-type]


@pytest.fixture
def trace() -> Trace:
    return Trace()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def search(store: MemoryStore) -> Iterator[Search]:
    search = Search(store, progress=AllIndexed(), clock=FakeClock(NOW), cursors=CursorCodec(b"secret"))
    yield search
    search.close()


def keep(store: MemoryStore, *records: Record) -> None:
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), records[0].id)


def ids_of(records: tuple[Record, ...]) -> list[str]:
    return [record.id for record in records]


def many_events(trace: Trace) -> list[Record]:
    return [trace.make("external_event", 1 + number, trace.webhook) for number in range(MOST_CHAIN)]


async def test_a_trace_that_can_be_read_is_read_whole(trace: Trace, store: MemoryStore, search: Search) -> None:
    events = many_events(trace)[: MOST_CHAIN - 1]
    keep(store, trace.webhook, *events)
    chain = await find_chain(search, events[7])
    assert not chain.is_cut
    assert ids_of(chain.records) == ids_of((trace.webhook, *events))


async def test_of_a_longer_one_the_first_and_all_that_a_record_stands_among(
    trace: Trace, store: MemoryStore, search: Search
) -> None:
    events = many_events(trace)
    event = trace.make("external_event", 6_000, trace.webhook)
    run = trace.make("flow_run", 6_001, event)
    nodes = [trace.make("node_run", 6_002 + number, run, node=f"n{number}") for number in range(2)]
    request = trace.make("api_request", 6_005, nodes[1])
    other = trace.make("flow_run", 6_006, events[0])
    keep(store, trace.webhook, *events, event, run, *nodes, request, other)
    chain = await find_chain(search, run)
    assert chain.is_cut
    first = (trace.webhook, *events[: MOST_CHAIN - 1])
    assert ids_of(chain.records) == ids_of((*first, event, run, *nodes, request))


async def test_a_run_in_a_long_trace_has_its_nodes_whether_it_has_ended_or_not(
    trace: Trace, store: MemoryStore, search: Search
) -> None:
    event = trace.make("external_event", 6_000, trace.webhook)
    run = trace.make("flow_run", 6_001, event, flow="carry", state="completed")
    nodes = [trace.make("node_run", 6_002 + number, run, flow="carry", node=f"n{number}") for number in range(2)]
    request = trace.make("api_request", 6_005, nodes[1])
    keep(store, trace.webhook, *many_events(trace), event, run, *nodes, request)
    found = await FlowRuns({}, None, search).find("w", run.id)
    assert [(node.name, len(node.runs)) for node in found.run.nodes] == [("n0", 1), ("n1", 1)]
    assert found.event is not None
    opened = await read_chain(search, Focus("w", trace.trace_id, run.id, event.id, event.time))
    assert {one.id for one in nodes} <= set(ids_of(opened.records))


async def test_records_that_name_each_other_as_their_cause_end_nothing(
    trace: Trace, store: MemoryStore, search: Search
) -> None:
    here, there = trace.make("step", 6_000, trace.webhook), trace.make("step", 6_001, trace.webhook)
    pair = [msgspec.structs.replace(one, parent_id=other.id) for one, other in ((here, there), (there, here))]
    keep(store, trace.webhook, *many_events(trace), *pair)
    chain = await find_chain(search, pair[0])
    assert {one.id for one in pair} <= set(ids_of(chain.records))


async def test_a_record_without_a_trace_is_alone(search: Search) -> None:
    record = Record(id=new_id(NOW), time=NOW, workspace="w", kind="step")
    assert (await find_chain(search, record)).records == (record,)
