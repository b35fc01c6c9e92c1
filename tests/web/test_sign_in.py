"""Who gets in, and what a browser is given for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.registry.members import Member
from clew.registry.registry import Registry
from clew.web.security import local_path
from harness.page_text import token_of
from harness.pages import Client

EMAIL, PASSWORD = "ada@acme.example", "correct horse battery"


def sign_in(client: Client, *, email: str = EMAIL, password: str = PASSWORD, target: str = "/logs"):
    token = token_of(client.get("/sign-in", params={"next": target}).text)
    fields = {"form_token": token, "email": email, "password": password, "next": target}
    return client.post("/sign-in", data=fields)


def test_a_page_leads_a_stranger_to_the_sign_in_and_back(stranger: Client, member: Member) -> None:
    asked = "/logs?key=order%3DSO-1042&status=failure"
    led = stranger.get(asked)
    assert led.status_code == 303
    form = stranger.get(led.headers["location"])
    target = re.search(r'name="next" value="([^"]+)"', form.text)
    assert target
    assert target.group(1).replace("&amp;", "&") == asked
    answer = sign_in(stranger, target=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, asked)
    assert stranger.get(asked).status_code == 200


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Client, member: Member) -> None:
    cookies = sign_in(stranger).headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("clew_session="))
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert attribute in session
    assert "Secure" not in session


def test_over_https_the_cookies_are_never_sent_in_the_clear(stranger: Client, member: Member) -> None:
    page = stranger.get("https://testserver.local/sign-in")
    fields = {"form_token": token_of(page.text), "email": EMAIL, "password": PASSWORD}
    answer = stranger.post("https://testserver.local/sign-in", data=fields)
    assert answer.status_code == 303
    cookies = [*page.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")]
    assert len(cookies) == 3
    assert all("Secure" in cookie for cookie in cookies)


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong password"), ("bob@acme.example", PASSWORD), ("", "")])
def test_a_refusal_does_not_say_which_of_the_two_was_wrong(
    stranger: Client, member: Member, email: str, password: str
) -> None:
    answer = sign_in(stranger, email=email, password=password)
    assert answer.status_code == 401
    assert "E-mail or password is wrong." in answer.text
    assert "clew_session" not in answer.cookies
    assert stranger.get("/logs").status_code == 303


def test_after_five_failures_the_page_says_how_long_to_wait(stranger: Client, member: Member) -> None:
    for _ in range(5):
        assert sign_in(stranger, password="wrong password").status_code == 401
    answer = sign_in(stranger)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "too many failed tries" in answer.text


def test_a_form_from_elsewhere_is_refused(stranger: Client, member: Member) -> None:
    stranger.get("/sign-in")
    for token in ("", "0" * 48, "\u00e9"):
        answer = stranger.post("/sign-in", data={"form_token": token, "email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 403
        assert "clew_session" not in stranger.cookies


def test_a_form_without_its_cookie_is_refused(stranger: Client, member: Member) -> None:
    token = token_of(stranger.get("/sign-in").text)
    stranger.cookies.clear()
    answer = stranger.post("/sign-in", data={"form_token": token, "email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 403


def test_signing_in_never_leads_to_another_site(stranger: Client, member: Member) -> None:
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        assert sign_in(stranger, target=target).headers["location"] == "/"


@given(st.text(alphabet="/\\.:@?#a\t\n\r ", max_size=12))
def test_a_path_taken_as_local_stays_on_this_server(text: str) -> None:
    path = local_path(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert not set(path) & set("\\\t\n\r ")


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(client: Client) -> None:
    token = client.cookies["clew_session"]
    page = client.get("/logs")
    answer = client.post("/sign-out", data={"form_token": token_of(page.text)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    client.cookies.set("clew_session", token)
    assert client.get("/logs").status_code == 303


def test_another_site_cannot_sign_a_member_out(client: Client) -> None:
    assert client.post("/sign-out", data={"form_token": "x"}).status_code == 403
    assert client.get("/logs").status_code == 200


def test_signing_in_ends_the_session_that_the_browser_had(client: Client) -> None:
    before = client.cookies["clew_session"]
    assert sign_in(client).status_code == 303
    client.cookies.clear()
    client.cookies.set("clew_session", before)
    assert client.get("/logs").status_code == 303


def test_a_session_that_expired_leads_to_the_sign_in(client: Client, clock: FakeClock) -> None:
    clock.advance(15 * 86_400_000)
    assert client.get("/logs").status_code == 303


def test_htmx_is_told_to_leave_the_page_where_the_session_ended(stranger: Client) -> None:
    answer = stranger.get("/logs?cursor=x", headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=/logs%3Fcursor%3Dx"
    assert answer.text == ""


def test_the_first_link_makes_the_first_admin_and_works_once(stranger: Client, registry: Registry) -> None:
    path = "/sign-in/link/" + registry.links.create("default")
    page = stranger.get(path)
    assert 'name="password"' in page.text
    fields = {"form_token": token_of(page.text), "email": EMAIL, "password": PASSWORD}
    answer = stranger.post(path, data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert [(m.email, m.role) for m in registry.members.list("default")] == [(EMAIL, "admin")]
    assert stranger.get("/logs").status_code == 200
    assert stranger.get(path).status_code == 404


def test_a_password_that_is_too_short_leaves_the_first_link_working(stranger: Client, registry: Registry) -> None:
    path = "/sign-in/link/" + registry.links.create("default")
    token = token_of(stranger.get(path).text)
    refused = stranger.post(path, data={"form_token": token, "email": EMAIL, "password": "short"})
    assert refused.status_code == 422
    assert "10 to 200" in refused.text
    assert EMAIL in refused.text
    assert stranger.post(path, data={"form_token": token, "email": EMAIL, "password": PASSWORD}).status_code == 303


def test_looking_at_a_members_link_does_not_use_it_up(stranger: Client, registry: Registry, member: Member) -> None:
    path = "/sign-in/link/" + registry.links.create("default", member.id)
    stranger.get(path)
    page = stranger.get(path)
    assert 'name="password"' not in page.text
    assert stranger.post(path, data={"form_token": token_of(page.text)}).status_code == 303
    assert stranger.get("/logs").status_code == 200


def test_a_link_that_does_not_exist_says_what_to_do(stranger: Client) -> None:
    answer = stranger.get("/sign-in/link/nonsense")
    assert answer.status_code == 404
    assert "There is no such sign-in link." in answer.text


def test_a_link_is_not_used_by_a_form_from_elsewhere(stranger: Client, registry: Registry, member: Member) -> None:
    path = "/sign-in/link/" + registry.links.create("default", member.id)
    assert stranger.post(path, data={}).status_code == 403
    assert stranger.get(path).status_code == 200
