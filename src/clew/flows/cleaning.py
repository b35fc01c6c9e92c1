"""Taking secrets out of what flows write down: by the names they stand under, and the known ones wherever they stand.

The redactor knows names (`password`); here also the values of the named secrets are known, which turn up where no name
stands: in an exception's message, in a URL's path, in what the other side echoes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from clew.core.record import ErrorInfo, LogLine
from clew.core.redaction import MASK, Places, Redactor

_SHORTEST_SECRET = 6
"""A shorter value would be found, and masked, where it is no secret."""


class Cleaner:
    """Takes secrets out. `secrets` are values that must appear nowhere."""

    def __init__(self, redactor: Redactor, secrets: Iterable[str] = ()) -> None:
        self.redactor = redactor
        forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        # The longest first: one secret may be part of another.
        self._texts = sorted(forms, key=len, reverse=True)
        self._bytes = [form.encode() for form in self._texts]

    def text(self, text: str) -> str:
        """A text without secrets: JSON inside it is searched too."""
        return self._without_values(self.redactor.json_text(text)[0])

    def plain(self, text: str) -> str:
        """A short text, such as a message, without the known secrets."""
        return self._without_values(text)

    def json(self, text: bytes) -> tuple[bytes, Places]:
        """JSON without secrets, and where they were (the root's place where a known value stood somewhere in it)."""
        kept, places = self.redactor.json_text(text)
        if any(secret in kept for secret in self._bytes):
            kept, places = self._without_values_in_json(kept), (*places, "/")
        return kept, places

    def value(self, data: Any) -> Any:
        """Python data without secrets."""
        if data is None:
            return None
        return self._value(self.redactor.value(data)[0]) if self._texts else self.redactor.value(data)[0]

    def error(self, error: ErrorInfo) -> ErrorInfo:
        """An error, its causes included, without secrets."""
        return msgspec.structs.replace(
            error,
            message=self.text(error.message),
            stack=self._without_values(error.stack),
            data=self.value(error.data),
            caused_by=self.error(error.caused_by) if error.caused_by else None,
        )

    def lines(self, lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
        """Log lines without secrets."""
        return tuple(
            msgspec.structs.replace(line, msg=self.text(line.msg), data=self.value(line.data)) for line in lines
        )

    def _without_values_in_json(self, text: bytes) -> bytes:
        try:
            return msgspec.json.encode(self._value(msgspec.json.decode(text)))
        except (msgspec.DecodeError, RecursionError):
            return self._without_values(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def _value(self, data: Any) -> Any:
        if isinstance(data, str):
            return self._without_values(data)
        if isinstance(data, dict):
            return {self._value(name): self._value(item) for name, item in data.items()}
        return [self._value(item) for item in data] if isinstance(data, list | tuple) else data

    def _without_values(self, text: str) -> str:
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, MASK)
        return text


def _forms(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as it stands in JSON."""
    return (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
