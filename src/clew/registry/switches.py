"""Switches: what is written into the log and what is not, as people decided."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from clew.core.clock import Clock
from clew.registry.audit import write_entry
from clew.state.database import Database
from clew.state.snapshot import Snapshot
from clew.state.tables import switches


class Switches(msgspec.Struct, frozen=True):
    """Whether API requests and external webhooks are logged. What a request brings about is recorded all the same."""

    api_logs: bool = True
    webhook_logs: bool = True


class SwitchChange(msgspec.Struct, frozen=True, kw_only=True):
    """The last decision about a switch: by whom and when (ms)."""

    enabled: bool
    changed_by: str
    changed_at: int


class LogSwitches:
    """The switches of every workspace, answered from memory: another process's change is seen within a second."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rows = Snapshot(database, clock, switches.name, _load)

    def read(self, workspace: str) -> Switches:
        """How the switches stand. Where nobody changed them, all are on."""
        return self._rows.value().get(workspace, (_ALL_ON, {}))[0]

    def changes(self, workspace: str) -> dict[str, SwitchChange]:
        """Who changed which switch last, by its name in `Switches`. Those never changed are missing."""
        return self._rows.value().get(workspace, (_ALL_ON, {}))[1]

    def set(
        self, workspace: str, *, api_logs: bool | None = None, webhook_logs: bool | None = None, by: str = ""
    ) -> Switches:
        """Turn switches; None leaves one as it is. Every process sees it within about a second. Blocks."""
        given = {"api_logs": api_logs, "webhook_logs": webhook_logs}
        now_ms = self._clock.now_ms()
        with self._database.write(switches.name) as connection:
            before = _load(connection).get(workspace, (_ALL_ON, {}))[0]
            wanted = {name: enabled for name, enabled in given.items() if enabled is not None}
            turned = {name: enabled for name, enabled in wanted.items() if enabled != getattr(before, name)}
            rows = [
                {"workspace": workspace, "name": name, "enabled": enabled, "changed_by": by, "changed_at": now_ms}
                for name, enabled in turned.items()
            ]
            self._database.upsert(connection, switches, rows, keep=frozenset())
            write_entry(
                connection,
                workspace,
                actor=by,
                action="changed",
                subject_kind="switches",
                subject="logging",
                before={name: not enabled for name, enabled in turned.items()},
                after=turned,
                at_ms=now_ms,
            )
        self._rows.refresh()
        return self.read(workspace)


_ALL_ON = Switches()


def _load(connection: sa.Connection) -> dict[str, tuple[Switches, dict[str, SwitchChange]]]:
    by_workspace: dict[str, dict[str, SwitchChange]] = {}
    for row in connection.execute(sa.select(switches)):
        if row.name in Switches.__struct_fields__:  # a newer version may have had more
            change = SwitchChange(enabled=row.enabled, changed_by=row.changed_by, changed_at=row.changed_at)
            by_workspace.setdefault(row.workspace, {})[row.name] = change
    return {
        workspace: (Switches(**{name: change.enabled for name, change in changes.items()}), changes)
        for workspace, changes in by_workspace.items()
    }
