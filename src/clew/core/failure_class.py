"""Where a failure lies: it was not delivered, something is set up wrongly, or the data was refused.

Three classes, as an integration platform tells them apart, because each has another person who mends it: who runs the
receiving product, who configured the integration, who owns the data.
"""

from __future__ import annotations

from typing import Literal

FailureClass = Literal["delivery", "configuration", "data"]
FAILURE_CLASSES: tuple[str, ...] = FailureClass.__args__  # type: ignore[attr-defined]  # no public accessor for this

CLASS_OF_TYPE: dict[str, FailureClass] = {
    "delivery": "delivery",
    "timeout": "delivery",
    "connection": "delivery",
    "connect": "delivery",
    "network": "delivery",
    "tls": "delivery",
    "refused_address": "configuration",
    "dns": "delivery",
    "rate_limit": "delivery",
    "configuration": "configuration",
    "access": "configuration",
    "not_authenticated": "configuration",
    "access_denied": "configuration",
    "signature": "configuration",
    "flow_instance_setup": "configuration",
    "data": "data",
    "bad_request": "data",
    "validation": "data",
    "parse": "data",
    "output": "data",
}
"""The class of an error by its `type`, where the type alone says it."""

CLASS_OF_STATUS: dict[int, FailureClass] = {
    400: "data",
    401: "configuration",
    403: "configuration",
    404: "configuration",
    405: "configuration",
    408: "delivery",
    409: "data",
    410: "configuration",
    413: "data",
    415: "data",
    422: "data",
    425: "delivery",
    429: "delivery",
}
"""The class of a refusal by its HTTP status; every 5xx is `delivery`."""


def failure_class_of(error_type: str, http_status: int = 0) -> FailureClass | None:
    """The class of a failure, from its error's type and the status that its HTTP exchange ended with (0: none).

    The type says it where it can, else the status; None where neither does.
    """
    if found := CLASS_OF_TYPE.get(error_type):
        return found
    return "delivery" if http_status >= 500 else CLASS_OF_STATUS.get(http_status)
