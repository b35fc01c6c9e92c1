import re
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import Invalid, NotFound, Unavailable
from clew.core.settings import Settings
from clew.registry.keys import MISS_AGE_MS, SCOPES, Keys, Principal
from clew.registry.registry import Registry
from clew.state.database import open_database
from clew.state.snapshot import MAX_AGE_MS

ADMIN_KEY = "clew_admin-key-of-the-settings"


def last_used(registry: Registry, key_id: str) -> int | None:
    """When the key was last used, with every use written that waits."""
    registry.keys.close()
    key = registry.keys.find("w", key_id)
    assert key is not None
    return key.last_used_at


def test_a_new_key_lets_in_with_its_scopes(registry: Registry) -> None:
    key, text = registry.keys.create("w", " Ship ", ["read", "ingest"])
    assert registry.keys.authenticate(text) == Principal(
        workspace="w", scopes=frozenset({"ingest", "read"}), key_id=key.id, name="Ship", prefix=key.prefix
    )


def test_a_key_is_clew_and_40_random_characters(registry: Registry) -> None:
    texts = [registry.keys.create("w", "Ship", ["read"])[1] for _ in range(20)]
    assert all(re.fullmatch(r"clew_[A-Za-z0-9_-]{40}", text) for text in texts)
    assert len({text[:12] for text in texts}) == 20


def test_the_text_of_a_key_is_kept_nowhere(registry: Registry, settings: Settings) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    registry.close()
    kept = b"".join(path.read_bytes() for path in Path(settings.data_dir).iterdir())
    assert key.prefix.encode() in kept
    assert text[len(key.prefix) :].encode() not in kept
    assert ADMIN_KEY.encode() not in kept


def test_a_key_is_listed_by_how_it_begins(registry: Registry, clock: FakeClock) -> None:
    first, text = registry.keys.create("w", "Ship", ["read", "admin"])
    clock.advance(1_000)
    second, _ = registry.keys.create("w", "ERP", ["ingest"])
    registry.keys.create("v", "Theirs", ["ingest"])
    assert registry.keys.list("w") == (second, first)
    assert registry.keys.find("w", first.id) == first
    assert registry.keys.find("v", first.id) is None
    assert (first.prefix, first.scopes, first.created_at) == (text[:11], ("read", "admin"), clock.now_ms() - 1_000)


@pytest.mark.parametrize("wrong", ["", "clew_", "clew_" + "A" * 40, "nonsense", "\x00", "é", "\ud800", "x" * 100_000])
def test_what_is_no_key_lets_nobody_in(registry: Registry, wrong: str) -> None:
    assert registry.keys.authenticate(wrong) is None


def test_a_key_with_anything_added_or_left_out_lets_nobody_in(registry: Registry) -> None:
    _, text = registry.keys.create("w", "Ship", ["read"])
    for wrong in (text[:-1], text + "A", text.swapcase(), " " + text):
        assert registry.keys.authenticate(wrong) is None


def test_the_admin_key_of_the_settings_has_every_scope(registry: Registry) -> None:
    principal = registry.keys.authenticate(ADMIN_KEY)
    assert principal is not None
    assert principal.scopes == frozenset(SCOPES)
    assert (principal.workspace, principal.customer) == ("w", "")
    assert registry.keys.list("w") == ()


def test_without_an_admin_key_an_empty_one_lets_nobody_in(settings: Settings, clock: FakeClock) -> None:
    database = open_database(settings)
    keys = Keys(database, clock)
    assert keys.authenticate("") is None
    keys.close()
    database.close()


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_stands_for_itself_and_admin_for_all(registry: Registry, scope: str) -> None:
    _, text = registry.keys.create("w", "Ship", [scope])
    principal = registry.keys.authenticate(text)
    assert principal is not None
    allowed = {other for other in SCOPES if principal.has(other)}
    assert allowed == (set(SCOPES) if scope == "admin" else {scope})


def test_a_customers_key_reads_for_that_customer_and_does_nothing_else(registry: Registry) -> None:
    key, text = registry.keys.create("w", "Acme's portal", ["read"], customer="acme")
    principal = registry.keys.authenticate(text)
    assert principal is not None
    assert principal.customer == key.customer == "acme"
    assert [scope for scope in SCOPES if principal.has(scope)] == ["read"]


@pytest.mark.parametrize("scopes", [["ingest"], ["read", "ingest"], ["admin"], ["read", "operate"]])
def test_a_customers_key_cannot_be_made_to_do_more(registry: Registry, scopes: list[str]) -> None:
    with pytest.raises(Invalid, match="may only read"):
        registry.keys.create("w", "Acme's portal", scopes, customer="acme")
    assert registry.keys.list("w", archived=True) == ()


@pytest.mark.parametrize(
    ("name", "scopes", "pointer"),
    [
        ("", ["read"], "/name"),
        ("  ", ["read"], "/name"),
        ("a\nb", ["read"], "/name"),
        ("x" * 201, ["read"], "/name"),
        ("Ship", [], "/scopes"),
        ("Ship", ["read", "write"], "/scopes"),
    ],
)
def test_a_wrong_key_is_refused_with_the_place(registry: Registry, name: str, scopes: list[str], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        registry.keys.create("w", name, scopes)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    if pointer == "/scopes":
        assert "ingest, read, operate, admin" in refused.value.errors[0].detail


def test_a_revoked_key_lets_nobody_in_at_once(registry: Registry, clock: FakeClock) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    assert registry.keys.authenticate(text) is not None
    revoked = registry.keys.archive("w", key.id)
    assert revoked.archived_at == clock.now_ms()
    assert registry.keys.authenticate(text) is None
    assert registry.keys.list("w") == ()
    assert [each.id for each in registry.keys.list("w", archived=True)] == [key.id]
    clock.advance(5_000)
    assert registry.keys.archive("w", key.id).archived_at == revoked.archived_at


def test_only_a_key_of_the_workspace_can_be_revoked(registry: Registry) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    with pytest.raises(NotFound):
        registry.keys.archive("v", key.id)
    with pytest.raises(NotFound, match="no key 'nonsense'"):
        registry.keys.archive("w", "nonsense")
    assert registry.keys.authenticate(text) is not None


def test_a_key_made_by_another_process_lets_in(registry: Registry, other: Registry, clock: FakeClock) -> None:
    clock.advance(MISS_AGE_MS)
    _, text = other.keys.create("w", "Ship", ["read"])
    assert registry.keys.authenticate(text) == other.keys.authenticate(text)
    assert registry.keys.authenticate(text) is not None


def test_a_key_tried_before_it_was_made_lets_in_soon_after(
    registry: Registry, other: Registry, clock: FakeClock
) -> None:
    assert registry.keys.authenticate("nonsense") is None
    _, text = other.keys.create("w", "Ship", ["read"])
    clock.advance(MISS_AGE_MS)
    assert registry.keys.authenticate(text) is not None


def test_a_key_revoked_by_another_process_lets_nobody_in_after_a_second(
    registry: Registry, other: Registry, clock: FakeClock
) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    clock.advance(MAX_AGE_MS)
    assert registry.keys.authenticate(text) is not None
    other.keys.archive("w", key.id)
    clock.advance(MAX_AGE_MS)
    assert registry.keys.authenticate(text) is None


def test_wrong_keys_are_answered_from_memory_between_two_looks(registry: Registry, settings: Settings) -> None:
    assert registry.keys.authenticate("nonsense") is None
    registry.database.close()
    (Path(settings.data_dir) / "state.db").unlink()
    assert all(registry.keys.authenticate(f"nonsense {number}") is None for number in range(1_000))


def test_a_known_key_is_answered_from_memory(registry: Registry, settings: Settings) -> None:
    _, text = registry.keys.create("w", "Ship", ["read"])
    assert registry.keys.authenticate(text) is not None
    registry.keys.close()
    registry.database.close()
    (Path(settings.data_dir) / "state.db").unlink()
    assert registry.keys.authenticate(text) is not None


def test_a_database_that_does_not_answer_is_no_answer_about_a_key(registry: Registry, clock: FakeClock) -> None:
    with registry.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE revisions RENAME TO elsewhere")
    clock.advance(MISS_AGE_MS)
    with pytest.raises(Unavailable):
        registry.keys.authenticate("nonsense")


def test_a_use_is_written_down(registry: Registry, clock: FakeClock) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    assert key.last_used_at is None
    clock.advance(5_000)
    registry.keys.authenticate(text)
    assert last_used(registry, key.id) == clock.now_ms()


def test_uses_within_a_minute_are_written_down_once(registry: Registry, clock: FakeClock) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    first_ms = clock.now_ms()
    registry.keys.authenticate(text)
    clock.advance(59_999)
    registry.keys.authenticate(text)
    assert last_used(registry, key.id) == first_ms


def test_a_use_after_a_minute_is_written_down_anew(registry: Registry, clock: FakeClock) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    registry.keys.authenticate(text)
    clock.advance(60_000)
    registry.keys.authenticate(text)
    assert last_used(registry, key.id) == clock.now_ms()


def test_a_wrong_key_is_no_use(registry: Registry) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    registry.keys.authenticate(text[:-1])
    assert last_used(registry, key.id) is None


def test_a_use_does_not_wait_for_the_disk(
    registry: Registry, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    holder = sqlite3.connect(Path(settings.data_dir) / "state.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    # Were it to wait for the writer it would fail after 5 s; it answers while the lock is held.
    assert registry.keys.authenticate(text) is not None
    holder.execute("ROLLBACK")
    holder.close()
    assert last_used(registry, key.id) is not None
    assert caplog.records == []


def test_a_key_lets_in_while_the_server_stops(registry: Registry) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    registry.keys.close()
    assert registry.keys.authenticate(text) is not None
    assert last_used(registry, key.id) is None


def test_threads_that_use_a_key_at_once_are_all_let_in(registry: Registry, clock: FakeClock) -> None:
    key, text = registry.keys.create("w", "Ship", ["read"])
    found: list[Principal | None] = []

    def use() -> None:
        for _ in range(50):
            clock.advance(MAX_AGE_MS)
            found.append(registry.keys.authenticate(text))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400
    assert {principal.key_id for principal in found if principal} == {key.id}
    assert None not in found


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=200),
    scopes=st.sets(st.sampled_from(SCOPES), min_size=1),
)
def test_any_key_comes_back_as_it_was_made(registry: Registry, name: str, scopes: set[str]) -> None:
    key, text = registry.keys.create("w", name, scopes)
    assert registry.keys.find("w", key.id) == key
    principal = registry.keys.authenticate(text)
    assert principal is not None
    assert (principal.name, principal.scopes) == (name, frozenset(scopes))


def test_the_local_key_of_a_process_has_every_scope_and_is_in_no_table(registry: Registry) -> None:
    text = registry.keys.make_local()
    principal = registry.keys.authenticate(text)
    assert principal is not None
    assert principal.is_local
    assert principal.has("admin")
    assert registry.keys.list("w") == ()
    registry.keys.make_local()
    assert registry.keys.authenticate(text) is None
