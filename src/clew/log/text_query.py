"""The grammar of `q`: words that must occur, phrases, and what must not occur.

    postal code           both words, anywhere
    "postal code"         the two words one after the other
    SO-1001               the same: a term without a space is one thing, though it has two words
    -refund               without this word
    -"test order"         without this phrase

A minus excludes where it stands at the beginning of a term, directly before a word or a quoted phrase. Everything else
that is no letter or digit divides words, in quotes too: `"status: open"` finds `"status":"open"`.
"""

from __future__ import annotations

import re

import msgspec

from clew.core.errors import BadRequest
from clew.log.words import sequence_of

_TERM = re.compile(
    r"""
    (?P<minus> (?<!\S) - (?=["0-9A-Za-z\u0080-\U0010ffff]) )?
    (?: "(?P<phrase> [^"]* )" | (?P<open> " .* ) | (?P<plain> [^\s"]+ ) )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,  # a space that is not ASCII is part of a word here as everywhere
)

Phrase = tuple[str, ...]
"""Words in their order, lower-cased, at least two."""


class TextQuery(msgspec.Struct, frozen=True):
    """What a `q` asks, by the names that a filter has for it."""

    words: tuple[str, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    without_words: tuple[str, ...] = ()
    without_phrases: tuple[Phrase, ...] = ()


def parse_text(text: str) -> TextQuery:
    """What a text asks for.

    Raises `BadRequest` for a quotation mark that is not closed, an excluded phrase without a word, and a text that
    asks for nothing.
    """
    words: dict[str, None] = {}
    phrases: dict[Phrase, None] = {}
    without: dict[Phrase, None] = {}
    for term in _TERM.finditer(text):
        if term["open"]:
            raise BadRequest(
                f"q={text[:80]!r} has a quotation mark that is not closed.",
                hint="Close it, or leave it out to search for the words alone.",
            )
        sequence = sequence_of(term["phrase"] or term["plain"] or "")
        if term["minus"]:
            without[_excluded(text, sequence)] = None
        elif len(sequence) > 1:
            phrases[sequence] = None
        else:
            words |= dict.fromkeys(sequence)
    if not (words or phrases or without):
        raise BadRequest(
            f"q={text[:80]!r} has no word in it.",
            hint="Write at least one word, of letters or digits; `contains` finds any text, also punctuation.",
        )
    return TextQuery(
        tuple(words),
        tuple(phrases),
        tuple(phrase[0] for phrase in without if len(phrase) == 1),
        tuple(phrase for phrase in without if len(phrase) > 1),
    )


def _excluded(text: str, sequence: Phrase) -> Phrase:
    if not sequence:
        raise BadRequest(
            f"q={text[:80]!r} excludes a phrase that has no word in it.",
            hint="Write letters or digits between its quotation marks, or leave it out.",
        )
    return sequence


def wanted_text(text: str) -> str:
    """What a text asks for as one plain text: without its quotation marks and without what it excludes.

    Raises as `parse_text` does.
    """
    parse_text(text)
    return " ".join(
        part.strip() for term in _TERM.finditer(text) if not term["minus"] and (part := term["phrase"] or term["plain"])
    ).strip()
