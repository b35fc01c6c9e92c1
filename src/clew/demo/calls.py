"""HTTP calls between the sample products as the history tells them, and what is reported about one of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from clew.core.record import ErrorInfo
from clew.demo.events import TITLES


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call and its answer. `product` was called; `request` and `response` are JSON values."""

    product: str
    method: str
    url: str
    path: str
    status_code: int
    started_ms: int
    duration_ms: int
    request: Any = None
    response: Any = None

    @property
    def ended_ms(self) -> int:
        """When the answer was there, in milliseconds since the epoch."""
        return self.started_ms + self.duration_ms

    @property
    def is_refused(self) -> bool:
        """Whether the answer was no success."""
        return self.status_code >= 400

    @property
    def name(self) -> str:
        """The call as a list shows it: `POST /shipments`."""
        return f"{self.method} {self.path}"

    def find_error(self) -> ErrorInfo | None:
        """The error that the answer means, caused by the reason that its body gives. None for a success."""
        if not self.is_refused:
            return None
        phrase = HTTPStatus(self.status_code).phrase
        return ErrorInfo(
            type="HTTPStatusError",
            key=self.response["error"],
            message=f"{TITLES[self.product]} answered {self.status_code} {phrase} to {self.name}",
            data=self.response,
            caused_by=ErrorInfo(type=_CAUSES[self.status_code], key=self.response["error"], message=self.reason),
        )

    @property
    def reason(self) -> str:
        """What the body of a refusal says: `postal_code: must not be blank`."""
        return str(self.response["message"])


_CAUSES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.UNAUTHORIZED: "connection",
    HTTPStatus.NOT_FOUND: "bad_request",
    HTTPStatus.UNPROCESSABLE_ENTITY: "bad_request",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
}
