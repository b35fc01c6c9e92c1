"""No page makes the browser complain: no error or warning in the console, nothing that the content policy refused, no
script that failed, no file that did not come.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, Response

from harness.every_page import PAGES

pytestmark = pytest.mark.browser

REPORT = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
    console.error(`refused by the policy: ${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
});
"""
SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
DEADLINE_S = 15
UNFOLD = "() => { for (const fold of document.querySelectorAll('main details')) fold.open = true; }"
CLICKED = "main :is(nav.tabs, nav.segments) a"


class Complaints:
    """What a browser complains of. `expected`: the address that is answered with an error, as it should be."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        self.expected = ""
        self._page = page
        self._open: set[Request] = set()
        page.context.add_init_script(REPORT)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(f"failed: {error}"))
        page.on("requestfailed", self._miss)
        page.on("response", self._receive)
        page.on("request", self._begin)
        page.on("requestfinished", self._end)

    def wait(self) -> list[str]:
        """What was said, once all that the page asked for has come."""
        self._page.evaluate(SETTLE)
        deadline = time.monotonic() + DEADLINE_S
        while self._open and time.monotonic() < deadline:
            self._page.wait_for_timeout(5)
        return self.said

    def _begin(self, request: Request) -> None:
        self._open.add(request)

    def _end(self, request: Request) -> None:
        self._open.discard(request)

    def _hear(self, message: ConsoleMessage) -> None:
        is_answer = self.expected != "" and message.location["url"].endswith(self.expected)
        if message.type in ("error", "warning") and not is_answer:
            self.said.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _miss(self, request: Request) -> None:
        self._open.discard(request)
        # What was still on its way when the next page was asked for.
        if request.failure != "net::ERR_ABORTED":
            self.said.append(f"{request.failure}: {request.url}")

    def _receive(self, response: Response) -> None:
        if response.status >= 400 and not (self.expected and response.url.endswith(self.expected)):
            self.said.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="module")
def complaints(visitor: Page) -> Complaints:
    visitor.set_viewport_size({"width": 1280, "height": 900})
    return Complaints(visitor)


@pytest.fixture
def quiet(complaints: Complaints) -> Iterator[Complaints]:
    complaints.said.clear()
    yield complaints
    complaints.expected = ""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_and_what_opens_on_it_are_quiet(
    visitor: Page, quiet: Complaints, places: dict[str, str], name: str
) -> None:
    visit = PAGES[name]
    path = visit.path.format(**places)
    quiet.expected = path if visit.status >= 400 else ""
    answer = visitor.goto(path)
    assert answer
    assert answer.status == visit.status
    for fold in visitor.locator("details.pop > summary:visible").all():
        fold.click()
        visitor.keyboard.press("Escape")
    visitor.evaluate(UNFOLD)
    assert quiet.wait() == []


@pytest.mark.parametrize("name", ["all records", "a record", "a flow run", "an event of a customer"])
def test_what_a_page_leads_to_by_its_tabs_is_quiet(
    visitor: Page, quiet: Complaints, places: dict[str, str], name: str
) -> None:
    visitor.goto(PAGES[name].path.format(**places))
    for label in visitor.locator(CLICKED).all_inner_texts():
        link = visitor.locator(CLICKED, has_text=label.split("\n")[0])
        if link.count():  # some lead to another page, with other tabs
            link.first.click()
            visitor.wait_for_load_state()
            quiet.wait()
    assert quiet.said == []


def test_what_is_wrong_is_heard(visitor: Page, quiet: Complaints) -> None:
    visitor.goto("/logs")
    visitor.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    visitor.evaluate("() => fetch('/nonsense').then((answer) => answer.text())")
    visitor.evaluate("() => setTimeout(() => nothing.at.all)")
    heard = " ".join(quiet.wait())
    assert "refused by the policy: style-src-attr" in heard
    assert "404: " in heard
    assert "failed: nothing is not defined" in heard
