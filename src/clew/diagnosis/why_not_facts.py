"""What is asked when something did not run, and what the log has to say about it: facts, and no judgement yet."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from clew.core.record import Summary
from clew.diagnosis.cause import Cause
from clew.diagnosis.decisions import Decision
from clew.flows.flow import Flow
from clew.flows.flow_settings import FlowSetting
from clew.flows.runner import OpenRun
from clew.log.search import Coverage


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Why did this not run, for this customer, in this time?

    Either `flow` is asked about, or, where it is None, the events of the name `event`. `sources` are the sources that
    they come from, with `titles` what people call their products; none: any source. `events` are the names that count,
    none: every event of the sources. `customer` "" means any. Times are milliseconds since the epoch, `from_ms`
    inclusive, `to_ms` exclusive. `is_confined`: who asks may see the records of this customer alone.
    """

    workspace: str
    customer: str = ""
    customer_name: str = ""
    flow: Flow | None = None
    event: str = ""
    sources: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    titles: Mapping[str, str] = {}
    from_ms: int
    to_ms: int
    is_confined: bool = False

    @property
    def is_by_event(self) -> bool:
        """Whether an event is what starts it: else a schedule does, or nothing but a call of the API."""
        return self.flow is None or bool(self.flow.subscriptions)

    def is_wanted(self, event: Summary) -> bool:
        """Whether this event is one of those that are asked about."""
        if self.flow is None:
            return event.event == self.event
        return self.flow.is_subscribed(event.source, event.event)


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """The webhooks of the sources, of every customer: who sent a refused one is not known.

    `latest` is the latest one, within the time or, where none came, before it; `refused` are the latest that were.
    `repeats` are those of the customer that had come before.
    """

    received: int = 0
    refused_count: int = 0
    latest: Summary | None = None
    refused: tuple[Summary, ...] = ()
    repeats: tuple[Summary, ...] = ()


class Nearby(msgspec.Struct, frozen=True, kw_only=True):
    """What happened instead, where the event did not.

    `others`: it happened for other customers, or for none that is named. `other_names`: the customer had other events
    of the sources. `before` and `after`: the nearest of the customer's outside the time. `unreadable`: events whose
    name could not be read. `reported`: integration events of this name, which start no flow.
    """

    others: tuple[Summary, ...] = ()
    other_names: tuple[Summary, ...] = ()
    before: Summary | None = None
    after: Summary | None = None
    unreadable: tuple[Summary, ...] = ()
    reported: tuple[Summary, ...] = ()


class Waiting(msgspec.Struct, frozen=True):
    """A flow run that is open. `before` counts the open runs that it waits for."""

    run: OpenRun
    before: int = 0


class WhyNotFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the log, the runner and the settings say.

    `events` are the latest that count, newest first; `has_more_events` where there are more than were looked at.
    `decisions` and `ended` belong to these events, or where no event starts the flow, to the flow in this time; so does
    `waiting`. `cause` is why the latest of the failed runs failed. `due_ms` are the moments of a schedule in the time.
    `is_enabled`, `setting` and `are_webhooks_logged` are as they are now. `now_ms` is when it was asked.
    """

    now_ms: int
    coverage: Coverage
    arrivals: Arrivals = Arrivals()
    events: tuple[Summary, ...] = ()
    has_more_events: bool = False
    nearby: Nearby = Nearby()
    decisions: tuple[Decision, ...] = ()
    ended: tuple[Summary, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    cause: Cause | None = None
    due_ms: tuple[int, ...] = ()
    is_enabled: bool = True
    setting: FlowSetting | None = None
    are_webhooks_logged: bool = True
