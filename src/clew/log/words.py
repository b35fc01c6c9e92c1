"""Words: what a search by text looks for.

A word is a run of ASCII letters, ASCII digits and non-ASCII characters; ASCII letters are compared without their case.
This is what ClickHouse's `splitByNonAlpha` and `lower` make of UTF-8, said once more for everything outside it.
"""

from __future__ import annotations

import re
import string

_WORD = re.compile(r"[0-9A-Za-z\u0080-\U0010ffff]+")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def lower_ascii(text: str) -> str:
    """A text with its ASCII letters in lower case and all else as it is."""
    return text.translate(_LOWER)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, lower-cased, each once, in the order of their first appearance."""
    return tuple(dict.fromkeys(sequence_of(text)))


def sequence_of(text: str) -> tuple[str, ...]:
    """The words of a text, lower-cased, one after the other."""
    return tuple(_WORD.findall(lower_ascii(text)))


def has_phrase(text: str, phrase: tuple[str, ...]) -> bool:
    """Whether the words of a phrase follow each other in a text, whatever stands between them that is no word."""
    words = sequence_of(text)
    return any(words[start : start + len(phrase)] == phrase for start in range(len(words)))


def inner_words_of(text: str) -> tuple[str, ...]:
    """Those words of a text that stay whole words wherever it is contained: all but what touches one of its ends."""
    return tuple(
        dict.fromkeys(
            found.group()
            for found in _WORD.finditer(lower_ascii(text))
            if found.start() > 0 and found.end() < len(text)
        )
    )
