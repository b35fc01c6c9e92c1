"""What went wrong in a node, as it is written down: type, key, message, the user's own frames, and the causes."""

from __future__ import annotations

import os
import socket
import ssl
import sysconfig
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from clew.core.record import ErrorInfo
from clew.flows.address_guard import AddressRefused, HostNotFound

MOST_FRAMES = 20
MOST_CAUSES = 10
MESSAGE_CHARS = 4_000
BODY_CHARS = 8_000
"""Of a refusing answer's body, in the error: the whole of it is in the request's record."""

_KEYS = {
    401: "not_authenticated",
    403: "access_denied",
    404: "not_found",
    409: "already_exists",
    410: "not_found",
    429: "rate_limit_exceeded",
}
"""What a status says where the body says nothing more."""

_OURS = str(Path(__file__).parent) + os.sep
_ROOTS = frozenset(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_FOREIGN = tuple(root + os.sep for root in _ROOTS)
"""Where frames are that are not the user's: Python's and those of what is installed."""


def timed_out(node: str, timeout_s: float, *, is_plain: bool) -> ErrorInfo:
    """A node that took too long."""
    done = "its thread was left behind" if is_plain else "it was cancelled"
    return ErrorInfo(
        type="timeout",
        message=f"{node} took longer than {timeout_s:g} s; {done}.",
        data={"timeout_s": timeout_s},
    )


def describe_failure(error: BaseException, home: str) -> ErrorInfo:
    """An exception that a node raised, with its causes. Secrets are still in it: see `cleaning.py`.

    `home` is the file in which the node stands: what lies beside it is the user's own code, wherever it is installed.
    """
    return _describe(error, home, set(), MOST_CAUSES)


def _describe(error: BaseException, home: str, seen: set[int], left: int) -> ErrorInfo:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if isinstance(error, ExceptionGroup) and error.exceptions:
        cause = cause or error.exceptions[0]
    has_cause = cause is not None and id(cause) not in seen and left > 0 and not isinstance(error, httpx.HTTPError)
    kind, key, message, data = _read(error)
    return ErrorInfo(
        type=kind,
        key=key,
        message=_cut(message, MESSAGE_CHARS),
        data=data,
        stack=own_stack(error, home),
        caused_by=_describe(cause, home, seen, left - 1) if has_cause and cause is not None else None,
    )


def _read(error: BaseException) -> tuple[str, str, str, Any]:
    """Type, key, message and data."""
    if isinstance(error, httpx.HTTPStatusError):
        return _read_refusal(error)
    if isinstance(error, httpx.TransportError):
        kind = transport_error_type(error)
        return kind, "", _said_of_request(error), None
    given = getattr(error, "error_key", "")
    return type(error).__name__, given if isinstance(given, str) else "", _said(error), None


def _said(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception as broken:  # a __str__ of the user's that fails itself
        return f"{type(error).__name__} (its text failed with {type(broken).__name__})"


def _said_of_request(error: httpx.TransportError) -> str:
    try:
        request = error.request
    except RuntimeError:  # raised by hand, without a request
        return _said(error)
    where = f"{request.method} {_shown_url(str(request.url))}"
    said = str(error)
    return f"{where} failed: {said}" if said else f"{where} failed: {type(error).__name__}"


def _read_refusal(error: httpx.HTTPStatusError) -> tuple[str, str, str, Any]:
    request, response = error.request, error.response
    status = response.status_code
    body = _body_of(response)
    data = {"status": status, "method": request.method, "url": _shown_url(str(request.url)), "body": body}
    retry_after = response.headers.get("retry-after")
    if retry_after:
        data["retry_after"] = retry_after
    message = f"{request.method} {_shown_url(str(request.url))} answered {status} {response.reason_phrase}".rstrip()
    return "http_status", key_of_status(status, body), message, data


def may_help_again(error: ErrorInfo) -> bool:
    """Whether trying again can help. A refusal (4xx) stays one until someone changes what is sent or who may send it.

    A conflict, a lock and a limit pass by themselves; so may all else that fails.
    """
    status = error.data.get("status") if error.type == "http_status" and isinstance(error.data, dict) else None
    return not isinstance(status, int) or not 400 <= status < 500 or status in _PASSING


_PASSING = frozenset({408, 409, 423, 425, 429})


def key_of_status(status: int, body: Any) -> str:
    """The key for a refusing answer: one word for the reason, empty where there is none."""
    if status == 401 and "expired" in str(body).lower():
        return "access_token_expired"
    return _KEYS.get(status, "")


def _body_of(response: httpx.Response) -> Any:
    try:
        content = response.content
    except httpx.ResponseNotRead:
        return None
    if len(content) <= BODY_CHARS:
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            pass
    return _cut(content[: 4 * BODY_CHARS].decode("utf-8", "replace"), BODY_CHARS)


def _shown_url(url: str) -> str:
    """A URL without its query: what is sent there may be long, and stands in the request's record."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def transport_error_type(error: BaseException) -> str:
    """Why a request got no answer: `timeout`, `dns`, `tls`, `refused_address` or `connection`."""
    chain = _chain(error)
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if any(isinstance(one, AddressRefused) for one in chain):
        return "refused_address"
    # The pool raises its errors `from None`: of a name that was not found only what the system said may be left.
    if any(isinstance(one, HostNotFound | socket.gaierror) for one in chain):
        return "dns"
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return "tls"
    return "connection"


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) and inner not in chain:
        chain.append(inner)
    return chain


def own_stack(error: BaseException, home: str) -> str:
    """The frames of the user's own code, outermost first, as Python prints them; empty where there is none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, home)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(traceback.FrameSummary(error.filename, error.lineno or 0, "<module>"))
    if len(frames) > MOST_FRAMES:
        frames = [*frames[: MOST_FRAMES // 2], *frames[-MOST_FRAMES // 2 :]]
    return "\n".join(
        f'File "{frame.filename}", line {frame.lineno}, in {frame.name}\n  {frame.line}' for frame in frames
    )


def _is_own(file: str, home: str) -> bool:
    if file.startswith((_OURS, "<")):
        return False
    if file == home or not file.startswith(_FOREIGN):
        return True
    folder = os.path.dirname(home)  # noqa: PTH120 - asked of every frame
    return folder not in _ROOTS and file.startswith(folder + os.sep)


def _cut(text: str, chars: int) -> str:
    """A text that can be written: not too long, and what is no Unicode character shown as Python would write it."""
    short = text if len(text) <= chars else text[:chars] + "..."
    return short.encode("utf-8", "backslashreplace").decode()
