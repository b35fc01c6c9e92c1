"""axe-core finds nothing on any page: names, roles, order of headings, contrast in light and dark, on a wide and a
narrow window, also in what is folded away.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hatch_build import bring_for_tests
from playwright.sync_api import Page

from harness.every_page import PAGES

pytestmark = pytest.mark.browser

EXCEPTIONS: dict[str, str] = {}
"""Rules that are not held, each with its reason. There are none."""

RUN = """
async (asked) => {
    const found = await axe.run(document, asked);
    const say = (nodes) => nodes.slice(0, 4).map((node) => node.html.slice(0, 200));
    return found.violations.map(({ id, help, nodes }) => [id, help, say(nodes)]);
}
"""
UNFOLD = "() => { for (const fold of document.querySelectorAll('main details')) fold.open = true; }"


@pytest.fixture(scope="module")
def watched(visitor: Page) -> Page:
    """The page with axe in it: put there by the browser's own tools, which the content policy does not bind."""
    visitor.context.add_init_script(path=axe_core())
    return visitor


def axe_core() -> Path:
    root = Path(__file__).parents[2]
    bring_for_tests(root)
    return root / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page, *, only: tuple[str, ...] = ()) -> list[str]:
    """What axe says against the page as it is, in lines to read."""
    asked: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        asked["runOnly"] = {"type": "rule", "values": only}
    else:
        asked["rules"] = {rule: {"enabled": False} for rule in EXCEPTIONS}
    found = page.evaluate(RUN, asked)
    return [f"{rule}: {meaning}: {json.dumps(where)}" for rule, meaning, where in found]


def look(page: Page, path: str, width: int, scheme: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(path)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used_by_everyone(watched: Page, places: dict[str, str], name: str) -> None:
    path = PAGES[name].path.format(**places)
    look(watched, path, 1280, "light")
    assert violations(watched) == []
    watched.emulate_media(color_scheme="dark")
    assert violations(watched, only=("color-contrast", "link-in-text-block")) == []
    watched.set_viewport_size({"width": 390, "height": 900})
    watched.evaluate(UNFOLD)
    assert violations(watched) == []


def test_what_opens_over_a_page_can_be_used_by_everyone(watched: Page) -> None:
    look(watched, "/logs", 1280, "dark")
    for summary in watched.locator("header details.pop > summary:visible").all():
        summary.click()
        assert violations(watched) == []
    watched.keyboard.press("Escape")
    watched.keyboard.press("?")
    assert watched.locator("dialog[open]").count() == 1
    assert violations(watched) == []


def test_axe_would_find_what_is_wrong(watched: Page) -> None:
    look(watched, "/logs", 1280, "light")
    watched.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
    assert [line.partition(":")[0] for line in violations(watched)] == ["button-name"]
