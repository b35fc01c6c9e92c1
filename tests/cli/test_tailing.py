"""`clew tail` reads a stream as it comes, and its lines do nothing to a terminal but to be read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.api.representation import RecordItem, show_item
from clew.cli.tailing import ServerEvent, read_events, say_record
from clew.core.ids import new_id
from clew.core.record import ErrorInfo, Record, summarize
from clew.log.recent_blocks import TailPlace
from clew.log.tail_stream import write_dropped, write_event
from clew.log.watcher import Arrived, Dropped

TEXTS = st.text(max_size=30)


def arrived(message: str, line: int = 1) -> Arrived:
    record = Record(id=new_id(1_000), time=1_000, workspace="w", kind="step", message=message)
    return Arrived(TailPlace(7, line), summarize(record))


@given(messages=st.lists(TEXTS, max_size=5), cuts=st.lists(st.integers(0, 2_000), max_size=6))
def test_what_the_server_writes_is_read_whole_in_whatever_pieces_it_comes(messages: list[str], cuts: list[int]) -> None:
    items = [show_item(arrived(message).record) for message in messages]
    stream = b"retry: 2000\n: ping\nid: 7.0\n\n" + b"".join(
        write_event(arrived("", line), "record", msgspec.json.encode(item)) for line, item in enumerate(items, 1)
    )
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[start:end] for start, end in pairwise(ends)]
    first, *events = read_events(pieces)
    assert first == ServerEvent("7.0", "message", b"")
    assert [msgspec.json.decode(event.data, type=RecordItem) for event in events] == items
    assert [event.id for event in events] == [f"7.{line}" for line in range(1, len(items) + 1)]


@given(data=st.text())
def test_no_text_can_end_an_event_or_begin_a_field(data: str) -> None:
    (event,) = read_events([write_event(arrived(""), "record", data.encode("utf-8", "replace"))])
    assert event.name == "record"
    assert event.id == "7.1"
    lines = data.encode("utf-8", "replace").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert event.data == lines


def test_what_is_dropped_is_said_with_its_number_or_without() -> None:
    events = read_events([write_dropped(Dropped(TailPlace(8, 0), count, count)) for count in (3, None)])
    assert [(event.name, msgspec.json.decode(event.data)) for event in events] == [
        ("dropped", {"count": 3, "at_most": 3}),
        ("dropped", {"count": None, "at_most": None}),
    ]


def item_of(**fields: Any) -> dict[str, Any]:
    record = Record(id=new_id(1_000), time=1_000, workspace="w", **{"kind": "step", **fields})
    return msgspec.json.decode(msgspec.json.encode(show_item(summarize(record))))  # type: ignore[no-any-return]


@given(text=TEXTS)
def test_a_record_is_one_line_that_a_terminal_does_not_obey(text: str) -> None:
    line = say_record(item_of(message=text, event=text, customer=text, keys={"order": text}, source_product=text))
    assert line.plain.isprintable()


def test_red_is_a_failure_and_nothing_else() -> None:
    error = ErrorInfo(type="Refused", message="no postal code")
    failed = say_record(item_of(status="failure", error=error, message="other"))
    assert "no postal code" in failed.plain
    assert "red" in {str(span.style) for span in failed.spans}
    for status in ("success", "info"):
        assert "red" not in {str(span.style) for span in say_record(item_of(status=status, error=error)).spans}


@pytest.mark.parametrize("kind", ["integration_event", "flow_run", "api_request"])
def test_a_line_says_when_how_what_between_whom_and_for_whom(kind: str) -> None:
    said = say_record(
        item_of(
            kind=kind,
            status="success",
            event="order.released",
            source_product="erp",
            target_product="ship",
            customer="acme",
            keys={"order": "SO-1001"},
        )
    ).plain
    assert said.split("  ")[0] == "00:00:01.000"
    for part in ("success", kind.replace("_", " "), "erp → ship", "order.released", "acme", "order=SO-1001"):
        assert part in said
