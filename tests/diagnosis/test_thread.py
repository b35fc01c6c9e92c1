"""The chain of a record as a tree."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.record import Kind, Record, Status, summarize
from clew.diagnosis.thread import ThreadNode, absorbs, build_thread

T0 = 1_780_000_000_000


def record(name: str, parent: str = "", time: int = 0, status: Status = "success", kind: Kind = "step") -> Record:
    return Record(id=name, time=T0 + time, workspace="w", kind=kind, parent_id=parent, status=status)


def shape(nodes: tuple[ThreadNode, ...]) -> list[object]:
    return [[node.record.id, *shape(node.children)] for node in nodes]


@pytest.fixture
def refused_order() -> list[Record]:
    return [
        record("webhook", time=0),
        record("event", "webhook", 4),
        record("run", "event", 31, "failure"),
        record("lookup", "run", 38),
        record("create", "run", 290, "failure"),
        record("post", "create", 502, "failure"),
    ]


def test_children_hang_below_the_record_that_caused_them(refused_order: list[Record]) -> None:
    thread = build_thread(refused_order)
    assert shape(thread.roots) == [["webhook", ["event", ["run", ["lookup"], ["create", ["post"]]]]]]
    assert [node.depth for node in thread.walk()] == [0, 1, 2, 3, 3, 4]
    assert [node.offset_ms for node in thread.walk()] == [0, 4, 31, 38, 290, 502]


def test_the_red_thread_runs_from_the_root_to_what_failed_and_nowhere_else(refused_order: list[Record]) -> None:
    thread = build_thread(refused_order)
    on_path = {node.record.id: node.is_on_path for node in thread.walk()}
    assert on_path == {"webhook": True, "event": True, "run": True, "lookup": False, "create": True, "post": True}
    below = [node.record.id for node in thread.walk() if node.has_failure_below]
    assert below == ["webhook", "event", "run", "create"]


def test_a_record_whose_parent_is_absent_is_a_root() -> None:
    assert shape(build_thread([record("b", "gone", 2), record("a", time=1)]).roots) == [["a"], ["b"]]


def test_siblings_are_ordered_by_time_then_id_whatever_order_they_came_in() -> None:
    records = [record("r"), record("c", "r", 5), record("b", "r", 5), record("a", "r", 9)]
    random.Random(3).shuffle(records)
    assert shape(build_thread(records).roots) == [["r", ["b"], ["c"], ["a"]]]


def test_a_record_that_names_itself_as_parent_is_a_root() -> None:
    assert shape(build_thread([record("a", "a"), record("b", "a")]).roots) == [["a", ["b"]]]


def test_a_circle_is_cut_before_its_oldest_record() -> None:
    records = [record("a", "c", 2), record("b", "a", 3), record("c", "b", 1), record("tail", "b", 9)]
    assert shape(build_thread(records).roots) == [["c", ["a", ["b", ["tail"]]]]]


def test_a_record_whose_clock_runs_behind_has_a_negative_offset() -> None:
    node = build_thread([record("a", time=10), record("b", "a", 7)]).find("b")
    assert node is not None
    assert node.offset_ms == -3


def test_a_chain_longer_than_the_stack_is_built_and_walked() -> None:
    chain = [
        record(f"{n:05}", f"{n - 1:05}" if n else "", n, "failure" if n == 4_999 else "info") for n in range(5_000)
    ]
    thread = build_thread(chain)
    assert thread.roots[0].has_failure_below
    assert sum(1 for _ in thread.walk()) == 5_000


def test_summaries_make_the_same_tree_as_records(refused_order: list[Record]) -> None:
    assert shape(build_thread([summarize(r) for r in refused_order]).roots) == shape(build_thread(refused_order).roots)


def dots(records: list[Record]) -> set[str]:
    return {node.record.id for node in build_thread(records).walk() if node.has_failure_below}


def test_a_failure_below_a_node_run_that_was_tried_again_gives_no_dot_upwards() -> None:
    records = [
        record("event", kind="external_event"),
        record("run", "event", 1, kind="flow_run"),
        record("first attempt", "run", 2, "info", kind="node_run"),
        record("503", "first attempt", 3, "failure", kind="api_request"),
        record("second attempt", "run", 4, kind="node_run"),
    ]
    thread = build_thread(records)
    assert dots(records) == set()
    refused = thread.find("503")
    assert refused is not None
    assert (refused.is_failure, refused.is_recovered, refused.is_on_path) == (True, True, False)


def test_a_failure_below_a_flow_run_that_went_well_gives_no_dot_upwards() -> None:
    records = [
        record("event", kind="external_event"),
        record("run", "event", 1, "success", kind="flow_run"),
        record("node", "run", 2, "failure", kind="node_run"),
        record("404", "node", 3, "failure", kind="api_request"),
    ]
    assert dots(records) == {"node"}


def test_a_run_that_failed_has_the_dots_of_the_attempt_that_gave_up_alone() -> None:
    records = [
        record("run", "", 1, "failure", kind="flow_run"),
        record("first attempt", "run", 2, "info", kind="node_run"),
        record("first 503", "first attempt", 3, "failure", kind="api_request"),
        record("last attempt", "run", 4, "failure", kind="node_run"),
        record("last 503", "last attempt", 5, "failure", kind="api_request"),
    ]
    assert dots(records) == {"run", "last attempt"}


@pytest.mark.parametrize("status", ["info", "failure"])
def test_a_run_that_was_stopped_or_failed_does_not_hide_what_failed_in_it(status: Status) -> None:
    records = [
        record("event", kind="external_event"),
        record("run", "event", 1, status, kind="flow_run"),
        record("node", "run", 2, "failure", kind="node_run"),
    ]
    assert dots(records) == {"event", "run"}


def test_a_run_that_a_node_led_to_is_not_recovered_by_that_node() -> None:
    records = [
        record("run", "", 1, kind="flow_run"),
        record("node", "run", 2, kind="node_run"),
        record("event", "node", 3, "info", kind="internal_event"),
        record("other run", "event", 4, "failure", kind="flow_run"),
    ]
    thread = build_thread(records)
    assert dots(records) == {"run", "node", "event"}
    failure = thread.find("other run")
    assert failure is not None
    assert (failure.is_recovered, failure.is_on_path) == (False, True)


def rises(node: ThreadNode) -> bool:
    """By the rule alone: below `node` is a failure, and between them nothing that got over it."""
    return any(
        (child.is_failure or rises(child)) and (not absorbs(node.record) or leads_by_run(child))
        for child in node.children
    )


def leads_by_run(node: ThreadNode) -> bool:
    own = node.record.kind == "flow_run" and (node.is_failure or rises(node))
    return own or any(leads_by_run(child) for child in node.children)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from(["", "gone", *"abcdefgh"]),
            st.integers(0, 3),
            st.sampled_from(["info", "success", "failure"]),
            st.sampled_from(["flow_run", "node_run", "api_request", "internal_event"]),
        )
    )
)
def test_a_dot_says_that_below_is_a_failure_that_nothing_got_over(
    drawn: list[tuple[str, str, int, Status, Kind]],
) -> None:
    thread = build_thread([record(*parts) for parts in drawn])
    for node in thread.walk():
        assert node.has_failure_below == rises(node)
        assert node.leads_to_failure == (node.is_failure or rises(node))
        for child in node.children:
            is_recovered = child.record.kind != "flow_run" and (node.is_recovered or absorbs(node.record))
            assert child.is_recovered == is_recovered


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from(["", "gone", *"abcdefgh"]),
            st.integers(0, 3),
            st.sampled_from(["info", "success", "failure"]),
        )
    )
)
def test_every_record_is_in_the_tree_once_and_the_path_is_what_it_says(
    drawn: list[tuple[str, str, int, Status]],
) -> None:
    records = [record(*parts) for parts in drawn]
    thread = build_thread(records)
    nodes = list(thread.walk())
    assert sorted(node.record.id for node in nodes) == sorted({r.id for r in records})
    for node in nodes:
        below = list(node.walk())[1:]
        assert node.has_failure_below == any(other.record.status == "failure" for other in below)
        assert [c.record.id for c in node.children] == [
            c.record.id for c in sorted(node.children, key=lambda c: (c.record.time, c.record.id))
        ]
        for child in node.children:
            assert child.record.parent_id == node.record.id
            assert child.depth == node.depth + 1
