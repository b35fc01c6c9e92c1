"""How the sample products reach Clew: over HTTP and nothing else, trying again as any good sender does."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence

import httpx
import msgspec

from clew.demo.events import Event, Reported, Step

_LOGGER = logging.getLogger("clew.demo")
_BATCH = 1_000
_NEVER_AGAIN = frozenset({400, 413, 415, 422})
"""Answers that say the body is wrong: the same body will not be right later."""
_RETRY_AFTER_MAX_S = 30.0
_encoder = msgspec.json.Encoder()


class ReportAnswer(msgspec.Struct, frozen=True):
    """Clew's answer to reported events: one record id for each, in their order."""

    accepted: int
    duplicates: int
    ids: list[str]


class WebhookAnswer(msgspec.Struct, frozen=True):
    """Clew's answer to a webhook: the record of the webhook, and those of the events in it.

    `id` is None while Clew logs no webhooks.
    """

    id: str | None
    event_ids: list[str]
    duplicate: bool = False

    @property
    def origin_id(self) -> str:
        """The record that what follows hangs under: the event, or the webhook where no event was taken out of it.

        "" where neither has one.
        """
        return self.event_ids[0] if self.event_ids else self.id or ""


class ClewRefused(Exception):
    """Clew says that what was sent is wrong. Sending it again would not help."""


class ClewClient:
    """Reports events and delivers webhooks to one Clew.

    While Clew does not answer, or answers that it cannot, every sender waits and tries again: one line in the log
    when that begins and one when it ends, however many wait. `backoff_s` is the first and the longest pause.
    """

    def __init__(
        self, url: str, api_key: str, http: httpx.AsyncClient, *, backoff_s: tuple[float, float] = (0.25, 10.0)
    ) -> None:
        self._url = url.rstrip("/")
        self._authorization = f"Bearer {api_key}"
        self._http = http
        self._backoff_s = backoff_s
        self._is_away = False

    async def report(self, events: Sequence[Event]) -> list[str]:
        """Report events; gives the ids of their records, in order. Raises `ClewRefused`."""
        body = _encoder.encode_lines(events)
        headers = {"authorization": self._authorization, "content-type": "application/x-ndjson"}
        answer = await self._post("/v1/events", body, lambda: headers)
        return msgspec.json.decode(answer, type=ReportAnswer).ids

    async def report_steps(self, steps: Sequence[tuple[Step, str]]) -> list[Reported]:
        """Report steps, each with the record id of its parent (or ""), and all that they led to. Raises `ClewRefused`.

        A step and what it led to are one request, so that each can name its parent by the sender's id, and Clew has
        all of it or nothing.
        """
        reported: list[Reported] = []
        events: list[Event] = []
        for step, parent_id in steps:
            tree = list(step.walk(parent_id))
            if events and len(events) + len(tree) > _BATCH:
                reported += await self._report_batch(events)
                events = []
            events += tree
        return reported + await self._report_batch(events) if events else reported

    async def _report_batch(self, events: list[Event]) -> list[Reported]:
        return [Reported(event, record_id) for event, record_id in zip(events, await self.report(events), strict=True)]

    async def deliver(self, source: str, body: bytes, sign: Callable[[], dict[str, str]]) -> WebhookAnswer:
        """Deliver a webhook to a source. `sign` gives the headers of one attempt. Raises `ClewRefused`."""
        answer = await self._post(
            f"/webhooks/in/{source}", body, lambda: {"content-type": "application/json", **sign()}
        )
        return msgspec.json.decode(answer, type=WebhookAnswer)

    async def _post(self, path: str, body: bytes, make_headers: Callable[[], dict[str, str]]) -> bytes:
        pause_s, longest_s = self._backoff_s
        while True:
            try:
                answer = await self._http.post(self._url + path, content=body, headers=make_headers())
            except httpx.TransportError as error:
                trouble, asked_s = f"{type(error).__name__} {error}".strip(), 0.0
            else:
                if answer.is_success:
                    self._note_answer()
                    return answer.content
                trouble, asked_s = f"{answer.status_code} {answer.text[:300]}", _read_retry_after(answer)
                if answer.status_code in _NEVER_AGAIN:
                    raise ClewRefused(f"POST {path} was answered {trouble}")
            self._note_trouble(path, trouble)
            # Senders that failed together must not come back together.
            await asyncio.sleep(max(asked_s, pause_s * random.uniform(0.5, 1.0)))  # noqa: S311 - no secret
            pause_s = min(pause_s * 2, longest_s)

    def _note_trouble(self, path: str, trouble: str) -> None:
        if not self._is_away:
            self._is_away = True
            _LOGGER.warning("Clew did not take POST %s (%s): the sample products wait and try again.", path, trouble)

    def _note_answer(self) -> None:
        if self._is_away:
            self._is_away = False
            _LOGGER.info("Clew answers again.")


def _read_retry_after(answer: httpx.Response) -> float:
    seconds = answer.headers.get("retry-after", "")
    return min(float(seconds), _RETRY_AFTER_MAX_S) if seconds.isdecimal() else 0.0
