"""A part of the database held in memory, for what is looked up at every request.

Each change announces its topic in the same transaction (`Database.write`); a snapshot compares one number at most
once a second and reads anew only when it moved. So a look-up costs a dictionary, and what another process changed is
seen within `MAX_AGE_MS` and a little.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import sqlalchemy as sa

from clew.core.clock import Clock
from clew.state.database import Database

T = TypeVar("T")

MAX_AGE_MS = 1_000


class Snapshot(Generic[T]):
    """What `load` reads, never older than `MAX_AGE_MS`.

    Any thread may use it. The value is shared: it must not be changed in place.
    """

    def __init__(self, database: Database, clock: Clock, topic: str, load: Callable[[sa.Connection], T]) -> None:
        self._database = database
        self._clock = clock
        self._topic = topic
        self._load = load
        self._lock = threading.Lock()
        self._checked_at = clock.now_ms()
        with database.read() as connection:
            # The revision first: what changes between the two reads is then read once more, and never missed.
            self._revision = database.revision(connection, topic)
            self._value = load(connection)

    def value(self, max_age_ms: int = MAX_AGE_MS) -> T:
        """The value as it was at most `max_age_ms` ago.

        Raises `Unavailable` where it is older and the database does not answer: an old answer could be a wrong one.
        """
        if 0 <= self._clock.now_ms() - self._checked_at < max_age_ms:
            return self._value
        return self.refresh()

    def refresh(self) -> T:
        """The value as it is now."""
        with self._lock, self._database.read() as connection:
            checked_at = self._clock.now_ms()
            revision = self._database.revision(connection, self._topic)
            if revision != self._revision:
                self._value = self._load(connection)
                self._revision = revision
            self._checked_at = checked_at
            return self._value
