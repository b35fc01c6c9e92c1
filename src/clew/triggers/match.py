"""Filters that say why not: a CEL expression, and a verdict that names the clause that failed and the value it saw.

    only_us = compile_filter("event.payload.lines.size() > 0 && event.payload.country == 'US'", ("event",))
    verdict = evaluate(only_us, {"event": {...}})
    verdict.matched, verdict.clause, verdict.expected, verdict.actual, verdict.reason
    # False, "event.payload.country == 'US'", "'US'", "CA", "event.payload.country is 'CA'"

What CEL sees of JSON: an object is a map, an array a list, null is null. A number is an int where it fits 64 signed
bits, a uint where it fits 64 unsigned ones, else a double; ints and doubles compare as numbers. `event.time` is a
timestamp. A field that is not there is an error in CEL, and so a clause that fails; `has()` asks first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from clew.core.cutting import GLANCE_LIMITS, cut
from clew.triggers.cel_engine import compile_program
from clew.triggers.cel_tokens import Token, split_clauses, tokenize
from clew.triggers.clauses import MACROS, Clause, is_variable, read_clause
from clew.triggers.failures import MAX_TOLD, say_failure, say_value, show
from clew.triggers.values import Reading, Values, plan_reading

if TYPE_CHECKING:
    from cel.cel import Program

_PROBLEM = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")
_FUNCTION_NAME = re.compile(r"[A-Za-z_]\w*\Z")
MAX_CHARACTERS = 10_000

TYPE_NAMES = frozenset({"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "optional"})
FUNCTIONS = frozenset(
    {
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "string",
        "int",
        "uint",
        "double",
        "bytes",
        "duration",
        "timestamp",
        "type",
        "dyn",
        "getFullYear",
        "getMonth",
        "getDayOfYear",
        "getDayOfMonth",
        "getDate",
        "getDayOfWeek",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
        "of",
        "none",
        "ofNonZeroValue",
        "hasValue",
        "value",
        "or",
        "orValue",
    }
)
"""The functions there are beside the macros `has`, `all`, `exists`, `exists_one`, `map` and `filter`."""


class Filter(msgspec.Struct, frozen=True):
    """A compiled filter: its text, what must each be true for the whole to be, and what they read together."""

    text: str
    clauses: tuple[Clause, ...]
    reading: Reading


class Verdict(msgspec.Struct, frozen=True):
    """The answer of a filter: never a bare boolean.

    Where it is not `matched`: `clause` is the first clause that is not true, `expected` what it wants, `actual` what
    stood there (JSON values, cut; None where there was nothing), `reason` the sentence. All are empty where it matched.
    """

    matched: bool
    clause: str = ""
    expected: str = ""
    actual: Any = None
    reason: str = ""


MATCHED = Verdict(True)


def compile_filter(text: str, names: Iterable[str]) -> Filter:
    """The filter of a CEL expression over these names.

    Raises `ValueError` that says column and text for one that cannot be read, that names what is not there, or that is
    longer than 10,000 characters.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r} is no expression.")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters; it may have {MAX_CHARACTERS:,}.")
    try:
        program = compile_program(text)
    except ValueError as error:
        raise ValueError(_say_syntax(text, str(error))) from None
    known = tuple(names)
    tokens = tokenize(text)
    _check_names(text, program, tokens, known)
    clauses = tuple(read_clause(text, clause, known) for clause in split_clauses(tokens))
    return Filter(text, clauses, plan_reading(path for clause in clauses for path in clause.paths))


def evaluate(condition: Filter, values: Mapping[str, Any]) -> Verdict:
    """Whether the filter is true of these values, and if not, why. Never raises, whatever the values are."""
    seen = Values(values, condition.reading)
    for clause in condition.clauses:
        try:
            result = clause.program.execute(seen.context)
        except Exception as error:  # the engine's errors have many types
            return _refuse(clause, seen, error)
        if result is not True:
            return _refuse(clause, seen, result)
    return MATCHED


def _refuse(clause: Clause, values: Values, result: object) -> Verdict:
    comparison = clause.comparison
    expected = "true"
    actual = None if isinstance(result, Exception) else result
    if comparison:
        expected = comparison.wanted
        actual = values.read(comparison.subject)
        other = values.read(comparison.other) if comparison.other else None
        expected += f" ({show(other)})" if other is not None else ""
    if isinstance(result, Exception):
        reason = say_failure(clause, values, result)
    elif not isinstance(result, bool):
        reason = f"{clause.text} is {show(result)}, which is neither true nor false"
    elif comparison:
        reason = f"{comparison.subject_text} is {show(actual)}"
    else:
        reason = _say_false(clause, values)
    return Verdict(False, clause.text, expected, cut(actual, GLANCE_LIMITS), reason)


def _say_false(clause: Clause, values: Values) -> str:
    seen = [say_value(path, values) for path in clause.paths]
    return f"it is false: {', '.join(seen[:MAX_TOLD])}" if seen else "it is false"


def _say_syntax(text: str, problem: str) -> str:
    """The engine's first problem with its column, the text, and what was probably meant."""
    found = _PROBLEM.search(problem)
    if not found:
        return f"{problem.partition(chr(10))[0]}, in {text!r}"
    line, column, said = int(found[1]), int(found[2]), found[3].strip()
    rest = text.split("\n")[line - 1][column - 1 :] if line <= text.count("\n") + 1 else ""
    place = f"column {column}" if line == 1 else f"line {line}, column {column}"
    return f"{place}: {said.partition(' expecting {')[0]}{_meant(rest)}, in {text!r}"


def _meant(rest: str) -> str:
    for wrong, right in (("and ", "&&"), ("or ", "||"), ("not ", "!"), ("= ", "=="), ("& ", "&&"), ("| ", "||")):
        if rest.startswith(wrong):
            return f" (write {right})"
    return ""


def _check_names(text: str, program: Program, tokens: Sequence[Token], names: tuple[str, ...]) -> None:
    references = program.references()
    bound = {token.text for place, token in enumerate(tokens) if _is_bound(tokens, place)}
    for name in references["variables"]:
        if name not in (*names, *TYPE_NAMES) and name not in bound:
            place = _column(tokens, name, is_call=False)
            raise ValueError(f"{place}: there is no {name!r} here, only {', '.join(names)}, in {text!r}")
    for name in references["functions"]:
        if _FUNCTION_NAME.match(name) and name not in FUNCTIONS and name not in MACROS:
            place = _column(tokens, name, is_call=True)
            raise ValueError(f"{place}: there is no function {name!r} in CEL, in {text!r}")


def _is_bound(tokens: Sequence[Token], place: int) -> bool:
    """Whether a macro gives this name to the items it looks at: `lines.exists(line, line.quantity > 1)`."""
    around = [token.text for token in tokens[max(place - 2, 0) : place + 2]]
    return len(around) == 4 and around[0] in MACROS and around[1] == "(" and around[3] == ","


def _column(tokens: Sequence[Token], name: str, *, is_call: bool) -> str:
    for place, token in enumerate(tokens):
        is_called = place + 1 < len(tokens) and tokens[place + 1].text == "("
        is_it = is_called if is_call else is_variable(tokens, place)
        if token.text == name and is_it:
            return f"column {token.start + 1}"
    return "column 1"  # written in a way that the tokens do not show: `.event`
