import pytest

from clew.core.errors import Unavailable
from clew.core.ids import new_id
from clew.core.record import Record, encode_line
from clew.log.freezing import clear_frozen, frozen

NOW = 1_780_000_000_000


def insert(store, workspace, count):
    records = [
        Record(id=new_id(NOW + n), time=NOW + n, workspace=workspace, kind="step", status="info") for n in range(count)
    ]
    store.insert(b"".join(encode_line(record) + b"\n" for record in records), f"{workspace}-{count}")


def rows_of(log):
    return {table.name: table.rows for table in log.tables}


def test_what_is_frozen_stays_as_it_was_while_records_come_in_and_is_let_go_of_in_the_end(
    clickhouse_store, clickhouse_directory
):
    insert(clickhouse_store, "freezing", 5)
    with frozen(clickhouse_directory, "one") as log:
        before = rows_of(log)
        (table,) = (table for table in log.tables if table.name == "log")
        files = [path for part in table.parts() for path in part.rglob("*")]
        insert(clickhouse_store, "freezing", 7)
        assert files
        assert all(path.exists() for path in files)
        with frozen(clickhouse_directory, "two") as later:
            assert rows_of(later)["log"] == before["log"] + 7
    assert not any(path.exists() for path in files)
    assert log.schema == before["schema_version"]


def test_a_name_that_the_engine_writes_in_another_way_is_refused_and_not_an_empty_log(
    clickhouse_store, clickhouse_directory
):
    with pytest.raises(Unavailable, match="a-b"), frozen(clickhouse_directory, "a-b"):
        pass
    clear_frozen(clickhouse_directory)
    assert not (clickhouse_directory / "shadow").exists()
