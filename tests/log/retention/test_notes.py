"""What is noted of a removal, and what coverage says after it."""

from __future__ import annotations

import logging

import pytest

from clew.core.clock import DAY_MS
from clew.log.cursor import CursorCodec
from clew.log.parameters import FilterParser
from clew.log.removals import BODIES_OF_SUCCESSES, RECORDS, Removals
from clew.log.search import Search
from clew.log.store import Kept
from harness.retention import NOW, TODAY, heavy, make, put


def test_what_went_is_noted_with_when_and_how_much(store, retain, removals, clock, caplog):
    put(store, make(20), make(20), make(9, kind="api_request"), heavy(1, "success"), make(1, status="failure"))
    with caplog.at_level(logging.INFO):
        retain(max_bytes=1_500, api_request=7)
    assert [(r.day, r.what, r.reason, r.records, r.removed_at) for r in removals.list()] == [
        (TODAY - 1, BODIES_OF_SUCCESSES, "budget", 1, NOW),
        (TODAY - 9, "api_request", "age", 1, NOW),
        (TODAY - 20, RECORDS, "age", 2, NOW),
    ]
    assert removals.list()[0].bytes > 19_000
    assert "records of 2026-05-07 removed: 2 records" in caplog.text


def test_from_when_on_everything_is_kept_is_known_also_after_a_restart(store, retain, removals, database, clock):
    assert removals.removed_until_ms() == removals.bodies_removed_until_ms() == 0
    put(store, make(20), make(9, kind="api_request"), make(9), make(2, kind="flow_run"))
    retain(api_request=7, flow_run=1)
    for known in (removals, Removals(database, clock)):
        assert known.removed_until_ms() == (TODAY - 19) * DAY_MS
        assert known.removed_until_ms(["api_request"]) == (TODAY - 8) * DAY_MS
        assert known.removed_until_ms(["flow_run"]) == (TODAY - 1) * DAY_MS
        assert known.removed_until_ms(["api_request", "step"]) == (TODAY - 19) * DAY_MS
        assert known.bodies_removed_until_ms() == 0


def test_the_kinds_of_a_day_go_together_and_each_is_known(store, retain, removals, database, clock):
    put(store, make(9, kind="api_request"), make(9, kind="node_run"), make(9))
    retain(api_request=7, node_run=7)
    (removal,) = removals.list()
    assert (removal.what, removal.records) == ("api_request, node_run", 2)
    for known in (removals, Removals(database, clock)):
        assert known.removed_until_ms(["api_request", "node_run"]) == (TODAY - 8) * DAY_MS
        assert known.removed_until_ms(["step"]) == 0


def test_the_oldest_removals_are_forgotten_and_never_up_to_when(removals, database, clock, monkeypatch):
    monkeypatch.setattr("clew.log.removals.MOST_ROWS", 5)
    removals.announce(1, "api_request", "age")
    for day in range(2, 12):
        removals.announce(day, RECORDS, "age")
        removals.add(day, RECORDS, records=1, bytes_=1)
    assert len(removals.list()) <= 7
    assert Removals(database, clock).removed_until_ms(["api_request"]) == 12 * DAY_MS
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT day FROM removals WHERE what = 'api_request'").all()
    assert rows == [(1,)]


@pytest.mark.feature("N08")
async def test_coverage_says_what_is_kept_after_a_day_or_a_kind_was_removed(store, retain, removals, clock):
    cursors = CursorCodec(b"secret")
    parser = FilterParser(clock=clock, cursors=cursors)

    class Indexed:
        def indexed_until_ms(self):
            return NOW

    async def coverage(*pairs):
        search = Search(store, progress=Indexed(), clock=clock, cursors=cursors, removed=removals)
        found = (await search.page(parser.parse_list(pairs, workspace="w"))).coverage
        search.close()
        return found

    pinned, *_ = put(store, make(20), make(20), make(9, kind="api_request"), make(9, 3))
    assert (await coverage()).oldest_kept == pinned.time
    retain(api_request=7, kept=Kept(frozenset({pinned.id})))
    assert (await coverage()).oldest_kept == (TODAY - 19) * DAY_MS
    assert (await coverage(("kind", "api_request"))).oldest_kept == (TODAY - 8) * DAY_MS
    assert (await coverage(("kind", "api_request"))).removed_until == (TODAY - 8) * DAY_MS
    retain(api_request=7)
    assert (await coverage()).oldest_kept == (TODAY - 9) * DAY_MS + 3
    assert (await coverage(("kind", "flow_run"))).bodies_removed_until == 0
