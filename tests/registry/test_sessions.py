import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from clew.core.clock import DAY_MS, HOUR_MS, FakeClock
from clew.core.errors import Conflict, Invalid, NotFound
from clew.core.settings import Settings
from clew.registry.members import Member
from clew.registry.registry import Registry
from clew.registry.sessions import Session

ADA, PASSWORD = "ada@example.com", "correct horse battery"


@pytest.fixture
def ada(registry: Registry) -> Member:
    return registry.members.create("w", ADA, PASSWORD, "admin")


def test_the_first_link_makes_the_first_admin(registry: Registry) -> None:
    token = registry.links.create("w")
    link = registry.links.peek(token)
    assert (link.workspace, link.purpose, link.member_id) == ("w", "first", None)
    member = registry.links.claim_first(token, ADA, PASSWORD)
    assert (member.workspace, member.email, member.role) == ("w", ADA, "admin")
    assert registry.members.verify(ADA, PASSWORD) == member
    with pytest.raises(NotFound, match="used already"):
        registry.links.claim_first(token, "eve@example.com", PASSWORD)


def test_a_first_link_still_works_after_a_wrong_password_was_chosen(registry: Registry) -> None:
    token = registry.links.create("w")
    with pytest.raises(Invalid) as refused:
        registry.links.claim_first(token, "ada", "short")
    assert [error.pointer for error in refused.value.errors] == ["/email", "/password"]
    assert registry.links.claim_first(token, ADA, PASSWORD).email == ADA


def test_of_two_first_links_only_one_makes_an_admin(registry: Registry) -> None:
    first, second = registry.links.create("w"), registry.links.create("w")
    registry.links.claim_first(first, ADA, PASSWORD)
    for attempt in (registry.links.peek, registry.links.use):
        with pytest.raises(NotFound, match="there is one already"):
            attempt(second)
    with pytest.raises(NotFound, match="there is one already"):
        registry.links.claim_first(second, "eve@example.com", PASSWORD)
    with pytest.raises(Conflict, match="members already"):
        registry.links.create("w")


def test_of_those_who_claim_at_once_one_becomes_admin(registry: Registry) -> None:
    tokens = [registry.links.create("w") for _ in range(3)] * 2
    outcomes: list[str] = []

    def claim(number: int) -> None:
        try:
            registry.links.claim_first(tokens[number], f"ada{number}@example.com", PASSWORD)
            outcomes.append("admin")
        except NotFound:
            outcomes.append("refused")

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(len(tokens))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["admin"] + ["refused"] * 5
    assert len(registry.members.list("w")) == 1


def test_a_members_link_is_for_that_member_and_works_once(registry: Registry, ada: Member, clock: FakeClock) -> None:
    token = registry.links.create("w", ada.id)
    assert registry.links.peek(token).purpose == "member"
    assert registry.links.peek(token).used_at is None
    used = registry.links.use(token)
    assert (used.member_id, used.used_at) == (ada.id, clock.now_ms())
    for attempt in (registry.links.peek, registry.links.use):
        with pytest.raises(NotFound, match=r"used already, at 20\d\d-"):
            attempt(token)


def test_a_members_link_makes_no_admin(registry: Registry, ada: Member) -> None:
    token = registry.links.create("w", ada.id)
    with pytest.raises(NotFound, match="for a member who exists"):
        registry.links.claim_first(token, "eve@example.com", PASSWORD)
    assert len(registry.members.list("w")) == 1
    assert registry.links.use(token).member_id == ada.id


def test_a_link_lasts_24_hours(registry: Registry, ada: Member, clock: FakeClock) -> None:
    token = registry.links.create("w", ada.id)
    clock.advance(DAY_MS - 1)
    registry.links.peek(token)
    clock.advance(1)
    for attempt in (registry.links.peek, registry.links.use):
        with pytest.raises(NotFound, match="expired at") as refused:
            attempt(token)
        assert "administrator" in refused.value.hint


@pytest.mark.parametrize("token", ["", "nonsense", "\ud800", "\x00", "A" * 43])
def test_what_is_no_link_says_so(registry: Registry, token: str) -> None:
    with pytest.raises(NotFound, match="no such sign-in link"):
        registry.links.peek(token)
    assert registry.sessions.find(token) is None
    registry.sessions.end(token)


def test_a_link_for_nobody_is_not_made(registry: Registry, ada: Member) -> None:
    for workspace, member_id in (("w", "nobody"), ("v", ada.id)):
        with pytest.raises(NotFound, match="no member"):
            registry.links.create(workspace, member_id)


def test_a_link_of_an_archived_member_lets_nobody_in(registry: Registry, ada: Member) -> None:
    grace = registry.members.create("w", "grace@example.com", PASSWORD, "viewer")
    token = registry.links.create("w", grace.id)
    registry.members.archive(grace.id)
    with pytest.raises(NotFound, match="may not sign in any more"):
        registry.links.use(token)
    with pytest.raises(NotFound):
        registry.links.create("w", grace.id)


def test_a_session_is_found_by_its_token_also_after_a_restart(
    registry: Registry, open_another: Callable[[], Registry], ada: Member
) -> None:
    token, session = registry.sessions.start(ada)
    assert session.member == ada
    assert registry.sessions.find(token) == session
    assert open_another().sessions.find(token) == session


def test_a_session_ends_when_it_is_ended(registry: Registry, ada: Member) -> None:
    token, _ = registry.sessions.start(ada)
    another, _ = registry.sessions.start(ada)
    registry.sessions.end(token)
    assert registry.sessions.find(token) is None
    assert registry.sessions.find(another) is not None
    registry.sessions.end(token)


def test_all_sessions_of_a_member_can_be_ended(registry: Registry, ada: Member) -> None:
    grace = registry.members.create("w", "grace@example.com", PASSWORD, "viewer")
    tokens = [registry.sessions.start(ada)[0] for _ in range(2)]
    others, _ = registry.sessions.start(grace)
    registry.sessions.end_all(ada.id)
    assert [registry.sessions.find(token) for token in tokens] == [None, None]
    assert registry.sessions.find(others) is not None


def test_a_session_lasts_14_days_from_its_last_use(registry: Registry, ada: Member, clock: FakeClock) -> None:
    token, session = registry.sessions.start(ada)
    assert session.expires_at == clock.now_ms() + 14 * DAY_MS
    for _ in range(4):
        clock.advance(14 * DAY_MS - 1)
        found = registry.sessions.find(token)
        assert found is not None
        assert found.expires_at == clock.now_ms() + 14 * DAY_MS
        assert found.started_at == session.started_at
    clock.advance(14 * DAY_MS)
    assert registry.sessions.find(token) is None


def test_a_use_prolongs_a_session_at_most_once_an_hour(registry: Registry, ada: Member, clock: FakeClock) -> None:
    token, session = registry.sessions.start(ada)
    clock.advance(HOUR_MS - 1)
    assert registry.sessions.find(token) == session
    clock.advance(1)
    found = registry.sessions.find(token)
    assert found is not None
    assert found.expires_at == session.expires_at + HOUR_MS


def test_a_session_shows_the_member_as_they_are_now(registry: Registry, ada: Member) -> None:
    registry.members.create("w", "grace@example.com", PASSWORD, "admin")
    token, _ = registry.sessions.start(ada)
    registry.members.set_role(ada.id, "viewer")
    found = registry.sessions.find(token)
    assert found is not None
    assert found.member.role == "viewer"


@pytest.mark.parametrize("change", ["archive", "set_password"])
def test_who_is_archived_or_changes_password_is_signed_out_everywhere(
    registry: Registry, ada: Member, change: str
) -> None:
    registry.members.create("w", "grace@example.com", PASSWORD, "admin")
    token, _ = registry.sessions.start(ada)
    if change == "archive":
        registry.members.archive(ada.id)
        with pytest.raises(NotFound):
            registry.sessions.start(ada)
    else:
        registry.members.set_password(ada.id, "another password")
    assert registry.sessions.find(token) is None


def test_expired_sessions_are_cleared_away(registry: Registry, ada: Member, clock: FakeClock) -> None:
    for _ in range(3):
        registry.sessions.start(ada)
    clock.advance(14 * DAY_MS)
    registry.sessions.start(ada)
    with registry.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar_one() == 1


def test_a_form_of_another_session_is_not_accepted(registry: Registry, ada: Member) -> None:
    token, session = registry.sessions.start(ada)
    _, another = registry.sessions.start(ada)
    found = registry.sessions.find(token)
    assert isinstance(found, Session)
    assert found.accepts(session.csrf_token)
    for wrong in (another.csrf_token, "", "é", "\ud800", session.csrf_token[:-1], token):
        assert not found.accepts(wrong)


def test_tokens_are_kept_nowhere(registry: Registry, settings: Settings, ada: Member) -> None:
    link = registry.links.create("w", ada.id)
    token, session = registry.sessions.start(ada)
    registry.close()
    kept = b"".join(path.read_bytes() for path in Path(settings.data_dir).iterdir())
    assert ADA.encode() in kept
    for secret in (link, token, session.csrf_token):
        assert secret.encode() not in kept
