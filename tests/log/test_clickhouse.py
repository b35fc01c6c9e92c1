"""What needs a process of its own: opening, closing and being killed."""

import subprocess
import sys
import textwrap
import time

import pytest

from clew.core.errors import DataDirInUse, SettingsError
from clew.log.clickhouse import ClickHouseStore
from clew.log.engine import directory_of
from harness.log_process import BEGIN, run_log


def test_what_was_inserted_is_there_after_a_restart_and_its_tokens_are_known(tmp_path):
    run_log(tmp_path, "s = open_store(); s.insert(block(5), 'one'); s.insert(block(5, 10), 'two'); s.close()")
    counted = run_log(
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
    run_log(
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
    said = run_log(
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


def test_a_parquet_file_has_every_record_and_is_ended_early_where_nobody_reads_it(tmp_path):
    run_log(
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
