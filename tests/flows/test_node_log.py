"""What a node says while it works."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from clew.core.clock import FakeClock
from clew.core.record import LogLine
from clew.flows.node_log import MAX_BYTES, MAX_LINES, NodeLog


class Unsayable:
    def __str__(self) -> str:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


class Endless(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no items")


@pytest.mark.feature("D12")
def test_each_line_keeps_its_time_its_type_and_its_data() -> None:
    clock = FakeClock(1_000)
    log = NodeLog(clock)
    log.info("creating a shipment for {} lines of {order}", 3, order="SO-1")
    clock.advance(5)
    log.warn("{} is late", "DHL")
    log.error("no carrier")
    log.text("a\n  b")
    log.data("order", {"number": 1})
    log.compare("total", 5, 5.5)
    log.request("POST /shipments 201", {"id": "x"})
    assert log.lines() == (
        LogLine(time=1_000, msg="creating a shipment for 3 lines of SO-1"),
        LogLine(time=1_005, msg="Warning: DHL is late"),
        LogLine(time=1_005, msg="no carrier", type="error"),
        LogLine(time=1_005, msg="a\n  b", type="text"),
        LogLine(time=1_005, msg="order", type="data", data={"number": 1}),
        LogLine(time=1_005, msg="total", type="compare", data={"expected": 5, "actual": 5.5, "equal": False}),
        LogLine(time=1_005, msg="POST /shipments 201", type="api-request", data={"id": "x"}),
    )


def test_braces_without_arguments_stay_as_they_are() -> None:
    log = NodeLog(FakeClock())
    log.info('{"a": 1}')
    assert log.lines()[0].msg == '{"a": 1}'


@pytest.mark.parametrize(
    ("message", "arguments", "expected"),
    [
        ("{} and {}", (1,), "{} and {} (1)"),
        ("{", (1,), "{ (1)"),
        ("{a}", (1,), "{a} (1)"),
        ("{}", (Unsayable(),), "{} (<Unsayable>)"),
        (5, (), "5"),
        (Unsayable(), (), "<Unsayable>"),
        ("\ud800", (), "\\ud800"),
    ],
)
def test_a_message_that_cannot_be_formatted_is_kept_all_the_same(
    message: Any, arguments: tuple[Any, ...], expected: str
) -> None:
    log = NodeLog(FakeClock())
    log.info(message, *arguments)
    assert log.lines()[0].msg == expected
    assert msgspec.json.encode(log.lines())


def test_data_of_any_kind_can_be_kept() -> None:
    log = NodeLog(FakeClock())
    circle: list[Any] = []
    circle.append(circle)
    for value in (
        Unsayable(),
        Endless(a=1),
        circle,
        b"ab",
        {1: {2}},
        datetime(2026, 1, 1, tzinfo=UTC),
        float("nan"),
    ):
        log.data("value", value)
    log.compare("both", Unsayable(), Unsayable())
    data = [line.data for line in log.lines()]
    assert data[0] == "<Unsayable>"
    assert data[1] == "<Endless: RuntimeError>"
    assert "<max depth reached>" in str(data[2])
    assert data[3:7] == ["<Blob: 2 bytes>", {"1": [2]}, "2026-01-01T00:00:00+00:00", "nan"]
    assert data[7]["equal"] is False
    assert msgspec.json.decode(msgspec.json.encode(log.lines()), type=tuple[LogLine, ...]) == log.lines()


def test_what_changes_after_it_was_kept_is_kept_as_it_was() -> None:
    log, value = NodeLog(FakeClock()), [1]
    log.data("value", value)
    value.append(2)
    assert log.lines()[0].data == [1]


@pytest.mark.feature("C92")
def test_after_500_lines_one_says_how_many_more_there_were() -> None:
    log = NodeLog(FakeClock())
    for number in range(MAX_LINES + 7):
        log.info("{}", number)
    lines = log.lines()
    assert len(lines) == MAX_LINES + 1
    assert [line.msg for line in lines[-2:]] == ["499", "... 7 more lines were left out."]


def test_a_mebibyte_of_lines_is_kept_and_no_more() -> None:
    log = NodeLog(FakeClock())
    for _ in range(100):
        log.text("x" * 60_000)
    log.info("short")
    lines = log.lines()
    assert 0 < MAX_BYTES - len(msgspec.json.encode(lines)) < 60_000
    assert lines[-1].msg == f"... {102 - len(lines)} more lines were left out."


@pytest.mark.feature("C92")
def test_a_long_message_is_cut() -> None:
    log = NodeLog(FakeClock())
    log.text("x" * 100_000)
    assert log.lines()[0].msg == "x" * 65_536 + "..."


def test_lines_of_many_threads_are_all_kept() -> None:
    log = NodeLog(FakeClock())
    threads = [threading.Thread(target=lambda: [log.info("x") for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.lines()[-1].msg == "... 300 more lines were left out."
