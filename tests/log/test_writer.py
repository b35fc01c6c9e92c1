"""What is promised where the engine's own memory of tokens is not enough."""

import sys
import tempfile
import uuid

import pytest

from clew.core.clock import DAY_MS
from clew.core.errors import Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.log.engine import WRITER_SETTINGS, ask, open_client
from clew.log.query import Filter, Query
from clew.log.store import Count
from clew.log.writer import Writer

NOW = 1_780_000_000_000


@pytest.fixture
def client(clickhouse_store, clickhouse_directory):
    client = open_client(clickhouse_directory, WRITER_SETTINGS)
    yield client
    client.close()


@pytest.fixture
def restart(client):
    """A writer as after a restart: it knows nothing of what was."""
    return lambda: Writer(client, lambda question: ask(client, question))


@pytest.fixture
def workspace():
    return f"writer-{uuid.uuid4().hex[:8]}"


def lines_of(workspace, count=40, days=4):
    records = [
        Record(id=new_id(time), time=time, workspace=workspace, kind="step")
        for time in (NOW - i % days * DAY_MS - i for i in range(count))
    ]
    return [encode_line(record) + b"\n" for record in records]


def held(store, workspace):
    store._days.change()  # these writers are not its own: it would believe what was counted of a day before
    page = store.page(Query(filter=Filter(workspace=workspace), limit=1000))
    ids = [item.id for item in page.items]
    assert len(ids) == len(set(ids))
    return len(ids)


def test_a_block_that_is_there_is_not_inserted_again_after_a_restart(restart, clickhouse_store, workspace):
    lines = lines_of(workspace)
    restart().insert(b"".join(lines), workspace)
    restart().insert(b"".join(lines), workspace)
    assert held(clickhouse_store, workspace) == 40


def test_of_a_block_that_is_half_there_the_other_half_is_inserted(restart, clickhouse_store, workspace):
    lines = lines_of(workspace)
    restart().insert(b"".join(lines[:13]), f"{workspace}-half")
    writer = restart()
    writer.insert(b"".join(lines), workspace)
    assert held(clickhouse_store, workspace) == 40
    writer.insert(b"".join(lines), workspace)
    assert held(clickhouse_store, workspace) == 40


def test_a_token_that_is_written_down_without_its_rows_loses_nothing(restart, client, clickhouse_store, workspace):
    lines = lines_of(workspace, days=1)
    restart().insert(b"".join(lines), workspace)
    client.command(f"DELETE FROM log IN PARTITION {NOW // DAY_MS} WHERE workspace = {{w:String}}", {"w": workspace})
    assert held(clickhouse_store, workspace) == 0
    restart().insert(b"".join(lines), workspace)
    assert held(clickhouse_store, workspace) == 40


def test_the_engine_itself_remembers_tokens_across_restarts(restart, clickhouse_store, workspace):
    first, second = lines_of(workspace), lines_of(workspace)
    writer = restart()
    writer.insert(b"".join(first), f"{workspace}-1")
    writer.insert(b"".join(second), f"{workspace}-2")
    writer = restart()
    writer.insert(b"".join(second), f"{workspace}-2")
    writer.insert(b"".join(first), f"{workspace}-1")
    assert held(clickhouse_store, workspace) == 80


def test_a_block_that_the_engine_refuses_leaves_nothing_and_the_next_one_goes_in(restart, clickhouse_store, workspace):
    lines = lines_of(workspace)
    writer = restart()
    writer.insert(lines[0], f"{workspace}-0")
    with pytest.raises(Unavailable, match="did not take a block"):
        writer.insert(b"".join(lines[1:5]) + b'{"id": 7}\n', workspace)
    assert held(clickhouse_store, workspace) == 1
    writer.insert(b"".join(lines[1:5]), workspace)
    assert held(clickhouse_store, workspace) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the engine's driver writes the block to a file")
def test_a_block_needs_no_room_outside_the_data_directory(restart, clickhouse_store, workspace, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    restart().insert(b"".join(lines_of(workspace)), workspace)
    assert held(clickhouse_store, workspace) == 40


def test_a_token_may_be_any_text(restart, clickhouse_store, workspace):
    token = f"{workspace} it's 50 \\% {{}}"
    restart().insert(b"".join(lines_of(workspace)), token)
    restart().insert(b"".join(lines_of(workspace)[:1]), f"{token}'")
    assert held(clickhouse_store, workspace) == 41


def test_a_large_block_is_one_part_a_day(restart, client, clickhouse_store, workspace):
    # more rows than the engine's own block size of 65,409
    template = encode_line(
        Record(id="@" * 36, time=NOW + 900 * DAY_MS, workspace=workspace, kind="step", payload="x" * 40)
    )
    lines = b"".join(template.replace(b"@" * 36, str(uuid.uuid4()).encode()) + b"\n" for _ in range(70_000))
    day = (NOW + 900 * DAY_MS) // DAY_MS
    restart().insert(lines, workspace)
    parts = client.raw_query(
        "SELECT rows FROM system.parts WHERE table = 'log' AND active AND partition = {day:String}",
        parameters={"day": str(day)},
        fmt="TSV",
    )
    assert parts == b"70000\n"
    restart().insert(lines, workspace)
    assert clickhouse_store.count(Filter(workspace=workspace)) == Count(70_000)
