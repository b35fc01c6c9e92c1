import pytest

from clew.core.clock import FakeClock
from clew.core.errors import Conflict, NotFound
from clew.registry import pins as pins_module
from clew.registry.pins import Pin
from clew.registry.registry import Registry


def test_one_is_pinned_and_stays_as_it_was_pinned(registry: Registry, other: Registry, clock: FakeClock) -> None:
    pin = registry.pins.pin("w", "r1", trace_id="t", title="order.released", by="ann")
    assert pin == Pin(
        workspace="w", record_id="r1", trace_id="t", title="order.released", pinned_by="ann", pinned_at=clock.now_ms()
    )
    clock.advance(1_000)
    assert registry.pins.pin("w", "r1", by="bob") == pin
    assert other.pins.find("w", "r1") == pin
    assert other.pins.find("v", "r1") is None


def test_they_are_listed_the_latest_first_each_workspace_by_itself(registry: Registry, clock: FakeClock) -> None:
    first = registry.pins.pin("w", "r1")
    clock.advance(1)
    second, foreign = registry.pins.pin("w", "r2"), registry.pins.pin("v", "r3")
    assert registry.pins.list("w") == (second, first)
    assert set(registry.pins.list_all()) == {first, second, foreign}


def test_one_that_is_unpinned_is_gone(registry: Registry) -> None:
    registry.pins.pin("w", "r1")
    with pytest.raises(NotFound, match="r1"):
        registry.pins.unpin("v", "r1")
    registry.pins.unpin("w", "r1")
    assert registry.pins.list_all() == ()
    with pytest.raises(NotFound):
        registry.pins.unpin("w", "r1")


def test_there_are_at_most_so_many_and_what_is_pinned_may_be_pinned_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins_module, "MOST", 2)
    for record_id in ("r1", "r2", "r2"):
        registry.pins.pin("w", record_id)
    with pytest.raises(Conflict, match="2 records are pinned"):
        registry.pins.pin("w", "r3")
    assert {pin.record_id for pin in registry.pins.list("w")} == {"r1", "r2"}
    registry.pins.pin("v", "r3")
