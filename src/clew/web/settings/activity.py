"""Configuration Activity: who changed what, from what to what. For administrators."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from litestar import Response, get

from clew.core.clock import DAY_MS, from_rfc3339
from clew.core.errors import BadRequest, UnknownFilter
from clew.core.ids import is_id
from clew.registry.audit import Entry
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.layout import ACTIVITY_PATH, LOGGING_PATH
from clew.web.links import connection_href, customer_href, flow_href, integration_href, product_href
from clew.web.logs.asked import pairs_of
from clew.web.logs.url import LogUrl, read_url
from clew.web.logs.views import Bounds, Choice, Trouble
from clew.web.settings.logging_page import SWITCHES
from clew.web.settings.rights import check_admin
from clew.web.settings.views import ActivityPage, ChangeRow, Difference
from clew.web.time_zone import write_local, zone_words
from clew.web.wording import cut, say_minute, say_moment, say_other_day

PAGE = 50
KINDS = ("connection", "customer", "flow", "integration", "key", "member", "product", "source", "switches")
FILTERS = ("within", "from", "to", "kind", "who")
WITHIN = (("", "All time"), ("24h", "Last 24 hours"), ("7d", "Last 7 days"), ("30d", "Last 30 days"))

_DAYS = {"24h": 1, "7d": 7, "30d": 30}
_FIELDS = {"base_url": "base URL", "is_test": "for tests", **{switch.field: switch.name for switch in SWITCHES}}


class Asked(msgspec.Struct, frozen=True):
    """What the list was asked for. Times are ms; `from_ms` is in the range, `to_ms` is not."""

    from_ms: int | None
    to_ms: int | None
    kind: str
    who: str
    before_id: str


@get(ACTIVITY_PATH)
async def show_activity(request: HttpRequest, face: Face) -> Response[str]:
    """The changes, newest first."""
    session = session_of(request)
    check_admin(session, "see who changed what")
    url = read_url(ACTIVITY_PATH, pairs_of(request.scope["query_string"].decode("latin-1")))
    page = ActivityPage(
        layout=await face.layout(session, "Configuration Activity", path=ACTIVITY_PATH),
        path=ACTIVITY_PATH,
        bounds=_bounds(url),
        kinds=KINDS,
        kind=url.get("kind"),
        actor=url.get("who"),
        within=url.get("within"),
        clear_href=ACTIVITY_PATH if url.pairs else "",
    )
    try:
        asked = _read(url, face.clock.now_ms())
    except BadRequest as error:
        trouble = Trouble(error.detail, error.hint, ACTIVITY_PATH)
        return face.respond(msgspec.structs.replace(page, trouble=trouble), status=error.status)
    return face.respond(await _fill(face, session.member.workspace, page, url, asked))


async def _fill(face: WebFace, workspace: str, page: ActivityPage, url: LogUrl, asked: Asked) -> ActivityPage:
    entries = await asyncio.to_thread(
        face.registry.audit.list,
        workspace,
        before_id=asked.before_id,
        limit=PAGE + 1,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        actor=asked.who,
        subject_kind=asked.kind,
    )
    shown, now_ms = entries[:PAGE], face.clock.now_ms()
    return msgspec.structs.replace(
        page,
        rows=tuple(build_change(entry, now_ms) for entry in shown),
        searched=_say_searched(asked, now_ms),
        newest_href=url.without("cursor").href if asked.before_id else "",
        older_href=url.at(shown[-1].id).href if len(entries) > PAGE else "",
    )


def build_change(entry: Entry, now_ms: int) -> ChangeRow:
    """An entry as a row."""
    subject, href = _subject(entry)
    return ChangeRow(
        moment=say_moment(entry.time),
        day=say_other_day(entry.time, now_ms),
        actor=cut(entry.actor) or "the server",
        action=entry.action,
        kind=entry.subject_kind,
        subject=cut(subject),
        href=href,
        differences=tuple(_differences(entry)),
    )


def _subject(entry: Entry) -> tuple[str, str]:
    """What was changed, and where it is."""
    key = entry.subject
    if entry.subject_kind == "key":
        known_by = entry.after or entry.before
        return f"{known_by.get('name', key)} ({known_by.get('prefix', '')}...)", ""
    if entry.subject_kind == "switches":
        return key, LOGGING_PATH
    href_of = {
        "connection": connection_href,
        "customer": customer_href,
        "flow": flow_href,
        "integration": integration_href,
        "product": product_href,
    }.get(entry.subject_kind)
    return key, href_of(key) if href_of else ""


def _differences(entry: Entry) -> list[Difference]:
    """The fields that differ. Of what is new or gone, those that say something and are not said already."""
    names = {**entry.before, **entry.after}
    known = ("name", "prefix") if entry.subject_kind == "key" else ()
    is_change = bool(entry.before) and bool(entry.after)
    found = (
        Difference(_FIELDS.get(name, name.replace("_", " ")), *_sides(entry, name))
        for name in names
        if name not in known
    )
    return [one for one in found if is_change or one.before or one.after]


def _sides(entry: Entry, name: str) -> tuple[str | None, str | None]:
    words = ("on", "off") if entry.subject_kind == "switches" else ("yes", "no")
    before, after = (_say(side[name], words) if name in side else None for side in (entry.before, entry.after))
    return before, after


def _say(value: object, words: tuple[str, str]) -> str:
    if isinstance(value, bool):
        return words[0] if value else words[1]
    if isinstance(value, list):
        return cut(", ".join(map(str, value)))
    return "" if value is None else cut(str(value))


def _read(url: LogUrl, now_ms: int) -> Asked:
    """What the address asks. Raises `UnknownFilter` for what does not exist, `BadRequest` for what cannot be read."""
    for name, _ in url.pairs:
        if name not in (*FILTERS, "cursor"):
            raise UnknownFilter(f"There is no filter {name[:80]!r} here.", hint=f"Filters are: {', '.join(FILTERS)}.")
    within, kind, cursor = url.get("within"), url.get("kind"), url.get("cursor")
    _check("within", within, _DAYS)
    _check("kind", kind, dict.fromkeys(KINDS, 0))
    if cursor and not is_id(cursor):
        raise BadRequest("The page that is asked for is none of this list.", hint="Begin with the newest.")
    from_ms, to_ms = _moment(url, "from"), _moment(url, "to")
    if within and from_ms is None and to_ms is None:
        from_ms = now_ms - _DAYS[within] * DAY_MS
    return Asked(from_ms, to_ms, kind, url.get("who"), cursor.lower())


def _check(name: str, value: str, allowed: Mapping[str, int]) -> None:
    if value and value not in allowed:
        raise UnknownFilter(f"{name}={value[:80]!r} does not exist here.", hint=f"{name} may be: {', '.join(allowed)}.")


def _moment(url: LogUrl, name: str) -> int | None:
    text = url.get(name)
    try:
        return from_rfc3339(text) if text else None
    except ValueError as error:
        raise BadRequest(f"{name}={text[:80]!r} is no time.", hint="Write it as 2026-11-22T06:41.") from error


def _bounds(url: LogUrl) -> Bounds:
    unbound = url.without("from").without("to")
    from_text, to_text = (_for_input(url.get(name)) for name in ("from", "to"))
    within = "custom" if from_text or to_text else url.get("within")
    choices = tuple(Choice(label, unbound.having("within", value).href, value == within) for value, label in WITHIN)
    label = next((choice.label for choice in choices if choice.is_current), "")
    if from_text or to_text:
        label = f"{from_text or 'the first'} to {to_text or 'now'}"
    return Bounds(label or within, choices, from_text, to_text)


def _for_input(text: str) -> str:
    """What stands in the field: the time in the zone of who looks, or what was typed where it is none."""
    try:
        return write_local(from_rfc3339(text)) if text else ""
    except ValueError:
        return text


def _say_searched(asked: Asked, now_ms: int) -> str:
    """What was searched, whole: an empty list alone says nothing."""
    what = f"Every change of a {asked.kind}" if asked.kind else "Every change"
    by = f" by {cut(asked.who)}" if asked.who else ""
    since = f" from {say_minute(asked.from_ms)}" if asked.from_ms is not None else ""
    until = say_minute(now_ms if asked.to_ms is None else asked.to_ms)
    return f"{what}{by}{since} until {until} {zone_words()} was looked at. Entries are kept without end."
