import resource
import threading

import pytest

from clew.core.errors import Unavailable
from clew.log.engine import READER_SETTINGS, LimitReached, ReaderPool, ask, open_client, raise_open_files_limit
from clew.log.sql import Statement


@pytest.fixture
def client(clickhouse_store, clickhouse_directory):
    client = open_client(clickhouse_directory, READER_SETTINGS)
    yield client
    client.close()


def test_a_question_that_takes_too_long_is_cut_off(client):
    endless = Statement(
        "SELECT count() FROM numbers(1000000000000) WHERE number % 7 = 8 SETTINGS max_execution_time = 0.05", {}
    )
    with pytest.raises(LimitReached):
        ask(client, endless)
    assert ask(client, Statement("SELECT 1 AS one", {})) == b'{"one":1}\n'


def test_a_question_that_takes_too_much_memory_is_cut_off(client):
    with pytest.raises(LimitReached):
        ask(
            client,
            Statement("SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 10000000", {}),
        )


def test_a_question_that_the_engine_does_not_understand_is_unavailable_and_says_why(client):
    with pytest.raises(Unavailable, match="no_such_column"):
        ask(client, Statement("SELECT no_such_column", {}))


@pytest.mark.parametrize("value", ["a\0b", "\\", "\\n", "'", '"', "\n\r\t", "日🧵", "{x:String}", ""])
def test_a_bound_value_arrives_as_it_is(client, value):
    question = Statement(
        "SELECT hex({one:String}) AS one, arrayMap(x -> hex(x), {many:Array(String)}) AS many",
        {"one": value, "many": [value, value]},
    )
    hexed = value.encode().hex().upper()
    assert ask(client, question).decode() == f'{{"one":"{hexed}","many":["{hexed}","{hexed}"]}}\n'


def test_a_connection_is_lent_to_one_thread_at_a_time_and_who_waits_too_long_is_told():
    pool = ReaderPool(["only"], wait_s=0.01)
    with pool.borrow() as client:
        assert client == "only"
        refused = []

        def ask_for_another():
            try:
                with pool.borrow():
                    pass
            except Unavailable as error:
                refused.append(error)

        thread = threading.Thread(target=ask_for_another)
        thread.start()
        thread.join()
    assert len(refused) == 1
    with pool.borrow() as client:
        assert client == "only"


def test_the_open_files_limit_is_raised_as_far_as_the_system_allows():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (8_192, hard))
        raise_open_files_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(65_536, hard if hard >= 0 else 65_536)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
