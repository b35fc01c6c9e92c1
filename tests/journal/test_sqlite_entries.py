"""Appends are merged into entries, and come out as they went in."""

from __future__ import annotations

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from clew.journal.sqlite_entries import ENTRY_BYTES, ENTRY_RECORDS, RAW, ZSTD, pack, unpack


def test_small_appends_share_an_entry() -> None:
    entries = list(pack([[b"a"], [b"b", b"c"]]))
    assert [(entry.data, entry.count) for entry in entries] == [(b"a\nb\nc\n", 3)]


def test_an_entry_ends_at_about_a_mebibyte() -> None:
    entries = list(pack([[b"x" * 300_000]] * 7))
    assert [entry.count for entry in entries] == [3, 3, 1]
    assert all(len(entry.data) <= ENTRY_BYTES for entry in entries)


def test_an_entry_of_several_appends_has_at_most_a_thousand_records() -> None:
    entries = list(pack([[b"x"] * 600] * 3))
    assert [entry.count for entry in entries] == [600, 600, 600]
    assert [entry.count for entry in pack([[b"x"]] * 2_500)] == [ENTRY_RECORDS, ENTRY_RECORDS, 500]


def test_one_append_is_never_divided() -> None:
    large = [b"x" * 1_000_000] * 5
    entries = list(pack([[b"a"], large, [b"b"]]))
    assert [entry.count for entry in entries] == [1, 5, 1]


@given(st.lists(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), min_size=1, max_size=5)))
def test_no_line_is_lost_or_moved(groups: list[list[bytes]]) -> None:
    entries = list(pack(groups))
    lines = [line for group in groups for line in group]
    assert b"".join(entry.data for entry in entries) == b"".join(line + b"\n" for line in lines)
    assert sum(entry.count for entry in entries) == len(lines)


@given(st.binary(max_size=10_000), st.booleans())
def test_what_is_packed_is_unpacked(data: bytes, is_packed: bool) -> None:
    stored = zstandard.ZstdCompressor(level=-3).compress(data) if is_packed else data
    codec = ZSTD if is_packed else RAW
    assert unpack(stored, codec, len(data), zstandard.ZstdDecompressor()) == data
