"""A filter's clauses: what each compares, and which fields it looks at."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from clew.triggers.cel_engine import compile_program
from clew.triggers.cel_tokens import Token

if TYPE_CHECKING:
    from cel.cel import Program

_RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})


class Path(msgspec.Struct, frozen=True):
    """A field that a clause reads: `event.keys['order']` is the root `event` and the steps `keys` and `order`.

    `texts` is the path as written up to each step, the root first. `is_probed`: it stands in `has()`, so its last step
    may be missing. `is_measured`: only its `size()` is asked for.
    """

    steps: tuple[str | int, ...]
    texts: tuple[str, ...]
    is_probed: bool = False
    is_measured: bool = False


class Comparison(msgspec.Struct, frozen=True):
    """A clause that compares: `subject` is the side that is looked at, `wanted` what it should be, as text.

    `other` is the other side where it is no literal, so that its value can be told too.
    """

    subject_text: str
    subject: Program
    wanted: str
    other: Program | None = None


class Clause(msgspec.Struct, frozen=True):
    """One thing that must be true."""

    text: str
    program: Program
    paths: tuple[Path, ...]
    comparison: Comparison | None = None


def read_clause(text: str, tokens: Sequence[Token], names: Sequence[str]) -> Clause:
    """The clause that these tokens of the text are. `names` is what it may look at."""
    return Clause(
        text=_text_of(text, tokens),
        program=compile_program(_text_of(text, tokens)),
        paths=tuple(read_paths(tokens, names)),
        comparison=_read_comparison(text, tokens),
    )


def _read_comparison(text: str, tokens: Sequence[Token]) -> Comparison | None:
    level = tokens[0].depth
    outer = [(place, token) for place, token in enumerate(tokens) if token.depth == level]
    if any(token.kind == "mark" and token.text in ("||", "&&", "?") for _, token in outer):
        return None
    # Relations bind to the left: in `a == b == true` the last one is the outermost.
    relations = [place for place, token in outer if _is_relation(token)]
    if not relations:
        return None
    place = relations[-1]
    left, right, relation = tokens[:place], tokens[place + 1 :], tokens[place].text
    if not left or not right:
        return None
    left_text, right_text = _text_of(text, left), _text_of(text, right)
    if _is_literal(left) and not _is_literal(right):
        wanted = f"contains {left_text}" if relation == "in" else _wanted(_TURNED[relation], left_text)
        return Comparison(right_text, compile_program(right_text), wanted)
    wanted = _wanted(relation, right_text)
    if _is_literal(right):
        return Comparison(left_text, compile_program(left_text), wanted)
    return Comparison(left_text, compile_program(left_text), wanted, compile_program(right_text))


def _is_relation(token: Token) -> bool:
    return (token.kind == "mark" and token.text in _RELATIONS) or (token.kind == "name" and token.text == "in")


def _wanted(relation: str, text: str) -> str:
    return text if relation == "==" else f"{relation} {text}"


def _is_literal(tokens: Sequence[Token]) -> bool:
    """Whether it is the same whatever is looked at: text, numbers, true, false, null, lists and calls of these."""
    words = frozenset({"true", "false", "null", "timestamp", "duration", "int", "uint", "double", "string", "bytes"})
    return all(token.kind != "name" or token.text in words for token in tokens)


def read_paths(tokens: Sequence[Token], names: Sequence[str]) -> Iterator[Path]:
    """Every field that is looked at, as far as it is named by words and literals, each once, in order."""
    seen: set[Path] = set()
    for place, token in enumerate(tokens):
        if is_variable(tokens, place) and token.text in names:
            path = _read_path(tokens, place)
            if path not in seen:
                seen.add(path)
                yield path


def is_variable(tokens: Sequence[Token], place: int) -> bool:
    """Whether the token names a value, and is no field, no function and no key of a map or message."""
    token = tokens[place]
    if token.kind != "name" or token.text in ("true", "false", "null", "in"):
        return False
    if place + 1 < len(tokens) and tokens[place + 1].text == "(":
        return False
    return place == 0 or tokens[place - 1].text != "."


def _read_path(tokens: Sequence[Token], place: int) -> Path:
    steps: list[str | int] = [tokens[place].text]
    texts = [tokens[place].text]
    following = place + 1
    while (step := _read_step(tokens, following)) is not None:
        steps.append(step[0])
        texts.append(texts[-1] + "".join(token.text for token in tokens[following : step[1]]))
        following = step[1]
    before = [token.text for token in tokens[max(place - 2, 0) : place]]
    behind = [token.text for token in tokens[following : following + 4]]
    is_measured = behind == [".", "size", "(", ")"] or (before == ["size", "("] and behind[:1] == [")"])
    return Path(tuple(steps), tuple(texts), before == ["has", "("], is_measured)


def _read_step(tokens: Sequence[Token], place: int) -> tuple[str | int, int] | None:
    """The step that begins at this token and the place behind it, or None where the path ends."""
    piece = [token.text for token in tokens[place : place + 3]]
    if len(piece) > 1 and piece[0] == "." and tokens[place + 1].kind == "name":
        return None if piece[2:] == ["("] else (piece[1], place + 2)
    if len(piece) == 3 and piece[0] == "[" and piece[2] == "]":
        literal = _literal_of(tokens[place + 1])
        return None if literal is None else (literal, place + 3)
    return None


def _literal_of(token: Token) -> str | int | None:
    if token.kind == "number" and token.text.isdigit():
        return int(token.text)
    if token.kind == "string" and token.text[0] in "'\"":
        try:
            return str(ast.literal_eval(token.text))
        except (SyntaxError, ValueError):
            return None
    return None


def _text_of(text: str, tokens: Sequence[Token]) -> str:
    return text[tokens[0].start : tokens[-1].end]
