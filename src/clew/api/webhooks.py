"""`ANY /webhooks/in/{source}`: a bare callable, for a sender waits seconds at most and sends in bursts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request, Router, route
from litestar.enums import HttpMethod
from litestar.types import ASGIApp, Receive, Scope, Send

from clew.api.description import WebhookOperation
from clew.api.intake import Intake
from clew.api.wire import BareResponse, answering, header, problem_headers, read_body, send_json
from clew.core.clock import Clock
from clew.core.errors import BadRequest, ClewError, NotFound, TooLarge, UnsupportedMediaType
from clew.core.redaction import Redactor
from clew.core.request_log import note
from clew.core.settings import Settings
from clew.doors.body import decode_body
from clew.doors.event_records import Accepted
from clew.doors.signatures import SignedRequest, Verdict, verify
from clew.doors.source_paths import SourcePaths
from clew.doors.webhook import WebhookRequest, read_webhook, refuse_webhook
from clew.doors.webhook_outcome import Outcome, accepted_answer, as_duplicate, without_webhook
from clew.journal.journal import Once
from clew.registry.declare import Source
from clew.registry.switches import Switches

PREFIX = "/webhooks/in/"


class WebhookTaken(msgspec.Struct, frozen=True):
    """The webhook's record and those of the events in it. A repeated delivery is answered as the first was.

    Where webhooks are not logged, the webhook has no record: `id` is null.
    """

    id: str | None
    event_ids: list[str]


class WebhookIntake:
    """Takes in the webhooks of the declared sources."""

    def __init__(
        self,
        *,
        intake: Intake,
        sources: Sequence[Source],
        secret_values: Mapping[str, str],
        switches: Callable[[str], Switches],
        redactor: Redactor,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._switches = switches
        self._paths = {source.key: SourcePaths(source) for source in sources}
        self._secret_values = secret_values
        self._redactor = redactor
        self._settings = settings
        self._clock = clock

    def find(self, key: str) -> SourcePaths:
        """The source of this key, as code declares it. Raises `NotFound`."""
        paths = self._paths.get(key)
        if paths is None:
            declared = ", ".join(self._paths) or "none"
            raise NotFound(
                f"There is no source {key[:80]!r}.",
                hint=f"Sources are declared in the module that `clew serve` is given. Declared now: {declared}.",
            )
        return paths

    async def take(self, paths: SourcePaths, request: WebhookRequest, encoding: str) -> Outcome:
        """Record a webhook with its events, on disk, and say what to answer. `request.body` is as it was sent."""
        verdict = self._verify(paths.source, request)
        try:
            body = decode_body(request.body, encoding, self._settings.max_request_bytes)
        except (BadRequest, TooLarge, UnsupportedMediaType) as error:
            return await self.refuse(paths, request, error)
        outcome = read_webhook(
            msgspec.structs.replace(request, body=body),
            paths,
            verdict,
            workspace=self._settings.workspace,
            now_ms=self._clock.now_ms(),
            redactor=self._redactor,
            max_depth=self._settings.max_depth,
        )
        return await self._record(outcome)

    async def refuse(self, paths: SourcePaths, request: WebhookRequest, error: ClewError) -> Outcome:
        """Record a webhook that could not be read, with the reason."""
        outcome = refuse_webhook(
            request,
            paths,
            error,
            workspace=self._settings.workspace,
            now_ms=self._clock.now_ms(),
            redactor=self._redactor,
        )
        return await self._record(outcome)

    def _verify(self, source: Source, request: WebhookRequest) -> Verdict | None:
        if source.verify is None:
            return None
        secrets = [self._secret_values[name] for name in source.verify.secrets]
        path = "/" + request.url.split("/", 3)[3]
        signed = SignedRequest(
            headers=request.headers, body=request.body, method=request.method, url=request.url, path=path
        )
        verdict = verify(source.verify, secrets, signed, self._clock.now_ms())
        note(f"signature {source.verify.name}: {verdict.code}", verdict.reason or None)
        return verdict

    async def _record(self, outcome: Outcome) -> Outcome:
        if outcome.error is None:  # who cannot prove who they are names no one
            webhook = outcome.records[0]
        switches = self._switches(self._settings.workspace)
        if not switches.webhook_logs:
            outcome = without_webhook(outcome, is_refusal_kept=switches.api_logs)
        if not outcome.records:
            return outcome
        if outcome.error is None:  # who cannot prove who they are names no one
            await self._intake.see_named(self._settings.workspace, outcome.records)
        once = Once(outcome.once_key) if outcome.once_key else None
        receipt = await self._intake.append([Accepted(record, b"") for record in outcome.records], once)
        note(f"on disk: {len(receipt.ids)} records, the webhook's among them: {switches.webhook_logs}")
        if not receipt.repeated:
            return outcome
        note(f"this delivery came before, as {receipt.ids[0]}")
        # The switch may have been turned in between. The same delivery has the same events, and a record more or not.
        events = sum(record.kind == "external_event" for record in outcome.records)
        is_first_logged = len(receipt.ids) != events
        if switches.webhook_logs:
            repeated = as_duplicate(webhook, receipt.ids, is_first_logged=is_first_logged)
            await self._intake.append([Accepted(repeated, b"")])
        answer = accepted_answer(receipt.ids, is_logged=is_first_logged)
        return msgspec.structs.replace(outcome, answer=answer)


def build_webhooks(webhooks: WebhookIntake, settings: Settings) -> ASGIApp:
    """The callable that answers everything below `PREFIX`."""

    @answering
    async def receive_webhook(scope: Scope, receive: Receive, send: Send) -> None:
        key, _, connection = scope["path"].removeprefix(PREFIX).strip("/").partition("/")
        paths = webhooks.find(key)
        request = WebhookRequest(
            method=str(scope.get("method")),
            url=_url(scope),
            headers=_headers(scope),
            body=b"",
            connection=connection[:200],
        )
        try:
            body = await read_body(scope, receive, settings.max_request_bytes)
        except TooLarge as error:
            outcome = await webhooks.refuse(paths, request, error)
        else:
            request = msgspec.structs.replace(request, body=body)
            outcome = await webhooks.take(paths, request, header(scope, b"content-encoding"))
        if outcome.error:
            note(outcome.error.detail, type="error")
        extra = problem_headers(outcome.error) if outcome.error else []
        answer = outcome.answer
        await send_json(send, answer.status, answer.body, content_type=answer.content_type.encode(), extra=extra)

    return receive_webhook


def describe_webhooks(app: ASGIApp) -> Router:
    """The same callable as routes: the OpenAPI document is made from them."""
    methods = [HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE]

    @route(
        [PREFIX + "{source:str}", PREFIX + "{source:str}/{connection:str}"],
        http_method=methods,
        operation_id=lambda _handler, method, path: f"{str(method).lower()}Webhook{'OfConnection' * (len(path) > 3)}",
        operation_class=WebhookOperation,
        response_description="recorded, on disk",
        status_code=200,
        security=[{}],
    )
    async def receive_webhook(request: Request[Any, Any, Any], source: str, connection: str = "") -> WebhookTaken:
        """Take in a webhook of a declared source. What proves who sent it is its signature, not a key."""
        return BareResponse(app)  # type: ignore[return-value]  # the annotation is the document's

    return Router("/", route_handlers=[receive_webhook], tags=["Ways in"])


def _headers(scope: Scope) -> dict[str, str]:
    """Headers by lower-case name; the values of one that came several times are joined, as RFC 9110 has it."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = name.decode("latin-1").lower()
        headers[text] = f"{headers[text]}, {value.decode('latin-1')}" if text in headers else value.decode("latin-1")
    return headers


def _url(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    host = header(scope, b"host") or "localhost"
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    return f"{scope['scheme']}://{host}{path}" + (f"?{query}" if query else "")
