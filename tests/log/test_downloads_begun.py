"""An export that has begun: what fails at once is raised before anything is answered."""

import asyncio
import threading

import pytest

from clew.core.errors import Unavailable
from clew.log import downloads
from clew.log.downloads import FIRST_PIECES, Downloads, begin_export
from clew.log.query import Filter

ALL = Filter(workspace="w")


class Pieces:
    """A store whose exports are some pieces, each given when the test lets it go, and a failure after `fails_after`."""

    def __init__(self, *pieces, fails_after=None):
        self.pieces, self.fails_after = pieces, fails_after
        self.given = 0
        self.closed = threading.Event()
        self.may_go = threading.Event()
        self.may_go.set()

    def export(self, filter, format, sort):
        try:
            for number, piece in enumerate(self.pieces):
                self.may_go.wait(10)
                if number == self.fails_after:
                    raise Unavailable("The disk is gone.")
                self.given += 1
                yield piece
        finally:
            self.closed.set()


def begun(store):
    return begin_export(Downloads(store).export(ALL, "csv", "desc"))


async def is_closed(store):
    return await asyncio.to_thread(store.closed.wait, 10)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
async def test_it_is_all_of_its_pieces_in_order(count):
    store = Pieces(*(b"%d" % number for number in range(count)))
    assert [piece async for piece in await begun(store)] == list(store.pieces)
    assert await is_closed(store)


@pytest.mark.parametrize("fails_after", range(FIRST_PIECES))
async def test_what_fails_at_once_is_raised_at_once(fails_after):
    store = Pieces(b"one", b"two", b"three", fails_after=fails_after)
    with pytest.raises(Unavailable, match="disk is gone"):
        await begun(store)
    assert await is_closed(store)


async def test_what_fails_later_breaks_off():
    pieces = await begun(Pieces(b"one", b"two", b"three", fails_after=2))
    assert [await anext(pieces), await anext(pieces)] == [b"one", b"two"]
    with pytest.raises(Unavailable, match="disk is gone"):
        await anext(pieces)


async def test_what_takes_long_to_come_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(downloads, "BEGIN_S", 0.01)
    store = Pieces(b"one", b"two", b"three")
    store.may_go.clear()
    pieces = await begun(store)
    assert store.given == 0
    store.may_go.set()
    assert [piece async for piece in pieces] == [b"one", b"two", b"three"]


@pytest.mark.parametrize("taken", [0, 1, 3])
async def test_who_leaves_ends_it_wherever_it_is(taken):
    store = Pieces(*[b"piece"] * 100)
    pieces = await begun(store)
    for _ in range(taken):
        await anext(pieces)
    await pieces.aclose()
    if not taken:
        del pieces  # it was never begun to be read: nobody closes it but the end of its last name
    assert await is_closed(store)
    assert store.given <= taken + FIRST_PIECES + 1


async def test_who_leaves_while_a_piece_is_made_ends_it_behind_that_piece(monkeypatch):
    monkeypatch.setattr(downloads, "BEGIN_S", 0.01)
    store = Pieces(*[b"piece"] * 100)
    store.may_go.clear()
    pieces = await begun(store)
    waiting = asyncio.create_task(anext(pieces))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    store.may_go.set()
    assert await is_closed(store)
    assert store.given <= 1
