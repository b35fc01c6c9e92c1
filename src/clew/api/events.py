"""`POST /v1/events`: a bare callable, for it is the hottest way in."""

from __future__ import annotations

from typing import Any

from litestar import Request, Router, post
from litestar.types import ASGIApp, Receive, Scope, Send

from clew.api.authentication import RecentCallers
from clew.api.description import EventsOperation
from clew.api.intake import EventsAnswer, Intake
from clew.api.wire import BareResponse, answering, first_values, idempotency_key, read_body, send_json
from clew.core.settings import Settings
from clew.doors.body import decode_body
from clew.registry.keys import Keys

PATH = "/v1/events"


def build_events(intake: Intake, keys: Keys, settings: Settings) -> ASGIApp:
    """The callable that answers `POST /v1/events`."""

    callers = RecentCallers(keys)

    @answering
    async def answer_events(scope: Scope, receive: Receive, send: Send) -> None:
        headers = first_values(scope)
        principal = callers.find(headers.get(b"authorization", b""), "ingest")
        raw = await read_body(scope, receive, settings.max_request_bytes)
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")
        answer = await intake.record_events(
            principal,
            decode_body(raw, encoding, settings.max_request_bytes),
            headers.get(b"content-type", b"").decode("latin-1"),
            traceparent=headers.get(b"traceparent", b"").decode("latin-1"),
            idempotency_key=idempotency_key(headers.get(b"idempotency-key", b"").decode("latin-1")),
        )
        await send_json(send, 201, answer)

    return answer_events


def describe_events(app: ASGIApp) -> Router:
    """The same callable as a route: the OpenAPI document is made from it, and it answers where the path is unusual."""

    @post(PATH, operation_id="postEvents", operation_class=EventsOperation, response_description="recorded, on disk")
    async def post_events(request: Request[Any, Any, Any]) -> EventsAnswer:
        """Record integration events. A request is taken whole or refused whole; a 201 means it is on disk."""
        return BareResponse(app)  # type: ignore[return-value]  # the annotation is the document's

    return Router("/", route_handlers=[post_events], tags=["Ways in"])
