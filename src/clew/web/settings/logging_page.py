"""What is logged, as an administrator may turn it, and how long what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.clock import DAY_MS, HOUR_MS
from clew.core.errors import NotFound
from clew.core.settings import Settings
from clew.registry.sessions import LINK_MS, SESSION_MS, Session
from clew.registry.switches import SwitchChange, Switches
from clew.web.face import Face, HttpRequest, WebFace, check_member_form, read_form, session_of
from clew.web.layout import LOGGING_PATH
from clew.web.settings.retention import build_retention
from clew.web.settings.rights import check_admin, is_admin
from clew.web.settings.views import Kept, LoggingPage, SwitchRow
from clew.web.time_zone import zone_words
from clew.web.wording import say_minute


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A switch: its name on screen, its field in `Switches`, the log that it is of, and what it does."""

    name: str
    field: str
    log: str
    log_path: str
    when_on: str
    when_off: str


SWITCHES = (
    Switch(
        name="enableApiLogs",
        field="api_logs",
        log="API Requests",
        log_path="/logs/api-requests",
        when_on=(
            "Each request that a flow makes and each call of this server's API with a key is a record: what was asked "
            "and what was answered. Left out are reports that were taken, which are records themselves, and looks at "
            "the log."
        ),
        when_off=(
            "Requests and calls leave no record, refused ones neither. What calls report is recorded all the same, and "
            "a node run's log says which requests it made."
        ),
    ),
    Switch(
        name="enableWebhookLogs",
        field="webhook_logs",
        log="External Webhooks",
        log_path="/logs/external-webhooks",
        when_on="Each webhook is a record as it came, with headers, body and what was answered.",
        when_off=(
            "Webhooks leave no record of their own. Their events are recorded and launch flows all the same; a refused "
            "webhook is among the API requests, while those are logged."
        ),
    ),
)
_BY_NAME = {switch.name: switch for switch in SWITCHES}
_POSITIONS = {"on": True, "off": False}


@get(LOGGING_PATH)
async def show_logging(request: HttpRequest, face: Face) -> Response[str]:
    """The switches, and how long what is kept."""
    session = session_of(request)
    workspace = session.member.workspace
    stand, changes = face.registry.switches.read(workspace), face.registry.switches.changes(workspace)
    page = LoggingPage(
        layout=await face.layout(session, "Logging", path=LOGGING_PATH),
        switches=tuple(_row(switch, stand, changes, can_turn=is_admin(session)) for switch in SWITCHES),
        retention=await build_retention(face, session),
        kept=_kept(face.settings),
        note="" if is_admin(session) else "An administrator can turn them.",
    )
    return face.respond(page)


@post(f"{LOGGING_PATH}/{{name:str}}/{{position:str}}", status_code=200)
async def turn_switch(request: HttpRequest, face: Face, name: FromPath[str], position: FromPath[str]) -> Redirect:
    """Turn a switch on or off, and show how they stand."""
    session = session_of(request)
    check_member_form(session, await read_form(request))
    check_admin(session, "turn what is logged on and off")
    switch, is_on = _BY_NAME.get(name), _POSITIONS.get(position)
    if switch is None or is_on is None:
        names, positions = ", ".join(_BY_NAME), " and ".join(_POSITIONS)
        raise NotFound(f"There is no switch {name[:80]!r} to turn {position[:20]!r}.", hint=f"{names}: {positions}.")
    await asyncio.to_thread(_turn, face, session, switch, is_on)
    return Redirect(LOGGING_PATH, status_code=HTTP_303_SEE_OTHER)


def _turn(face: WebFace, session: Session, switch: Switch, is_on: bool) -> None:
    workspace, by = session.member.workspace, session.member.email
    if switch.field == "api_logs":
        face.registry.switches.set(workspace, api_logs=is_on, by=by)
    else:
        face.registry.switches.set(workspace, webhook_logs=is_on, by=by)


def _row(switch: Switch, stand: Switches, changes: Mapping[str, SwitchChange], *, can_turn: bool) -> SwitchRow:
    is_on = bool(getattr(stand, switch.field))
    change = changes.get(switch.field)
    by = change.changed_by or "the server" if change else ""
    position = "off" if is_on else "on"
    return SwitchRow(
        name=switch.name,
        log=switch.log,
        log_href=switch.log_path,
        is_on=is_on,
        when_on=switch.when_on,
        when_off=switch.when_off,
        changed=f"by {by}, {say_minute(change.changed_at)} {zone_words()}" if change else "",
        turn_href=f"{LOGGING_PATH}/{switch.name}/{position}" if can_turn else "",
    )


def _kept(settings: Settings) -> tuple[Kept, ...]:
    return (
        Kept(
            "That an event or an Idempotency-Key came before",
            f"{settings.keep_keys_hours} hours",
            "The setting CLEW_KEEP_KEYS_HOURS.",
        ),
        Kept("Configuration Activity", "without end"),
        Kept("A sign-in", f"{SESSION_MS // DAY_MS} days from its last use"),
        Kept("A sign-in link", f"{LINK_MS // HOUR_MS} hours, for one use"),
        Kept("Secrets in what is sent", "never", "They are removed before a record is written."),
    )
