"""What a rule is: it looks at the facts of a failure and explains it, or leaves it to the next."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from clew.diagnosis.facts import Facts

MAX_SENTENCE = 800
"""Characters of a sentence: the record has the rest of what a message says."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why, for a person who supports customers. `code` names the rule, for machines.

    `summary` is one sentence, never empty. `advice` says what to do, "" where there is nothing to say.
    """

    code: str
    summary: str
    advice: str = ""


Rule = Callable[[Facts], Explanation | None]
"""None: this is not what happened."""


def explain_as(code: str, summary: str, advice: str = "") -> Explanation:
    """An explanation whose sentences end as sentences do."""
    return Explanation(code=code, summary=as_sentence(summary), advice=as_sentence(advice))


def as_sentence(text: str) -> str:
    """The text on one line of bounded length, with a full stop where it has no end yet."""
    line = " ".join(text[: 4 * MAX_SENTENCE].split())
    if len(line) > MAX_SENTENCE:
        return line[: MAX_SENTENCE - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return line if not line or line.endswith((".", "!", "?", "\N{HORIZONTAL ELLIPSIS}")) else line + "."


def with_detail(said: str, detail: str) -> str:
    """`said`, and after a colon the detail where there is one."""
    return f"{said}: {detail}" if detail else said
