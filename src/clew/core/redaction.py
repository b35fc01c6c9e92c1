"""Secrets leave on the way in: what is here taken out is in no journal, no log and on no page.

A secret is known by the name it stands under (`password`, `apiKey`, `Authorization`) or by its path in a payload. Only
the value's own bytes are replaced; all else stays as it came: numbers beyond 64 bits, escapes, spacing, repeated names.

Nearly all that arrives holds no secret, so the question is asked once for a whole request (`may_contain_secret`,
3 ms for 1 MB) and what is asked about is walked through only when the answer is yes.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from typing import Any, AnyStr
from urllib.parse import quote_plus, unquote_plus

from clew.core.errors import SettingsError
from clew.core.json_text import Path, find_values, pointer_of

MASK = "****"
NAMES: tuple[str, ...] = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "password",
    "passwd",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "secret",
    "client_secret",
    "api_key",
    "private_key",
)
"""Names whose values are always removed. Case, `-` and `_` make no difference."""

Places = tuple[str, ...]
"""JSON Pointers to the values that were removed."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase, "-_")
# The quick question is asked of a skeleton: a text's quotes, and of its letters these where a name has them. A name
# that stands in a text stands in its skeleton too, which is a third as long.
_FRAME = frozenset("bcdfghjklmnopqrstvwxyz")
_LOWER_BYTES = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())

# Names repeat: asking again costs a look-up. Senders may make up names without end, so it is bounded.
_MOST_KNOWN = 4_096

_QUERY_FIELD = re.compile(r"([?&;])([^=&#;?]*)=([^&#;]*)")
_USER_INFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://[^/?#:@]*):[^/?#@]+@")


class Redactor:
    """Takes secrets out. `names` and `paths` are added to the built-in names.

    A path is dotted, `*` standing for any name or place: `card.number`, `items.*.iban`. It holds wherever in a payload
    it is found, since the same data comes alone and inside batches; with `$.` before it, from the payload's root only.
    `$.items[*].iban` is understood too. Raises `SettingsError` for a path that is none.
    """

    def __init__(self, names: Iterable[str] = (), paths: Iterable[str] = ()) -> None:
        self._names = frozenset(_plain(name) for name in (*NAMES, *names))
        self._paths = tuple((_segments(path), path.strip().startswith("$")) for path in paths)
        wanted = [*self._names, *(_last_name(segments) for segments, _ in self._paths)]
        self._always = any(name == "*" or not name.isprintable() or '"' in name for name in wanted)
        # A letter may be written as an escape, `pass\u0077ord`: of ASCII, it is then one of \u00XX.
        self._escape = b"\\u00" if all(name.isascii() for name in wanted) else b"\\u"
        letters = _FRAME & set("".join(wanted).lower())
        kept = ("".join(letters) + "".join(letters).upper() + '"').encode()
        self._not_kept = bytes(byte for byte in range(256) if byte not in kept)
        self._needles = _shortest({self._skeleton(name.encode()) + b'"' for name in wanted})
        self._known: dict[str, bool] = {}

    def may_contain_secret(self, body: bytes) -> bool:
        """Whether JSON, one text or many, may have a value to remove. False is certain, true is a suspicion."""
        if self._always or self._escape in body:
            return True
        skeleton = self._skeleton(body)
        for needle in self._needles:  # noqa: SIM110 - a generator would cost as much as the search in a small body
            if needle in skeleton:
                return True
        return False

    def _skeleton(self, text: bytes) -> bytes:
        return text.translate(_LOWER_BYTES, self._not_kept)

    def is_secret(self, name: str) -> bool:
        """Whether values under this name are removed."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[name] = _plain(name) in self._names
        return known

    def json_text(self, text: AnyStr) -> tuple[AnyStr, Places]:
        """JSON without its secrets, and where they were. What is no JSON is searched as far as it looks like it."""
        if isinstance(text, bytes):
            if not self.may_contain_secret(text):
                return text, ()
            whole, places = self._without(text.decode("utf-8", "surrogateescape"))
            return (whole.encode("utf-8", "surrogateescape"), places) if places else (text, ())
        if not self.may_contain_secret(text.encode("utf-8", "surrogatepass")):
            return text, ()
        return self._without(text)

    def form(self, body: AnyStr) -> tuple[AnyStr, Places]:
        """An `application/x-www-form-urlencoded` body without its secrets: `user[password]=x`, also JSON in a field."""
        if isinstance(body, bytes):
            whole, places = self.form(body.decode("latin-1"))
            return (whole.encode("latin-1"), places) if places else (body, ())
        fields, places = [], []
        for field in body.split("&"):
            name, equals, value = field.partition("=")
            path: Path = [part for part in re.split(r"[\[\]]+", unquote_plus(name)) if part]
            if value and path and self._is_wanted(path):
                fields.append(f"{name}={quote_plus(MASK, safe='*')}")
                places.append(pointer_of(path))
                continue
            inner, inner_places = self._json_in_field(value)
            fields.append(f"{name}{equals}{inner}")
            places += [pointer_of(path) + place for place in inner_places]
        return ("&".join(fields), tuple(places)) if places else (body, ())

    def headers(self, headers: Mapping[str, str]) -> tuple[dict[str, str], Places]:
        """Headers without the values of secret names."""
        places = tuple(pointer_of([name]) for name in headers if self.is_secret(name))
        kept = dict(headers)
        if places:
            kept = {name: MASK if self.is_secret(name) else value for name, value in headers.items()}
        return kept, places

    def url(self, url: str) -> tuple[str, Places]:
        """A URL without the query parameters of secret names and without a password before the host."""
        places: list[str] = []

        def mask(field: re.Match[str]) -> str:
            name = unquote_plus(field.group(2))
            if not field.group(3) or not self.is_secret(name):
                return field.group()
            places.append(pointer_of([name]))
            return f"{field.group(1)}{field.group(2)}={MASK}"

        masked = _QUERY_FIELD.sub(mask, url)
        masked, passwords = _USER_INFO.subn(rf"\1:{MASK}@", masked)
        return masked, (*places, *["/password"] * passwords)

    def value(self, data: Any) -> tuple[Any, Places]:
        """Python data without its secrets. What holds none is returned as it is, not copied."""
        places: list[str] = []
        kept = self._value(data, [], places)
        return (kept, tuple(places)) if places else (data, ())

    def _value(self, data: Any, path: Path, places: list[str]) -> Any:
        if isinstance(data, Mapping):
            return {name: self._member(item, [*path, str(name)], places) for name, item in data.items()}
        if isinstance(data, (list, tuple)):
            return [self._member(item, [*path, place], places) for place, item in enumerate(data)]
        return data

    def _member(self, item: Any, path: Path, places: list[str]) -> Any:
        if self._is_wanted(path):
            places.append(pointer_of(path))
            return MASK
        return self._value(item, path, places)

    def _json_in_field(self, value: str) -> tuple[str, Places]:
        plain = unquote_plus(value)
        if not plain.lstrip().startswith(("{", "[")):
            return value, ()
        text, places = self.json_text(plain)
        return (quote_plus(text), places) if places else (value, ())

    def _without(self, text: str) -> tuple[str, Places]:
        spans = find_values(text, self.is_secret, self._is_wanted_path if self._paths else None)
        if not spans:
            return text, ()
        parts, position = [], 0
        for span in spans:
            parts += [text[position : span.start], f'"{MASK}"']
            position = span.end
        return "".join([*parts, text[position:]]), tuple(span.pointer for span in spans)

    def _is_wanted(self, path: Path) -> bool:
        name = path[-1]
        return (isinstance(name, str) and self.is_secret(name)) or self._is_wanted_path(path)

    def _is_wanted_path(self, path: Path) -> bool:
        return any(
            (len(path) == len(pattern) if is_anchored else len(path) >= len(pattern))
            and all(part in ("*", str(name)) for part, name in zip(pattern, path[-len(pattern) :], strict=True))
            for pattern, is_anchored in self._paths
        )


def _plain(name: str) -> str:
    """A name without its case, `-` and `_`."""
    return name.translate(_LOWER)


def _shortest(needles: set[bytes]) -> tuple[bytes, ...]:
    """The needles that contain no other: `tokn"` answers for `ccsstokn"`."""
    return tuple(sorted(n for n in needles if not any(other != n and other in n for other in needles)))


def _segments(path: str) -> tuple[str, ...]:
    dotted = re.sub(r"\[(\*|\d+)\]", r".\1", path.strip())
    parts = tuple(dotted.removeprefix("$").removeprefix(".").split("."))
    if not all(parts) or any(mark in part for part in parts for mark in "[]"):
        raise SettingsError(
            f"redact_paths has {path!r}, which is no path.",
            hint="Write names joined by dots, * for any of them: card.number, items.*.iban.",
        )
    return parts


def _last_name(path: tuple[str, ...]) -> str:
    """The innermost name that must stand in a text for the path to be in it; `*` where the path has none."""
    return next((part for part in reversed(path) if part != "*" and not part.isdigit()), "*")
