"""How each part of a running server stands: what `/readyz` asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from clew.core.clock import to_rfc3339
from clew.core.errors import ClewError, Unavailable
from clew.flows.flows import Flows
from clew.journal.journal import Journal
from clew.log.pump import Pump
from clew.log.retention import Retention
from clew.log.store import LogStore
from clew.registry.registry import Registry

Check = Callable[[], dict[str, Any]]
"""How a part stands: `ok`, and what there is to say; where it is not, `error`."""


class Waiting(Protocol):
    """What is written behind the answers."""

    @property
    def waiting(self) -> int:
        """Records that are not on disk yet."""
        ...

    @property
    def dropped(self) -> int:
        """Records for which there was no room."""
        ...


def build_checks(
    *,
    registry: Registry,
    journal: Journal,
    pump: Pump,
    store: LogStore,
    flows: Flows,
    requests: Waiting,
    retention: Retention,
) -> dict[str, Check]:
    """A check for each part, by its name."""
    return {
        "state": partial(_ask, registry.database.check),
        "journal": partial(_ask, partial(_say_journal, journal)),
        "log": partial(_ask, store.check),
        "pump": partial(_ask, partial(_say_pump, pump, journal)),
        "flows": partial(_ask, partial(_say_flows, flows)),
        "api_requests": partial(_ask, partial(_say_requests, requests)),
        "retention": partial(_ask, partial(_say_retention, retention)),
    }


def _ask(part: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    try:
        return {"ok": True, **(part() or {})}
    except ClewError as error:
        return {"ok": False, "error": error.detail}


def _say_journal(journal: Journal) -> dict[str, Any]:
    status = journal.status()
    if status.trouble:
        raise Unavailable(status.trouble)
    return {"last": status.last, "bytes": status.size, "waiting_bytes": status.waiting}


def _say_pump(pump: Pump, journal: Journal) -> dict[str, Any]:
    status = pump.status()
    (reader,) = (r for r in journal.status().readers if r.name == "log")
    if status.last_error or not status.is_running:
        raise Unavailable(status.last_error or "The pump does not run.")
    return {"waiting": reader.lag, "waiting_ms": reader.lag_ms}


def _say_flows(flows: Flows) -> dict[str, Any]:
    found = flows.check()
    if found["trouble"]:
        raise Unavailable(found["trouble"])
    return found


def _say_requests(requests: Waiting) -> dict[str, Any]:
    return {"waiting": requests.waiting, "dropped": requests.dropped}


def _say_retention(retention: Retention) -> dict[str, Any]:
    status = retention.status()
    last_run = None if status.last_run is None else to_rfc3339(status.last_run)
    # What it could not remove makes nobody wait: the server is ready all the same.
    return {"last_run": last_run, "bytes": status.bytes, "trouble": status.trouble}
