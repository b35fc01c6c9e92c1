"""A webhook to records: what came, raw, also when it is refused, and under it the events taken out of it.

Secrets leave first. What is taken out, keys included, is taken from what is left, so that no path of a source can carry
a secret past the redaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from clew.core.errors import BadRequest, ClewError, Invalid, SignatureRefused
from clew.core.ids import digest, new_ids, trace_id_of
from clew.core.record import ErrorInfo, HttpExchange, LogLine, Record, text_of
from clew.core.redaction import Places, Redactor
from clew.doors import trace_context
from clew.doors.signatures import Verdict
from clew.doors.source_paths import Found, SourcePaths
from clew.doors.webhook_body import Document, Element, is_form, read_document
from clew.doors.webhook_outcome import JSON, Answer, Outcome, accepted_answer, body_of

PROBLEM = "application/problem+json"
_MOST_NAMED = 5


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to `/webhooks/in/{source}` or `/webhooks/in/{source}/{connection}`.

    `headers` have their names in lower case, `body` is decompressed, `url` is as the sender wrote it.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    connection: str = ""


def read_webhook(
    request: WebhookRequest,
    paths: SourcePaths,
    verdict: Verdict | None,
    *,
    workspace: str,
    now_ms: int,
    redactor: Redactor,
    max_depth: int,
) -> Outcome:
    """The records of a webhook. `verdict` is None for a source that does not verify. Never raises for what was sent."""
    reader = _Reader(
        request, paths, verdict, workspace=workspace, now_ms=now_ms, redactor=redactor, max_depth=max_depth
    )
    return reader.read()


def refuse_webhook(
    request: WebhookRequest, paths: SourcePaths, error: ClewError, *, workspace: str, now_ms: int, redactor: Redactor
) -> Outcome:
    """The record of a webhook whose body could not be read: too large, or compressed in a way that cannot be undone."""
    reader = _Reader(request, paths, None, workspace=workspace, now_ms=now_ms, redactor=redactor, max_depth=0)
    return reader.refuse(error)


class _Reader:
    """One webhook being read. What all its records share is worked out once."""

    def __init__(
        self,
        request: WebhookRequest,
        paths: SourcePaths,
        verdict: Verdict | None,
        *,
        workspace: str,
        now_ms: int,
        redactor: Redactor,
        max_depth: int,
    ) -> None:
        self._request, self._paths, self._source = request, paths, paths.source
        self._verdict, self._workspace, self._now_ms, self._max_depth = verdict, workspace, now_ms, max_depth
        self._content_type = request.headers.get("content-type", "")
        self._headers, in_headers = redactor.headers(request.headers)
        self._url, in_url = redactor.url(request.url)
        self._body, in_body = _without_secrets(request.body, self._content_type, redactor)
        self._redacted = _places(("/http/request_headers", in_headers), ("/http/url", in_url), ("/payload", in_body))
        self._in_body = in_body

    def read(self) -> Outcome:
        if self._verdict is not None and not self._verdict.ok:
            return self._refused(_signature_error(self._verdict), "signature", self._verdict.code, [])
        text, encoding = text_of(self._body)
        document = read_document(
            text if encoding == "utf-8" else None, self._content_type, self._url, self._paths, self._max_depth
        )
        challenge = self._challenge(document)
        if challenge is not None:
            return self._outcome([], Answer(200, "text/plain", challenge.encode()), document, event="url_verification")
        if not document.is_json and document.problem and self._paths.needs_json:
            problem = BadRequest(
                f"The webhook could not be parsed: {document.problem}.",
                hint=f"The source {self._source.key!r} finds its events' names in JSON, at {self._source.event}.",
            )
            return self._refused(problem, "parse", "not_json", [])
        found = [
            (element, self._paths.find(element.data, document.whole, self._headers)) for element in document.elements
        ]
        if found and not any(values.event for _, values in found):
            return self._refused(
                _nameless(self._source.event, found[0][1]), "parse", "event_not_found", found, document
            )
        return self._outcome(found, None, document)

    def refuse(self, error: ClewError) -> Outcome:
        return self._refused(error, "body", error.code, [])

    def _challenge(self, document: Document) -> str | None:
        """What Slack wants to read back before it sends anything."""
        is_slack = self._source.verify is not None and self._source.verify.name == "slack"
        whole = document.whole
        if not is_slack or not isinstance(whole, dict) or whole.get("type") != "url_verification":
            return None
        challenge = whole.get("challenge")
        return challenge if isinstance(challenge, str) else None

    def _refused(
        self,
        error: ClewError,
        error_type: str,
        key: str,
        found: list[tuple[Element, Found]],
        document: Document | None = None,
    ) -> Outcome:
        info = ErrorInfo(
            type=error_type, key=key, message=error.detail, data={"hint": error.hint} if error.hint else None
        )
        body = msgspec.json.encode(error.problem(_path_of(self._url)))
        answer = Answer(error.status, PROBLEM, body)
        records = self._records(found, answer, document, info, "")
        return Outcome(records=records, once_key=b"", answer=answer, error=error)

    def _outcome(
        self, found: list[tuple[Element, Found]], answer: Answer | None, document: Document, event: str = ""
    ) -> Outcome:
        records = self._records(found, answer, document, None, event)
        delivery_id = records[0].sender_id
        parts = ("webhook", self._workspace, self._source.key, self._request.connection, delivery_id)
        return Outcome(
            records=records,
            once_key=digest(*parts) if delivery_id else b"",
            answer=answer or accepted_answer(tuple(record.id for record in records)),
        )

    def _records(
        self,
        found: list[tuple[Element, Found]],
        answer: Answer | None,
        document: Document | None,
        error: ErrorInfo | None,
        event: str,
    ) -> tuple[Record, ...]:
        ids = new_ids([self._now_ms] * (1 + len(found)))
        trace_id = trace_context.trace_of(self._headers.get("traceparent", "")) or trace_id_of(ids[0])
        answer = answer or accepted_answer(tuple(ids))
        values = [one for _, one in found]
        webhook = self._webhook(
            self._shared(ids[0], trace_id),
            values,
            exchange=self._exchange(answer),
            parameters=document.parameters if document else {},
            error=error,
            event=event,
        )
        is_json = document is not None and document.is_json
        events = [
            self._event({**self._shared(record_id, trace_id), "parent_id": ids[0]}, element, one, is_json)
            for record_id, (element, one) in zip(ids[1:], found, strict=True)
        ]
        return (webhook, *events)

    def _webhook(
        self,
        shared: dict[str, Any],
        values: list[Found],
        *,
        exchange: HttpExchange,
        parameters: dict[str, Any],
        error: ErrorInfo | None,
        event: str,
    ) -> Record:
        payload, encoding = text_of(self._body)
        return Record(
            **shared,
            kind="external_webhook",
            event=event or _common([one.event for one in values]),
            status="failure" if error else "success",
            state="error" if error else "success",
            message=error.message if error else _summary(values, event),
            error=error,
            customer=_common([one.customer for one in values]),
            connection=self._request.connection or _common([one.connection for one in values]),
            sender_id=self._delivery_id(values),
            keys=_common_keys(values),
            parameters=json.dumps(parameters, ensure_ascii=False) if parameters else "",
            payload=payload,
            payload_encoding=encoding,
            content_type=self._content_type,
            http=exchange,
            redacted=self._redacted,
        )

    def _event(self, shared: dict[str, Any], element: Element, values: Found, is_json: bool) -> Record:
        error = None
        if not values.event:
            message = _nameless(self._source.event, values).detail
            error = ErrorInfo(type="parse", key="event_not_found", message=message)
        payload, encoding = text_of(element.text.encode() if is_json else self._body)
        return Record(
            **shared,
            kind="external_event",
            event=values.event,
            status="failure" if error else "info",
            state="error" if error else "created",
            message=error.message if error else "",
            error=error,
            customer=values.customer,
            connection=self._request.connection or values.connection,
            keys=values.keys,
            payload=payload,
            payload_encoding=encoding,
            content_type=JSON if is_json else self._content_type,
            logs=tuple(LogLine(time=self._now_ms, msg=note, type="error") for note in values.notes),
            redacted=self._redacted_in(element),
        )

    def _redacted_in(self, element: Element) -> tuple[str, ...]:
        inside = element.pointer + "/"
        places = (place for place in self._in_body if place.startswith(inside))
        return tuple("/payload" + place.removeprefix(element.pointer) for place in places)

    def _shared(self, record_id: str, trace_id: str) -> dict[str, Any]:
        return {
            "id": record_id,
            "time": self._now_ms,
            "workspace": self._workspace,
            "source_product": self._source.product,
            "source": self._source.key,
            "trace_id": trace_id,
        }

    def _delivery_id(self, values: list[Found]) -> str:
        if self._source.delivery_id:
            return _common([one.delivery_id for one in values])
        return self._verdict.delivery_id if self._verdict else ""

    def _exchange(self, answer: Answer) -> HttpExchange:
        return HttpExchange(
            direction="incoming",
            method=self._request.method,
            url=self._url,
            status_code=answer.status,
            request_headers=self._headers,
            response_headers={"content-type": answer.content_type},
            response_body=body_of(answer),
        )


def _without_secrets(body: bytes, content_type: str, redactor: Redactor) -> tuple[bytes, Places]:
    if is_form(body, content_type):
        return redactor.form(body)
    return redactor.json_text(body)


def _path_of(url: str) -> str:
    """A URL's path. The host in it is the sender's word and may be anything, so it is not parsed."""
    rest = url.partition("://")[2] if "://" in url.partition("?")[0] else url
    return "/" + rest.partition("?")[0].partition("/")[2]


def _places(*found: tuple[str, Places]) -> tuple[str, ...]:
    return tuple(prefix + place for prefix, places in found for place in places)


def _signature_error(verdict: Verdict) -> SignatureRefused:
    return SignatureRefused(verdict.reason, hint=verdict.hint)


def _nameless(expression: str, values: Found) -> Invalid:
    detail = f"The event has no name: {expression} finds nothing in it."
    return Invalid(" ".join([detail, *values.notes]), hint="Correct `event` of the source, or what is sent.")


def _common(values: list[str]) -> str:
    """The value that all share, or ""."""
    return values[0] if values and all(value == values[0] for value in values) else ""


def _common_keys(values: list[Found]) -> dict[str, str]:
    first = values[0].keys if values else {}
    return {name: value for name, value in first.items() if all(one.keys.get(name) == value for one in values)}


def _summary(values: list[Found], event: str) -> str:
    if event:
        return f"{event} was answered."
    if not values:
        return "There is no event in it."
    names = list(dict.fromkeys(one.event for one in values if one.event))
    named = ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
    return f"{len(values)} event{'s' if len(values) > 1 else ''}: {named}."
