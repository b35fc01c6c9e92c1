"""What the flow benchmarks send and open is what they say."""

from __future__ import annotations

import json
from itertools import pairwise

from benchmarks.flow_module import asked, three_nodes
from benchmarks.flow_runs import CONNECTIONS, make_body
from benchmarks.thread_opened import THREAD, make_thread

from clew.core.ids import time_of
from clew.diagnosis.thread import build_thread

BEGIN_MS = 1_780_000_000_000


def test_the_flow_is_three_nodes_in_a_row_that_start_by_the_webhook() -> None:
    assert three_nodes.graph.edges == (("first", "second"), ("second", "third"))
    assert three_nodes.is_subscribed(asked.key, "asked")


def test_a_body_goes_on_where_the_one_before_it_ended() -> None:
    events = [event for first in (0, 50) for event in json.loads(make_body(first, 50))["events"]]
    assert [event["number"] for event in events] == list(range(100))
    assert len({event["connection"] for event in events}) == min(100, CONNECTIONS)


def test_the_thread_hangs_together_and_leads_to_one_failure() -> None:
    records = list(make_thread(BEGIN_MS))
    assert len({record.id for record in records}) == len(records) == THREAD
    assert all(time_of(record.id) == record.time for record in records)
    assert all(one.time < other.time for one, other in pairwise(records))
    thread = build_thread(records)
    (root,) = thread.roots
    assert root.record.kind == "external_webhook"
    assert root.has_failure_below
    assert max(node.depth for node in thread.walk()) == 4
