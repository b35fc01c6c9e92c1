"""What people decided about flows: which are switched on and off, by whom and when."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.registry.audit import write_entry
from clew.state.database import Database
from clew.state.snapshot import Snapshot
from clew.state.tables import flow_schedules, flow_settings


class FlowSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A decision about a flow. `changed_by` is who, `changed_at` when (ms)."""

    workspace: str
    flow: str
    enabled: bool
    changed_by: str = ""
    changed_at: int = 0


class FlowSettings:
    """The decisions of every workspace, answered from memory. A flow without one is as its code says."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rows = Snapshot(database, clock, flow_settings.name, _load)

    def find(self, workspace: str, flow: str) -> FlowSetting | None:
        """What was decided about a flow, or None."""
        return self._rows.value().get((workspace, flow))

    def is_enabled(self, workspace: str, flow: str, *, declared: bool = True) -> bool:
        """Whether events may launch it. `declared` is what its code says."""
        setting = self.find(workspace, flow)
        return setting.enabled if setting else declared

    def save(self, workspace: str, flow: str, *, enabled: bool, changed_by: str) -> FlowSetting:
        """Switch a flow on or off, and write down who did. Every process sees it within about a second. Blocks."""
        setting = FlowSetting(
            workspace=workspace, flow=flow, enabled=enabled, changed_by=changed_by, changed_at=self._clock.now_ms()
        )
        with self._database.write(flow_settings.name) as connection:
            before = _load(connection).get((workspace, flow))
            self._database.upsert(connection, flow_settings, [msgspec.to_builtins(setting)], keep=frozenset())
            write_entry(
                connection,
                workspace,
                actor=changed_by,
                action="enabled" if enabled else "disabled",
                subject_kind="flow",
                subject=flow,
                before={"enabled": before.enabled} if before else None,
                after={"enabled": enabled},
                at_ms=setting.changed_at,
            )
        self._rows.refresh()
        return setting

    def due_at(self, workspace: str) -> dict[str, int]:
        """The latest moment (ms) at which each flow's schedule launched a run or was passed over. Blocks."""
        query = sa.select(flow_schedules.c.flow, flow_schedules.c.due_at).where(flow_schedules.c.workspace == workspace)
        with self._database.read() as connection:
            return {row.flow: row.due_at for row in connection.execute(query)}

    def pass_over(self, workspace: str, flow: str, due_ms: int) -> None:
        """Note that what was due launched nothing. Blocks."""
        row = {"workspace": workspace, "flow": flow, "due_at": due_ms}
        with self._database.write() as connection:
            self._database.upsert(connection, flow_schedules, [row], keep=frozenset())


def _load(connection: sa.Connection) -> dict[tuple[str, str], FlowSetting]:
    columns = [flow_settings.c[name] for name in FlowSetting.__struct_fields__]
    rows = (FlowSetting(**row) for row in connection.execute(sa.select(*columns)).mappings())
    return {(row.workspace, row.flow): row for row in rows}
