"""The list of customers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlencode

from litestar import Response, get

from clew.core.clock import DAY_MS
from clew.log.query import Filter
from clew.log.store import FacetValue
from clew.registry.customers import Customer
from clew.web.customers.views import CustomerRow, CustomersPage
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import CUSTOMERS_PATH
from clew.web.links import customer_href
from clew.web.wording import say_ago, say_count

PAGE = 50


@get("/customers")
async def show_customers(request: HttpRequest, face: Face) -> Response[str]:
    """The customers by key: `q` is how a key or a name begins, `after` the last key of the page before."""
    session = session_of(request)
    workspace = session.member.workspace
    starting = request.query_params.get("q", "").strip()[:200]
    after = request.query_params.get("after", "")[:500]
    found = await asyncio.to_thread(
        face.registry.customers.list, workspace, starting=starting, after=after, limit=PAGE + 1
    )
    shown = found[:PAGE]
    layout, activity = await asyncio.gather(
        face.layout(session, "Customers", path=CUSTOMERS_PATH), _ask_activity(face, workspace, shown)
    )
    now_ms = face.clock.now_ms()
    page = CustomersPage(
        layout=layout,
        starting=starting,
        rows=tuple(_row(one, activity.get(one.key), now_ms) for one in shown),
        first_href=_href(starting) if after else "",
        next_href=_href(starting, shown[-1].key) if len(found) > PAGE else "",
    )
    return face.respond(page)


async def _ask_activity(face: WebFace, workspace: str, customers: Sequence[Customer]) -> dict[str, FacetValue]:
    """How many records of each there are in the last 24 hours, and how many failed: one question for all."""
    if not customers:
        return {}
    now_ms = face.clock.now_ms()
    keys = tuple(one.key for one in customers)
    filter = Filter(workspace=workspace, customer=keys, from_ms=now_ms - DAY_MS, to_ms=now_ms)
    answer = await face.search.facets(filter, ("customer",), limit=len(keys))
    return {one.value: one for one in answer.facets["customer"]}


def _row(customer: Customer, activity: FacetValue | None, now_ms: int) -> CustomerRow:
    failures = activity.failures if activity else 0
    active_ms = customer.last_active_at
    return CustomerRow(
        key=customer.key,
        name=customer.name,
        href=customer_href(customer.key, "integration-events"),
        records=say_count(activity.count, "record") if activity else "",
        failures=say_count(failures, "failure") if failures else "",
        failures_href=f"/logs?{urlencode({'customer': customer.key, 'status': 'failure'})}",
        last_event=_say_last(active_ms, activity, now_ms),
        is_test=customer.is_test,
    )


def _say_last(active_ms: int | None, activity: FacetValue | None, now_ms: int) -> str:
    """When its last record came: it is noted once a minute, so the log may know more than the registry."""
    if active_ms is not None:
        return say_ago(now_ms - active_ms)
    return "in the last 24 h" if activity else ""


def _href(starting: str, after: str = "") -> str:
    given = {name: value for name, value in (("q", starting), ("after", after)) if value}
    return f"{CUSTOMERS_PATH}?{urlencode(given)}" if given else CUSTOMERS_PATH
