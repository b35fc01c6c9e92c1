"""An answer is of its own question alone, whatever became of the one before it."""

import pytest

from clew.core.errors import Unavailable
from clew.log.engine import DROP_TRIES, READER_SETTINGS, LimitReached, ask, open_client
from clew.log.sql import Statement

ONE = Statement("SELECT 1 AS one", {})
ROWS_AND_THEN = "SELECT number, {what} AS what FROM numbers(1000000) SETTINGS max_block_size = 1000"
BROKEN = Statement(ROWS_AND_THEN.format(what="throwIf(number = 200000)"), {})
TOO_LARGE = Statement("SELECT number FROM numbers(1000000) SETTINGS max_block_size = 1000, max_result_rows = 99000", {})
TOO_LONG = Statement(
    "SELECT number, sleepEachRow(0.001) AS what FROM numbers(10000) "
    "SETTINGS max_block_size = 10, max_execution_time = 0.2",
    {},
)
UNKNOWN = Statement("SELECT nothing FROM nowhere", {})


@pytest.fixture
def client(clickhouse_store, clickhouse_directory):
    client = open_client(clickhouse_directory, READER_SETTINGS)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("question", "error"),
    [(BROKEN, Unavailable), (TOO_LARGE, LimitReached), (TOO_LONG, LimitReached), (UNKNOWN, Unavailable)],
    ids=["broken", "too large", "too long", "unknown"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_what_a_question_had_written_before_it_failed_is_in_no_other_answer(client, question, error, times):
    for _ in range(times):
        with pytest.raises(error):
            ask(client, question)
    assert ask(client, ONE) == b'{"one":1}\n'
    assert ask(client, ONE) == b'{"one":1}\n'


def test_without_that_it_would_be(client):
    """Why it is done. Where this fails the engine has been mended, and `_drop_output` can go."""
    with pytest.raises(Exception, match="throwIf"):
        client.raw_query(BROKEN.text, fmt="JSONEachRow")
    assert client.raw_query(ONE.text, fmt="JSONEachRow").startswith(b'{"number":0')
    assert ask(client, ONE) == b'{"one":1}\n'


def test_a_connection_that_does_not_give_it_away_answers_no_more(client, monkeypatch):
    asked = []
    real = client.raw_query

    def refuse(text, **options):
        asked.append(options["fmt"])
        return real(BROKEN.text if options["fmt"] == "Null" else text, **options)

    monkeypatch.setattr(client, "raw_query", refuse)
    with pytest.raises(Unavailable):
        ask(client, BROKEN)
    assert asked == ["JSONEachRow", *["Null"] * DROP_TRIES]
    monkeypatch.undo()
    with pytest.raises(Unavailable, match="closed"):
        ask(client, ONE)
