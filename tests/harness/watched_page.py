"""A page that is looked at: what the browser complains of, what moves, what does not fit, and what axe-core says."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from hatch_build import bring_for_tests
from playwright.sync_api import ConsoleMessage, Page, Request, Response

SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
UNFOLD = "() => { for (const fold of document.querySelectorAll('main details')) fold.open = true; }"
DEADLINE_S = 15
MOST_SHIFT = 0.05
"""Half of what is called good: https://web.dev/articles/cls"""

_REPORT = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
    console.error(`refused by the policy: ${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
});
"""
_WATCH_SHIFTS = """
window.shift = 0;
window.shifted = [];
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
        if (entry.hadRecentInput) continue;
        window.shift += entry.value;
        window.shifted.push(...entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? node?.textContent));
    }
}).observe({ type: "layout-shift", buffered: true });
"""
_EXCESS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_RUN_AXE = """
async (only) => {
    const asked = { resultTypes: ["violations"] };
    if (only.length) asked.runOnly = { type: "rule", values: only };
    const found = await axe.run(document, asked);
    const say = (nodes) => nodes.slice(0, 4).map((node) => node.html.slice(0, 200));
    return found.violations.map(({ id, help, nodes }) => [id, help, say(nodes)]);
}
"""


@dataclass(frozen=True)
class Fit:
    """How a page stands in a window when it has come: by how many pixels it is too wide, and how much of it moved."""

    excess: int
    shift: float
    shifted: list[str]


class WatchedPage:
    """A page with axe in it and with ears. `expected`: the address that is answered with an error, as it should be.

    All of it is put there by the browser's own tools, which the content policy does not bind.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.expected = ""
        self._open: set[Request] = set()
        for script in (_REPORT, _WATCH_SHIFTS):
            page.context.add_init_script(script)
        page.context.add_init_script(path=_axe_core())
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(f"failed: {error}"))
        page.on("requestfailed", self._miss)
        page.on("response", self._receive)
        page.on("request", self._begin)
        page.on("requestfinished", self._end)

    def wait(self) -> list[str]:
        """What the browser complained of, once all that the page asked for has come."""
        self.page.evaluate(SETTLE)
        deadline = time.monotonic() + DEADLINE_S
        while self._open and time.monotonic() < deadline:
            self.page.wait_for_timeout(5)
        return self.said

    def fit(self) -> Fit:
        """How the page stands in its window now that it has come."""
        self.page.evaluate(SETTLE)
        shift, shifted = self.page.evaluate("[window.shift, window.shifted]")
        return Fit(self.page.evaluate(_EXCESS), shift, shifted)

    def violations(self, *only: str) -> list[str]:
        """What axe says against the page as it is, in lines to read: by all of its rules, or `only` by some."""
        found = self.page.evaluate(_RUN_AXE, only)
        return [f"{rule}: {meaning}: {json.dumps(where)}" for rule, meaning, where in found]

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


def _axe_core() -> Path:
    root = Path(__file__).parents[2]
    bring_for_tests(root)
    return root / "node_modules" / "axe-core" / "axe.min.js"
