import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import Invalid, NotFound, Unavailable
from clew.core.settings import Settings
from clew.registry.customers import Customer
from clew.registry.registry import Registry
from clew.state import database as database_module

ACME = Customer(workspace="w", key="acme", name="acme", first_seen_at=5)


def test_a_customer_is_there_from_first_sight_and_after_a_restart(
    registry: Registry, open_another: Callable[[], Registry]
) -> None:
    registry.customers.see("w", ["acme", "brick", "acme"], at_ms=5)
    assert [customer.key for customer in registry.customers.list("w")] == ["acme", "brick"]
    assert registry.customers.find("w", "acme") == ACME
    assert open_another().customers.find("w", "acme") == ACME


def test_the_first_sight_is_kept(registry: Registry, other: Registry) -> None:
    registry.customers.see("w", ["acme"], at_ms=5)
    registry.customers.see("w", ["acme"], at_ms=9)
    other.customers.see("w", ["acme", "brick"], at_ms=9)
    assert registry.customers.find("w", "acme") == ACME


def test_to_see_known_customers_again_asks_nothing_of_the_database(registry: Registry, settings: Settings) -> None:
    registry.customers.see("w", ["acme"], at_ms=5)
    (Path(settings.data_dir) / "state.db").unlink()
    registry.database.close()
    registry.customers.see("w", ["acme", ""], at_ms=9)


def test_no_key_is_no_customer(registry: Registry) -> None:
    registry.customers.see("w", ["", ""], at_ms=5)
    assert registry.customers.list("w") == ()


def test_a_customer_that_could_not_be_written_is_not_known(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, open_another: Callable[[], Registry]
) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.05)
    registry = open_another()
    holder = sqlite3.connect(Path(settings.data_dir) / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        registry.customers.see("w", ["acme"], at_ms=5)
    holder.execute("ROLLBACK")
    holder.close()
    registry.customers.see("w", ["acme"], at_ms=5)
    assert registry.customers.find("w", "acme") == ACME


def test_many_threads_see_each_customer_once(registry: Registry) -> None:
    keys = [f"c{number:03}" for number in range(100)]
    threads = [threading.Thread(target=registry.customers.see, args=("w", keys, 5)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [customer.key for customer in registry.customers.list("w", limit=1000)] == keys


def test_a_customer_belongs_to_its_workspace(registry: Registry) -> None:
    registry.customers.see("w", ["acme"], at_ms=5)
    registry.customers.see("v", ["acme"], at_ms=7)
    assert registry.customers.find("v", "acme") == Customer(workspace="v", key="acme", name="acme", first_seen_at=7)
    assert registry.customers.find("u", "acme") is None
    assert registry.customers.list("u") == ()


def test_the_list_goes_on_behind_a_key(registry: Registry) -> None:
    registry.customers.see("w", [f"c{number}" for number in range(7)], at_ms=5)
    pages, after = [], ""
    while page := registry.customers.list("w", after=after, limit=3):
        pages.append([customer.key for customer in page])
        after = page[-1].key
    assert pages == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6"]]


def test_the_list_can_be_narrowed_to_what_a_key_or_name_begins_with(registry: Registry) -> None:
    registry.customers.see("w", ["acme", "acme-2", "b_1", "bx1", "c"], at_ms=5)
    registry.customers.rename("w", "c", "Acme of old")

    def starting(text: str) -> list[str]:
        return [customer.key for customer in registry.customers.list("w", starting=text)]

    assert starting("ACME") == ["acme", "acme-2", "c"]
    assert starting("b_") == ["b_1"]
    assert starting("%") == []


def test_customers_of_a_page_are_found_in_one_go(registry: Registry) -> None:
    registry.customers.see("w", ["acme", "brick"], at_ms=5)
    registry.customers.archive("w", "brick")
    found = registry.customers.find_all("w", ["brick", "acme", "nobody", "acme"])
    assert sorted(found) == ["acme", "brick"]
    assert found["acme"] == ACME
    assert registry.customers.find_all("w", []) == {}


def test_a_customer_can_be_given_a_name_and_lose_it(registry: Registry) -> None:
    registry.customers.see("w", ["acme"], at_ms=5)
    assert registry.customers.rename("w", "acme", " Acme Ltd ").name == "Acme Ltd"
    assert registry.customers.rename("w", "acme", "") == ACME
    with pytest.raises(Invalid) as refused:
        registry.customers.rename("w", "acme", "x" * 201)
    assert refused.value.errors[0].pointer == "/name"


def test_an_archived_customer_leaves_the_list_until_it_is_restored(registry: Registry, clock: FakeClock) -> None:
    registry.customers.see("w", ["acme"], at_ms=5)
    assert registry.customers.archive("w", "acme").archived_at == clock.now_ms()
    registry.customers.see("w", ["acme"], at_ms=9)
    assert registry.customers.list("w") == ()
    assert [customer.key for customer in registry.customers.list("w", archived=True)] == ["acme"]
    assert registry.customers.restore("w", "acme") == ACME
    assert registry.customers.list("w") == (ACME,)


def test_a_customer_nobody_saw_cannot_be_changed(registry: Registry) -> None:
    for change in (registry.customers.archive, registry.customers.restore):
        with pytest.raises(NotFound, match="no customer 'acme'"):
            change("w", "acme")
    with pytest.raises(NotFound):
        registry.customers.rename("w", "acme", "Acme")


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8))
def test_whatever_a_sender_calls_its_customers_they_are_found_by_it(registry: Registry, keys: list[str]) -> None:
    registry.customers.see("w", keys, at_ms=5)
    assert set(registry.customers.find_all("w", keys)) == {key for key in keys if key}
