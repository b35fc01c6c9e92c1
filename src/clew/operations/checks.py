"""How each part of a running server stands: what `/readyz` asks."""

from __future__ import annotations

from collections.abc import Callable
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

    def check_journal() -> dict[str, Any]:
        status = journal.status()
        if status.trouble:
            raise Unavailable(status.trouble)
        return {"last": status.last, "bytes": status.size, "waiting_bytes": status.waiting}

    def check_pump() -> dict[str, Any]:
        status = pump.status()
        (reader,) = (r for r in journal.status().readers if r.name == "log")
        if status.last_error or not status.is_running:
            raise Unavailable(status.last_error or "The pump does not run.")
        return {"waiting": reader.lag, "waiting_ms": reader.lag_ms}

    def check_state() -> dict[str, Any]:
        registry.database.check()
        return {}

    def check_log() -> dict[str, Any]:
        store.check()
        return {}

    def check_flows() -> dict[str, Any]:
        found = flows.check()
        if found["trouble"]:
            raise Unavailable(found["trouble"])
        return found

    def check_requests() -> dict[str, Any]:
        return {"waiting": requests.waiting, "dropped": requests.dropped}

    def check_retention() -> dict[str, Any]:
        status = retention.status()
        last_run = None if status.last_run is None else to_rfc3339(status.last_run)
        # What it could not remove makes nobody wait: the server is ready all the same.
        return {"last_run": last_run, "bytes": status.bytes, "trouble": status.trouble}

    return {
        "state": _asking(check_state),
        "journal": _asking(check_journal),
        "log": _asking(check_log),
        "pump": _asking(check_pump),
        "flows": _asking(check_flows),
        "api_requests": _asking(check_requests),
        "retention": _asking(check_retention),
    }


def _asking(part: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        try:
            return {"ok": True, **part()}
        except ClewError as error:
            return {"ok": False, "error": error.detail}

    return check
