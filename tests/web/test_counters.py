"""The counter of a page whose records take long to count."""

from __future__ import annotations

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


def test_a_page_waits_for_its_counter_only_so_long_and_says_how_many_there_are_at_least(
    client: Client, refused_order: dict[str, Record], asked: list[int | None]
) -> None:
    html = text_of(client.get("/logs?q=-%22none+such%22").text)
    assert "at least 6 records" in html  # as many are shown
    assert "failures" not in html
    assert asked
    assert all(asked)


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
    assert all(asked)
