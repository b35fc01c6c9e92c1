"""The summary of the ticked events: a line for each, on the page and as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clew.core.record import Record
from clew.diagnosis.event_steps import EventSteps
from clew.diagnosis.explanation import explain
from clew.log.export import csv_rows
from clew.web.customers.details import IntegrationOf, find_ends
from clew.web.customers.rows import DOTS, WORDS
from clew.web.customers.url import EventsUrl
from clew.web.customers.views import SummaryRow
from clew.web.names import Names
from clew.web.wording import cut, say_event, say_moment, say_took

COLUMNS = (
    "Source Product",
    "Target",
    "Event",
    "Event Fired",
    "Last action",
    "Status",
    "Steps",
    "Took",
    "First error",
)


def build_summary(
    events: Sequence[EventSteps],
    reasons: Mapping[str, Record],
    url: EventsUrl,
    names: Names,
    integration_of: IntegrationOf,
) -> tuple[SummaryRow, ...]:
    """A line for each event. `reasons` are the records that failed first, whole, by the event's id."""
    return tuple(_row(one, reasons.get(one.event.id), url, names, integration_of) for one in events)


def _row(
    steps: EventSteps, reason: Record | None, url: EventsUrl, names: Names, integration_of: IntegrationOf
) -> SummaryRow:
    event = steps.event
    ends = find_ends(steps, integration_of)
    return SummaryRow(
        href=url.showing(event.id).href,
        source_product=names.product(ends.source),
        target_product=names.product(ends.target),
        event=cut(say_event(event)),
        moment=say_moment(event.time),
        last_action=cut(steps.last.action),
        dot=DOTS[steps.status],
        word=WORDS[steps.status],
        steps=len(steps.steps),
        took=say_took(_took_ms(steps)),
        first_error=say_error(steps, reason, names),
    )


def _took_ms(steps: EventSteps) -> int:
    """From when it was fired to when it was done, or to the last that is known of it."""
    last_ms = max(step.time for step in steps.steps)
    done_ms = steps.synchronized_ms
    return max((last_ms if done_ms is None else done_ms) - steps.event.time, 0)


def say_error(steps: EventSteps, reason: Record | None, names: Names) -> str:
    """Why an event failed in a sentence, "" where it did not. `reason` is the record that failed first, whole."""
    if steps.failed is None:
        return ""
    return explain(reason, names.product).summary if reason else cut(steps.failed.reason)


def write_csv(rows: Sequence[SummaryRow]) -> bytes:
    """The summary as CSV, times in UTC."""
    return csv_rows([COLUMNS, *(_cells(row) for row in rows)])


def _cells(row: SummaryRow) -> tuple[str, ...]:
    when = (row.source_product, row.target_product, row.event, row.moment.exact)
    return (*when, row.last_action, row.word, str(row.steps), row.took, row.first_error)
