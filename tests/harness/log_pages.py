"""The pages of the logs: their rows and links as they are read, and what the records in them share."""

from __future__ import annotations

import re
from html import unescape

from clew.core.record import HttpExchange
from harness.page_text import cells_of, headings_of, text_of

WHOSE = {"customer": "acme", "integration": "orders", "connection": "acme-ship"}


def rows_of(html: str) -> list[dict[str, str]]:
    """The rows of the list, each as its cells by their heading."""
    return [dict(zip(headings_of(html)[1:], row[1:], strict=True)) for row in cells_of(html)]


def links_of(html: str) -> dict[str, str]:
    """Where the links of the page's content lead, by what they say."""
    main = html[html.index("<main") :]
    return {
        text_of(label): unescape(href) for href, label in re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', main)
    }


def exchange(direction: str, url: str, status: int, **fields: object) -> HttpExchange:
    return HttpExchange(direction=direction, method="POST", url=url, status_code=status, **fields)  # type: ignore[arg-type]


def found_of(html: str) -> set[str]:
    """The ids of the records in the list."""
    return set(re.findall(r'<td class="event[^"]*"[^>]*><a href="/(?:records|flow-runs)/([0-9a-f-]{36})"', html))
