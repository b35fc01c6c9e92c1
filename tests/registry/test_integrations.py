import msgspec
import pytest

from clew.core.clock import FakeClock
from clew.core.errors import Conflict, Invalid, NotFound
from clew.registry import declare
from clew.registry.integrations import Integration, method_sentence
from clew.registry.products import Product
from clew.registry.registry import Registry

ORDERS = Integration(
    workspace="w", key="orders", title="Orders", source_product="erp", target_product="ship", direction="two-way"
)


@pytest.fixture(autouse=True)
def _products(registry: Registry) -> None:
    registry.products.save(Product(workspace="w", key="erp", title="ERP"))
    registry.products.save(Product(workspace="w", key="ship", title="Ship"))


def test_an_integration_is_what_was_saved(registry: Registry) -> None:
    assert registry.integrations.save(ORDERS) == ORDERS
    assert registry.integrations.find("w", "orders") == ORDERS
    assert registry.integrations.find("v", "orders") is None
    assert registry.integrations.list("w") == (ORDERS,)


def test_its_method_is_said_with_the_titles_of_its_products(registry: Registry) -> None:
    two_way = registry.integrations.save(ORDERS)
    one_way = registry.integrations.save(msgspec.structs.replace(ORDERS, key="returns", direction="one-way"))
    assert registry.integrations.sentence(two_way) == "Two-way: ERP <-> Ship"
    assert registry.integrations.sentence(one_way) == "One-way: ERP -> Ship"


def test_without_a_direction_the_ends_are_said() -> None:
    assert method_sentence("", "ERP", "Ship") == "ERP -> Ship"


def test_an_archived_integration_leaves_the_list_and_comes_back_when_saved(
    registry: Registry, clock: FakeClock
) -> None:
    registry.integrations.save(ORDERS)
    archived = registry.integrations.archive("w", "orders")
    assert archived.archived_at == clock.now_ms()
    assert registry.integrations.list("w") == ()
    assert registry.integrations.find("w", "orders") is None
    assert registry.integrations.list("w", archived=True) == (archived,)
    assert registry.integrations.title("w", "orders") == "Orders"
    assert registry.integrations.save(archived) == ORDERS


def test_an_integration_that_is_not_known_is_called_by_its_key(registry: Registry) -> None:
    assert registry.integrations.title("w", "orders") == "orders"


def test_what_is_not_there_cannot_be_archived(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no integration 'orders'"):
        registry.integrations.archive("w", "orders")


def test_an_integration_that_code_declares_can_only_be_changed_there(registry: Registry) -> None:
    erp, ship = declare.Product("erp"), declare.Product("ship")
    registry.apply(declare.collect([declare.Integration("orders", source=erp, target=ship)]))
    with pytest.raises(Conflict, match="declared in code"):
        registry.integrations.save(ORDERS)
    with pytest.raises(Conflict, match="declared in code"):
        registry.integrations.archive("w", "orders")


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"source_product": "erq"}, "/source_product", "There are: erp, ship"),
        ({"target_product": ""}, "/target_product", "There are: erp, ship"),
        ({"direction": "sideways"}, "/direction", "one-way, two-way"),
        ({"key": "not a key"}, "/key", "no key"),
        ({"title": "\t"}, "/title", "control"),
    ],
)
def test_a_wrong_integration_is_refused_with_the_place_and_what_it_may_be(
    registry: Registry, change: dict[str, str], pointer: str, said: str
) -> None:
    with pytest.raises(Invalid) as refused:
        registry.integrations.save(msgspec.structs.replace(ORDERS, **change))
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert said in refused.value.errors[0].detail
    assert registry.integrations.list("w", archived=True) == ()


def test_a_product_of_another_workspace_or_out_of_use_is_no_end(registry: Registry) -> None:
    with pytest.raises(Invalid, match="no product 'erp'"):
        registry.integrations.save(msgspec.structs.replace(ORDERS, workspace="v"))
    registry.products.archive("w", "ship")
    with pytest.raises(Invalid, match="no product 'ship'"):
        registry.integrations.save(ORDERS)
