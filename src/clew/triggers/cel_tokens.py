"""CEL as tokens: enough to see where a filter can be taken apart, and which fields it looks at.

The engine decides what an expression means; here only its outer shape is read, so that a verdict can name its parts.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Kind = Literal["name", "string", "number", "mark"]

# Triple quotes before single ones, comments before the division sign. An open string or an unknown character is
# taken as one mark: the engine has refused such a text before it comes here.
_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* )
  | (?P<string>
        (?: [bB]?[rR] | [rR][bB] ) (?: \"\"\".*?\"\"\" | '''.*?''' | "[^"\n]*" | '[^'\n]*' )
      | [bB]? (?: \"\"\"(?:\\.|[^\\])*?\"\"\" | '''(?:\\.|[^\\])*?''' | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    )
  | (?P<number> 0[xX][0-9a-fA-F]+[uU]? | (?: \d+\.\d+ | \.\d+ | \d+ ) (?:[eE][+-]?\d+)? [uU]? )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<mark> && | \|\| | == | != | <= | >= | . )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


class Token(msgspec.Struct, frozen=True):
    """A piece of the text: `text[start:end]`. `depth` is how many brackets are open around it."""

    kind: Kind
    text: str
    start: int
    end: int
    depth: int


def tokenize(text: str) -> list[Token]:
    """The tokens of an expression, without space and comments. A bracket has the depth of what is around it."""
    found: list[Token] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "space":
            continue
        piece = match.group()
        if piece in _CLOSING:
            depth -= 1
        found.append(Token(kind, piece, match.start(), match.end(), depth))  # type: ignore[arg-type]  # a group's name
        if piece in _OPENING:
            depth += 1
    return found


def split_clauses(tokens: list[Token]) -> list[list[Token]]:
    """What must each be true for the whole to be true: the sides of `&&` outside of brackets.

    Brackets around a whole clause are taken off and looked into. `||` and `?:` bind weaker, so where one of them
    stands outside of brackets nothing can be taken apart.
    """
    tokens = _without_brackets(tokens)
    if not tokens:
        return []
    level = tokens[0].depth
    outer = {token.text for token in tokens if token.depth == level and token.kind == "mark"}
    if "&&" not in outer or "||" in outer or "?" in outer:
        return [tokens]
    sides: list[list[Token]] = [[]]
    for token in tokens:
        if token.depth == level and token.kind == "mark" and token.text == "&&":
            sides.append([])
        else:
            sides[-1].append(token)
    return [clause for side in sides for clause in split_clauses(side)]


def _without_brackets(tokens: list[Token]) -> list[Token]:
    while len(tokens) > 1 and tokens[0].text == "(" and tokens[-1].text == ")":
        inside = tokens[1:-1]
        if any(token.depth <= tokens[0].depth for token in inside):  # (a) == (b)
            break
        tokens = inside
    return tokens
