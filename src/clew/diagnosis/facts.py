"""What a failed record tells of its failure, read from wherever it tells it.

A request of ours has its exchange, a step that was reported has parameters and an error's data, a node has an error.
The rules that explain a failure ask these facts and need not know which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec

from clew.core.record import ErrorInfo, Record
from clew.diagnosis.complaints import find_complaints, say_complaints

TitleOf = Callable[[str], str]
"""What people call a product, by its key."""

US = "Clew"
"""Who refused a request that came to us."""
MAX_CAUSES = 50
"""Errors of a chain that are read."""

_STATUS_NAMES = ("status_code", "http_status", "statusCode", "httpStatus", "status")
_BODY_NAMES = ("response_body", "response", "body", "responseBody")
_CALL = re.compile(r"[A-Za-z]{3,16} /")
_URL = re.compile(r"https?://[^\s'\"<>]+")
# "Client error '422 Unprocessable Entity'", "Ship answered 422", "status code: 503", "HTTP 429"
_STATUS_TEXT = re.compile(
    r"\b(?:answered|status(?: code)?|http(?:/[\d.]+)?|returned|error|code)\W{1,3}([45]\d\d)\b", re.IGNORECASE
)
_FOR_URL = re.compile(r"['\"]? for url .*", re.DOTALL)
_NOUNS = {
    "flow_run": "The flow run",
    "node_run": "The node",
    "api_request": "The request",
    "external_webhook": "The webhook",
    "external_event_pull": "The pull",
    "external_event": "The event",
    "internal_event": "The event",
    "notification": "The notification",
}


def name_of(record: Record) -> str:
    """What a record is called in a sentence: `POST /shipments`, `create_shipment`, `order-to-ship`."""
    if record.kind == "api_request" and record.http is not None:
        return f"{record.http.method} {_path_of(record.http.url)}"
    own = {"node_run": record.node, "flow_run": record.flow, "decision": record.flow}.get(record.kind, "")
    return own or record.event or record.action or record.type or record.source or record.kind.replace("_", " ")


def say_subject(record: Record) -> str:
    """A record as the subject of a sentence: `The node create_shipment`, `order.released`."""
    noun, name = _NOUNS.get(record.kind, ""), name_of(record)
    return f"{noun} {name}" if noun and name != record.kind.replace("_", " ") else noun or name


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return url


class Facts(msgspec.Struct, frozen=True, dict=True):
    """One record, and what its failure is known by. Nothing raises, whatever the record holds."""

    record: Record
    title_of: TitleOf

    @cached_property
    def errors(self) -> tuple[ErrorInfo, ...]:
        """Its errors, the innermost first."""
        chain: list[ErrorInfo] = []
        error = self.record.error
        while error is not None and len(chain) < MAX_CAUSES:
            chain.append(error)
            error = error.caused_by
        return tuple(reversed(chain))

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """Its parameters, empty where they are no JSON object."""
        try:
            value = msgspec.json.decode(self.record.parameters) if self.record.parameters else {}
        except (msgspec.DecodeError, RecursionError):
            value = {}
        return value if isinstance(value, dict) else {}

    @cached_property
    def status_code(self) -> int:
        """The HTTP status it ended with, 0 where there is none to be found."""
        http = self.record.http
        if http is not None and http.status_code:
            return http.status_code
        for told in self._told:
            for name in _STATUS_NAMES:
                if code := _status_of(told.get(name)):
                    return code
        texts = [error.message for error in self.errors] + [self.record.message, f"status {self.record.state}"]
        found = (_STATUS_TEXT.search(text) for text in texts)
        return next((int(match[1]) for match in found if match), 0)

    @cached_property
    def said(self) -> str:
        """What the other side complained of: its body's complaints, else what the error or the record says.

        "" where that is the status once more and nothing else.
        """
        found = (complaints for body in self._bodies if (complaints := find_complaints(body)))
        said = next((say_complaints(complaints) for complaints in found), "") or self.reason
        return "" if _repeats(said, self.status_code) else said

    @cached_property
    def reason(self) -> str:
        """The innermost words: of the errors from the inside, else the record's message, else "" ."""
        words = (error.message.strip() for error in self.errors)
        return next((word for word in words if word), "") or self.record.message.strip()

    @cached_property
    def words(self) -> str:
        """All that it says of its failure, in lower case, to look for signs in."""
        parts = [part for error in self.errors for part in (error.type, error.key, error.message)]
        return " ".join([*parts, self.record.message, self.record.state]).lower()

    @cached_property
    def codes(self) -> frozenset[str]:
        """The words for machines: types and keys of its errors and of the refusing body, in lower case."""
        found = [code for error in self.errors for code in (error.type, error.key)]
        for body in self._bodies:
            found += _codes_of(body)
        return frozenset(code.lower() for code in found if code)

    @cached_property
    def url(self) -> str:
        """The address that was called, "" where it is not told."""
        if self.record.http is not None:
            return self.record.http.url
        named = (told.get("url") for told in self._told)
        given = next((url for url in named if isinstance(url, str) and url), "")
        if given:
            return given
        found = (_URL.search(error.message) for error in self.errors)
        return next((match[0] for match in found if match), "")

    @cached_property
    def host(self) -> str:
        """The host that was called, with its port where the address names one."""
        try:
            return urlsplit(self.url).netloc.rpartition("@")[2]
        except ValueError:
            return ""

    @cached_property
    def side(self) -> str:
        """Who answered, or did not: the product's title, its host, or `The other side`."""
        record = self.record
        if record.http is not None and record.http.direction == "incoming":
            return US
        # A node calls any of its flow's products: which one it was only the address knows.
        if record.target_product and record.kind not in ("node_run", "flow_run"):
            return self.title_of(record.target_product)
        return self.host or "The other side"

    @property
    def side_within(self) -> str:
        """`side` inside a sentence."""
        return "the other side" if self.side == "The other side" else self.side

    @property
    def name(self) -> str:
        """What the record is called."""
        return name_of(self.record)

    @property
    def call(self) -> str:
        """The request, where the record is one: `POST /shipments`; else ""."""
        return self.name if _CALL.match(self.name) else ""

    @property
    def status_note(self) -> str:
        """The status behind what is said: ` (422)`."""
        return f" ({self.status_code})" if self.status_code else ""

    @cached_property
    def retry_after(self) -> str:
        """When the other side takes the next request, in its own words: seconds or a date; "" where not told."""
        headers = self._response_headers
        return headers.get("retry-after", "") or _first_text(self._told, ("retry_after", "retry_after_s", "retryAfter"))

    @cached_property
    def request_id(self) -> str:
        """The id by which the other side knows the request."""
        headers = self._response_headers
        found = next(
            (headers[name] for name in ("x-request-id", "request-id", "x-correlation-id") if name in headers), ""
        )
        return found or _first_text(self._told, ("request_id", "requestId"))

    @cached_property
    def stack(self) -> str:
        """The innermost stack that was kept."""
        return next((error.stack for error in self.errors if error.stack), "")

    def has_sign(self, pattern: re.Pattern[str]) -> bool:
        """Whether anything it says matches."""
        return pattern.search(self.words) is not None

    @cached_property
    def _response_headers(self) -> Mapping[str, str]:
        http = self.record.http
        return {name.lower(): value for name, value in http.response_headers.items()} if http else {}

    @cached_property
    def _told(self) -> tuple[Mapping[str, Any], ...]:
        """The objects in which something of the exchange may be told."""
        told: list[Mapping[str, Any]] = [error.data for error in self.errors if isinstance(error.data, dict)]
        told.append(self.parameters)
        told += [body for body in self._bodies if isinstance(body, dict)]
        return tuple(told)

    @cached_property
    def _bodies(self) -> tuple[Any, ...]:
        """What came back, as JSON values or text, the surest first."""
        return tuple(body for body in self._find_bodies() if body)

    def _find_bodies(self) -> Iterator[Any]:
        http = self.record.http
        if http is not None and http.response_body is not None and http.response_body.encoding == "utf-8":
            yield _parse(http.response_body.text)
        for data in (error.data for error in self.errors):
            yield from _inner_bodies(data)
            yield data
        yield from _inner_bodies(self.parameters)


def _repeats(said: str, status_code: int) -> bool:
    """Whether it says the status and no more: `Bad Gateway`, `POST /x answered 502`, what httpx says of a 502."""
    try:
        phrase = HTTPStatus(status_code).phrase
    except ValueError:
        return False
    told = _FOR_URL.sub("", said).strip(" .'\"")
    return told.lower() == phrase.lower() or bool(
        re.fullmatch(
            rf"(?:.*\b(?:answered|error|status|code|http)\W{{1,3}})?{status_code}(?: {re.escape(phrase)})?", told, re.I
        )
    )


def _inner_bodies(data: Any) -> Iterator[Any]:
    if isinstance(data, dict):
        for name in _BODY_NAMES:
            value = data.get(name)
            yield _parse(value) if isinstance(value, str) else value


def _parse(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def _status_of(value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return value if isinstance(value, int) and 400 <= value <= 599 else 0


def _codes_of(body: Any) -> list[str]:
    if not isinstance(body, dict):
        return []
    inner = body.get("error")
    found = [body.get(name) for name in ("error", "code", "type")]
    if isinstance(inner, dict):
        found += [inner.get(name) for name in ("code", "type")]
    return [code for code in found if isinstance(code, str)]


def _first_text(told: tuple[Mapping[str, Any], ...], names: tuple[str, ...]) -> str:
    values = (one.get(name) for one in told for name in names)
    return next((str(value) for value in values if isinstance(value, str | int) and str(value)), "")
