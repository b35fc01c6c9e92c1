"""The `log` that a node gets: what it says while it works is kept with its run."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from clew.core.clock import Clock, SystemClock
from clew.core.cutting import LOG_LIMITS, cut
from clew.core.record import LogLine

MAX_LINES = 500
MAX_BYTES = 1024 * 1024
"""Of all lines of a log together, as JSON."""
MAX_TEXT_CHARACTERS = 64 * 1024
"""Of one message or text. Data is cut as `core/cutting.py` says."""

LineType = Literal["message", "text", "error", "data", "compare", "api-request"]


class NodeLog:
    """Lines of one node run, in the order they were written, from any thread.

    It keeps 500 lines and 1 MiB at most; what comes after is counted, and one last line says how many there were.
    Nothing that is written can make it fail: a node must not break because it said something.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._lines: list[LogLine] = []
        self._bytes = 0
        self._left_out = 0

    def info(self, message: str, *arguments: Any, **named: Any) -> None:
        """A message. `{}` in it stands for the arguments, as in `str.format`."""
        self._add("message", _format(message, arguments, named))

    def warn(self, message: str, *arguments: Any, **named: Any) -> None:
        """A message about something odd that did not stop the node."""
        self._add("message", "Warning: " + _format(message, arguments, named))

    def error(self, message: str, *arguments: Any, **named: Any) -> None:
        """A message about something that went wrong."""
        self._add("error", _format(message, arguments, named))

    def text(self, text: str) -> None:
        """A longer text as it is, line ends kept."""
        self._add("text", _said(text))

    def data(self, name: str, value: Any) -> None:
        """A value under a name, kept as JSON and cut where it is long."""
        self._add("data", _said(name), _shortened(value))

    def compare(self, name: str, expected: Any, actual: Any) -> None:
        """What was expected and what was there, and whether they are equal."""
        self._add(
            "compare",
            _said(name),
            {"expected": _shortened(expected), "actual": _shortened(actual), "equal": _is_equal(expected, actual)},
        )

    def request(self, message: str, data: Mapping[str, Any]) -> None:
        """An API request that was made. The clients of products write these lines by themselves."""
        self._add("api-request", _said(message), _shortened(dict(data)))

    def lines(self) -> tuple[LogLine, ...]:
        """What was written so far; where something was left out, a last line says so."""
        with self._lock:
            lines = tuple(self._lines)
            left_out = self._left_out
        if not left_out:
            return lines
        last = LogLine(time=lines[-1].time, msg=f"... {left_out} more lines were left out.", type="text")
        return (*lines, last)

    def _add(self, type_: LineType, message: str, data: Any = None) -> None:
        line = LogLine(time=self._clock.now_ms(), msg=_shortened_text(message), type=type_, data=data)
        size = len(msgspec.json.encode(line))
        with self._lock:
            # Once something is left out everything after it is: what is kept has no holes.
            fits = len(self._lines) < MAX_LINES and self._bytes + size <= MAX_BYTES
            if self._left_out or not fits:
                self._left_out += 1
                return
            self._lines.append(line)
            self._bytes += size


def _format(message: object, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    text = _said(message)
    if not arguments and not named:
        return text
    try:
        return text.format(*arguments, **named)
    except Exception:  # whatever an object of the user's raises where it is shown, and braces that are none
        values = [*map(_said, arguments), *(f"{name}={_said(value)}" for name, value in named.items())]
        return f"{text} ({', '.join(values)})"


def _said(value: object) -> str:
    try:
        return str(value)
    except Exception:  # as above
        return f"<{type(value).__name__}>"


def _shortened_text(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        text = text[:MAX_TEXT_CHARACTERS] + "..."
    return text.encode("utf-8", "backslashreplace").decode()


def _shortened(value: Any) -> Any:
    try:
        return cut(value, LOG_LIMITS)
    except Exception as error:  # an object of the user's that is no container it says it is, or changes meanwhile
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _is_equal(expected: Any, actual: Any) -> bool:
    try:
        return bool(expected == actual)
    except Exception:  # as above
        return False
