from clew.core.clock import FakeClock
from clew.registry.registry import Registry
from clew.registry.switches import SwitchChange, Switches


def test_all_is_logged_until_somebody_decides(registry: Registry, clock: FakeClock) -> None:
    switches = registry.switches
    assert switches.read("w") == Switches(api_logs=True, webhook_logs=True)
    assert switches.changes("w") == {}
    assert switches.set("w", api_logs=False, by="ann") == Switches(api_logs=False, webhook_logs=True)
    assert switches.read("w") == Switches(api_logs=False)
    assert switches.changes("w") == {
        "api_logs": SwitchChange(enabled=False, changed_by="ann", changed_at=clock.now_ms())
    }
    assert switches.read("v") == Switches()


def test_what_was_decided_is_kept(registry: Registry, other: Registry) -> None:
    registry.switches.set("w", webhook_logs=False)
    other.switches.set("w", api_logs=False)
    assert other.switches.read("w") == Switches(api_logs=False, webhook_logs=False)
    other.switches.set("w", webhook_logs=True)
    assert other.switches.read("w") == Switches(api_logs=False, webhook_logs=True)


def test_another_process_sees_it_within_a_second(registry: Registry, other: Registry, clock: FakeClock) -> None:
    registry.switches.set("w", api_logs=False)
    clock.advance(1_000)
    assert not other.switches.read("w").api_logs


def test_who_turned_one_is_written_down_and_who_turned_nothing_is_not(registry: Registry, clock: FakeClock) -> None:
    turned_at = clock.now_ms()
    registry.switches.set("w", api_logs=False, webhook_logs=True, by="ann")
    clock.advance(1_000)
    registry.switches.set("w", api_logs=False, by="bob")
    registry.switches.set("w", by="cid")
    entries = registry.audit.list("w")
    assert [(one.actor, one.subject_kind, one.before, one.after) for one in entries] == [
        ("ann", "switches", {"api_logs": True}, {"api_logs": False})
    ]
    assert registry.switches.changes("w")["api_logs"].changed_at == turned_at
