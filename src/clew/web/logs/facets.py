"""The most frequent values of a filter under all the other filters: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from litestar import Response, get
from litestar.params import FromPath

from clew.core.errors import BadRequest
from clew.core.record import Kind
from clew.log.query import FACET_NAMES
from clew.log.store import FacetValue
from clew.web.face import Face, HttpRequest, WebFace, session_of
from clew.web.logs.asked import find_log, parse_url, url_of
from clew.web.logs.url import LogUrl
from clew.web.logs.views import FacetChoice, FacetsPart
from clew.web.wording import KIND_NAMES, cut

LIMIT = 8
"""Values of one filter: what a drop-down holds without scrolling."""

Say = Callable[[str], str]


@get(["/logs/facets", "/logs/{name:str}/facets"])
async def show_facets(request: HttpRequest, face: Face, name: FromPath[str] = "") -> Response[str]:
    """The values of the filter that `of` names."""
    log = find_log(name)
    given = url_of(request, log)
    asked, url = given.get("of"), given.without("of")
    workspace = session_of(request).member.workspace
    try:
        if asked not in FACET_NAMES:
            raise BadRequest(f"of={asked[:80]!r} has no frequent values.", hint=f"Ask of: {', '.join(FACET_NAMES)}.")
        filter = parse_url(face, workspace, log, url.without(asked)).query.filter
    except BadRequest as error:
        return face.respond(FacetsPart(choices=(), note=error.detail), status=error.status)
    found = (await face.search.facets(filter, (asked,), limit=LIMIT)).facets[asked]
    say = _sayer(face, workspace, asked, [value.value for value in found])
    choices = tuple(_choice(asked, value, url, say) for value in found)
    return face.respond(FacetsPart(choices=choices, note="" if found else "Nothing here has a value."))


def _choice(name: str, found: FacetValue, url: LogUrl, say: Say) -> FacetChoice:
    return FacetChoice(
        label=cut(say(found.value)),
        href=url.having(name, found.value).href,
        count=f"{found.count:,}",
        failures=f"{found.failures:,}" if found.failures else "",
        is_current=found.value == url.get(name),
    )


def _sayer(face: WebFace, workspace: str, name: str, values: list[str]) -> Say:
    """What says how a value of this filter is called."""
    if name == "kind":
        return lambda value: KIND_NAMES[cast(Kind, value)]
    if name == "flow":
        return face.flow_title
    names = face.names(workspace, values if name == "customer" else ())
    return lambda value: names.of(name, value)
