"""The questions to the log at ten million, on a log of five thousand: each is answered, and the table is whole."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
from benchmarks.log_chart import draw_chart
from benchmarks.log_data import read_stamp
from benchmarks.log_pages import Served
from benchmarks.log_results import BEGIN, END, README, Results, format_results, read_results, write_readme
from benchmarks.log_sample import WORKSPACE, pick_sample
from benchmarks.log_set import QUESTIONS
from benchmarks.log_timing import Asked, Line, line_of, repeat
from benchmarks.postgres import Cluster, PeerRun, PeerTime, copy_records, find_binaries, table_sql
from benchmarks.processes import run_module
from benchmarks.records import Records, ndjson

from clew.log.memory import MemoryStore

RECORDS = 5_000
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command leaves: in a process of its own, for an engine is one directory's in all its life."""
    directory = tmp_path_factory.mktemp("bench-data")
    run_module(
        "log_questions",
        *("--directory", str(directory), "--records", str(RECORDS), "--only", "questions"),
        *("--repetitions", "5", "--intake-records", "500"),
    )
    return directory


@pytest.fixture(scope="module")
def results(directory: Path) -> Results:
    return read_results(directory)


def test_the_data_goes_up_to_now_and_is_used_again(directory: Path) -> None:
    data = read_stamp(directory)
    assert data is not None
    assert data.total >= data.records == RECORDS
    run_module("log_data", "--directory", str(directory), "--records", str(RECORDS))
    again = read_stamp(directory)
    assert again is not None
    assert again.begin_ms == data.begin_ms


def test_every_question_is_answered_and_none_at_a_bound(results: Results) -> None:
    assert [line.name for line in results.lines] == [question.name for question in QUESTIONS]
    for line in results.lines:
        assert line.truncated == 0
        assert line.repetitions == 5
        assert 0 < line.engine_ms <= line.p95_ms
        assert line.p50_ms <= line.p95_ms


def test_exports_and_intake_are_measured(results: Results) -> None:
    assert {rate.name: rate.per_s > 0 for rate in results.rates} == {rate.name: True for rate in results.rates}
    assert len(results.rates) == 5


def test_the_table_has_every_question_with_its_neighbours(results: Results) -> None:
    whole = msgspec.structs.replace(results, served=make_served(), peer=make_peer())
    text = format_results(whole)
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    for question in QUESTIONS:
        assert "7.5" in rows[question.name]
    assert "| overview | p95 < 120 | **20.0** | 130 | 90.0 | 2 | not met |" in text
    assert "2,000 records, the latest 6 days" in text
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 4
    for table in tables:
        assert len({row.count("|") for row in table.splitlines()}) == 1


def test_the_readme_has_a_place_for_the_table(results: Results, tmp_path: Path) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(README.read_text())
    write_readme(results, copy)
    write_readme(results, copy)
    text = copy.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.count("| one business key |") == 1
    assert text.partition(BEGIN)[0] == README.read_text().partition(BEGIN)[0]
    assert text.partition(END)[2] == README.read_text().partition(END)[2]


def test_the_picture_shows_and_says_every_question(results: Results) -> None:
    picture = ET.fromstring(draw_chart(msgspec.structs.replace(results, served=make_served(), peer=make_peer())))
    said = picture.findtext(f"{SVG}desc")
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert picture.attrib["aria-labelledby"] == "title said"
    assert picture.findtext(f"{SVG}title")
    for name in [*(question.name for question in QUESTIONS), "page: overview"]:
        assert name in texts
        assert f"{name}: p50" in said
    assert "prefers-color-scheme: dark" in picture.findtext(f"{SVG}style")


def test_the_first_question_is_told_apart_and_a_slow_one_is_asked_less(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"x" * 3_000_000)
    places = []

    def ask(place: int) -> Asked:
        places.append(place)
        return Asked(took_s=1.0 if place == 0 else 0.001 * place, rows=place)

    line = line_of("any", 5.0, repeat(ask, tmp_path, repetitions=10), has_engine=False)
    assert places == list(range(13))
    assert (line.first_ms, line.p50_ms, line.p95_ms, line.rows) == (1000.0, 7.0, 12.0, 7)
    assert line.verdict == "not met"
    assert len(repeat(ask, tmp_path, budget_s=0.0)) < 10


@pytest.mark.skipif(find_binaries() is None, reason="there is no PostgreSQL on this machine")
def test_postgresql_is_asked_the_same_and_finds_the_same() -> None:
    records = list(Records(step_ms=60_000).records(4_000))
    now_ms = records[-1].time + 1
    store = MemoryStore()
    lines = Records(step_ms=60_000).lines(4_000)
    store.insert(ndjson(lines), "all")
    mine = [record for record in records if record.workspace == WORKSPACE]
    sample = pick_sample(mine, mine[0].time, now_ms)
    asked = [question for question in QUESTIONS if not question.name.startswith(("facets", "count"))]
    with Cluster(find_binaries()) as cluster:
        cluster.run(table_sql())
        copy_records(cluster, records)
        for question in asked:
            draws = [sample.draw(place, now_ms) for place in range(3)]
            found = [rows for _, rows in cluster.time([question.peer(draw) for draw in draws])]
            expected = [question.ask(store, draw).rows for draw in draws]
            # it is asked for one more, which says whether there is another page
            assert [min(rows, 50) if wanted == 50 else rows for rows, wanted in zip(found, expected, strict=True)] == (
                expected
            ), question.name


def make_served() -> Served:
    line = Line(name="page: overview", goal_ms=120, first_ms=90, p50_ms=20, p95_ms=130, repetitions=30, rows=2048)
    return Served(lines=(line,), open_s=1, open_warm_s=0.5, idle_mb=300, idle_after_mb=400, peak_mb=700)


def make_peer() -> PeerRun:
    times = tuple(PeerTime(name=question.name, p50_ms=7.5, p95_ms=9, rows=1) for question in QUESTIONS)
    return PeerRun(version="15.1", records=2_000, load_s=60, record_bytes=2_000, span_days=6, times=times)
