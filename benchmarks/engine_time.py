"""How much of a question's time is spent inside the engine: what asking chDB directly would take."""

from __future__ import annotations

import threading
import time
from typing import Any

from chdb.state.sqlitelike import Connection


class EngineTime:
    """While it is entered, adds up how long this thread's calls of the engine take.

    The SQL is that of the store, with its values, over a connection of its own settings: nothing is asked a second
    time, when the answer would come faster. It stands in for the method of the engine's own connections.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._query = Connection.query

    def __enter__(self) -> EngineTime:
        query, own = self._query, self._own

        def timed(connection: Connection, *arguments: Any, **named: Any) -> Any:
            begun_s = time.perf_counter()
            try:
                return query(connection, *arguments, **named)
            finally:
                own.seconds = getattr(own, "seconds", 0.0) + time.perf_counter() - begun_s

        setattr(Connection, "query", timed)  # noqa: B010  # a method is no attribute to be set, says the type checker
        return self

    def __exit__(self, *_: object) -> None:
        setattr(Connection, "query", self._query)  # noqa: B010

    def take_s(self) -> float:
        """The seconds since this was last asked, in this thread."""
        seconds: float = getattr(self._own, "seconds", 0.0)
        self._own.seconds = 0.0
        return seconds
