"""Signing in with e-mail and password or with a one-time link, and signing out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from clew.core.errors import ClewError, Conflict, Invalid, NotFound, NotSignedIn, TooMany
from clew.registry.members import Member
from clew.registry.sessions import SignInLink
from clew.web.face import (
    Face,
    HttpRequest,
    WebFace,
    check_member_form,
    check_stranger_form,
    read_form,
    session_of,
    stranger_layout,
)
from clew.web.security import (
    FORM_COOKIE,
    SESSION_COOKIE,
    form_secret_of,
    is_https,
    local_path,
    make_cookie,
    new_form_secret,
)
from clew.web.sign_in.views import LinkPage, Refusal, SignInPage

COOKIE_AGE_S = 90 * 86_400
"""How long a browser keeps the cookie. When the session ends is the server's to say, and each use prolongs it."""


@get("/sign-in")
async def show_sign_in(request: HttpRequest, face: Face, next: FromQuery[str] = "/") -> Response[str]:
    """The form."""
    secret = form_secret_of(request) or new_form_secret()
    page = SignInPage(layout=stranger_layout(request, "Sign in", secret), next=local_path(next))
    return face.respond(page, cookies=[_form_cookie(request, face, secret)])


@post("/sign-in", status_code=200)
async def sign_in(request: HttpRequest, face: Face) -> Response[str] | Redirect:
    """Check e-mail and password. A refusal shows the form again and does not say which of the two was wrong."""
    form = await read_form(request)
    check_stranger_form(request, form)
    email, target = form.get("email", ""), local_path(form.get("next", ""))
    try:
        member = await _in_thread(face, face.registry.members.verify, email, form.get("password", ""))
    except (NotSignedIn, TooMany) as error:
        page = SignInPage(
            layout=stranger_layout(request, "Sign in"), email=email, next=target, refusal=_refusal_of(error)
        )
        response = face.respond(page, status=error.status)
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    return _let_in(request, face, member, target)


@get("/sign-in/link/{token:str}")
async def show_link(request: HttpRequest, face: Face, token: FromPath[str]) -> Response[str]:
    """A button, because a mail program that looks at the link must not use it up."""
    link = face.registry.links.peek(token)
    secret = form_secret_of(request) or new_form_secret()
    page = _link_page(request, link, token, secret=secret)
    return face.respond(page, cookies=[_form_cookie(request, face, secret)])


@post("/sign-in/link/{token:str}", status_code=200)
async def use_link(request: HttpRequest, face: Face, token: FromPath[str]) -> Response[str] | Redirect:
    """Use the link: sign its member in, or make the first member of what the form says."""
    form = await read_form(request)
    check_stranger_form(request, form)
    links = face.registry.links
    link = links.peek(token)
    if link.purpose == "member":
        return _let_in(request, face, _member_of(face, links.use(token)), "/")
    email = form.get("email", "")
    try:
        member = await _in_thread(face, links.claim_first, token, email, form.get("password", ""))
    except (Invalid, Conflict) as error:
        page = _link_page(request, link, token, email=email, refusal=_refusal_of(error))
        return face.respond(page, status=error.status)
    return _let_in(request, face, member, "/")


@post("/sign-out", status_code=200)
async def sign_out(request: HttpRequest, face: Face) -> Redirect:
    """End the session, here and in the registry."""
    check_member_form(session_of(request), await read_form(request))
    face.registry.sessions.end(request.cookies[SESSION_COOKIE])
    ended = make_cookie(SESSION_COOKIE, "", is_secure=is_https(request, face.settings), max_age_s=0)
    return Redirect("/sign-in", status_code=HTTP_303_SEE_OTHER, cookies=[ended])


async def _in_thread(face: WebFace, work: Callable[..., Member], *arguments: str) -> Member:
    return await asyncio.get_running_loop().run_in_executor(face.hashing, work, *arguments)


def _member_of(face: WebFace, link: SignInLink) -> Member:
    member = face.registry.members.find(link.member_id or "")
    if member is None:
        raise NotFound("This sign-in link is for a member who is not there any more.")
    return member


def _let_in(request: HttpRequest, face: WebFace, member: Member, target: str) -> Redirect:
    """Begin a session. One that this browser had before ends: its cookie is worth nothing after."""
    if before := request.cookies.get(SESSION_COOKIE):
        face.registry.sessions.end(before)
    token, _ = face.registry.sessions.start(member)
    is_secure = is_https(request, face.settings)
    cookies = [
        make_cookie(SESSION_COOKIE, token, is_secure=is_secure, max_age_s=COOKIE_AGE_S),
        make_cookie(FORM_COOKIE, "", is_secure=is_secure, max_age_s=0),
    ]
    return Redirect(target, status_code=HTTP_303_SEE_OTHER, cookies=cookies)


def _link_page(
    request: HttpRequest,
    link: SignInLink,
    token: str,
    *,
    secret: str = "",
    email: str = "",
    refusal: Refusal | None = None,
) -> LinkPage:
    is_first = link.purpose == "first"
    return LinkPage(
        layout=stranger_layout(request, "Welcome" if is_first else "Sign in", secret),
        action=f"/sign-in/link/{token}",
        is_first=is_first,
        email=email,
        refusal=refusal,
    )


def _form_cookie(request: HttpRequest, face: WebFace, secret: str) -> Cookie:
    return make_cookie(FORM_COOKIE, secret, is_secure=is_https(request, face.settings))


def _refusal_of(error: ClewError) -> Refusal:
    return Refusal(" ".join(part.detail for part in error.errors) or error.detail, error.hint)
