"""A link of the chain, its evidence, and how they are said: whole sentences that can be pasted into a ticket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

import msgspec

from clew.core.clock import MINUTE_MS, SECOND_MS
from clew.core.record import Kind, Summary
from clew.diagnosis.decisions import Decision
from clew.diagnosis.fates import Fate
from clew.diagnosis.why_not_facts import Question, WhyNotFacts

CheckName = Literal[
    "received",
    "accepted",
    "happened",
    "new",
    "enabled",
    "connected",
    "matched",
    "launched",
    "started",
    "completed",
]
CheckVerdict = Literal["yes", "no", "unknown", "not_reached"]
MAX_EVIDENCE = 5
"""Records that one check names; the log has the rest."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A record that shows it. For a filter: the clause that was not true, what it wants, the JSON value that it saw."""

    record_id: str
    kind: Kind
    time: int
    sentence: str
    clause: str = ""
    expected: str = ""
    actual: Any = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain: `question` has the answer `verdict`, `sentence` says what was seen.

    `because` is the reason in the words of a longer sentence, "" unless the verdict is `no`. `advice` says what to do.
    `more` counts evidence that is not named.
    """

    name: CheckName
    question: str
    verdict: CheckVerdict
    sentence: str
    because: str = ""
    advice: str = ""
    evidence: tuple[Evidence, ...] = ()
    more: int = 0


class Case(msgspec.Struct, frozen=True, dict=True):
    """The question, the facts, and what became of each event; and their words."""

    question: Question
    facts: WhyNotFacts
    fates: tuple[Fate, ...]

    @cached_property
    def who(self) -> str:
        """` for Acme`, or nothing."""
        return f" for {self.question.customer_name}" if self.question.customer else ""

    @cached_property
    def when(self) -> str:
        """`between 22 Nov 2026 06:40 and 06:55 UTC`."""
        return say_range(self.question.from_ms, self.question.to_ms)

    @cached_property
    def what(self) -> str:
        """`order.released`, `an event of the source orders`."""
        if self.question.events:
            return join(self.question.events, "or")
        return f"an event of {self.sources}"

    @cached_property
    def sources(self) -> str:
        """`the source orders`, `any source`."""
        keys = self.question.sources
        if not keys:
            return "any source"
        return f"the source{'s' if len(keys) > 1 else ''} {join(keys, 'or')}"

    @cached_property
    def subject(self) -> str:
        """What should have run."""
        return self.question.flow.title if self.question.flow else self.question.event

    def count(self, part: int) -> str:
        """How many of the events: `2 of 5 events`, `All 5 events`, `The event` where there is one."""
        whole = len(self.fates)
        if whole == 1:
            return "The event"
        return f"All {whole:,} events" if part == whole else f"{part:,} of {whole:,} events"


def join(words: Sequence[str], last: str) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def count_of(count: int, noun: str) -> str:
    """`1 webhook`, `1,204 webhooks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def say_time(time_ms: int) -> str:
    """A moment, to the second: `22 Nov 2026 06:41:25 UTC`."""
    return f"{_day(time_ms)} {_clock(time_ms, is_exact=True)} UTC"


def say_range(from_ms: int, to_ms: int) -> str:
    """A stretch of time: the day once where it is one, seconds where they count."""
    is_exact = bool(from_ms % MINUTE_MS or to_ms % MINUTE_MS)
    first, last = _clock(from_ms, is_exact=is_exact), _clock(to_ms, is_exact=is_exact)
    if _day(from_ms) == _day(to_ms):
        return f"between {_day(from_ms)} {first} and {last} UTC"
    return f"between {_day(from_ms)} {first} and {_day(to_ms)} {last} UTC"


def _day(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms // SECOND_MS, UTC)
    return f"{moment.day} {moment:%b %Y}"


def _clock(time_ms: int, *, is_exact: bool) -> str:
    return f"{datetime.fromtimestamp(time_ms // SECOND_MS, UTC):{'%H:%M:%S' if is_exact else '%H:%M'}}"


def say_record(record: Summary) -> str:
    """A record in a few words: `order.released, order SO-1042`."""
    keys = ", ".join(f"{name} {value}" for name, value in list(record.keys.items())[:2])
    name = record.event or record.source or record.kind.replace("_", " ")
    return f"{name}, {keys}" if keys else name


def show_records(records: Iterable[Summary], *, with_customer: bool = False) -> tuple[Evidence, ...]:
    """Records as evidence, at most `MAX_EVIDENCE`."""
    found = []
    for record in list(records)[:MAX_EVIDENCE]:
        said = f"{say_record(record)}, of {record.customer or 'no customer'}" if with_customer else say_record(record)
        found.append(Evidence(record_id=record.id, kind=record.kind, time=record.time, sentence=said))
    return tuple(found)


def show_decisions(decisions: Sequence[Decision]) -> tuple[Evidence, ...]:
    """Decisions as evidence, at most `MAX_EVIDENCE`, with the clause that was not true where a filter was asked."""
    return tuple(
        Evidence(
            record_id=one.record_id,
            kind="decision",
            time=one.time,
            sentence=f"{one.flow}: {one.reason}" if one.flow else one.reason,
            clause=one.clause,
            expected=one.expected,
            actual=one.actual,
        )
        for one in decisions[:MAX_EVIDENCE]
    )


def say_reasons(reasons: Iterable[str]) -> str:
    """The reason that is given most often, and how many others there are."""
    counted = Counter(reason.rstrip(".") for reason in reasons).most_common()
    if not counted:
        return ""
    others = len(counted) - 1
    return counted[0][0] + (f" (and {count_of(others, 'other reason')})" if others else "")
