"""Search inside words: the offer of it, and how far it came."""

from __future__ import annotations

from clew.core.errors import BadRequest
from clew.log.search import Answer
from clew.log.text_query import parse_text, wanted_text
from clew.web.logs.url import LogUrl
from clew.web.logs.views import Choice, Scanning
from clew.web.time_zone import zone_words
from clew.web.wording import say_count, say_minute

FEW = 5
"""With fewer rows than these, somebody may have meant more than whole words."""


def build_scanning(answer: Answer, url: LogUrl) -> Scanning | None:
    """How far a search inside words came, and how it goes on. None where it came to its end, or is none."""
    reached_ms = answer.page.reached_ms
    if not url.get("contains") or not answer.page.truncated or reached_ms is None or not answer.next_cursor:
        return None
    onwards = url.at(answer.next_cursor)
    return Scanning(say_reached(url, reached_ms, len(answer.page.items)), onwards.href, onwards.into("scan").href)


def say_reached(url: LogUrl, reached_ms: int, found: int) -> str:
    """How far it came, and what it found there."""
    way = "Searched on to" if url.get("sort") == "asc" else "Searched back to"
    what = f"{say_count(found, 'record')} found so far" if found else "nothing found yet"
    return f"{way} {say_minute(reached_ms)} {zone_words()}: {what}."


def offer_scan(url: LogUrl, found: int) -> Choice | None:
    """The same list with the text looked for inside words too, where as whole words little of it was found."""
    text = url.get("q")
    if not text or url.get("contains") or url.get("cursor") or found >= FEW:
        return None
    try:
        wanted = wanted_text(text)
    except BadRequest:
        return None
    if not wanted:
        return None
    rest = " ".join(_excluded(text))
    return Choice(
        f"Search inside words too: contains “{wanted}”", url.having("q", rest).having("contains", wanted).href, False
    )


def _excluded(text: str) -> list[str]:
    asked = parse_text(text)
    return [f"-{word}" for word in asked.without_words] + [f'-"{" ".join(p)}"' for p in asked.without_phrases]
