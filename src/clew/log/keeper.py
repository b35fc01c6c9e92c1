"""The keeper: a thread that tidies the log beside the work, see `LogStore.tidy`."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from clew.core.errors import ClewError

EVERY_S = 30.0
"""How often it looks. Nothing waits for it: what is not tidy is only slower."""

_LOG = logging.getLogger(__name__)


class Tidied(Protocol):
    """What it keeps."""

    def tidy(self) -> bool:
        """Do one piece of work. False where there is none."""
        ...


class InTurn:
    """Several that are kept in one thread, so that none is counted while another one removes from it."""

    def __init__(self, *kept: Tidied) -> None:
        self._kept = kept

    def tidy(self) -> bool:
        """A piece of the work of each. False where none has any. What fails for one keeps no other from its work."""
        worked, failed = False, None
        for one in self._kept:
            try:
                worked = one.tidy() or worked
            except ClewError as error:
                failed = failed or error
        if failed:
            raise failed
        return worked


class Keeper:
    """Begins `EVERY_S` after its start, so that a start is not slower for it."""

    def __init__(self, store: Tidied, every_s: float = EVERY_S) -> None:
        self._store = store
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the piece of work that is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                while self._store.tidy() and not self._stopping.is_set():
                    pass
            except ClewError as error:
                _LOG.warning("The log could not be tidied: %s", error.detail)
            except Exception:  # whatever it is: the next look may go well, and nobody else removes what is old
                _LOG.exception("The log could not be tidied.")
