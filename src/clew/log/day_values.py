"""Which values occurred on a day that is over, and how often: from them a list knows where it need not look.

"Failures of that product" may be two records of a month. Without this each day of it is opened to see that it has none.
They are kept in memory: some hundred values a day, and its customers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

import msgspec

from clew.core.clock import DAY_MS
from clew.log.query import EXACT_FILTERS, Filter
from clew.log.rows import ValueRow, read_day_sums, read_value_rows
from clew.log.sql import UNBOUNDED, Statement
from clew.log.windows import MAX_MS

TABLE = "sums_values"

MAX_VALUES = 5_000
"""A column with more values on a day, in one workspace, tells nothing of that day."""

MAX_REMEMBERED = 300_000
"""Values of all days together, the latest days': some 30 MB at most. Of days before nothing is told."""

MAX_DAY = MAX_MS // DAY_MS

_COLUMNS = (*(name for name in EXACT_FILTERS if name != "trace_id"), "error_type", "http_direction")
_PAIR = "kind_status"
_ALL = ""
_EVENT_KINDS = ("external_event", "internal_event", "integration_event")

_Values = Mapping[str, int] | None
"""Of a column, None where it has too many."""

_Days = dict[int, dict[str, dict[str, _Values]]]
"""By day, workspace and column."""


class DayValues:
    """The values of days (since the epoch). `ask` and `command` go to the engine."""

    def __init__(self, ask: Callable[[Statement], bytes], command: Callable[[str], object]) -> None:
        self._ask = ask
        self._command = command
        self._days: _Days = {}
        self._read(self._first_day(), MAX_DAY)

    def count(self, day: int) -> None:
        """Count the values of a day anew."""
        self.doubt(day)
        self._command(f"ALTER TABLE {TABLE} DROP PARTITION {day:d}")
        self._command(_fill(day))
        self._read(day, day + 1)

    def forget(self, day: int) -> None:
        """Drop what is known of a day."""
        self.doubt(day)
        self._command(f"ALTER TABLE {TABLE} DROP PARTITION {day:d}")

    def doubt(self, day: int) -> None:
        """Tell nothing of a day."""
        self._days = {other: known for other, known in self._days.items() if other != day}  # others read them now

    def most(self, filter: Filter, days: Iterable[int]) -> dict[int, int]:
        """How many records of each day match at most; of a day of which nothing is known, nothing."""
        known = self._days
        return {day: _most(known[day].get(filter.workspace, {}), filter) for day in days if day in known}

    def part_of_role(self, filter: Filter, days: Sequence[int]) -> float:
        """About which part of those that `most` tells has the role that is asked for.

        That of the kinds of this role among all records: a customer has as many of them as others. 1 where no role is
        asked for, and where `most` tells of nothing but these kinds.
        """
        if not filter.role:
            return 1.0
        whole = Filter(workspace=filter.workspace)
        of_role = msgspec.structs.replace(whole, role=filter.role)
        most, kinds, all_ = (sum(self.most(asked, days).values()) for asked in (filter, of_role, whole))
        return kinds / all_ if most < kinds else 1.0

    def _read(self, from_day: int, to_day: int) -> None:
        """Remember the values of days from one on, up to before another."""
        of_days = f"WHERE time >= {from_day * DAY_MS:d} AND time < {to_day * DAY_MS:d}"
        question = Statement(
            f"SELECT intDiv(time, {DAY_MS}) AS day, workspace, name, groupArray(value) AS each, "  # noqa: S608
            f"groupArray(records) AS counts FROM {TABLE} {of_days} GROUP BY day, workspace, name {UNBOUNDED}",
            {},
        )
        self._days = _latest(self._days | _by_day(read_value_rows(self._ask(question))))

    def _first_day(self) -> int:
        """The first of the latest days whose values together may be remembered."""
        question = Statement(
            f"SELECT intDiv(time, {DAY_MS}) AS day, count() AS records FROM {TABLE} GROUP BY day {UNBOUNDED}",  # noqa: S608
            {},
        )
        values = read_day_sums(self._ask(question))
        days = sorted(values, reverse=True)
        whole = accumulate(values[day] for day in days)
        return min((day for day, sum_ in zip(days, whole, strict=True) if sum_ <= MAX_REMEMBERED), default=MAX_DAY)


def _latest(days: _Days) -> _Days:
    """The latest of these days, as many as may be remembered."""
    kept: _Days = {}
    values = 0
    for day in sorted(days, reverse=True):
        values += sum(len(found or ()) for columns in days[day].values() for found in columns.values())
        if values > MAX_REMEMBERED:
            break
        kept[day] = days[day]
    return kept


def _by_day(rows: Iterable[ValueRow]) -> _Days:
    days: _Days = {}
    for row in rows:
        values = {sys.intern(value): count for value, count in zip(row.each, row.counts, strict=True)}
        columns = days.setdefault(row.day, {}).setdefault(row.workspace, {})
        columns[row.name] = values if len(values) <= MAX_VALUES else None
    return days


def _most(columns: Mapping[str, _Values], filter: Filter) -> int:
    """Each thing that a filter asks leaves at most as many as have it: the least of these."""
    least = (columns.get(_ALL) or {}).get("", 0)

    def narrow(names: tuple[str, ...], wanted: Iterable[str]) -> None:
        nonlocal least
        found = [columns.get(name) for name in names]
        if wanted and None not in found:
            least = min(least, sum((values or {}).get(value, 0) for values in found for value in wanted))

    for name in _COLUMNS:
        narrow((name,), getattr(filter, name))
    narrow(("source_product", "target_product"), filter.product)
    status = filter.status or (("failure",) if filter.failure_class else ())
    narrow(("status",), status)
    kind = filter.kind or (_EVENT_KINDS if filter.role else ())
    narrow(("kind",), kind)
    narrow((_PAIR,), [f"{one} {other}" for one in kind for other in status])
    return least


def is_told(filter: Filter) -> bool:
    """Whether values tell all that a filter asks, so that there are not far fewer than `most` says."""
    told = {*_COLUMNS, "product", "workspace", "from_ms", "to_ms"}
    return not any(
        getattr(filter, name) not in ((), None) for name in msgspec.structs.asdict(filter) if name not in told
    )


def _fill(day: int) -> str:
    """Column by column: each is read by itself and opens no other, a tenth of what all at once would take."""
    expressions = {_ALL: "''", _PAIR: "concat(kind, ' ', status)"} | {name: name for name in _COLUMNS}
    columns = "time, workspace, name, value, records"
    return f"INSERT INTO {TABLE} ({columns}) " + " UNION ALL ".join(  # noqa: S608
        f"SELECT {day * DAY_MS:d}, workspace, '{name}', toString({expression}) AS value, count() FROM log "  # noqa: S608
        f"WHERE time >= {day * DAY_MS:d} AND time < {(day + 1) * DAY_MS:d} "
        f"GROUP BY workspace, value LIMIT {MAX_VALUES + 1:d} BY workspace"
        for name, expression in expressions.items()
    )
