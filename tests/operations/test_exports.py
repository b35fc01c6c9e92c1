"""Exports as jobs: in turn, bounded, and what a start finds of those before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from clew.core.clock import DAY_MS, FakeClock
from clew.core.errors import NotFound, TooMany, Unavailable
from clew.log.query import Filter
from clew.operations.exports import MOST_OF_ONE, Export, Exports

ALL = Filter(workspace="w")


class Pieces:
    """Gives three lines, each when the test lets it go."""

    def __init__(self) -> None:
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.refuses = 0
        self.breaks = False
        self.running = 0
        self.most = 0

    def export(self, filter: Filter, format: str, sort: str) -> AsyncIterator[bytes]:
        if self.refuses:
            self.refuses -= 1
            raise TooMany("Two run.")
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for line in (b"1\n", b"2\n", b"3\n"):
                await self.may_go.wait()
                yield line
                if self.breaks:
                    raise Unavailable("The disk is gone.", hint="Look at it.")
        finally:
            self.running -= 1


@pytest.fixture
def pieces() -> Pieces:
    return Pieces()


@pytest.fixture
async def exports(pieces, tmp_path, clock):
    exports = Exports(pieces, tmp_path / "exports", clock)
    yield exports
    await exports.close()


def new(exports: Exports, clock: FakeClock, member: str = "ada") -> Export:
    return Export(
        id=exports.new_id(),
        workspace="w",
        member=member,
        title="All records",
        file_name="records.ndjson",
        format="ndjson",
        state="waiting",
        asked_at=clock.now_ms(),
        expected=3,
    )


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  # what is waited for happens in a thread
            await asyncio.sleep(0.001)


async def ended(exports: Exports, export: Export) -> Export:
    await until(lambda: exports.find("w", export.member, export.id).has_ended)
    return exports.find("w", export.member, export.id)


async def test_one_is_written_after_another_and_each_is_counted(exports, pieces, clock):
    asked = [exports.start(new(exports, clock), ALL, "desc") for _ in range(3)]
    done = [await ended(exports, export) for export in asked]
    assert [(export.state, export.records, export.size) for export in done] == [("done", 3, 6)] * 3
    assert pieces.most == 1
    assert exports.path(done[0]).read_bytes() == b"1\n2\n3\n"


async def test_while_downloads_have_every_connection_an_export_waits(exports, pieces, clock, monkeypatch):
    monkeypatch.setattr("clew.operations.exports.RETRY_S", 0.001)
    pieces.refuses = 3
    assert (await ended(exports, exports.start(new(exports, clock), ALL, "desc"))).state == "done"


async def test_one_that_breaks_says_why_and_leaves_no_file(exports, pieces, clock):
    pieces.breaks = True
    export = await ended(exports, exports.start(new(exports, clock), ALL, "desc"))
    assert (export.state, export.error) == ("failed", "The disk is gone. Look at it.")
    assert not exports.path(export).exists()


async def test_where_the_disk_has_too_little_room_none_is_written(exports, clock, monkeypatch):
    monkeypatch.setattr("clew.operations.exports.ROOM_BYTES", 1 << 62)
    export = await ended(exports, exports.start(new(exports, clock), ALL, "desc"))
    assert (export.state, "room" in export.error) == ("failed", True)


async def test_one_that_is_removed_while_it_is_written_ends(exports, pieces, clock, tmp_path):
    pieces.may_go.clear()
    export = exports.start(new(exports, clock), ALL, "desc")
    await until(lambda: pieces.running)
    exports.remove(export)
    await until(lambda: not pieces.running)
    assert exports.list("w", "ada") == ()
    assert list((tmp_path / "exports").iterdir()) == []


async def test_a_member_has_only_so_many_and_others_have_theirs(exports, clock):
    for _ in range(MOST_OF_ONE):
        await ended(exports, exports.start(new(exports, clock), ALL, "desc"))
    with pytest.raises(TooMany):
        exports.start(new(exports, clock), ALL, "desc")
    exports.start(new(exports, clock, "eve"), ALL, "desc")
    clock.advance(DAY_MS + 2_000)
    exports.start(new(exports, clock), ALL, "desc")
    assert len(exports.list("w", "ada")) == 1


async def test_after_a_start_whole_files_are_there_for_the_rest_of_their_day(exports, pieces, clock, tmp_path):
    done = await ended(exports, exports.start(new(exports, clock), ALL, "desc"))
    pieces.may_go.clear()
    cut = exports.start(new(exports, clock), ALL, "desc")
    await until(lambda: pieces.running)
    await exports.close()
    (tmp_path / "exports" / f"{exports.new_id()}.csv").write_text("left by a server that was killed")

    again = Exports(pieces, tmp_path / "exports", clock)
    assert again.find("w", "ada", done.id) == done
    assert again.find("w", "ada", cut.id).error == "The server was stopped."
    assert sorted(path.suffix for path in (tmp_path / "exports").iterdir()) == [".json", ".json", ".ndjson"]
    clock.advance(DAY_MS + 2_000)
    with pytest.raises(NotFound):
        again.find("w", "ada", done.id)
    assert list((tmp_path / "exports").iterdir()) == []
