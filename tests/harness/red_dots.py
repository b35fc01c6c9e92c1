"""Finding one's way by red dots alone, as someone who knows nothing would."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page

MOST_CLICKS = 8
_DESTINATION = re.compile(r"/(flow-runs|records)/")
# Everything that can be clicked and has a red dot, in itself or in the row it stands in. With it comes how it is found
# again, by where it leads, for a list may have moved meanwhile; and what the row says.
_FIND_DOTTED = """
() => [...document.querySelectorAll("a[href], summary")].flatMap((item) => {
    const row = item.closest("tr, li, dt") ?? item;
    // A row holds the item, so its dots are the item's own too.
    if (!row.querySelector(".dot.failure, .dot.below") || !item.checkVisibility()) return [];
    const isLink = item.matches("a");
    const selector = isLink ? `a[href=${JSON.stringify(item.getAttribute("href"))}]` : "summary:has(.dot)";
    return [{selector, text: row.innerText, inMain: !!item.closest("main")}];
})
"""


def follow_red_dots(page: Page, reason: str, wanted: str) -> list[str]:
    """Click what has a red dot until a record or a run says the reason; gives what was clicked.

    Of several, one that names what is wanted comes first, then what stands in the page itself. Nothing is clicked
    twice.
    """
    visited: set[str] = set()
    trail: list[str] = []
    main = page.get_by_role("main")
    while not (_DESTINATION.match(urlsplit(page.url).path) and reason in main.inner_text()):
        assert len(trail) < MOST_CLICKS, (page.url, trail)
        trail.append(_click_dotted(page, wanted, visited))
    return trail


def _click_dotted(page: Page, wanted: str, visited: set[str]) -> str:
    found = [item for item in page.evaluate(_FIND_DOTTED) if item["selector"] not in visited]
    assert found, f"nothing with a red dot is left on {page.url}"
    best = max(found, key=lambda item: (wanted in item["text"], item["inMain"]))
    visited.add(best["selector"])
    page.locator(best["selector"]).locator("visible=true").first.click()
    page.wait_for_load_state("networkidle")
    return str(best["text"])
