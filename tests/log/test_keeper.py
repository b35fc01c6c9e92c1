import logging
import threading

from clew.core.errors import Unavailable
from clew.log.keeper import InTurn, Keeper


class Chores:
    """Work that the keeper finds, a look at a time: so many pieces, or an error."""

    def __init__(self, *looks):
        self._looks = iter(looks)
        self._left = None
        self.pieces = 0
        self.ended = threading.Event()

    def tidy(self):
        if self._left is None:
            self._left = next(self._looks, None)
        if self._left is None:
            self.ended.set()
            return False
        if isinstance(self._left, Exception):
            error, self._left = self._left, None
            raise error
        if not self._left:
            self._left = None
            return False
        self._left -= 1
        self.pieces += 1
        return True


def keep(chores):
    keeper = Keeper(chores, every_s=0.001)
    keeper.start()
    assert chores.ended.wait(60)
    keeper.stop()


def test_everything_that_is_to_do_is_done_look_after_look():
    chores = Chores(3, 0, 2)
    keep(chores)
    assert chores.pieces == 5


def test_a_failure_is_told_and_the_next_look_goes_on(caplog):
    chores = Chores(1, Unavailable("The disk is full."), 2)
    with caplog.at_level(logging.WARNING):
        keep(chores)
    assert chores.pieces == 3
    assert "The disk is full." in caplog.text


def test_a_keeper_that_was_never_started_can_be_stopped():
    Keeper(Chores()).stop()


def test_several_work_in_turn_and_what_fails_for_one_keeps_no_other_from_its_work(caplog):
    failing, other = Chores(Unavailable("The disk is full."), 0, 0), Chores(2, 0, 0)
    with caplog.at_level(logging.WARNING):
        keep_all(failing, other)
    assert (failing.pieces, other.pieces) == (0, 2)
    assert "The disk is full." in caplog.text


def test_a_mistake_of_ours_does_not_end_it(caplog):
    chores = Chores(ValueError("never thought of"), 2)
    keep(chores)
    assert chores.pieces == 2
    assert "never thought of" in caplog.text


def keep_all(*chores):
    keeper = Keeper(InTurn(*chores), every_s=0.001)
    keeper.start()
    assert all(one.ended.wait(60) for one in chores)
    keeper.stop()
