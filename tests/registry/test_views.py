from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import Invalid, NotFound
from clew.registry.registry import Registry
from clew.registry.views import View


def test_one_is_saved_and_found(registry: Registry, other: Registry, clock: FakeClock) -> None:
    saved = registry.views.save("w", "/logs/integration-events", " Mine ", "?status=failure", by="ann")
    assert saved == View(
        id=saved.id,
        workspace="w",
        path="/logs/integration-events",
        name="Mine",
        query="status=failure",
        created_by="ann",
        created_at=clock.now_ms(),
    )
    assert saved.href == "/logs/integration-events?status=failure"
    assert other.views.find("w", saved.id) == saved
    assert other.views.list("w") == (saved,)
    assert registry.views.find("v", saved.id) is None


def test_saving_again_under_a_name_replaces_it(registry: Registry, clock: FakeClock) -> None:
    first = registry.views.save("w", "/logs", "Mine", "a=1", by="ann")
    clock.advance(1_000)
    again = registry.views.save("w", "/logs", "Mine", "a=2", by="bob")
    assert (again.id, again.query, again.created_by, again.created_at) == (first.id, "a=2", "bob", clock.now_ms())
    elsewhere = registry.views.save("w", "/flows", "Mine", "")
    theirs = registry.views.save("v", "/logs", "Mine", "a=3")
    assert registry.views.list("w") == (elsewhere, again)
    assert registry.views.list("w", "/logs") == (again,)
    assert registry.views.list("v") == (theirs,)
    assert elsewhere.href == "/flows"


def test_they_are_listed_by_name(registry: Registry) -> None:
    for name in ("beta", "Alpha", "alpha", "Gamma"):
        registry.views.save("w", "/logs", name, "")
    assert [view.name for view in registry.views.list("w")] == ["Alpha", "alpha", "beta", "Gamma"]


def test_one_that_is_deleted_is_gone(registry: Registry) -> None:
    saved = registry.views.save("w", "/logs", "Mine", "")
    with pytest.raises(NotFound):
        registry.views.delete("v", saved.id)
    registry.views.delete("w", saved.id)
    assert registry.views.list("w") == ()
    with pytest.raises(NotFound, match=saved.id):
        registry.views.delete("w", saved.id)


@pytest.mark.parametrize(
    ("pointer", "path", "name", "query"),
    [
        ("/name", "/logs", "", ""),
        ("/name", "/logs", "n" * 201, ""),
        ("/name", "/logs", "a\nb", ""),
        ("/path", "", "n", ""),
        ("/path", "logs", "n", ""),
        ("/path", "//elsewhere.example", "n", ""),
        ("/path", "https://elsewhere.example/", "n", ""),
        ("/path", "/\\elsewhere.example", "n", ""),
        ("/path", "/logs?a=b", "n", ""),
        ("/path", "/" + "l" * 200, "n", ""),
        ("/query", "/logs", "n", "a=b c"),
        ("/query", "/logs", "n", "a=é"),
        ("/query", "/logs", "n", "a=b#c"),
        ("/query", "/logs", "n", "q" * 4_001),
    ],
)
def test_what_is_no_page_is_refused_with_its_place(
    registry: Registry, pointer: str, path: str, name: str, query: str
) -> None:
    with pytest.raises(Invalid) as refused:
        registry.views.save("w", path, name, query)
    assert [one.pointer for one in refused.value.errors] == [pointer]
    assert registry.views.list("w") == ()


PAIRS = st.lists(st.tuples(st.text(min_size=1, max_size=10), st.text(max_size=20)), max_size=5)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(pairs=PAIRS.filter(lambda pairs: all(text.isprintable() for pair in pairs for text in pair)))
def test_whatever_a_page_was_filtered_by_comes_back(registry: Registry, pairs: list[tuple[str, str]]) -> None:
    registry.views.save("p", "/logs", "Mine", urlencode(pairs))
    (view,) = registry.views.list("p")
    assert parse_qsl(view.query, keep_blank_values=True) == pairs
