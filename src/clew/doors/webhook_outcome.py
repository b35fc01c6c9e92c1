"""What a webhook comes to: its records and its answer, also where it came before or webhooks are not logged."""

from __future__ import annotations

import msgspec

from clew.core.cutting import whole_characters
from clew.core.errors import ClewError
from clew.core.record import Body, Record, text_of

JSON = "application/json"
MOST_REQUEST_BYTES = 16 * 1024
"""Of the body of a webhook that is kept as a request that was refused."""


class Answer(msgspec.Struct, frozen=True):
    """What the sender is answered."""

    status: int
    content_type: str
    body: bytes


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook comes to. Append `records` together, then answer.

    The first record is the webhook, the others are its events. `once_key` is the key of the append: the same delivery
    comes once; empty where the sender gave no id, and where it was refused (else anyone could use up an id). For a
    repeated delivery append `as_duplicate` and answer `accepted_answer` with the first ids. `error` is why it was
    refused, None where it was taken.
    """

    records: tuple[Record, ...]
    once_key: bytes
    answer: Answer
    error: ClewError | None = None


def accepted_answer(ids: tuple[str, ...], *, is_logged: bool = True) -> Answer:
    """What is answered to a webhook that was taken.

    `ids` are those of its records, the webhook's own first; where webhooks are not logged it has none.
    """
    own, events = (ids[0], ids[1:]) if is_logged else (None, ids)
    return Answer(200, JSON, msgspec.json.encode({"id": own, "event_ids": list(events)}))


def without_webhook(outcome: Outcome, *, is_refusal_kept: bool) -> Outcome:
    """The outcome where webhooks are not logged: its events alone, which then have no parent.

    A webhook that was refused is kept as any request of the API that was, where `is_refusal_kept`: without it nobody
    could tell why nothing comes.
    """
    webhook, *events = outcome.records
    if outcome.error is not None and is_refusal_kept:
        return msgspec.structs.replace(outcome, records=(_as_request(webhook), *events))
    records = tuple(msgspec.structs.replace(event, parent_id="") for event in events)
    answer = outcome.answer
    if outcome.error is None and answer.content_type == JSON:
        answer = accepted_answer(tuple(record.id for record in records), is_logged=False)
    return msgspec.structs.replace(outcome, records=records, answer=answer)


def _as_request(webhook: Record) -> Record:
    """The record of a webhook as one of an API request: its body is the request's."""
    http = webhook.http
    assert http is not None
    body = webhook.payload_bytes()
    kept = body[:MOST_REQUEST_BYTES]
    is_cut = len(kept) < len(body)
    text, encoding = text_of(whole_characters(kept) if is_cut else kept)
    request_body = Body(text=text, size=len(body), encoding=encoding, cut=is_cut) if body else None
    return msgspec.structs.replace(
        webhook,
        kind="api_request",
        action=http.method,
        payload="",
        payload_encoding="utf-8",
        content_type="",
        http=msgspec.structs.replace(http, request_body=request_body),
        redacted=tuple(_as_place_in_request(place) for place in webhook.redacted),
    )


def _as_place_in_request(place: str) -> str:
    return f"/http/request_body{place.removeprefix('/payload')}" if place.startswith("/payload") else place


def as_duplicate(webhook: Record, first_ids: tuple[str, ...], *, is_first_logged: bool = True) -> Record:
    """The record of a delivery that came before: of its own, pointing to the first, answered as the first was.

    Where the first was not logged it points to the first of its events.
    """
    assert webhook.http is not None
    answer = accepted_answer(first_ids, is_logged=is_first_logged)
    return msgspec.structs.replace(
        webhook,
        duplicate_of=first_ids[0],
        status="info",
        message=f"This delivery came before, as {first_ids[0]}.",
        http=msgspec.structs.replace(webhook.http, response_body=body_of(answer)),
    )


def body_of(answer: Answer) -> Body:
    """An answer's body, as a record has it."""
    return Body(text=answer.body.decode(), size=len(answer.body))
