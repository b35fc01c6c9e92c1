"""`POST /v1/events/{id}/steps`: what became of an event, told by who published, received or processed it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Router, post
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Scope, Send

from clew.api.authentication import principal_of
from clew.api.description import StepsOperation
from clew.api.intake import EventsAnswer, Intake
from clew.api.wire import BareResponse, answering, first_values, idempotency_key, read_body, send_json
from clew.core.settings import Settings
from clew.doors.body import decode_body
from clew.registry.keys import Keys

PATH = "/v1/events/{id:str}/steps"


def build_steps(intake: Intake, keys: Keys, settings: Settings) -> Router:
    """The route. It needs the scope `ingest`."""

    @post(PATH, operation_id="postSteps", operation_class=StepsOperation, response_description="recorded, on disk")
    async def post_steps(request: Request[Any, Any, Any], id: FromPath[str]) -> EventsAnswer:
        """Add steps to an event: published, received, processed, or failed and why. Taken whole or refused whole."""
        app = _answer_steps(intake, keys, settings, id)
        return BareResponse(app)  # type: ignore[return-value]  # the annotation is the document's

    return Router("/", route_handlers=[post_steps], tags=["Ways in"])


def _answer_steps(intake: Intake, keys: Keys, settings: Settings, event_id: str) -> ASGIApp:
    """The callable that reads the request itself: the same limits and refusals as those of `POST /v1/events`."""

    @answering
    async def answer_steps(scope: Scope, receive: Receive, send: Send) -> None:
        headers = first_values(scope)

        def text(name: bytes) -> str:
            return headers.get(name, b"").decode("latin-1")

        principal = principal_of(keys, text(b"authorization"), "ingest")
        raw = await read_body(scope, receive, settings.max_request_bytes)
        answer = await intake.record_steps(
            principal,
            event_id,
            decode_body(raw, text(b"content-encoding"), settings.max_request_bytes),
            text(b"content-type"),
            traceparent=text(b"traceparent"),
            idempotency_key=idempotency_key(text(b"idempotency-key")),
        )
        await send_json(send, 201, answer)

    return answer_steps
