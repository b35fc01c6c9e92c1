"""The counter of a page whose records take long to count."""

from __future__ import annotations

import re

import pytest

from clew.core.record import Record
from clew.log.memory import MemoryStore
from clew.log.query import Filter
from clew.log.store import Count
from clew.registry.registry import Registry
from harness.page_text import text_of
from harness.pages import Client, Keep, MakeRecord

COUNTED = 2


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The time that each count was given, by a store that counts two records in it."""
    budgets: list[int | None] = []

    def count(store: MemoryStore, filter: Filter, budget_ms: int | None = None) -> Count:
        budgets.append(budget_ms)
        return Count(0 if filter.status else COUNTED, truncated=True, reached_ms=None)

    monkeypatch.setattr(MemoryStore, "count", count)
    return budgets


@pytest.mark.parametrize("q", ["-%22none+such%22", "SO-1042"])
def test_a_page_waits_only_so_long_until_the_records_of_a_phrase_are_counted(
    client: Client, refused_order: dict[str, Record], asked: list[int | None], q: str
) -> None:
    html = text_of(client.get(f"/logs?q={q}").text)
    assert re.search(r"at least [3-6] records", html)  # as many are shown
    assert "failures" not in html
    assert asked
    assert all(asked)


def test_what_is_counted_without_reading_every_text_is_waited_for(
    client: Client, refused_order: dict[str, Record], asked: list[int | None]
) -> None:
    client.get("/logs?q=order&status=failure")
    assert asked
    assert not any(asked)


def test_what_is_too_much_to_count_is_not_downloaded_at_once(
    client: Client, refused_order: dict[str, Record], asked: list[int | None]
) -> None:
    assert 'action="/logs/exports' in client.get("/logs?q=order").text


def test_a_customers_tab_says_it_too(
    client: Client, registry: Registry, keep: Keep, make_record: MakeRecord, asked: list[int | None]
) -> None:
    registry.customers.see("default", {"acme"}, 0)
    for number in range(60):
        keep(make_record(kind="external_event", customer="acme", event=f"order.{number}", status="info"))
    html = text_of(client.get("/customers/acme/integration-events").text)
    assert "at least 50 events" in html
