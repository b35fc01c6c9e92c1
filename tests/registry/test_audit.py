import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import Conflict, NotFound
from clew.registry.products import Product
from clew.registry.registry import Registry

Told = tuple[str, str, str, dict[str, object], dict[str, object]]


def told(registry: Registry, kind: str) -> list[Told]:
    """The entries of a kind, oldest first."""
    entries = registry.audit.list("w", subject_kind=kind)
    return [(one.actor, one.action, one.subject, one.before, one.after) for one in reversed(entries)]


def test_an_entry_has_who_what_when_and_what_differs(registry: Registry, clock: FakeClock) -> None:
    registry.audit.write(
        "w",
        actor="ann",
        action="changed",
        subject_kind="flow",
        subject="orders",
        before={"a": 1, "b": 2, "gone": 3},
        after={"a": 1, "b": None, "new": [4]},
    )
    (entry,) = registry.audit.list("w")
    assert (entry.time, entry.actor, entry.action) == (clock.now_ms(), "ann", "changed")
    assert (entry.subject_kind, entry.subject) == ("flow", "orders")
    assert (entry.before, entry.after) == ({"b": 2, "gone": 3}, {"b": None, "new": [4]})


def test_what_changes_nothing_is_no_change(registry: Registry) -> None:
    registry.audit.write(
        "w", actor="", action="changed", subject_kind="x", subject="y", before={"a": 1}, after={"a": 1}
    )
    assert registry.audit.list("w") == ()
    registry.audit.write("w", actor="", action="archived", subject_kind="x", subject="y")
    assert len(registry.audit.list("w")) == 1


def test_the_newest_is_first_also_within_a_millisecond_and_pages_visit_each_once(registry: Registry) -> None:
    for number in range(25):
        registry.audit.write("w", actor="", action="a", subject_kind="x", subject=f"{number}")
    visited: list[str] = []
    before_id = ""
    while page := registry.audit.list("w", before_id=before_id, limit=4):
        visited += [one.subject for one in page]
        before_id = page[-1].id
    assert visited == [f"{number}" for number in reversed(range(25))]


def test_entries_are_found_by_time_actor_and_subject(registry: Registry, clock: FakeClock) -> None:
    begin = clock.now_ms()
    for number, actor in enumerate(("ann", "bob", "ann")):
        registry.audit.write(
            "w", actor=actor, action="a", subject_kind="x", subject=f"{number}", at_ms=begin + number * 1_000
        )
    registry.audit.write("v", actor="ann", action="a", subject_kind="x", subject="theirs")

    def subjects(**filters: object) -> list[str]:
        return [one.subject for one in registry.audit.list("w", **filters)]  # type: ignore[arg-type]

    assert subjects() == ["2", "1", "0"]
    assert subjects(actor="ann") == ["2", "0"]
    assert subjects(from_ms=begin + 1_000) == ["2", "1"]
    assert subjects(to_ms=begin + 1_000) == ["0"]
    assert subjects(subject="1", subject_kind="x") == ["1"]
    assert subjects(subject_kind="y") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(after=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), JSON, max_size=5))
def test_what_is_written_comes_back(registry: Registry, after: dict[str, object]) -> None:
    registry.audit.write("p", actor="é\u2028'\"", action="a", subject_kind="x", subject="\U0001f9f6", after=after)
    entry = registry.audit.list("p", limit=1)[0]
    assert (entry.actor, entry.subject, entry.before, entry.after) == ("é\u2028'\"", "\U0001f9f6", {}, after)


def test_another_process_sees_it_at_once(registry: Registry, other: Registry) -> None:
    registry.products.save(Product(workspace="w", key="erp"), by="ann")
    assert [one.actor for one in other.audit.list("w")] == ["ann"]


class TestWhoChangedWhat:
    def test_a_product_that_is_added_changed_archived_and_brought_back(self, registry: Registry) -> None:
        def save(title: str) -> None:
            registry.products.save(Product(workspace="w", key="erp", title=title), by="ann")

        save("ERP")
        save("ERP")
        save("Our ERP")
        registry.products.archive("w", "erp", by="bob")
        registry.products.archive("w", "erp", by="cid")
        save("Our ERP")
        registry.products.archive("w", "erp", by="bob")
        save("ERP")
        assert told(registry, "product") == [
            ("ann", "created", "erp", {}, {"title": "ERP", "base_url": ""}),
            ("ann", "changed", "erp", {"title": "ERP"}, {"title": "Our ERP"}),
            ("bob", "archived", "erp", {}, {}),
            ("ann", "restored", "erp", {}, {}),
            ("bob", "archived", "erp", {}, {}),
            ("ann", "restored", "erp", {"title": "Our ERP"}, {"title": "ERP"}),
        ]

    def test_what_is_refused_is_no_change(self, registry: Registry) -> None:
        with pytest.raises(NotFound):
            registry.products.archive("w", "nothing", by="ann")
        with pytest.raises(NotFound):
            registry.keys.archive("w", "nothing", by="ann")
        registry.members.create("w", "ann@example.com", "long enough", "admin", by="the clew command")
        with pytest.raises(Conflict):
            registry.members.create("w", "ann@example.com", "long enough", "admin", by="bob")
        with pytest.raises(Conflict):
            registry.members.set_role(registry.members.list("w")[0].id, "viewer", by="bob")
        assert {one.actor for one in registry.audit.list("w")} == {"the clew command"}

    def test_a_member_and_never_their_password(self, registry: Registry) -> None:
        ann = registry.members.create("w", "ann@example.com", "first password", "admin", by="the clew command")
        bob = registry.members.create("w", "bob@example.com", "other password", "viewer", by=ann.email)
        registry.members.set_role(bob.id, "support", by=ann.email)
        registry.members.set_password(bob.id, "third password", by=bob.email)
        registry.links.create("w", bob.id, by=ann.email)
        registry.members.archive(bob.id, by=ann.email)
        assert told(registry, "member") == [
            ("the clew command", "created", "ann@example.com", {}, {"role": "admin"}),
            ("ann@example.com", "created", "bob@example.com", {}, {"role": "viewer"}),
            ("ann@example.com", "changed", "bob@example.com", {"role": "viewer"}, {"role": "support"}),
            ("bob@example.com", "password changed", "bob@example.com", {}, {}),
            ("ann@example.com", "sign-in link made", "bob@example.com", {}, {}),
            ("ann@example.com", "archived", "bob@example.com", {}, {}),
        ]
        assert 'password"' not in repr(registry.audit.list("w"))

    def test_the_first_member_is_there_by_their_own_doing(self, registry: Registry) -> None:
        registry.links.claim_first(registry.links.create("w"), "ann@example.com", "long enough")
        assert told(registry, "member") == [("ann@example.com", "created", "ann@example.com", {}, {"role": "admin"})]

    def test_a_key_by_its_beginning_and_never_by_its_text(self, registry: Registry) -> None:
        key, text = registry.keys.create("w", "Ship", ["read"], "acme", by="ann")
        registry.keys.archive("w", key.id, by="bob")
        registry.keys.archive("w", key.id, by="cid")
        known_by = {"name": "Ship", "prefix": key.prefix, "scopes": ["read"], "customer": "acme"}
        assert told(registry, "key") == [
            ("ann", "created", key.id, {}, known_by),
            ("bob", "revoked", key.id, known_by, {}),
        ]
        assert text not in repr(registry.audit.list("w"))

    def test_a_customer_that_people_renamed_and_not_one_that_was_only_seen(self, registry: Registry) -> None:
        registry.customers.see("w", ["acme"], 5)
        registry.customers.rename("w", "acme", "Acme Inc.", by="ann")
        registry.customers.change("w", "acme", is_test=True, by="ann")
        registry.customers.change("w", "acme", is_test=True, by="ann")
        registry.customers.archive("w", "acme", by="bob")
        registry.customers.archive("w", "acme", by="cid")
        registry.customers.restore("w", "acme", by="dee")
        assert told(registry, "customer") == [
            ("ann", "changed", "acme", {"name": "acme"}, {"name": "Acme Inc."}),
            ("ann", "changed", "acme", {"is_test": False}, {"is_test": True}),
            ("bob", "archived", "acme", {}, {}),
            ("dee", "restored", "acme", {}, {}),
        ]
