from collections.abc import Callable
from pathlib import Path

import pytest

from clew.core.clock import FakeClock
from clew.core.errors import Invalid
from clew.core.settings import Settings
from clew.registry import declare
from clew.registry.integrations import Integration
from clew.registry.products import Product
from clew.registry.registry import Registry, open_registry


def declared(title: str = "ERP", direction: str = "two-way") -> declare.Declarations:
    erp = declare.Product("erp", title=title, base_url="https://erp.example/api")
    ship = declare.Product("ship")
    erp.webhook("orders", event="$.type")
    return declare.collect([declare.Integration("orders", source=erp, target=ship, direction=direction)])  # type: ignore[arg-type]


def test_what_code_declares_is_there(registry: Registry) -> None:
    registry.apply(declared())
    assert registry.products.list("w") == (
        Product(workspace="w", key="erp", title="ERP", base_url="https://erp.example/api", declared=True),
        Product(workspace="w", key="ship", title="ship", declared=True),
    )
    assert registry.integrations.list("w") == (
        Integration(
            workspace="w",
            key="orders",
            title="orders",
            source_product="erp",
            target_product="ship",
            direction="two-way",
            declared=True,
        ),
    )
    assert [source.key for source in registry.sources.list("w")] == ["orders"]


def test_declaring_again_changes_what_changed(registry: Registry, open_another: Callable[[], Registry]) -> None:
    registry.apply(declared())
    later = open_another()
    later.apply(declared(title="Another ERP", direction="one-way"))
    assert later.products.title("w", "erp") == "Another ERP"
    assert [later.integrations.sentence(each) for each in later.integrations.list("w")] == [
        "One-way: Another ERP -> ship"
    ]


def test_what_code_no_longer_declares_is_kept_and_anyones_to_change(registry: Registry) -> None:
    registry.apply(declared())
    registry.apply(declare.collect([declare.Product("ship")]))
    erp = registry.products.find("w", "erp")
    assert erp is not None
    assert not erp.declared
    assert [each.declared for each in registry.integrations.list("w")] == [False]
    assert [each.declared for each in registry.sources.list("w")] == [False]
    assert registry.products.archive("w", "erp").archived_at is not None


def test_what_code_declares_again_is_in_use_again(registry: Registry) -> None:
    registry.apply(declared())
    registry.apply(declare.collect([]))
    registry.products.archive("w", "erp")
    registry.sources.archive("w", "orders")
    registry.apply(declared())
    assert registry.products.find("w", "erp") is not None
    assert registry.sources.find("w", "orders") is not None


def test_declarations_take_over_what_a_person_had_added(registry: Registry) -> None:
    registry.products.save(Product(workspace="w", key="erp", title="By hand"))
    registry.apply(declared())
    product = registry.products.find("w", "erp")
    assert product is not None
    assert (product.title, product.declared) == ("ERP", True)


def test_declarations_of_one_workspace_leave_the_others_alone(registry: Registry) -> None:
    registry.apply(declared())
    registry.apply(declared(title="Theirs"), workspace="v")
    registry.apply(declare.collect([]), workspace="v")
    assert registry.products.title("w", "erp") == "ERP"
    assert all(product.declared for product in registry.products.list("w"))


def test_a_wrong_declaration_changes_nothing(registry: Registry) -> None:
    registry.apply(declared())
    with pytest.raises(Invalid, match="control characters"):
        registry.apply(declare.collect([declare.Product("other"), declare.Product("wrong", title="\x00")]))
    assert [product.key for product in registry.products.list("w")] == ["erp", "ship"]
    assert all(product.declared for product in registry.products.list("w"))


def test_another_process_sees_what_was_declared_within_a_second(
    registry: Registry, other: Registry, clock: FakeClock
) -> None:
    registry.apply(declared())
    clock.advance(1_000)
    assert other.products.title("w", "erp") == "ERP"
    assert other.sources.find("w", "orders") == registry.sources.find("w", "orders")
    assert other.integrations.find("w", "orders") == registry.integrations.find("w", "orders")


def test_the_settings_say_where_the_registry_is_and_who_its_admin_is(tmp_path: Path) -> None:
    registry = open_registry(Settings(data_dir=str(tmp_path), admin_key="an-admin-key", workspace="mine"))
    principal = registry.keys.authenticate("an-admin-key")
    assert principal is not None
    assert principal.workspace == registry.workspace == "mine"
    assert (tmp_path / "state.db").is_file()
    registry.close()
    registry.close()
