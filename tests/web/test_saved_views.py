"""Saved views: a list as somebody filtered it, under a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from clew.core.record import Record
from clew.registry.registry import Registry
from harness.pages import Client

Save = Callable[..., str]

FAILED = "/logs/integration-events?status=failure&customer=acme"


def form_of(html: str, action: str) -> dict[str, str]:
    """The fields of the form that is sent there, as a browser would send them."""
    form = re.search(rf'<form [^>]*action="{re.escape(action)}">(.*?)</form>', html, re.DOTALL)
    assert form
    fields = re.findall(r'<input [^>]*name="(\w+)"(?: value="([^"]*)")?', form.group(1))
    return {name: unescape(value) for name, value in fields}


def views_of(html: str) -> list[tuple[str, str]]:
    menu = html[html.index('class="menu wide views"') :].partition("</details>")[0]
    found = re.findall(r'<div class="view"><a href="([^"]+)"[^>]*>(.*?)</a>', menu)
    return [(unescape(name), unescape(href)) for href, name in found]


@pytest.fixture
def save(client: Client) -> Save:
    """Fills in the form of a page and sends it; gives where it leads."""

    def save(page: str, name: str, **changed: str) -> str:
        fields = form_of(client.get(page).text, "/logs/views")
        answer = client.post("/logs/views", data={**fields, "name": name, **changed})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    return save


def test_the_filters_of_a_list_are_saved_under_a_name_and_opened_again(client: Client, save: Save) -> None:
    assert save(FAILED, "What fails at Acme") == FAILED
    html = client.get("/logs/integration-events").text
    assert views_of(html) == [("What fails at Acme", FAILED)]
    opened = client.get(FAILED).text
    assert re.search(r'<summary class="button">What fails at Acme<', opened)
    assert f'<a href="{FAILED.replace("&", "&amp;")}" title="Saved by ada@acme.example" aria-current="true">' in opened


def test_a_view_belongs_to_its_list(client: Client, save: Save) -> None:
    save(FAILED, "mine")
    assert views_of(client.get("/logs").text) == []
    assert views_of(client.get("/logs/flow-runs").text) == []


def test_saving_again_under_the_same_name_replaces_it(client: Client, save: Save) -> None:
    save(FAILED, "mine")
    save("/logs/integration-events?status=info", "mine")
    html = client.get("/logs/integration-events").text
    assert views_of(html) == [("mine", "/logs/integration-events?status=info")]


def test_a_view_begins_at_its_first_page(client: Client, save: Save, refused_order: dict[str, Record]) -> None:
    html = client.get("/logs?limit=2").text
    older = re.search(r'<a href="([^"]+)"[^>]*>Older</a>', html)
    assert older
    assert save(unescape(older.group(1)), "two") == "/logs?limit=2"


def test_a_view_is_deleted_by_its_button_and_its_list_stays_open(client: Client, save: Save) -> None:
    save(FAILED, "mine")
    html = client.get(FAILED).text
    action = re.search(r'<form method="post" action="(/logs/views/[^"]+/delete)">', html)
    assert action
    fields = form_of(html, action.group(1))
    answer = client.post(action.group(1), data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, FAILED)
    assert views_of(client.get(FAILED).text) == []
    again = client.post(action.group(1), data=fields)
    assert again.status_code == 404
    assert "not there any more" in again.text


@pytest.mark.parametrize("path", ["/logs/views", "/logs/views/x/delete"])
def test_a_form_from_elsewhere_changes_nothing(client: Client, registry: Registry, path: str) -> None:
    answer = client.post(path, data={"form_token": "x", "path": "/logs", "query": "", "name": "mine"})
    assert answer.status_code == 403
    assert registry.views.list("default") == ()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"name": " "}, 422),
        ({"name": "x" * 5_000}, 422),
        ({"path": "/settings"}, 404),
        ({"path": "//evil.example"}, 404),
        ({"query": "status=red"}, 400),
        ({"query": "nonsense=1"}, 400),
    ],
)
def test_a_view_that_could_not_be_opened_is_not_saved(
    client: Client, registry: Registry, changed: dict[str, str], status: int
) -> None:
    fields = form_of(client.get("/logs").text, "/logs/views")
    answer = client.post("/logs/views", data={**fields, "name": "mine", **changed})
    assert answer.status_code == status
    assert registry.views.list("default") == ()


def test_a_name_is_shown_as_it_was_written(client: Client, save: Save) -> None:
    save("/logs?q=a%26b", "<b>&'\"")
    html = client.get("/logs").text
    assert views_of(html) == [("<b>&'\"", "/logs?q=a%26b")]
    assert "<b>&'" not in html


def test_a_viewer_saves_a_view_as_well(client: Client, registry: Registry, save: Save) -> None:
    viewer = registry.members.create("default", "vi@acme.example", "correct horse battery", "viewer")
    token, _ = registry.sessions.start(viewer)
    client.cookies.set("clew_session", token)
    save("/logs?status=failure", "mine")
    assert [view.created_by for view in registry.views.list("default")] == ["vi@acme.example"]
