from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import Conflict, Invalid, NotFound, NotSignedIn, TooMany
from clew.core.settings import Settings
from clew.registry.members import Members, normalize_email
from clew.registry.registry import Registry
from clew.state.database import open_database

ADA, PASSWORD = "ada@example.com", "correct horse battery"


class CountingHasher(PasswordHasher):
    """Counts what was verified, by the cost it was hashed with."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.verified.append(str(hash).rsplit("$", 2)[0])
        return super().verify(hash, password)


def test_a_member_signs_in_with_e_mail_and_password(registry: Registry) -> None:
    member = registry.members.create("w", ADA, PASSWORD, "support")
    assert registry.members.verify(ADA, PASSWORD) == member
    assert registry.members.find(member.id) == member
    assert registry.members.list("w") == (member,)
    assert registry.members.list("v") == ()


def test_case_and_spaces_of_an_e_mail_do_not_matter(registry: Registry) -> None:
    member = registry.members.create("w", "  Ada@Example.COM ", PASSWORD, "admin")
    assert member.email == ADA
    assert registry.members.verify("ADA@example.com\n", PASSWORD) == member


def test_a_wrong_password_and_an_unknown_e_mail_are_refused_in_the_same_words(registry: Registry) -> None:
    registry.members.create("w", ADA, PASSWORD, "admin")
    said = []
    for email, password in ((ADA, PASSWORD + "."), ("grace@example.com", PASSWORD), ("", ""), ("no address", PASSWORD)):
        with pytest.raises(NotSignedIn) as refused:
            registry.members.verify(email, password)
        said.append(refused.value.problem())
    assert all(each == said[0] for each in said)


def test_an_unknown_e_mail_costs_as_much_as_a_known_one(open_another: Callable[..., Registry]) -> None:
    hasher = CountingHasher()
    registry = open_another(hasher)
    registry.members.create("w", ADA, PASSWORD, "admin")
    for email in (ADA, "grace@example.com", "no address"):
        with pytest.raises(NotSignedIn):
            registry.members.verify(email, "a wrong password")
    known, *unknown = hasher.verified
    assert len(unknown) == 2
    # The same parameters, salts of the same length.
    assert {each.rsplit("$", 1)[0] for each in unknown} == {known.rsplit("$", 1)[0]}
    assert {len(each) for each in unknown} == {len(known)}


def test_a_password_is_kept_as_argon2id_with_the_librarys_defaults(settings: Settings, clock: FakeClock) -> None:
    database = open_database(settings)
    members = Members(database, clock)
    member = members.create("w", ADA, PASSWORD, "admin")
    assert members.verify(ADA, PASSWORD) == member
    with database.read() as connection:
        kept = connection.exec_driver_sql("SELECT password_hash FROM members").scalar_one()
    assert kept.startswith("$argon2id$v=19$")
    assert not PasswordHasher().check_needs_rehash(kept)
    database.close()
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in Path(settings.data_dir).iterdir())


def test_a_hash_of_older_parameters_is_made_anew_at_the_next_sign_in(open_another: Callable[..., Registry]) -> None:
    open_another().members.create("w", ADA, PASSWORD, "admin")
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    registry = open_another(stronger)

    def kept() -> str:
        with registry.database.read() as connection:
            return str(connection.exec_driver_sql("SELECT password_hash FROM members").scalar_one())

    assert stronger.check_needs_rehash(kept())
    with pytest.raises(NotSignedIn):
        registry.members.verify(ADA, "a wrong password")
    assert stronger.check_needs_rehash(kept())
    registry.members.verify(ADA, PASSWORD)
    assert not stronger.check_needs_rehash(kept())
    registry.members.verify(ADA, PASSWORD)


def test_after_five_failures_even_the_right_password_waits(registry: Registry, clock: FakeClock) -> None:
    member = registry.members.create("w", ADA, PASSWORD, "admin")
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            registry.members.verify(ADA, "a wrong password")
    with pytest.raises(TooMany) as refused:
        registry.members.verify(ADA.upper(), PASSWORD)
    assert refused.value.retry_after_s == 30
    clock.advance(30_000)
    assert registry.members.verify(ADA, PASSWORD) == member


def test_an_unknown_e_mail_has_to_wait_like_a_known_one(registry: Registry) -> None:
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            registry.members.verify("nobody@example.com", PASSWORD)
    with pytest.raises(TooMany):
        registry.members.verify("nobody@example.com", PASSWORD)


def test_a_sign_in_forgets_the_failures_before_it(registry: Registry) -> None:
    registry.members.create("w", ADA, PASSWORD, "admin")
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(NotSignedIn):
                registry.members.verify(ADA, "a wrong password")
        registry.members.verify(ADA, PASSWORD)


@pytest.mark.parametrize(
    ("email", "password", "role", "pointer"),
    [
        ("ada", PASSWORD, "admin", "/email"),
        ("@example.com", PASSWORD, "admin", "/email"),
        ("ada@", PASSWORD, "admin", "/email"),
        ("ada@example..com", PASSWORD, "admin", "/email"),
        ("ada@-example.com", PASSWORD, "admin", "/email"),
        ("a b@example.com", PASSWORD, "admin", "/email"),
        ("ada@grace@example.com", PASSWORD, "admin", "/email"),
        ("Ada <ada@example.com>", PASSWORD, "admin", "/email"),
        ("ada@example.com\x00", PASSWORD, "admin", "/email"),
        ("a" * 65 + "@example.com", PASSWORD, "admin", "/email"),
        ("ada@" + "x" * 251, PASSWORD, "admin", "/email"),
        (ADA, "x" * 9, "admin", "/password"),
        (ADA, "x" * 201, "admin", "/password"),
        (ADA, PASSWORD, "owner", "/role"),
    ],
)
def test_a_wrong_member_is_refused_with_the_place(
    registry: Registry, email: str, password: str, role: str, pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        registry.members.create("w", email, password, role)  # type: ignore[arg-type]
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert password not in str(refused.value.problem())
    assert not registry.members.has_any("w")


@pytest.mark.parametrize("length", [10, 200])
def test_a_password_may_have_10_to_200_characters(registry: Registry, length: int) -> None:
    member = registry.members.create("w", ADA, "ü" * length, "admin")
    assert registry.members.verify(ADA, "ü" * length) == member


def test_an_e_mail_belongs_to_one_member_of_the_installation(registry: Registry) -> None:
    registry.members.create("w", ADA, PASSWORD, "admin")
    for workspace in ("w", "v"):
        with pytest.raises(Conflict, match=ADA):
            registry.members.create(workspace, "Ada@example.com", PASSWORD, "viewer")


def test_an_archived_member_cannot_sign_in_and_leaves_the_list(registry: Registry, clock: FakeClock) -> None:
    registry.members.create("w", "grace@example.com", PASSWORD, "admin")
    ada = registry.members.create("w", ADA, PASSWORD, "viewer")
    archived = registry.members.archive(ada.id)
    assert archived.archived_at == clock.now_ms()
    with pytest.raises(NotSignedIn):
        registry.members.verify(ADA, PASSWORD)
    assert [member.email for member in registry.members.list("w")] == ["grace@example.com"]
    assert registry.members.list("w", archived=True)[0] == archived
    with pytest.raises(NotFound):
        registry.members.archive(ada.id)


def test_the_e_mail_of_an_archived_member_is_free_again(registry: Registry) -> None:
    registry.members.create("w", "grace@example.com", PASSWORD, "admin")
    first = registry.members.create("w", ADA, PASSWORD, "viewer")
    registry.members.archive(first.id)
    second = registry.members.create("w", ADA, "another password", "viewer")
    assert registry.members.verify(ADA, "another password") == second
    assert second.id != first.id


def test_the_last_admin_can_neither_leave_nor_step_down(registry: Registry) -> None:
    ada = registry.members.create("w", ADA, PASSWORD, "admin")
    registry.members.create("w", "grace@example.com", PASSWORD, "support")
    registry.members.create("v", "admin@example.com", PASSWORD, "admin")
    with pytest.raises(Conflict, match="only one with role admin"):
        registry.members.archive(ada.id)
    with pytest.raises(Conflict, match="only one with role admin"):
        registry.members.set_role(ada.id, "viewer")
    assert registry.members.set_role(ada.id, "admin") == ada
    assert registry.members.verify(ADA, PASSWORD) == ada


def test_an_admin_may_step_down_when_there_is_another(registry: Registry) -> None:
    ada = registry.members.create("w", ADA, PASSWORD, "admin")
    grace = registry.members.create("w", "grace@example.com", PASSWORD, "viewer")
    assert registry.members.set_role(grace.id, "admin").role == "admin"
    assert registry.members.set_role(ada.id, "viewer").role == "viewer"
    with pytest.raises(Conflict):
        registry.members.archive(grace.id)


def test_another_password_replaces_the_old_one(registry: Registry) -> None:
    ada = registry.members.create("w", ADA, PASSWORD, "admin")
    registry.members.set_password(ada.id, "another password")
    assert registry.members.verify(ADA, "another password") == ada
    with pytest.raises(NotSignedIn):
        registry.members.verify(ADA, PASSWORD)
    with pytest.raises(Invalid):
        registry.members.set_password(ada.id, "short")
    assert registry.members.verify(ADA, "another password") == ada


def test_nobody_cannot_be_changed(registry: Registry) -> None:
    with pytest.raises(NotFound):
        registry.members.set_password("nobody", PASSWORD)
    with pytest.raises(NotFound):
        registry.members.set_role("nobody", "viewer")
    with pytest.raises(NotFound):
        registry.members.archive("nobody")
    with pytest.raises(Invalid):
        registry.members.set_role("nobody", "owner")  # type: ignore[arg-type]
    assert registry.members.find("nobody") is None


def test_a_workspace_has_nobody_until_its_first_member(registry: Registry) -> None:
    assert not registry.members.has_any("w")
    registry.members.create("v", ADA, PASSWORD, "admin")
    assert not registry.members.has_any("w")
    assert registry.members.has_any("v")


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.text(min_size=10, max_size=200))
def test_any_password_lets_in_and_any_other_does_not(registry: Registry, password: str) -> None:
    member = registry.members.create("w", ADA, password, "viewer")
    try:
        assert registry.members.verify(ADA, password) == member
        with pytest.raises(NotSignedIn):
            registry.members.verify(ADA, password + "x")
    finally:
        registry.members.archive(member.id)


@given(st.emails() | st.text(max_size=80))
def test_normalising_an_e_mail_again_changes_nothing(text: str) -> None:
    assert normalize_email(normalize_email(text)) == normalize_email(text)
