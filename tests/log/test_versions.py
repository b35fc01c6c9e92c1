"""A log that another version wrote, and what stands in the way of a new one."""

from harness.log_process import run_log


def test_a_directory_of_a_newer_version_is_left_alone(tmp_path):
    said = run_log(
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
    run_log(
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


def test_a_file_that_stands_in_the_way_of_a_table_is_named_and_harms_no_log_that_is_there(tmp_path):
    refused = run_log(
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
    run_log(tmp_path / "data", "s = open_store(); s.insert(block(5), 'one'); s.close()")
    again = (
        "import os; os.chdir(Path(sys.argv[1]).parent); s = open_store(); print(s.count(Filter(workspace='w')).count)"
    )
    assert run_log(tmp_path / "data", f"{again}; s.close()") == "5"


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
    run_log(tmp_path, before)
    run_log(
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
