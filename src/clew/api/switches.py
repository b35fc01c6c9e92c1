"""`/v1/switches`: what is written into the log and what is not."""

from __future__ import annotations

import msgspec
from litestar import Router, get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from clew.api.authentication import requires
from clew.core.clock import to_rfc3339
from clew.registry.keys import Principal
from clew.registry.registry import Registry

TAG = "For operators"


class SwitchForm(msgspec.Struct, frozen=True, kw_only=True):
    """Who turned a switch last, and when."""

    changed_by: str
    changed_at: str


class SwitchesForm(msgspec.Struct, frozen=True, kw_only=True):
    """How the switches stand, and who turned which last. Those that nobody turned are on."""

    enable_api_logs: bool
    enable_webhook_logs: bool
    changes: dict[str, SwitchForm]


class SwitchesChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switches to turn. What is left out stays."""

    enable_api_logs: bool | None = None
    enable_webhook_logs: bool | None = None


def build_switches(registry: Registry) -> list[Router]:
    """The routes. Reading needs `read`, turning `admin`."""

    @get("/switches", operation_id="getSwitches", sync_to_thread=False)
    def get_switches(principal: NamedDependency[Principal]) -> SwitchesForm:
        """Show what is logged: API requests, external webhooks."""
        return _show(registry, principal.workspace)

    @patch("/switches", operation_id="turnSwitches", sync_to_thread=True)
    def turn_switches(principal: NamedDependency[Principal], data: JSONBody[SwitchesChange]) -> SwitchesForm:
        """Turn switches. What is off writes no new records; what was written stays."""
        registry.switches.set(
            principal.workspace,
            api_logs=data.enable_api_logs,
            webhook_logs=data.enable_webhook_logs,
            by=principal.actor,
        )
        return _show(registry, principal.workspace)

    return [
        Router("/v1", guards=[requires(registry.keys, "read")], route_handlers=[get_switches], tags=[TAG]),
        Router("/v1", guards=[requires(registry.keys, "admin")], route_handlers=[turn_switches], tags=[TAG]),
    ]


def _show(registry: Registry, workspace: str) -> SwitchesForm:
    stand = registry.switches.read(workspace)
    return SwitchesForm(
        enable_api_logs=stand.api_logs,
        enable_webhook_logs=stand.webhook_logs,
        changes={
            f"enable_{name}": SwitchForm(changed_by=change.changed_by, changed_at=to_rfc3339(change.changed_at))
            for name, change in registry.switches.changes(workspace).items()
        },
    )
