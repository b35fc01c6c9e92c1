"""Days that are counted once they are over, and what is believed of the counts."""

from harness.log_process import run_log


def test_days_that_are_over_are_counted_once_they_are_settled_and_the_counts_stay(tmp_path):
    run_log(
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
    run_log(
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
