"""Every page there is, by a name: what is held for one is held for all of them.

`tests/web/test_every_page.py` holds that no route of the pages is missing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from harness.demo import Demo
from harness.server import ADMIN_KEY


@dataclass(frozen=True)
class Visit:
    """An address with the names of what `find_places` finds in braces, and the status that it is answered with."""

    path: str
    status: int = 200


PAGES: dict[str, Visit] = {
    "overview": Visit("/"),
    "all records": Visit("/logs"),
    "failures with filters": Visit("/logs?status=failure&product=ship&key=order%3D*&duration=7d&limit=10"),
    # of one order: whatever comes in meanwhile is of others and moves nothing
    "a live log": Visit("/logs?live=1&limit=10&key=order%3D{order}"),
    "an empty log": Visit("/logs?customer=nobody&duration=1h"),
    "a filter that is wrong": Visit("/logs?status=meh", 400),
    "few found by a word": Visit("/logs/external-events?q=SO-1&duration=1h"),
    "found inside words": Visit("/logs/external-events?contains=relea&limit=10"),
    "integration events": Visit("/logs/integration-events?limit=10"),
    "api requests": Visit("/logs/api-requests?limit=10"),
    "external webhooks": Visit("/logs/external-webhooks?limit=10"),
    "external event pulls": Visit("/logs/external-event-pulls?limit=10"),
    "external events": Visit("/logs/external-events?limit=10"),
    "internal events": Visit("/logs/internal-events?limit=10"),
    "flow runs": Visit("/logs/flow-runs?limit=10"),
    "a record": Visit("/records/{webhook}"),
    "a record's data": Visit("/records/{integration_event}?tab=data"),
    "a record's payload": Visit("/records/{webhook}?tab=payload"),
    "a record's exchange": Visit("/records/{api_request}?tab=http"),
    "a record's error": Visit("/records/{api_request}?tab=error"),
    "a record's logs": Visit("/records/{api_request}?tab=logs"),
    "a record's thread": Visit("/records/{webhook}?tab=trace"),
    "an integration event": Visit("/records/{integration_event}"),
    "an event that launched a run": Visit("/records/{event}"),
    "an event that launched none": Visit("/records/{unlaunched}"),
    "a flow run": Visit("/flow-runs/{run}"),
    "a flow run's error": Visit("/flow-runs/{run}?tab=error"),
    "a flow run's logs": Visit("/flow-runs/{run}?tab=logs"),
    "a flow run's input": Visit("/flow-runs/{run}?tab=input"),
    "a flow run's requests": Visit("/flow-runs/{run}?tab=requests"),
    "a node run's input": Visit("/flow-runs/{run}?node={node}&view=input"),
    "a node run's logs": Visit("/flow-runs/{run}?node={node}&view=logs"),
    "a node run's requests": Visit("/flow-runs/{run}?node={node}&view=requests"),
    "flows": Visit("/flows"),
    "a flow": Visit("/flows/{flow}"),
    "customers": Visit("/customers"),
    "a customer's events": Visit("/customers/{customer}/integration-events?duration=7d&limit=10"),
    "an event of a customer": Visit("/customers/{customer}/integration-events?duration=7d&event={event}"),
    "a summary of events": Visit(
        "/customers/{customer}/integration-events?duration=7d&selected={event}&selected={other_event}"
    ),
    "a customer without such events": Visit("/customers/{customer}/integration-events?q=nothinglikethis"),
    "a payload of a customer": Visit("/customers/{customer}/integration-events/{event}?event={event}"),
    "a customer's AIP events": Visit("/customers/{customer}/aip-events"),
    "products": Visit("/products"),
    "a product": Visit("/products/ship"),
    "integrations": Visit("/integrations"),
    "an integration": Visit("/integrations/{integration}"),
    "connections": Visit("/connections"),
    "a connection": Visit("/connections/{connection}"),
    "troubleshooting": Visit("/troubleshooting"),
    "why it did not run": Visit("/troubleshooting?customer={customer}&flow={flow}&within=24h"),
    "logging": Visit("/settings/logging"),
    "configuration activity": Visit("/settings/configuration-activity"),
    "changes of one kind": Visit("/settings/configuration-activity?kind=key&within=7d"),
    "time zone": Visit("/settings/time-zone"),
    "exports": Visit("/exports"),
    "an export that is gone": Visit("/exports/none", 404),
    "sign in": Visit("/sign-in"),
    "nothing": Visit("/nonsense", 404),
}

NO_PAGES = {
    "/static/{name:path}": "a file",
    "/logs/chart": "a part of a log's page",
    "/logs/{name:str}/chart": "a part of a log's page",
    "/logs/facets": "a part of a log's page",
    "/logs/{name:str}/facets": "a part of a log's page",
    "/logs/scan": "a stream of rows",
    "/logs/{name:str}/scan": "a stream of rows",
    "/logs/tail": "a stream of rows",
    "/logs/{name:str}/tail": "a stream of rows",
    "/logs/download": "a download",
    "/logs/{name:str}/download": "a download",
    "/exports/{export_id:str}/file": "a download",
    "/customers/{key:str}": "leads to the customer's events",
    "/customers/{key:str}/integration-events/summary.csv": "a download",
    "/customers/{key:str}/integration-events/{record_id:str}/payload.json": "a download",
    "/records/{record_id:str}/payload": "a download",
    "/activity/data-source-events": "leads to the log of today's name",
    "/activity/app-events": "leads to the log of today's name",
    "/sign-in/link/{token:str}": "good for one session; tests/browser/conftest.py uses it",
}
"""GET routes that show nothing to look at, and what they are for."""


def find_places(demo: Demo) -> dict[str, str]:
    """What stands in the braces of the addresses: of the demo's order that Ship refused, and of what is beside it."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    with httpx.Client(base_url=demo.url, headers=headers, trust_env=False, verify=False) as api:
        webhook = _id_in(demo.thread_link)
        trace = _items(api, f"/v1/records?trace_id={_trace_of(api, webhook)}&duration=7d&limit=200")
        of_kind = {item["kind"]: item for item in reversed(trace)}
        failed = [item for item in trace if item["status"] == "failure"]
        node_run = next(item for item in failed if item["kind"] == "node_run")
        events = _items(api, "/v1/records?kind=integration_event&status=failure&duration=7d&limit=1")
        event = of_kind["external_event"]
        theirs = _items(api, f"/v1/records?role=event&customer={quote(event['customer'])}&duration=7d&limit=10")
        integrations = _items(api, "/v1/integrations")
    return {
        "order": quote(demo.failing_order),
        "webhook": webhook,
        "event": event["id"],
        "other_event": next(item["id"] for item in theirs if item["id"] != event["id"]),
        "customer": quote(event["customer"]),
        "integration": quote(integrations[0]["key"]),
        "connection": quote(event["connection"]),
        "integration_event": events[0]["id"],
        "api_request": next(item["id"] for item in failed if item["kind"] == "api_request"),
        "run": _id_in(demo.flow_run_link),
        "node": node_run["node"],
        "flow": node_run["flow"],
        "unlaunched": _id_in(demo.unlaunched_event_link),
    }


def _trace_of(api: httpx.Client, record_id: str) -> str:
    answer = api.get(f"/v1/records/{record_id}")
    answer.raise_for_status()
    return str(answer.json()["trace_id"])


def _items(api: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = api.get(path)
    answer.raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    assert items, f"the demo has nothing for {path}"
    return items


def _id_in(link: str) -> str:
    found = re.search(r"/(?:records|flow-runs)/([0-9a-f-]{36})", link)
    assert found, link
    return found[1]
