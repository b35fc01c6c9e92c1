"""What a question comes to that needs more time or memory than it may have."""

from harness.log_process import run_log


def test_an_export_that_needs_too_much_memory_says_so_and_the_log_goes_on(tmp_path):
    run_log(
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


def test_a_search_that_needs_too_much_memory_gives_what_it_found_and_says_so(tmp_path):
    run_log(
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
    run_log(
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


def test_a_count_that_takes_too_long_tells_how_many_there_are_at_least(tmp_path):
    run_log(
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
