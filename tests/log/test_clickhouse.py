"""What needs a process of its own: opening, closing, being killed, and bounds. A process can have one log open."""

import subprocess
import sys
import textwrap
import time

import pytest

from clew.core.errors import DataDirInUse, SettingsError
from clew.log.clickhouse import ClickHouseStore
from clew.log.engine import directory_of

BEGIN = """
import sys
from pathlib import Path
from clew.core.clock import DAY_MS, FakeClock
from clew.core.errors import ClewError, Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.log.clickhouse import ClickHouseStore
from clew.log.query import Filter, KeyFilter, Place, Query
from clew.log import sql
from clew.log.store import Count, FacetValue
from clew.log.widening import Look
from clew.log.windows import Window

NOW = 1_780_000_000_000
DIRECTORY = Path(sys.argv[1])

def block(count, first=0, **fields):
    # the same records each time this is called, over three days
    lines = []
    for i in range(first, first + count):
        ms = NOW - i % 3 * DAY_MS - i
        head = f"{ms:012x}"
        record_id = f"{head[:8]}-{head[8:]}-7000-8000-{i:012x}"
        lines.append(encode_line(Record(id=record_id, time=ms, workspace="w", kind="step", **fields)) + b"\\n")
    return b"".join(lines)

def open_store(**limits):
    return ClickHouseStore(DIRECTORY, clock=FakeClock(NOW), **limits)
"""


def run(directory, script):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + textwrap.dedent(script), str(directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_was_inserted_is_there_after_a_restart_and_its_tokens_are_known(tmp_path):
    run(tmp_path, "s = open_store(); s.insert(block(5), 'one'); s.insert(block(5, 10), 'two'); s.close()")
    counted = run(
        tmp_path,
        """
        store = open_store()
        print(store.count(Filter(workspace="w")).count)
        store.insert(block(5, 10), "two")
        store.insert(block(5), "one")
        print(store.count(Filter(workspace="w")).count)
        store.close()
        store.close()
        """,
    )
    assert counted.split() == ["10", "10"]


def test_a_store_can_be_closed_and_opened_again_and_answers_nothing_in_between(tmp_path):
    run(
        tmp_path,
        """
        store = open_store()
        store.insert(block(5), "one")
        store.close()
        try:
            store.check()
        except Unavailable as error:
            assert "closed" in error.detail
        else:
            raise SystemExit("it answered")
        again = open_store()
        assert again.count(Filter(workspace="w")) == Count(5)
        again.close()
        """,
    )


def test_a_second_process_is_told_that_the_directory_is_in_use(clickhouse_store, clickhouse_directory):
    said = run(
        clickhouse_directory,
        """
        try:
            open_store()
        except ClewError as error:
            print(type(error).__name__, error.detail, error.hint)
        """,
    )
    assert said.startswith("DataDirInUse Another process has the log in")
    assert "stop the other one" in said
    clickhouse_store.check()


def test_a_second_store_in_one_process_is_told_the_same(clickhouse_store, clickhouse_directory):
    with pytest.raises(DataDirInUse):
        ClickHouseStore(clickhouse_directory)


def test_a_directory_of_a_newer_version_is_left_alone(tmp_path):
    said = run(
        tmp_path,
        """
        from clew.log.engine import WRITER_SETTINGS, open_client
        store = open_store()
        client = open_client(DIRECTORY, WRITER_SETTINGS)
        client.command("INSERT INTO schema_version (version) SELECT 999")
        client.close()
        store.close()
        try:
            open_store()
        except ClewError as error:
            print(type(error).__name__, error.detail)
        """,
    )
    assert said.startswith("SettingsError The log has schema version 999")


def test_a_directory_of_an_older_version_is_brought_up_and_what_is_in_it_answers_right(tmp_path):
    run(
        tmp_path,
        """
        from clew.core.record import HttpExchange
        from clew.log import schema
        from clew.log.engine import WRITER_SETTINGS, insert_lines, open_client
        files = schema._files
        schema._files = lambda: {version: file for version, file in files().items() if version < 2}
        client = open_client(DIRECTORY, WRITER_SETTINGS)
        schema.apply_schema(client)
        for number, direction in enumerate(("incoming", "outgoing", "outgoing")):
            http = HttpExchange(direction=direction, method="GET", url="/")
            insert_lines(client, "log", block(10, number * 10, http=http), str(number))
        insert_lines(client, "log", block(10, 30), "none")
        client.close()
        schema._files = files
        for _ in range(2):
            store = open_store()
            counts = [
                store.count(Filter(workspace="w", http_direction=asked)).count
                for asked in (("incoming",), ("outgoing",), ("incoming", "outgoing"))
            ]
            assert counts == [10, 20, 30], counts
            items = store.page(Query(filter=Filter(workspace="w"), limit=100)).items
            assert sorted(item.http_direction for item in items) == [""] * 10 + ["incoming"] * 10 + ["outgoing"] * 20
            store.close()
        """,
    )


def test_a_parquet_file_has_every_record_and_is_ended_early_where_nobody_reads_it(tmp_path):
    run(
        tmp_path,
        """
        from clew.log.engine import READER_SETTINGS, open_client
        store = open_store()
        for i in range(3):
            store.insert(block(20_000, i * 20_000, customer="c", keys={"order": f"SO-{i}"}), str(i))
        file = DIRECTORY / "x.parquet"
        file.write_bytes(b"".join(store.export(Filter(workspace="w"), "parquet", "desc")))
        client = open_client(DIRECTORY, READER_SETTINGS)
        said = client.raw_query(
            f"SELECT count(), uniqExact(id), toUnixTimestamp64Milli(max(time)), any(customer), countIf(flow IS NULL),"
            f" uniqExact(keys['order']) FROM file('{file}', 'Parquet')",
            fmt="TSV",
        )
        assert said == f"60000\\t60000\\t{NOW}\\tc\\t60000\\t3\\n".encode(), said
        for _ in range(3):
            pieces = store.export(Filter(workspace="w"), "parquet", "desc")
            next(pieces)
            pieces.close()
            running = client.raw_query("SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'", fmt="TSV")
            assert running == b"0\\n"
        nothing = b"".join(store.export(Filter(workspace="nobody"), "parquet", "desc"))
        assert nothing.startswith(b"PAR1") and nothing.endswith(b"PAR1")
        client.close()
        store.close()
        """,
    )


def test_an_export_that_needs_too_much_memory_says_so_and_the_log_goes_on(tmp_path):
    run(
        tmp_path,
        """
        store = open_store(max_memory_bytes=20_000_000)
        for i in range(10):
            event = f"{i}" * 2_000_000
            store.insert(encode_line(Record(id=new_id(NOW), time=NOW, workspace="w", kind="step", event=event)), str(i))
        for format in ("csv", "ndjson", "parquet"):
            for _ in range(3):
                try:
                    for piece in store.export(Filter(workspace="w"), format, "desc"):
                        pass
                except Unavailable as error:
                    assert "more memory" in error.detail, error.detail
                else:
                    raise SystemExit(f"{format} was written")
        store.check()
        store.close()
        """,
    )


def test_days_that_are_over_are_counted_once_they_are_settled_and_the_counts_stay(tmp_path):
    run(
        tmp_path,
        """
        from clew.core.clock import MINUTE_MS
        from clew.log import sums
        from clew.log.windows import Window
        sums.LEAST_ROWS = 20
        clock = FakeClock(NOW)

        def open_store():
            return ClickHouseStore(DIRECTORY, clock=clock)

        def counted(store):
            cover = store.sums.cover(["kind"], Window())
            return list(cover.days) if cover else []

        today = NOW // DAY_MS
        store = open_store()
        store.insert(block(90), "first")  # 30 records today and on each of the two days before
        store.insert(block(10, 1_000_000_000), "few")  # some days with less than 20
        assert not store.tidy() and counted(store) == []
        clock.advance(MINUTE_MS)
        while store.tidy():
            pass
        assert counted(store) == [today - 2, today - 1]
        assert not store.tidy()
        store.insert(block(3, 90), "late")
        assert not store.tidy() and counted(store) == []
        store.close()
        store = open_store()
        assert not store.tidy()
        clock.advance(MINUTE_MS)
        while store.tidy():
            pass
        assert counted(store) == [today - 2, today - 1]
        store.close()
        store = open_store()
        assert counted(store) == [today - 2, today - 1]
        assert store.count(Filter(workspace="w")) == Count(103)
        client = store._clients[0]
        client.command(f"ALTER TABLE log DROP PARTITION {today - 2}")
        store._days.change()
        assert counted(store) == [today - 1]
        assert store.tidy()
        left = client.raw_query("SELECT DISTINCT intDiv(time, 86400000) FROM sums_days", fmt="TSV")
        assert left == f"{today - 1}\\n".encode(), left
        assert store.count(Filter(workspace="w")) == Count(72)
        store.close()
        """,
    )


def test_a_day_that_cannot_be_counted_is_left_to_its_rows_and_not_tried_again_and_again(tmp_path):
    run(
        tmp_path,
        """
        from clew.core.clock import MINUTE_MS
        from clew.log import sums
        sums.LEAST_ROWS = 1
        clock = FakeClock(NOW)
        store = ClickHouseStore(DIRECTORY, clock=clock)
        store.insert(block(3), "first")
        store._clients[0].command("DROP TABLE sums_customers SYNC")
        assert not store.tidy()
        clock.advance(MINUTE_MS)
        assert store.tidy() and store.tidy()  # the two days that are over
        assert not store.tidy()
        assert store.count(Filter(workspace="w")) == Count(3)
        facets = store.facets(Filter(workspace="w"), ("kind", "customer"), 1)
        assert facets.values == {"kind": (FacetValue("step", 3, 0),), "customer": ()}
        store.close()
        """,
    )


def test_a_search_that_needs_too_much_memory_gives_what_it_found_and_says_so(tmp_path):
    run(
        tmp_path,
        """
        store = open_store(max_memory_bytes=20_000_000)
        store.insert(block(9), "small")
        for i in range(40):
            event = f"{i}" * 1_000_000
            old = Record(id=new_id(NOW - 60 * DAY_MS), time=NOW - 60 * DAY_MS, workspace="w", kind="step", event=event)
            store.insert(encode_line(old) + b"\\n", str(i))
        page = store.page(Query(filter=Filter(workspace="w"), limit=20))
        assert [item.time for item in page.items] == sorted((item.time for item in page.items), reverse=True)
        assert (len(page.items), page.truncated, page.has_next, page.has_prev) == (9, True, True, False)
        assert page.reached_ms == NOW - 4 * DAY_MS
        wide = Filter(workspace="w", event=("", "x"))
        assert store.count(wide) == Count(9, truncated=True, reached_ms=NOW - 4 * DAY_MS)
        histogram = store.histogram(wide, DAY_MS)
        assert sum(bar.info for bar in histogram.bars) == 9
        assert (histogram.truncated, histogram.reached_ms) == (True, NOW - 4 * DAY_MS)
        facets = store.facets(Filter(workspace="w"), ("kind", "event"), 5)
        assert facets.values == {"kind": (FacetValue("step", 9, 0),), "event": ()}
        assert (facets.truncated, facets.reached_ms) == (True, NOW - 4 * DAY_MS)
        full = store.page(Query(filter=Filter(workspace="w"), limit=5))
        assert (len(full.items), full.truncated, full.reached_ms) == (5, False, None)
        store.check()
        store.close()
        """,
    )


def test_whatever_is_asked_within_bounds_that_are_far_too_small_is_answered_or_refused_and_the_log_goes_on(tmp_path):
    run(
        tmp_path,
        """
        from clew.log.text_query import parse_text
        def fill(store):
            for i in range(12):
                body = f"alpha{i} beta " + "x" * 1_000_000
                store.insert(
                    b"".join(
                        encode_line(Record(id=new_id(t), time=t, workspace="w", kind="step", message="order of gamma",
                            trace_id="1" * 32, keys={"order": f"SO-{i}"}, payload=body)) + b"\\n"
                        for t in (NOW - i * 3 * DAY_MS,)
                    ),
                    str(i),
                )
        def words(q):
            asked = parse_text(q)
            return dict(words=asked.words, phrases=asked.phrases, without_words=asked.without_words)
        asked = [
            {}, {"contains": "pha"}, {"contains": "xyz"}, {"keys": (KeyFilter("order", None),)},
            {"keys": (KeyFilter("order", "SO-3"),)}, words("gamma"), words('"order of"'), words("-gamma"),
            {"trace_id": ("1" * 32,)}, {"event": ("x",)}, {"contains": "pha", **words("beta -alpha1")},
        ]
        store = open_store()
        fill(store)
        def ids_of(page):
            return [item.id for item in page.items]
        whole = [ids_of(store.page(Query(filter=Filter(workspace="w", **names), limit=50))) for names in asked]
        assert [len(ids) for ids in whole] == [12, 12, 0, 12, 1, 12, 12, 0, 12, 0, 11], [len(ids) for ids in whole]
        store.close()
        truncated = 0
        for max_memory_bytes, timeout_s in ((4_000_000, 30), (1_000_000_000, 0.003)):
            store = open_store(max_memory_bytes=max_memory_bytes)
            store._timeout_s = store._reports._timeout_s = timeout_s  # the server itself opens with no such bound
            for names, ids in zip(asked, whole):
                filter = Filter(workspace="w", **names)
                try:
                    page = store.page(Query(filter=filter, limit=50))
                    found = ids_of(page)
                    assert found == ids[: len(found)], names
                    assert page.truncated or found == ids, names
                    count = store.count(filter)
                    assert count.truncated or count.count == len(ids), names
                    bars = store.histogram(filter, DAY_MS)
                    assert bars.truncated or sum(bar.info for bar in bars.bars) == len(ids), names
                    facets = store.facets(filter, ("kind", "event"), 5)
                    assert facets.truncated or sum(value.count for value in facets.values["kind"]) == len(ids), names
                    truncated += page.truncated + count.truncated + bars.truncated + facets.truncated
                except Unavailable as error:
                    assert error.hint, error.detail  # not even the days that there are could be listed
                    truncated += 1
            try:
                assert len(store.trace("w", "1" * 32)) == 12
            except Unavailable as error:
                assert "CLEW_LOG" in error.hint
            store.close()
        assert truncated > 10, truncated
        store = open_store()
        assert store.count(Filter(workspace="w")) == Count(12)
        store.close()
        """,
    )


@pytest.mark.parametrize(
    "url", ["postgresql://x/y", "chdb://relative/dir", "clickhouse://host", "/plain/path", "chdb:///d?x=1"]
)
def test_an_address_of_another_kind_is_refused(url):
    with pytest.raises(SettingsError):
        directory_of(url)


def test_a_chdb_address_is_its_directory():
    assert str(directory_of("chdb:///var/lib/clew%20log")) == "/var/lib/clew log"


@pytest.mark.crash
def test_a_process_killed_while_it_inserts_loses_nothing_and_doubles_nothing(tmp_path):
    """Blocks of three days, the one in flight inserted again after each start, as the pump does it."""
    blocks, kills = 30, 5
    progress = tmp_path / "progress"
    progress.write_text("0")
    script = BEGIN + textwrap.dedent(
        """
        progress = Path(sys.argv[2])
        store = open_store()
        for number in range(int(progress.read_text()), int(sys.argv[3])):
            store.insert(block(300, number * 300), f"block-{number}")
            new = progress.with_suffix(".new")
            new.write_text(str(number + 1))
            new.replace(progress)
        print(store.count(Filter(workspace="w")).count)
        last = None
        seen = set()
        while True:
            page = store.page(Query(filter=Filter(workspace="w"), limit=1000, place=last))
            seen.update(item.id for item in page.items)
            if not page.has_next:
                break
            last = Place(page.items[-1].time, page.items[-1].id)
        print(len(seen))
        store.close()
        """
    )
    command = [sys.executable, "-c", script, str(tmp_path / "log"), str(progress), str(blocks)]
    for kill in range(kills):
        before = progress.read_text()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline_s = time.monotonic() + 30
        while progress.read_text() == before:
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < deadline_s
            time.sleep(0.001)
        time.sleep(0.007 * kill)  # another moment of an insert each time
        child.kill()
        child.communicate()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == [str(blocks * 300)] * 2, done.stderr


def test_a_file_that_stands_in_the_way_of_a_table_is_named_and_harms_no_log_that_is_there(tmp_path):
    refused = run(
        tmp_path / "data",
        """
        import os
        from clew.core.errors import SettingsError
        os.chdir(Path(sys.argv[1]).parent)
        Path("log").write_text("what `clew serve > log` leaves")
        try:
            open_store()
        except SettingsError as error:
            print(error.detail, error.hint)
        """,
    )
    assert f"{tmp_path / 'log'} stands in the way" in refused
    assert "another directory" in refused
    run(tmp_path / "data", "s = open_store(); s.insert(block(5), 'one'); s.close()")
    again = (
        "import os; os.chdir(Path(sys.argv[1]).parent); s = open_store(); print(s.count(Filter(workspace='w')).count)"
    )
    assert run(tmp_path / "data", f"{again}; s.close()") == "5"


def test_a_log_from_before_finds_words_by_the_index_of_today(tmp_path):
    """What an older version wrote is found while the index is made and after it."""
    before = """
        from clew.log import schema
        files = schema._files
        schema._files = lambda: {version: file for version, file in files().items() if version < 5}
        store = open_store()
        store.insert(block(3000, keys={"order": "SO-7301"}), "before")
        store.close()
        """
    run(tmp_path, before)
    run(
        tmp_path,
        """
        import time
        store = open_store()
        found = Filter(workspace="w", phrases=(("so", "7301"),))
        assert store.count(found) == Count(3000)
        client = store._clients[1]
        def left():
            return client.raw_query("SELECT count() FROM system.mutations WHERE NOT is_done", fmt="TSV").strip()
        deadline = time.monotonic() + 30
        while left() != b"0" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left() == b"0"
        assert store.count(found) == Count(3000)
        none = sql.summaries(
            Filter(workspace="w", words=("absent",)), Look(Window()), None, later=False, limit=5, budget_s=9
        )
        plan = client.raw_query("EXPLAIN indexes = 1 " + none.text, none.values, fmt="TSVRaw").decode()
        assert "Name: words" in plan and "Granules: 0/" in plan, plan
        store.close()
        """,
    )


def test_a_count_that_takes_too_long_tells_how_many_there_are_at_least(tmp_path):
    run(
        tmp_path,
        """
        store = open_store()
        body = "zinc plated " * 2_000
        for first in range(0, 6_000, 2_000):
            store.insert(block(2_000, first, payload=body), str(first))
        plated = Filter(workspace="w", phrases=(("zinc", "plated"),))
        cut = store.count(plated, 1)
        assert cut.truncated and cut.count < 6_000, cut
        assert store.count(plated, 30_000) == store.count(plated) == Count(6_000)
        store.close()
        """,
    )
