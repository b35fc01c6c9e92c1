"""A log so big that a search for a text pauses: it looks at one day at a time."""

from __future__ import annotations

import msgspec

from clew.core.clock import DAY_MS
from clew.log.memory import MemoryStore
from clew.log.query import Page, Query


class PausingStore(MemoryStore):
    """The store in memory, but where a query may pause it does, after the records of a day. `days` before now exist."""

    def __init__(self, now_ms: int, days: int = 10) -> None:
        super().__init__()
        self._now_ms = now_ms
        self._days = days
        self.asked = 0

    def page(self, query: Query) -> Page:
        """A page of the next day alone, where that is not all."""
        self.asked += 1
        whole = super().page(query)
        if query.pause_ms is None:
            return whole
        if query.sort == "asc":
            begin_ms = query.place.time if query.place else self._now_ms - self._days * DAY_MS
            reached_ms, bound = begin_ms + DAY_MS, "to_ms"
        else:
            reached_ms = (query.place.time if query.place else self._now_ms + 1) - DAY_MS
            bound = "from_ms"
        filter = msgspec.structs.replace(query.filter, **{bound: reached_ms})
        page = super().page(msgspec.structs.replace(query, filter=filter))
        if page.has_next or (page.items == whole.items and not whole.has_next):
            return page
        return Page(page.items, has_next=True, has_prev=page.has_prev, truncated=True, reached_ms=reached_ms)
