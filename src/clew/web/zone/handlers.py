"""The time zone: chosen here or in the menu of who is signed in, kept in a cookie of this browser."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from litestar import Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.errors import Invalid
from clew.web.face import Face, HttpRequest, check_member_form, read_form, session_of
from clew.web.layout import ZONE_PATH
from clew.web.security import is_https, local_path, make_cookie
from clew.web.time_zone import ZONE_COOKIE, find_zone, offered_names, zone_key
from clew.web.wording import say_minute
from clew.web.zone.views import ZonePage

COOKIE_AGE_S = 365 * 86_400


@get(ZONE_PATH)
async def show_zone(request: HttpRequest, face: Face, next: FromQuery[str] = "") -> Response[str]:
    """Every zone by name, for a browser that runs no script or is in another place than the reader."""
    page = ZonePage(
        layout=await face.layout(session_of(request), "Time zone", path=ZONE_PATH),
        names=offered_names(),
        chosen=zone_key(),
        now=say_minute(face.clock.now_ms()),
        next=local_path(next or _page_before(request)),
    )
    return face.respond(page)


@post(ZONE_PATH, status_code=200)
async def choose_zone(request: HttpRequest, face: Face) -> Redirect:
    """Keep the choice, and show the page that it was made on. Without a name, which a script fills in, ask for one."""
    form = await read_form(request)
    check_member_form(session_of(request), form)
    name, target = form.get("zone", ""), local_path(form.get("next") or _page_before(request))
    if not name:
        return Redirect(f"{ZONE_PATH}?next={quote(target, safe='/')}", status_code=HTTP_303_SEE_OTHER)
    if find_zone(name) is None:
        raise Invalid(f"There is no time zone {name[:80]!r}.", hint="Choose one of the list, such as Europe/Berlin.")
    cookie = make_cookie(ZONE_COOKIE, name, is_secure=is_https(request, face.settings), max_age_s=COOKIE_AGE_S)
    return Redirect(target, status_code=HTTP_303_SEE_OTHER, cookies=[cookie])


def _page_before(request: HttpRequest) -> str:
    """The path of the page that sent the form, "/" where the browser does not say or it is none of ours."""
    before = urlsplit(request.headers.get("referer", ""))
    if before.netloc != request.headers.get("host", ""):
        return "/"
    return f"{before.path}?{before.query}" if before.query else before.path
