import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import Invalid, NotFound, Unavailable
from clew.core.settings import Settings
from clew.registry.connections import Connection, Connections
from clew.registry.integrations import Integration
from clew.registry.products import Product
from clew.registry.registry import Registry
from clew.state import database as database_module

SHIP = Connection(
    workspace="w", key="c1", name="c1", customer="acme", integration="orders", first_seen_at=5, changed_at=5
)


@pytest.fixture
def connections(registry: Registry) -> Connections:
    return registry.connections


def connect_orders(registry: Registry) -> None:
    registry.products.save(Product(workspace="w", key="erp"))
    registry.integrations.save(
        Integration(workspace="w", key="orders", source_product="erp", target_product="erp", direction="one-way")
    )


def changed(registry: Registry) -> list[tuple[str, str, str]]:
    entries = registry.audit.list("w", subject_kind="connection")
    return [(one.actor, one.action, one.subject) for one in reversed(entries)]


class TestSeeing:
    def test_one_is_there_from_first_sight_and_after_a_restart(
        self, connections: Connections, open_another: Callable[[], Registry]
    ) -> None:
        connections.see("w", [("c1", "acme", "orders"), ("c2", "", "")], at_ms=5)
        assert [one.key for one in connections.list("w")] == ["c1", "c2"]
        assert connections.find("w", "c1") == SHIP
        assert open_another().connections.find("w", "c1") == SHIP

    def test_the_first_sight_is_kept(self, connections: Connections, other: Registry) -> None:
        connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        connections.see("w", [("c1", "brick", "parts")], at_ms=9)
        other.connections.see("w", [("c1", "coil", "parts"), ("c2", "", "")], at_ms=9)
        assert connections.find("w", "c1") == SHIP

    def test_what_was_not_known_at_first_is_filled_in(self, connections: Connections, other: Registry) -> None:
        connections.see("w", [("c1", "", "")], at_ms=5)
        connections.see("w", [("c1", "acme", "")], at_ms=6)
        other.connections.see("w", [("c1", "brick", "orders")], at_ms=7)
        assert connections.find("w", "c1") == SHIP

    def test_what_records_of_one_moment_say_together_is_known(self, connections: Connections) -> None:
        connections.see("w", [("c1", "", ""), ("c1", "acme", ""), ("c1", "", "orders")], at_ms=5)
        assert connections.find("w", "c1") == SHIP

    def test_to_see_known_ones_again_asks_nothing_of_the_database(
        self, registry: Registry, connections: Connections, settings: Settings
    ) -> None:
        connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        (Path(settings.data_dir) / "state.db").unlink()
        registry.database.close()
        connections.see("w", [("c1", "acme", "orders"), ("", "acme", "")], at_ms=9)
        assert connections.known("w") >= {("c1", "acme", "orders")}

    def test_no_key_is_no_connection(self, connections: Connections) -> None:
        connections.see("w", [("", "acme", "orders")], at_ms=5)
        assert connections.list("w") == ()

    def test_one_that_could_not_be_written_is_not_known(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, open_another: Callable[[], Registry]
    ) -> None:
        monkeypatch.setattr(database_module, "BUSY_S", 0.05)
        connections = open_another().connections
        holder = sqlite3.connect(Path(settings.data_dir) / "state.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        holder.execute("ROLLBACK")
        holder.close()
        assert connections.known("w") == set()
        connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        assert connections.find("w", "c1") == SHIP

    def test_many_threads_see_each_once(self, connections: Connections) -> None:
        seen = [(f"c{number:03}", "acme", "") for number in range(100)]
        threads = [threading.Thread(target=connections.see, args=("w", seen, 5)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [one.key for one in connections.list("w", limit=1000)] == [key for key, _, _ in seen]

    def test_workspaces_do_not_share_them(self, connections: Connections) -> None:
        connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        connections.see("v", [("c1", "brick", "")], at_ms=7)
        found = connections.find("v", "c1")
        assert found is not None
        assert (found.customer, found.first_seen_at) == ("brick", 7)
        assert connections.find("w", "c1") == SHIP

    def test_to_be_seen_brings_nothing_back_into_use(self, connections: Connections, other: Registry) -> None:
        connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        archived = connections.archive("w", "c1")
        other.connections.see("w", [("c1", "acme", "orders")], at_ms=9)
        assert connections.find("w", "c1") == archived
        assert connections.list("w") == ()
        assert connections.list("w", archived=True) == (archived,)

    def test_nobody_changed_what_was_only_seen(self, registry: Registry) -> None:
        registry.connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        assert changed(registry) == []


KEYS = st.text(min_size=1, max_size=40).filter(lambda key: "\0" not in key and key.isprintable())


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(seen=st.lists(st.tuples(KEYS, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x", "y"])), max_size=12))
def test_whatever_is_seen_is_found_with_what_was_said_of_it(
    registry: Registry, seen: list[tuple[str, str, str]]
) -> None:
    registry.connections.see("p", seen, at_ms=5)
    found = registry.connections.find_all("p", [key for key, _, _ in seen])
    assert set(found) == {key for key, _, _ in seen}
    for key, customer, integration in seen:
        assert found[key].customer or not customer
        assert found[key].integration or not integration


class TestStates:
    def test_what_happens_to_one_is_said_of_it(self, connections: Connections, clock: FakeClock) -> None:
        connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        lost = connections.disconnect("w", "c1", " The token expired. ", by="ann")
        assert lost == msgspec.structs.replace(
            SHIP, state="disconnected", error="The token expired.", changed_at=clock.now_ms()
        )
        assert connections.find("w", "c1") == lost
        clock.advance(1_000)
        found = connections.reconnect("w", "c1")
        assert found == msgspec.structs.replace(SHIP, changed_at=clock.now_ms())
        clock.advance(1_000)
        archived = connections.archive("w", "c1")
        assert archived == msgspec.structs.replace(found, archived_at=clock.now_ms())
        assert connections.restore("w", "c1") == found

    def test_since_when_it_is_lost_is_kept_when_it_is_said_again(
        self, connections: Connections, clock: FakeClock
    ) -> None:
        connections.see("w", [("c1", "acme", "orders")], at_ms=5)
        lost = connections.disconnect("w", "c1", "The token expired.")
        clock.advance(1_000)
        assert connections.disconnect("w", "c1", "The token was revoked.") == msgspec.structs.replace(
            lost, error="The token was revoked."
        )
        assert connections.disconnect("w", "c1", "The token was revoked.").changed_at == lost.changed_at

    def test_only_what_is_lost_or_out_of_use_is_cut_off(self, connections: Connections) -> None:
        connections.see("w", [("lost", "", ""), ("gone", "", ""), ("fine", "", "")], at_ms=5)
        lost, gone = connections.disconnect("w", "lost", "why"), connections.archive("w", "gone")
        assert [connections.cut_off("w", key) for key in ("lost", "gone", "fine", "none")] == [lost, gone, None, None]
        assert connections.cut_off("v", "lost") is None
        connections.reconnect("w", "lost")
        connections.restore("w", "gone")
        assert [connections.cut_off("w", key) for key in ("lost", "gone")] == [None, None]

    def test_another_process_sees_within_a_second_that_one_is_cut_off(
        self, connections: Connections, other: Registry, clock: FakeClock
    ) -> None:
        connections.see("w", [("c1", "", "")], at_ms=5)
        lost = connections.disconnect("w", "c1")
        clock.advance(1_000)
        assert other.connections.cut_off("w", "c1") == lost
        other.connections.reconnect("w", "c1")
        clock.advance(1_000)
        assert connections.cut_off("w", "c1") is None

    def test_who_did_it_is_written_down_once_for_each_change(self, registry: Registry) -> None:
        connections = registry.connections
        connections.see("w", [("c1", "", "")], at_ms=5)
        for _ in range(2):
            connections.disconnect("w", "c1", "why", by="ann")
        for _ in range(2):
            connections.reconnect("w", "c1", by="bob")
        for _ in range(2):
            connections.archive("w", "c1", by="cid")
        for _ in range(2):
            connections.restore("w", "c1", by="dee")
        for _ in range(2):
            connections.rename("w", "c1", "Ours", by="eve")
        assert changed(registry) == [
            ("ann", "disconnected", "c1"),
            ("bob", "reconnected", "c1"),
            ("cid", "archived", "c1"),
            ("dee", "restored", "c1"),
            ("eve", "changed", "c1"),
        ]

    @pytest.mark.parametrize("action", ["disconnect", "reconnect", "archive", "restore"])
    def test_what_is_not_there_cannot_change(self, connections: Connections, action: str) -> None:
        with pytest.raises(NotFound, match="no connection 'nothing'"):
            getattr(connections, action)("w", "nothing")

    @pytest.mark.parametrize("error", ["e" * 2_001, "a\x00b", "a\x1bb"])
    def test_an_error_that_nobody_could_read_is_refused(self, connections: Connections, error: str) -> None:
        connections.see("w", [("c1", "", "")], at_ms=5)
        with pytest.raises(Invalid) as refused:
            connections.disconnect("w", "c1", error)
        assert [one.pointer for one in refused.value.errors] == ["/error"]

    def test_an_error_may_have_lines(self, connections: Connections) -> None:
        connections.see("w", [("c1", "", "")], at_ms=5)
        assert connections.disconnect("w", "c1", "one\n\ttwo").error == "one\n\ttwo"


class TestSaving:
    def test_one_is_added_by_hand_with_its_customer(self, registry: Registry, clock: FakeClock) -> None:
        connect_orders(registry)
        saved = registry.connections.save("w", "c1", customer="acme", integration="orders", name=" Ours ", by="ann")
        now_ms = clock.now_ms()
        assert saved == msgspec.structs.replace(SHIP, name="Ours", first_seen_at=now_ms, changed_at=now_ms)
        customer = registry.customers.find("w", "acme")
        assert customer is not None
        assert customer.first_seen_at == now_ms
        assert changed(registry) == [("ann", "created", "c1")]

    def test_saving_again_changes_what_people_say_and_not_its_state(self, registry: Registry, clock: FakeClock) -> None:
        connections = registry.connections
        connections.save("w", "c1", customer="acme")
        lost = connections.disconnect("w", "c1", "why")
        clock.advance(1_000)
        again = connections.save("w", "c1", customer="brick", is_test=True, by="ann")
        assert again == msgspec.structs.replace(lost, customer="brick", is_test=True)
        connections.archive("w", "c1")
        assert connections.save("w", "c1", customer="brick", is_test=True, by="bob") == again
        assert changed(registry)[-3:] == [("ann", "changed", "c1"), ("", "archived", "c1"), ("bob", "restored", "c1")]

    def test_one_that_was_saved_need_not_be_seen(self, registry: Registry) -> None:
        registry.connections.save("w", "c1", customer="acme")
        assert ("c1", "acme", "") in registry.connections.known("w")

    @pytest.mark.parametrize(
        ("pointer", "key", "fields"),
        [
            ("/key", "", {}),
            ("/key", "  ", {}),
            ("/key", "a/b", {}),
            ("/key", "a\x00", {}),
            ("/key", "k" * 201, {}),
            ("/name", "c1", {"name": "n" * 201}),
            ("/name", "c1", {"name": "a\x00"}),
            ("/customer", "c1", {"customer": "a\x00"}),
            ("/integration", "c1", {"integration": "nothing"}),
        ],
    )
    def test_what_is_wrong_is_refused_with_its_place(
        self, registry: Registry, pointer: str, key: str, fields: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as refused:
            registry.connections.save("w", key, **fields)  # type: ignore[arg-type]
        assert [one.pointer for one in refused.value.errors] == [pointer]
        assert registry.connections.list("w", archived=True) == ()
        assert registry.customers.list("w") == ()

    def test_an_unknown_integration_is_answered_with_those_that_are_there(self, registry: Registry) -> None:
        connect_orders(registry)
        with pytest.raises(Invalid, match="There are: orders"):
            registry.connections.save("w", "c1", integration="order")


class TestListing:
    def test_pages_visit_each_once(self, connections: Connections) -> None:
        connections.see("w", [(f"c{number}", "acme", "") for number in range(7)], at_ms=5)
        first = connections.list("w", limit=4)
        rest = connections.list("w", after=first[-1].key, limit=4)
        assert [one.key for one in (*first, *rest)] == [f"c{number}" for number in range(7)]

    def test_filters_are_combined(self, connections: Connections) -> None:
        connections.see("w", [("a", "acme", "x"), ("b", "acme", "y"), ("c", "brick", "x")], at_ms=5)
        connections.disconnect("w", "a")
        assert [one.key for one in connections.list("w", customer="acme")] == ["a", "b"]
        assert [one.key for one in connections.list("w", integration="x")] == ["a", "c"]
        assert [one.key for one in connections.list("w", state="disconnected")] == ["a"]
        assert connections.list("w", state="disconnected", customer="brick") == ()
        assert [one.key for one in connections.list("w", state="connected", integration="x")] == ["c"]
