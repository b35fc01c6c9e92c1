from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clew.core.clock import FakeClock
from clew.core.errors import Conflict, Invalid, NotFound
from clew.registry import declare
from clew.registry.products import Product
from clew.registry.registry import Registry

ERP = Product(workspace="w", key="erp", title="ERP", base_url="https://erp.example/api")


def test_a_product_is_what_was_saved_also_after_a_restart(
    registry: Registry, open_another: Callable[[], Registry]
) -> None:
    assert registry.products.save(ERP) == ERP
    assert registry.products.find("w", "erp") == ERP
    assert open_another().products.find("w", "erp") == ERP


def test_a_product_belongs_to_its_workspace(registry: Registry) -> None:
    registry.products.save(ERP)
    registry.products.save(Product(workspace="v", key="erp", title="Another"))
    assert registry.products.title("w", "erp") == "ERP"
    assert registry.products.title("v", "erp") == "Another"
    assert registry.products.list("w") == (ERP,)
    assert registry.products.list("u") == ()
    assert registry.products.find("u", "erp") is None


def test_a_product_that_is_not_known_is_called_by_its_key(registry: Registry) -> None:
    assert registry.products.title("w", "never seen") == "never seen"


def test_a_product_without_a_title_is_called_by_its_key(registry: Registry) -> None:
    assert registry.products.save(Product(workspace="w", key="erp", title="  ")).title == "erp"


def test_products_are_listed_by_title(registry: Registry) -> None:
    for key, title in (("a", "zeta"), ("b", "Alpha"), ("c", "beta")):
        registry.products.save(Product(workspace="w", key=key, title=title))
    assert [product.key for product in registry.products.list("w")] == ["b", "c", "a"]


def test_an_archived_product_keeps_its_title_and_leaves_the_list(registry: Registry, clock: FakeClock) -> None:
    registry.products.save(ERP)
    archived = registry.products.archive("w", "erp")
    assert archived == msgspec.structs.replace(ERP, archived_at=clock.now_ms())
    assert registry.products.find("w", "erp") is None
    assert registry.products.find("w", "erp", archived=True) == archived
    assert registry.products.list("w") == ()
    assert registry.products.list("w", archived=True) == (archived,)
    assert registry.products.title("w", "erp") == "ERP"


def test_archiving_again_keeps_the_first_time(registry: Registry, clock: FakeClock) -> None:
    registry.products.save(ERP)
    first = registry.products.archive("w", "erp")
    clock.advance(5_000)
    assert registry.products.archive("w", "erp") == first


def test_saving_an_archived_product_brings_it_back(registry: Registry) -> None:
    registry.products.save(ERP)
    archived = registry.products.archive("w", "erp")
    assert registry.products.save(archived) == ERP
    assert registry.products.list("w") == (ERP,)


def test_what_is_not_there_cannot_be_archived(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no product 'erp'"):
        registry.products.archive("w", "erp")


def test_a_product_that_code_declares_can_only_be_changed_there(registry: Registry) -> None:
    registry.apply(declare.collect([declare.Product("erp", title="ERP")]))
    with pytest.raises(Conflict, match="declared in code"):
        registry.products.save(ERP)
    with pytest.raises(Conflict, match="declared in code"):
        registry.products.archive("w", "erp")
    assert registry.products.find("w", "erp") == Product(workspace="w", key="erp", title="ERP", declared=True)


def test_another_process_sees_a_change_within_a_second(registry: Registry, other: Registry, clock: FakeClock) -> None:
    registry.products.save(ERP)
    clock.advance(1_000)
    assert other.products.title("w", "erp") == "ERP"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"key": ""}, "/key"),
        ({"key": "has space"}, "/key"),
        ({"key": "-erp"}, "/key"),
        ({"key": "erp\n"}, "/key"),
        ({"key": "a/b"}, "/key"),
        ({"key": "x" * 101}, "/key"),
        ({"title": "x" * 201}, "/title"),
        ({"title": "E\x00RP"}, "/title"),
        ({"title": "two\nlines"}, "/title"),
        ({"base_url": "erp.example"}, "/base_url"),
        ({"base_url": "ftp://erp.example"}, "/base_url"),
        ({"base_url": "https://"}, "/base_url"),
        ({"base_url": "https://[erp"}, "/base_url"),
        ({"base_url": "https://erp.example:port"}, "/base_url"),
        ({"base_url": "https://user:hush@erp.example"}, "/base_url"),
    ],
)
def test_a_wrong_product_is_refused_with_the_place(registry: Registry, change: dict[str, str], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        registry.products.save(msgspec.structs.replace(ERP, **change))
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert "hush" not in refused.value.detail
    assert registry.products.list("w", archived=True) == ()


def test_all_that_is_wrong_is_said_at_once(registry: Registry) -> None:
    with pytest.raises(Invalid) as refused:
        registry.products.save(Product(workspace="w", key="", title="\x00", base_url="x"))
    assert [error.pointer for error in refused.value.errors] == ["/key", "/title", "/base_url"]


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True),
    title=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200),
)
def test_any_key_and_title_come_back_as_they_went(registry: Registry, key: str, title: str) -> None:
    saved = registry.products.save(Product(workspace="w", key=key, title=title))
    assert registry.products.find("w", key) == saved
    assert saved.title == (title.strip() or key)
