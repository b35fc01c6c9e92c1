"""The rows of AIP Events: a customer's events as a connector lists what it has to work off."""

from __future__ import annotations

from clew.core.record import Record
from clew.diagnosis.aip_status import AipStatus, aip_status
from clew.diagnosis.event_steps import EventSteps
from clew.web.customers.rows import key_of
from clew.web.customers.summary import say_error
from clew.web.customers.views import AipRow
from clew.web.dots import Dot
from clew.web.links import customer_href
from clew.web.names import Names
from clew.web.wording import KIND_NAMES, cut, say_event

_DOTS: dict[AipStatus, Dot] = {
    "Open": "info",
    "Ready": "running",
    "Review": "info",
    "Complete": "success",
    "Ignored": "info",
    "Failed": "failure",
    "Partially Failed": "failure",
}


def build_aip_row(steps: EventSteps, reason: Record | None, customer: str, names: Names) -> AipRow:
    """An event. Its number is the beginning of its id, which grows with time; its source's own id comes first as that
    source gave it, else as the business key. `reason` is the record that failed first, whole."""
    event, status = steps.event, aip_status(steps)
    return AipRow(
        entry=event.id[:13],
        href=f"{customer_href(customer, 'integration-events')}?event={event.id}",
        source_system_id=cut(event.sender_id or key_of(event)),
        source_type=cut(event.type) or KIND_NAMES[event.kind],
        source_product=names.product(event.source_product),
        event_type=cut(say_event(event)),
        status=status,
        dot=_DOTS[status],
        error=say_error(steps, reason, names),
    )
