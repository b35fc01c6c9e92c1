"""Every page can be used by everyone, fits its window, stands still while it comes, and makes no browser complain.

Each is visited once in a wide and once in a narrow window, and all of it is held against what was seen then. Axe-core
looks for names, roles, order of headings and contrast, in light and dark, and also in what is folded away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Page

from harness.every_page import PAGES, Visit
from harness.watched_page import MOST_SHIFT, SETTLE, UNFOLD, Fit, WatchedPage

pytestmark = pytest.mark.browser

WIDE, NARROW = 1280, 390
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that another colour scheme can break."""
CLICKED = "main :is(nav.tabs, nav.segments) a"


@dataclass(frozen=True)
class Seen:
    """What a page was like. `status` is of both visits; the others are by the window or by what was looked at."""

    status: list[int]
    violations: dict[str, list[str]]
    fits: dict[int, Fit]
    complaints: list[str]


@pytest.fixture(scope="module")
def watched(visitor: Page) -> WatchedPage:
    return WatchedPage(visitor)


@pytest.fixture
def quiet(watched: WatchedPage) -> Iterator[WatchedPage]:
    """The page with no complaint yet."""
    watched.said.clear()
    yield watched
    watched.expected = ""


def look(watched: WatchedPage, path: str, width: int, scheme: Literal["light", "dark"]) -> int:
    """Go there in such a window. The status of the answer."""
    watched.page.set_viewport_size({"width": width, "height": 900})
    watched.page.emulate_media(color_scheme=scheme)
    answer = watched.page.goto(path)
    assert answer
    return answer.status


def visit_in_both_windows(watched: WatchedPage, visit: Visit, path: str) -> Seen:
    page, violations, fits = watched.page, {}, {}
    watched.said.clear()
    watched.expected = path if visit.status >= 400 else ""
    status = [look(watched, path, WIDE, "light")]
    fits[WIDE] = watched.fit()
    violations["wide, light"] = watched.violations()
    page.emulate_media(color_scheme="dark")
    violations["wide, dark"] = watched.violations(*OF_COLOURS)
    for fold in page.locator("details.pop > summary:visible").all():
        fold.click()
        page.keyboard.press("Escape")
    page.evaluate(UNFOLD)
    watched.wait()
    status.append(look(watched, path, NARROW, "dark"))
    fits[NARROW] = watched.fit()
    page.evaluate(UNFOLD)
    violations["narrow, dark, unfolded"] = watched.violations()
    complaints = list(watched.wait())
    watched.expected = ""
    return Seen(status, violations, fits, complaints)


@pytest.fixture(scope="module", params=PAGES)
def seen(request: pytest.FixtureRequest, watched: WatchedPage, places: dict[str, str]) -> Seen:
    """A page by its name in `harness.every_page`, as it was seen in one visit for all tests of it."""
    visit = PAGES[request.param]
    return visit_in_both_windows(watched, visit, visit.path.format(**places))


def test_a_page_can_be_used_by_everyone(seen: Seen) -> None:
    assert {how: found for how, found in seen.violations.items() if found} == {}


def test_a_page_fits_its_window_and_stands_still(seen: Seen) -> None:
    for width, fit in seen.fits.items():
        assert fit.excess <= 0, f"wider than its window of {width}"
        assert fit.shift < MOST_SHIFT, f"moved by {fit.shift:.2f} at {width}: {fit.shifted}"


def test_a_page_and_what_opens_on_it_are_quiet(seen: Seen, request: pytest.FixtureRequest) -> None:
    expected = PAGES[request.node.callspec.params["seen"]].status
    assert seen.status == [expected, expected]
    assert seen.complaints == []


def test_what_opens_over_a_page_can_be_used_by_everyone(watched: WatchedPage) -> None:
    look(watched, "/logs", WIDE, "dark")
    for summary in watched.page.locator("header details.pop > summary:visible").all():
        summary.click()
        assert watched.violations() == []
    watched.page.keyboard.press("Escape")
    watched.page.keyboard.press("?")
    assert watched.page.locator("dialog[open]").count() == 1
    assert watched.violations() == []


def test_axe_would_find_what_is_wrong(watched: WatchedPage) -> None:
    look(watched, "/logs", WIDE, "light")
    watched.page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
    assert [line.partition(":")[0] for line in watched.violations()] == ["button-name"]


def test_what_is_too_wide_or_moves_is_seen(watched: WatchedPage) -> None:
    look(watched, "/logs", WIDE, "light")
    wide = "Object.assign(document.createElement('pre'), { textContent: 'x'.repeat(400) })"
    # Twice a frame passes, so that the page stood there before it is pushed away.
    watched.page.evaluate(SETTLE)
    watched.page.evaluate(f"() => document.body.prepend({wide})")
    watched.page.evaluate("() => document.body.prepend(...document.querySelectorAll('main'))")
    fit = watched.fit()
    assert fit.excess > 0
    assert fit.shift > MOST_SHIFT


@pytest.mark.parametrize("name", ["all records", "a record", "a flow run", "an event of a customer"])
def test_what_a_page_leads_to_by_its_tabs_is_quiet(quiet: WatchedPage, places: dict[str, str], name: str) -> None:
    look(quiet, PAGES[name].path.format(**places), WIDE, "light")
    for label in quiet.page.locator(CLICKED).all_inner_texts():
        link = quiet.page.locator(CLICKED, has_text=label.split("\n")[0])
        if link.count():  # some lead to another page, with other tabs
            link.first.click()
            quiet.page.wait_for_load_state()
            quiet.wait()
    assert quiet.said == []


def test_what_is_wrong_is_heard(quiet: WatchedPage) -> None:
    quiet.page.goto("/logs")
    quiet.page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    quiet.page.evaluate("() => fetch('/nonsense').then((answer) => answer.text())")
    quiet.page.evaluate("() => setTimeout(() => nothing.at.all)")
    heard = " ".join(quiet.wait())
    assert "refused by the policy: style-src-attr" in heard
    assert "404: " in heard
    assert "failed: nothing is not defined" in heard


def test_nothing_is_asked_for_while_someone_types(visitor: Page) -> None:
    visitor.set_viewport_size({"width": WIDE, "height": 900})
    visitor.goto("/logs")
    visitor.wait_for_load_state("networkidle")
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url))
    visitor.get_by_role("searchbox").press_sequentially("order 1042")
    filters = visitor.locator(".filters details.pop:visible:has(input:not([type=hidden]))").all()
    assert len(filters) >= 4
    for one in filters:
        if one.get_attribute("hx-get"):  # what is frequent is asked for once, when the filter opens
            with visitor.expect_response(re.compile("/facets")):
                one.locator("summary").click()
        else:
            one.locator("summary").click()
        asked.clear()
        one.locator("input:visible").first.press_sequentially("order")
        visitor.evaluate(SETTLE)
        assert asked == []
