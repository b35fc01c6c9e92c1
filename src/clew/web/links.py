"""Where things are: the page of a record, of a flow run, of a node run in it, of a flow, of what is connected."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from clew.core.clock import to_rfc3339
from clew.core.record import Record, Summary
from clew.web.layout import (
    CONNECTIONS_PATH,
    CUSTOMERS_PATH,
    INTEGRATIONS_PATH,
    PRODUCTS_PATH,
    TROUBLESHOOTING_PATH,
)
from clew.web.logs.url import ALL_TIME, LogUrl

RUNS_PATH = "/logs/flow-runs"
NOT_RUNNING = "integration-not-running"
"""The part of the troubleshooting page with the guided check."""


def href_of(record: Record | Summary) -> str:
    """Where a list leads to: a flow run and a node run have a page of their own, all others the record's."""
    if record.kind == "flow_run":
        return run_href(record.id)
    if record.kind == "node_run" and record.parent_id:
        return run_href(record.parent_id, node=record.node, run=record.id)
    return record_href(record.id)


def record_href(record_id: str, tab: str = "") -> str:
    """The record's page."""
    return f"/records/{record_id}?tab={tab}" if tab else f"/records/{record_id}"


def run_href(run_id: str, **state: str) -> str:
    """The flow run's page. `state`: `tab`, `node`, `run` (a node run's id) and `view`, those that are not empty."""
    given = {name: value for name, value in state.items() if value}
    path = f"/flow-runs/{quote(run_id, safe='')}"
    return f"{path}?{urlencode(given)}" if given else path


def flow_href(key: str, part: str = "") -> str:
    """The flow's page, or a part of it: `trigger`."""
    path = f"/flows/{quote(key, safe='')}"
    return f"{path}#{part}" if part else path


def product_href(key: str) -> str:
    """The product's page."""
    return f"{PRODUCTS_PATH}/{quote(key, safe='')}"


def integration_href(key: str) -> str:
    """The integration's page."""
    return f"{INTEGRATIONS_PATH}/{quote(key, safe='')}"


def connection_href(key: str, action: str = "") -> str:
    """The connection's page, or what is done to it there. Its key is escaped as a customer's is."""
    path = f"{CONNECTIONS_PATH}/{_escape(key)}"
    return f"{path}/{action}" if action else path


def connection_key(text: str) -> str:
    """The connection's key of a path that `connection_href` made."""
    return _unescape(text)


def customer_href(key: str, part: str = "") -> str:
    """The customer's page, or a part of it: `integration-events`, `aip-events`. A customer's key may be any text."""
    path = f"{CUSTOMERS_PATH}/{_escape(key)}"
    return f"{path}/{part}" if part else path


def customer_key(text: str) -> str:
    """The customer's key of a path that `customer_href` made."""
    return _unescape(text)


_WRITTEN = {"~": "~0", "/": "~1", "%": "~2"}
_MARKS = re.compile("~([0-3])")


def _escape(key: str) -> str:
    """Any text as one part of a path.

    What would end the part, or lead a step upwards, is written as JSON Pointer (RFC 6901) writes a slash: servers and
    proxies decode `%2F` before they take a path apart.
    """
    text = "".join(_WRITTEN.get(mark, mark) for mark in key)
    return quote(text.replace(".", "~3") if text in (".", "..") else text, safe="~")


def _unescape(text: str) -> str:
    return _MARKS.sub(lambda found: "~/%."[int(found[1])], text)


def runs_href(*pairs: tuple[str, str]) -> str:
    """The flow runs of the last 24 hours that these filters have."""
    return LogUrl(RUNS_PATH, pairs).href


def events_href(*pairs: tuple[str, str]) -> str:
    """The external events of the last 24 hours that these filters have."""
    return LogUrl("/logs/external-events", pairs).href


def filtered(name: str, value: str) -> str:
    """The list of all records that share this, whenever they were."""
    return LogUrl("/logs", ((name, value), ("duration", ALL_TIME))).href


def why_not_href(*, customer: str = "", flow: str = "", event: str = "", at_ms: int | None = None) -> str:
    """The guided check that says why an integration did not run, filled in with what is known.

    Give the flow's key, or the name of an event where no flow is meant; `at_ms` is about when it should have run.
    """
    given = {"customer": customer, "flow": flow, "event_type": "" if flow else event}
    pairs = [(name, value) for name, value in given.items() if value]
    if at_ms is not None:
        pairs.append(("at", to_rfc3339(at_ms)))
    return f"{LogUrl(TROUBLESHOOTING_PATH, tuple(pairs)).href}#{NOT_RUNNING}"
