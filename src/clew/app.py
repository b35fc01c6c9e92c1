"""The composition root: all parts of a running server, built and wired here and nowhere else."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from clew.api.answers import Answers
from clew.api.app import build_app
from clew.api.intake import Intake
from clew.api.recent_records import RecentRecords
from clew.api.request_records import RequestRecords
from clew.api.webhooks import WebhookIntake
from clew.core.clock import DAY_MS, Clock, SystemClock
from clew.core.errors import SettingsError
from clew.core.redaction import Redactor
from clew.core.settings import Settings
from clew.diagnosis.flow_runs import FlowRuns
from clew.diagnosis.why_not import WhyNots
from clew.flows.declared import check_subscriptions, flows_in, objects_named_by
from clew.flows.flow import Flow
from clew.flows.flows import Flows
from clew.flows.open_runs import find_needed
from clew.journal.sqlite import SqliteJournal
from clew.journal.trimmer import Trimmer
from clew.log.clickhouse import ClickHouseStore
from clew.log.cursor import CursorCodec
from clew.log.damage import find_damaged, say_damage
from clew.log.freezing import clear_frozen
from clew.log.keeper import InTurn, Keeper
from clew.log.parameters import FilterParser
from clew.log.pump import Pump
from clew.log.removals import Removals
from clew.log.retention import Ages, Retention, collect_kept, read_ages
from clew.log.search import Search
from clew.log.store import Kept
from clew.log.tail import LiveTail
from clew.operations.backups import Backups
from clew.operations.checks import build_checks
from clew.operations.exports import Exports
from clew.operations.http_server import HttpServer
from clew.operations.places import find_places, source_of
from clew.operations.running_server import RunningServer, announce, withdraw
from clew.operations.succession import wait_for_predecessor
from clew.registry.declare import Declarations, Source, collect
from clew.registry.registry import Registry, open_registry
from clew.web.face import WebFace
from clew.web.pages import build_web

log = logging.getLogger("clew.app")

DRAIN_S = 10.0
"""How long a stopping server goes on writing to the log. What is left is written after the next start."""
PAUSE_S = 60.0
"""How long a backup waits for the block that is on its way into the log."""

COLLECT_AT = (100_000, 50, 1_000)
"""Thresholds of Python's collector of cycles. A batch makes some 10,000 objects that live as long as its request and
form no cycle: at the default of 700 the collector looks at them, and at everything else, again and again."""

Alongside = Callable[[str, asyncio.Event], Awaitable[None]]
"""What runs beside the server in its event loop: it is given the server's URL, and an event that says when to end."""


class Clew:
    """A server with all its parts. It owns its data directory until `close`."""

    def __init__(self, settings: Settings, declared: Declared, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        ages = read_ages(settings)
        directory = self._directory = Path(settings.data_dir)
        _make_private(directory)
        places = find_places(settings)
        wait_for_predecessor(places)
        declarations = declared.declarations
        secret_values = _find_secrets(declarations, os.environ)
        self.registry: Registry = open_registry(settings, clock)
        self.registry.apply(declarations)
        # The store takes the directory's lock: from here on no other process has it.
        self.store = _open_store(settings, directory, clock)
        self.journal = _open_journal(settings, directory, clock)
        reader = self.journal.reader("log")
        (indexed,) = (status for status in self.journal.status().readers if status.name == "log")
        self.tail = LiveTail(indexed.position, most_bytes=settings.tail_memory_bytes)
        self.pump = Pump(reader, self.store, clock, on_inserted=self.tail.offer)
        secret = _server_secret(settings, directory).encode()
        cursors = CursorCodec(secret)
        self.retention = self._build_retention(ages)
        self.search = Search(
            self.store, progress=self.pump, clock=clock, cursors=cursors, removed=self.retention.removals
        )
        redactor = Redactor(settings.redact_names, settings.redact_paths)
        self.flows = Flows(
            declared.flows,
            journal=self.journal,
            store=self.store,
            drain=self.pump.drain,
            registry=self.registry,
            redactor=redactor,
            secrets=secret_values,
            clock=clock,
        )
        self.requests = RequestRecords(
            journal=self.journal,
            keys=self.registry.keys,
            redactor=redactor,
            is_on=lambda workspace: self.registry.switches.read(workspace).api_logs,
            clock=clock,
        )
        clear_frozen(places.log)
        if damaged := find_damaged(places.log):
            log.error("%s See `clew doctor`.", say_damage(damaged))
        self.backups = Backups(lambda: source_of(places, lambda: self.pump.paused(PAUSE_S)), places.backups, clock)
        self.exports = Exports(self.search, places.data_dir / "exports", clock)
        self.answers = Answers(self.registry.database, clock, secret=secret, keep_hours=settings.keep_keys_hours)
        self._trimmer = Trimmer(self.journal)
        self._keeper = Keeper(InTurn(self.store, self.retention))
        parser = FilterParser(clock=clock, cursors=cursors)
        intake = self._build_intake(redactor)
        webhooks = self._build_webhooks(intake, declarations.sources, secret_values, redactor)
        self.asgi = self._build_asgi(intake, webhooks, parser)

    def _build_retention(self, ages: Ages) -> Retention:
        registry = self.registry

        def kept(day: int) -> Kept:
            # A run that was opened later needs nothing of that day, but for an event that came late.
            return collect_kept(registry.pins.list_all(), *find_needed(registry.database, (day + 2) * DAY_MS))

        return Retention(
            self.store,
            Removals(registry.database, self.clock),
            ages=ages,
            max_bytes=self.settings.log_max_bytes,
            kept=kept,
            clock=self.clock,
        )

    def _build_intake(self, redactor: Redactor) -> Intake:
        return Intake(
            journal=self.journal,
            registry=self.registry,
            recent=RecentRecords(self.search, self.pump, self.clock),
            redactor=redactor,
            settings=self.settings,
            clock=self.clock,
        )

    def _build_webhooks(
        self, intake: Intake, sources: Sequence[Source], secret_values: Mapping[str, str], redactor: Redactor
    ) -> WebhookIntake:
        return WebhookIntake(
            intake=intake,
            sources=sources,
            secret_values=secret_values,
            switches=self.registry.switches.read,
            redactor=redactor,
            settings=self.settings,
            clock=self.clock,
        )

    def _build_asgi(self, intake: Intake, webhooks: WebhookIntake, parser: FilterParser) -> Any:
        return build_app(
            intake=intake,
            webhooks=webhooks,
            requests=self.requests,
            answers=self.answers,
            search=self.search,
            tail=self.tail,
            parser=parser,
            registry=self.registry,
            flows=self.flows,
            runs=FlowRuns(self.flows.declared, self.flows.runner, self.search),
            why_nots=WhyNots(
                flows=self.flows.declared,
                runner=self.flows.runner,
                flow_settings=self.flows.settings,
                registry=self.registry,
                search=self.search,
                clock=self.clock,
            ),
            settings=self.settings,
            backups=self.backups,
            checks=build_checks(
                registry=self.registry,
                journal=self.journal,
                pump=self.pump,
                store=self.store,
                flows=self.flows,
                requests=self.requests,
                retention=self.retention,
            ),
            pages=build_web(self._build_face(parser)),
        )

    def _build_face(self, parser: FilterParser) -> WebFace:
        return WebFace(
            search=self.search,
            tail=self.tail,
            parser=parser,
            registry=self.registry,
            settings=self.settings,
            clock=self.clock,
            flows=self.flows.declared,
            runner=self.flows.runner,
            flow_settings=self.flows.settings,
            republisher=self.flows.republisher,
            exports=self.exports,
            retention=self.retention,
        )

    def first_sign_in_link(self, url: str) -> str:
        """A link that makes the first member, once; "" where there is a member already."""
        if self.registry.members.has_any(self.registry.workspace):
            return ""
        return f"{url}/sign-in/link/{self.registry.links.create(self.registry.workspace)}"

    def run(self, *, on_ready: Callable[[str], object], alongside: Alongside | None = None) -> None:
        """Serve until SIGINT or SIGTERM, then close. `on_ready` is called with the server's URL when it answers.

        Raises `SettingsError` where the port cannot be had, and what `alongside` raises.
        """
        _collect_rarely()
        self.pump.start()
        self._trimmer.start()
        self._keeper.start()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(on_ready, alongside))
        finally:
            self.close()

    async def _serve(self, on_ready: Callable[[str], object], alongside: Alongside | None) -> None:
        server = HttpServer(self.asgi, self.settings, on_shutdown=self.tail.close)
        await self.flows.start()
        try:
            await self._serve_until_stopped(server, on_ready, alongside)
        finally:
            await self.exports.close()
            await self.requests.close()
            await self.flows.stop()

    async def _serve_until_stopped(
        self, server: HttpServer, on_ready: Callable[[str], object], alongside: Alongside | None
    ) -> None:
        serving = asyncio.create_task(server.serve())
        await server.wait_until_ready(serving)
        key = self.registry.keys.make_local()
        announce(self._directory, RunningServer(server.url, key, os.getpid(), version("clew")))
        url = self.settings.public_url.rstrip("/") or server.url
        on_ready(url)
        companion = asyncio.create_task(_run_beside(alongside, server)) if alongside else None
        await serving
        if companion:
            server.stopping.set()
            await companion

    def close(self) -> None:
        """Write what waits, index what can be indexed soon, and let go of the data directory."""
        withdraw(self._directory)
        self.backups.close()
        self._trimmer.stop()
        self._keeper.stop()
        if self.pump.status().is_running and not self.pump.drain(DRAIN_S):
            log.warning("The log is not complete yet; the journal has the rest, and the next start goes on.")
        self.pump.stop()
        self.search.close()
        self.journal.close()
        self.store.close()
        self.registry.close()


class Declared(msgspec.Struct, frozen=True):
    """What a module declares: what is connected, and the flows."""

    declarations: Declarations = Declarations()
    flows: tuple[Flow, ...] = ()


def declare(objects: Iterable[object]) -> Declared:
    """What is declared among these objects. Raises `SettingsError`, with file and line, for what does not fit."""
    found = tuple(objects)
    flows = flows_in(found)
    declarations = collect((*found, *objects_named_by(flows)))
    check_subscriptions(flows, {source.key for source in declarations.sources})
    return Declared(declarations, flows)


def open_clew(settings: Settings, declared: Declared | None = None, clock: Clock | None = None) -> Clew:
    """A server of these settings with what is declared, ready to `run`.

    Raises `SettingsError` for settings and declarations that do not work, `DataDirInUse` where another process has the
    data directory and is not about to end.
    """
    return Clew(settings, declared or Declared(), clock or SystemClock())


async def _run_beside(alongside: Alongside, server: HttpServer) -> None:
    """Run it; whatever ends it ends the server too."""
    try:
        await alongside(server.url, server.stopping)
    finally:
        server.should_exit = True


def _collect_rarely() -> None:
    """For a process that is a server until it ends: what is there now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)


def _open_store(settings: Settings, directory: Path, clock: Clock) -> ClickHouseStore:
    return ClickHouseStore(
        settings.log_url or directory / "log",
        max_memory_bytes=settings.log_memory_bytes,
        timeout_s=settings.log_timeout_s,
        clock=clock,
    )


def _open_journal(settings: Settings, directory: Path, clock: Clock) -> SqliteJournal:
    return SqliteJournal(
        directory / "journal.db",
        clock=clock,
        max_bytes=settings.journal_max_bytes,
        queue_bytes=settings.journal_queue_bytes,
        keep_keys_hours=settings.keep_keys_hours,
    )


def _make_private(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The data directory {directory} cannot be made: {error.strerror}.", hint="Set CLEW_DATA_DIR to another."
        ) from error


def _find_secrets(declarations: Declarations, environ: Mapping[str, str]) -> dict[str, str]:
    missing = [name for name in declarations.secret_names() if not environ.get(name)]
    if missing:
        raise SettingsError(
            f"The module names secrets that are not set: {', '.join(missing)}.",
            hint="Set each as an environment variable.",
        )
    return {name: environ[name] for name in declarations.secret_names()}


def _server_secret(settings: Settings, directory: Path) -> str:
    """The setting, or one made on first start and kept beside the data."""
    if settings.secret_key:
        return settings.secret_key
    path = directory / "secret.key"
    if not path.exists():
        # Written whole under another name first: a crash leaves no half of a secret.
        new = path.with_suffix(f".{os.getpid()}.new")
        with os.fdopen(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    return path.read_text()
