from clew.log.damage import find_damaged, say_damage


def put_aside(directory, name, count=None):
    part = directory / "data/default/log/detached" / name
    part.mkdir(parents=True)
    if count is not None:
        (part / "count.txt").write_text(count)


def test_a_log_of_which_nothing_was_put_aside_has_no_damage(tmp_path):
    assert find_damaged(tmp_path) == find_damaged(tmp_path / "nowhere") == ()
    put_aside(tmp_path, "20601_1_1_0", "3")
    put_aside(tmp_path, "attaching_20601_2_2_0", "3")
    assert find_damaged(tmp_path) == ()


def test_what_the_engine_put_aside_is_told_with_its_records(tmp_path):
    put_aside(tmp_path, "broken-on-start_20601_1_1_0", "1500")
    assert say_damage(find_damaged(tmp_path)) == (
        "A part of the log is damaged and put aside, with 1,500 records that are in no answer."
    )
    put_aside(tmp_path, "unexpected_20601_2_2_0", "20")
    assert say_damage(find_damaged(tmp_path)) == (
        "2 parts of the log are damaged and put aside, with 1,520 records that are in no answer."
    )


def test_where_even_the_count_cannot_be_read_there_are_at_least_those_of_the_others(tmp_path):
    put_aside(tmp_path, "broken_20601_1_1_0")
    put_aside(tmp_path, "broken_20601_2_2_0", "nonsense")
    put_aside(tmp_path, "broken_20601_3_3_0", "7")
    assert [part.records for part in find_damaged(tmp_path)] == [None, None, 7]
    assert "with at least 7 records" in say_damage(find_damaged(tmp_path))
