"""Errors as RFC 9457 problem documents, whoever raised them."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from clew.api.wire import problem_headers
from clew.core.errors import ClewError, Unexpected

log = logging.getLogger("clew.api")

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def problem_response(request: Request, error: ClewError) -> Response[bytes]:  # type: ignore[type-arg]
    """The response to an error of ours."""
    return _response(error.problem(request.url.path), error.status, dict(_text(problem_headers(error))))


def http_problem(request: Request, error: HTTPException) -> Response[bytes]:  # type: ignore[type-arg]
    """The response to an error of the web framework: no such route, wrong method, a parameter of the wrong type."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": error.detail if error.status_code != 404 else "Not found",
        "status": error.status_code,
        "detail": _detail(request, error),
        "code": _CODES.get(error.status_code, "malformed"),
        "instance": request.url.path,
    }
    if isinstance(error.extra, list) and error.extra:
        document["errors"] = [
            {"pointer": f"/{part.get('key', '')}", "detail": part.get("message", "")}
            for part in error.extra
            if isinstance(part, dict)
        ]
    if error.status_code == 404:
        document["hint"] = "The whole API is described at /openapi.json."
    return _response(document, error.status_code, error.headers or {})


def _detail(request: Request, error: HTTPException) -> str:  # type: ignore[type-arg]
    if error.status_code == 404:
        return f"There is nothing at {request.url.path}."
    if error.status_code == 405:
        return f"{request.method} is not answered at {request.url.path}."
    return error.detail


def unexpected_problem(request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
    """The response to a mistake of ours: logged whole, told without its inside."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(request, Unexpected("The server made a mistake; its log has the details."))


def _text(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in headers]


def _response(document: dict[str, Any], status: int, headers: dict[str, str]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(document),
        status_code=status,
        media_type="application/problem+json",
        headers={name: value for name, value in headers.items() if name.lower() != "content-length"},
    )


HANDLERS: dict[Any, Any] = {
    ClewError: problem_response,
    HTTPException: http_problem,
    Exception: unexpected_problem,
}
