"""What a rule is: it looks at the facts of a failure and explains it, or leaves it to the next."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from clew.diagnosis.facts import Facts


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
    """The text with a full stop, where it has no end yet."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?", "\N{HORIZONTAL ELLIPSIS}")) else text + "."


def with_detail(said: str, detail: str) -> str:
    """`said`, and after a colon the detail where there is one."""
    return f"{said}: {detail}" if detail else said
