"""A record's request as a command that sends it again: quoted for a POSIX shell, without what was removed from it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from clew.core.record import Body, HttpExchange, Record
from clew.core.redaction import MASK

MAX_BODY_CHARS = 65_536
"""Of a body that is written into the command: a shell takes not much more in one argument."""

# curl makes these itself, of the address and the body.
_MADE_BY_CURL = frozenset({"content-length", "connection", "transfer-encoding", "host", "accept-encoding", "expect"})
_METHOD = re.compile(r"[A-Za-z]{1,20}\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f]")


def build_curl(record: Record) -> str:
    """The command, after lines of comment that say what of the request is not in it; "" where there was no HTTP."""
    http = record.http
    if http is None or not http.url:
        return ""
    body = _body_of(record, http)
    notes = [f"# {note}" for note in _notes(http, body)]
    source, options = _data(body)
    words = [["curl", *_method(http.method, has_body=bool(options))], ["--globoff", "--url", _address(http)]]
    words += [["--header", header] for header in _headers(http.request_headers, has_body=bool(options))]
    words += [options] if options else []
    command = " \\\n  ".join(shlex.join(part) for part in words)
    return "\n".join([*notes, f"{source}{command}"])


def _address(http: HttpExchange) -> str:
    """Where the command goes. A call of this server's API is kept with its path alone: the host is in its headers."""
    headers = {name.lower(): value for name, value in http.request_headers.items()}
    host = headers.get("host", "")
    if not http.url.startswith("/") or not host:
        return http.url
    return f"{headers.get('x-forwarded-proto', 'http')}://{host}{http.url}"


def _body_of(record: Record, http: HttpExchange) -> Body | None:
    """The request's body: of a webhook, whose request leaves it out, the payload."""
    if http.request_body is not None or http.direction == "outgoing" or not record.payload:
        return http.request_body
    size = len(record.payload_bytes())
    return Body(text=record.payload, size=size, encoding=record.payload_encoding)


def _notes(http: HttpExchange, body: Body | None) -> Iterator[str]:
    """What is not in the command as it was in the request."""
    masked = [name for name, value in http.request_headers.items() if MASK in value]
    masked += ["a part of the address"] if MASK in http.url else []
    masked += ["a part of the body"] if body is not None and MASK in body.text else []
    if masked:
        yield f"{MASK} stands for what was removed before it was kept: {_one_line(', '.join(masked))}."
    if body is not None and body.cut and not body.text:
        yield f"The body, {body.size:,} bytes, is no longer kept."
    elif body is not None and (body.cut or len(body.text) > MAX_BODY_CHARS):
        yield f"The body is cut: the whole has {body.size:,} bytes."


def _one_line(text: str) -> str:
    """A text that cannot end its comment."""
    return _NOT_IN_A_LINE.sub(" ", text)


def _method(method: str, *, has_body: bool) -> list[str]:
    """What curl is told of the method: nothing where it would choose it itself."""
    name = method.upper()
    if name == "HEAD":
        return ["--head"]
    if not _METHOD.match(method) or name == ("POST" if has_body else "GET"):
        return []
    return ["--request", method]


def _headers(headers: Mapping[str, str], *, has_body: bool) -> Iterator[str]:
    """The headers, but for those that curl makes. A name without a value is written with a semicolon."""
    names = {name.lower() for name in headers}
    for name, value in headers.items():
        if name.lower() not in _MADE_BY_CURL and _HEADER_NAME.match(name):
            text = _one_line(value).strip()
            yield f"{name}: {text}" if text else f"{name};"
    if has_body and "content-type" not in names:
        yield "Content-Type:"  # else curl would say that it is a form


def _data(body: Body | None) -> tuple[str, list[str]]:
    """What stands before the command, and the options for its body."""
    if body is None or not body.text:
        return "", []
    text = body.text[:MAX_BODY_CHARS]
    if body.encoding == "base64":
        whole = text[: len(text) // 4 * 4]
        return f"printf %s {shlex.quote(whole)} | base64 -d | ", ["--data-binary", "@-"]
    if "\0" in text:  # no argument can hold it
        return f"printf %b {shlex.quote(_escaped(text))} | ", ["--data-binary", "@-"]
    return "", ["--data-raw", text]


def _escaped(text: str) -> str:
    """For `printf %b`: what no argument can hold, and what a terminal would not show, as octal numbers."""
    doubled = text.replace("\\", "\\\\")
    return _NOT_SHOWN.sub(lambda found: f"\\0{ord(found[0]):03o}", doubled)
