"""The journal forgets what every reader has done, every few seconds."""

from __future__ import annotations

import logging
import threading

from clew.core.errors import ClewError
from clew.journal.journal import Journal

TRIM_EVERY_S = 10.0
"""How often the journal forgets what is in the log. It is quick, and a full journal takes nothing until it is done."""

log = logging.getLogger(__name__)


class Trimmer:
    """A thread that makes the journal forget what every reader has done."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-trim", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the trim that runs."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(TRIM_EVERY_S):
            try:
                self._journal.trim()
            except ClewError as error:
                log.warning("The journal could not be trimmed: %s", error.detail)
