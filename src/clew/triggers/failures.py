"""Why a clause has no answer, in a sentence: a field is missing, types do not fit, or what the engine says."""

from __future__ import annotations

import json
from datetime import datetime

from clew.core.clock import to_rfc3339
from clew.core.cutting import GLANCE_LIMITS, cut
from clew.triggers.clauses import Clause, Path
from clew.triggers.values import Values

_LONGEST_SHOWN = 80
MAX_TOLD = 5
"""The values that one sentence tells."""


def say_failure(clause: Clause, values: Values, error: Exception) -> str:
    """The sentence for an error that the engine raised."""
    if isinstance(error, KeyError):
        return f"{_missing(clause, values, str(error.args[0]) if error.args else '')} is missing"
    broken = _first_broken(clause.paths, values)
    if broken:
        return broken
    if isinstance(error, TypeError) or "Undefined" in str(error):
        return _say_types(clause, values)
    return _first_sentence(str(error))


def _missing(clause: Clause, values: Values, key: str) -> str:
    """The path to what is missing, as written: the first whose missing step is `key`, else the first at all."""
    found: list[str] = []
    for path in clause.paths:
        taken, value = values.walk(path)
        is_answer = path.is_probed and taken == len(path.steps) - 1
        if taken == len(path.steps) or is_answer or not isinstance(value, dict):
            continue
        if str(path.steps[taken]) == key:
            return path.texts[taken]
        found.append(path.texts[taken])
    return found[0] if found else f"the key {key!r}"


def _first_broken(paths: tuple[Path, ...], values: Values) -> str:
    """The first path that leads into a value that has nothing inside, or to a name that stands for nothing."""
    for path in paths:
        taken, value = values.walk(path)
        if taken == len(path.steps):
            continue
        step = path.steps[taken]
        if taken == 0:
            return f"{path.texts[0]} is missing"
        if isinstance(value, list | tuple):
            return f"{path.texts[taken - 1]} is a list of {len(value)} and has no {step}"
        if not isinstance(value, dict):
            return f"{path.texts[taken - 1]} is {show(value)} and has no {step}"
    return ""


def _say_types(clause: Clause, values: Values) -> str:
    comparison = clause.comparison
    actual = values.read(comparison.subject) if comparison else None
    if comparison and actual is not None:
        told = f"{comparison.subject_text} is {show(actual)}, {kind_of(actual)}"
        return f"the types do not fit: {told}, and not to be compared with {comparison.wanted}"
    seen = [f"{say_value(path, values)}, {kind_of(values.walk(path)[1])}" for path in clause.paths]
    return f"the types do not fit: {'; '.join(seen[:MAX_TOLD])}" if seen else "the types do not fit"


def say_value(path: Path, values: Values) -> str:
    """What stands at the path, or the first of its steps that is missing."""
    taken, value = values.walk(path)
    return f"{path.texts[taken]} is missing" if taken < len(path.steps) else f"{path.texts[-1]} is {show(value)}"


def kind_of(value: object) -> str:
    """What CEL takes a value for, in a word with its article."""
    if value is None:
        return "null"
    for kind, word in (
        (bool, "a truth value"),
        (int | float, "a number"),
        (str, "a text"),
        (dict, "a map"),
        (list | tuple, "a list"),
        (datetime, "a timestamp"),
    ):
        if isinstance(value, kind):
            return word
    return f"a {type(value).__name__}"


def show(value: object) -> str:
    """The value as CEL would write it, 80 characters of it at most."""
    if isinstance(value, datetime):
        text = to_rfc3339(int(value.timestamp() * 1000))
    elif isinstance(value, str):
        escaped = json.dumps(cut(value, GLANCE_LIMITS), ensure_ascii=False)[1:-1].replace('\\"', '"')
        text = "'" + escaped.replace("'", "\\'") + "'"
    else:
        text = json.dumps(cut(value, GLANCE_LIMITS), ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _first_sentence(text: str) -> str:
    return text.partition("\n")[0].partition(". ")[0].rstrip(".:")
