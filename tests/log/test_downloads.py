import asyncio
import threading

import pytest

from clew.core.errors import TooMany, Unavailable
from clew.log.downloads import Downloads
from clew.log.query import Filter

ALL = Filter(workspace="w")


class Pieces:
    """A store whose exports are three pieces, each given when the test lets it go."""

    def __init__(self):
        self.closed = 0
        self.may_go = threading.Event()
        self.may_go.set()
        self.fails = False

    def export(self, filter, format, sort):
        try:
            for piece in (b"one", b"two", b"three"):
                self.may_go.wait(10)
                yield piece
                if self.fails:
                    raise Unavailable("The disk is gone.")
        finally:
            self.closed += 1


@pytest.fixture
def store():
    return Pieces()


@pytest.fixture
def downloads(store):
    return Downloads(store)


async def wait_until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # what is waited for happens in a thread
            await asyncio.sleep(0.001)


async def take(pieces):
    return [piece async for piece in pieces]


async def test_an_export_is_its_pieces_in_order_and_ends_its_question(downloads, store):
    assert await take(downloads.export(ALL, "csv", "desc")) == [b"one", b"two", b"three"]
    await wait_until(lambda: store.closed == 1)


async def test_a_third_export_at_one_time_is_refused_and_runs_when_one_has_ended(downloads, store):
    running = [downloads.export(ALL, "csv", "desc") for _ in range(2)]
    for pieces in running:
        await anext(pieces)
    with pytest.raises(TooMany) as refused:
        downloads.export(ALL, "csv", "desc")
    assert refused.value.retry_after_s
    await running[0].aclose()
    await wait_until(lambda: store.closed == 1)
    await wait_until(lambda: _is_taken(downloads))
    await running[1].aclose()


def _is_taken(downloads):
    try:
        downloads.export(ALL, "csv", "desc")
    except TooMany:
        return False
    return True


async def test_an_export_that_nobody_reads_takes_no_place(downloads):
    for _ in range(5):
        downloads.export(ALL, "csv", "desc")
    assert len(await take(downloads.export(ALL, "csv", "desc"))) == 3


async def test_a_reader_who_goes_away_in_the_middle_of_a_piece_ends_the_question(downloads, store):
    pieces = downloads.export(ALL, "csv", "desc")
    await anext(pieces)
    store.may_go.clear()
    reading = asyncio.create_task(anext(pieces))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    store.may_go.set()
    await wait_until(lambda: store.closed == 1)
    assert len(await take(downloads.export(ALL, "csv", "desc"))) == 3


async def test_closing_ends_the_exports_that_nobody_goes_on_reading(downloads, store):
    slow = [downloads.export(ALL, "csv", "desc") for _ in range(2)]
    for pieces in slow:
        await anext(pieces)
    downloads.close()
    assert store.closed == 2
    for pieces in slow:
        await pieces.aclose()
    downloads.close()


async def test_a_failure_in_the_middle_reaches_the_reader_and_frees_the_place(downloads, store):
    store.fails = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await take(downloads.export(ALL, "csv", "desc"))
        await wait_until(lambda: not downloads._running)
