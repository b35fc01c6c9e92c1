"""Words: what a search by text looks for.

A word is a run of ASCII letters, ASCII digits and non-ASCII characters; ASCII letters are compared without their case.
This is what ClickHouse's `splitByNonAlpha` and `lower` make of UTF-8, said once more for everything outside it.
"""

from __future__ import annotations

import re
import string

_WORD = re.compile(r"[0-9A-Za-z\u0080-\U0010ffff]+")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, lower-cased, each once, in the order of their first appearance."""
    return tuple(dict.fromkeys(_WORD.findall(text.translate(_LOWER))))
