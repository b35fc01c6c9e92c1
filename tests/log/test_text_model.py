"""What a `q` and a `contains` find in the real log as in the reference: any text in a value, any in a question."""

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.clock import DAY_MS
from clew.core.errors import BadRequest
from clew.core.ids import new_id
from clew.core.record import ErrorInfo, Record, encode_line
from clew.log.engine import READER_SETTINGS, open_client
from clew.log.memory import MemoryStore
from clew.log.query import Filter, Query
from clew.log.sql import within
from clew.log.text_query import parse_text
from clew.log.windows import Window
from clew.log.words import lower_ascii

NOW = 1_780_000_000_000
BITS = st.sampled_from(
    [
        "alpha",
        "Beta",
        "g7",
        "東京",
        "é",
        "\U0001f600",
        " ",
        " ",
        ", ",
        "-",
        '"',
        "\\",
        "'",
        "\n",
        "\t",
        "%",
        "_",
        "{",
        ":",
        "\0",
    ]
)
TEXTS = st.one_of(
    st.lists(BITS, max_size=6).map("".join),
    st.sampled_from(
        [
            "'; DROP TABLE log; --",
            "x' OR '1'='1",
            "{p0:String} %(p0)s",
            "event.payload.lines.size() > 0 && event.a == 'b'",
            '{"name":"alpha \\"Beta\\" \\u00e9","n":[1,-2]}',
            "C:\\new\\table",
        ]
    ),
    st.text(max_size=12),
)
ASKED = st.one_of(
    TEXTS,
    st.lists(
        st.sampled_from(["alpha", '"alpha beta"', "-g7", '-"beta g7"', "-東京", '"é 東京"', "beta", "-alpha-g7"]),
        max_size=3,
    ).map(" ".join),
)


@settings(max_examples=12)
@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=15),
    st.lists(ASKED, min_size=3, max_size=8),
)
def test_a_text_finds_what_it_finds_in_the_reference(clickhouse_store, drawn, asked):
    workspace = f"text-{uuid.uuid4().hex}"
    times = [NOW - DAY_MS * (number % 3) for number in range(len(drawn))]
    lines = b"".join(
        encode_line(
            Record(
                id=new_id(time),
                time=time,
                workspace=workspace,
                kind="step",
                message=message,
                error=ErrorInfo(message=reason) if reason else None,
                keys={"of": key, "other": "alpha"},
                parameters=told,
                payload=body,
            )
        )
        + b"\n"
        for time, (message, reason, key, told, body) in zip(times, drawn, strict=True)
    )
    memory = MemoryStore()
    for store in (memory, clickhouse_store):
        store.insert(lines, workspace)
    whole = [Filter(workspace=workspace, contains=lower_ascii(text)) for text in asked if text]
    for text in asked:
        try:
            parsed = parse_text(text)
        except BadRequest:
            continue
        whole.append(
            Filter(
                workspace=workspace,
                words=parsed.words,
                phrases=parsed.phrases,
                without_words=parsed.without_words,
                without_phrases=parsed.without_phrases,
            )
        )
    for filter in whole:
        assert clickhouse_store.page(Query(filter=filter)) == memory.page(Query(filter=filter)), filter
        assert clickhouse_store.count(filter) == memory.count(filter), filter


def test_the_index_and_the_rows_give_one_answer(clickhouse_store, clickhouse_directory):
    """What a skip index leaves out must be what the condition leaves out: asked of the engine with and without it."""
    workspace = f"index-{uuid.uuid4().hex}"
    texts = [f"alpha{n} beta gamma, Delta-{n % 7} 東京{n % 5} \U0001f600" for n in range(3_000)]
    lines = b"".join(
        encode_line(
            Record(id=new_id(NOW), time=NOW, workspace=workspace, kind="step", message=text, payload=text[::-1])
        )
        + b"\n"
        for text in texts
    )
    clickhouse_store.insert(lines, workspace)
    client = open_client(clickhouse_directory, READER_SETTINGS)
    try:
        for q, found in (
            ("alpha7 beta", 1),
            ('"beta gamma"', 3_000),
            ('"gamma beta"', 0),
            ('"Delta 3" -alpha3', sum(n % 7 == 3 for n in range(3_000)) - 1),
            ('-"delta 3"', sum(n % 7 != 3 for n in range(3_000))),
            ("-東京2 alpha12", 0),
            ("東京", 0),
        ):
            parsed = parse_text(q)
            filter = Filter(
                workspace=workspace,
                words=parsed.words,
                phrases=parsed.phrases,
                without_words=parsed.without_words,
                without_phrases=parsed.without_phrases,
            )
            conditions = within(filter, Window())
            for setting in ("use_skip_indexes = 1", "use_skip_indexes = 0"):
                text = f"SELECT count() FROM log WHERE {conditions.where()} SETTINGS {setting}"
                answer = client.raw_query(text, parameters=conditions.values, fmt="TSV")
                assert int(answer) == found, (q, setting)
    finally:
        client.close()
