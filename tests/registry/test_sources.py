import pytest

from clew.core.clock import FakeClock
from clew.core.errors import Conflict, Invalid, NotFound
from clew.registry import declare
from clew.registry.registry import Registry
from clew.registry.schemes import hmac_sha256


def declared() -> declare.Declarations:
    erp = declare.Product("erp", title="ERP")
    erp.webhook(
        "orders",
        verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"),
        event="$.type",
        customer="$.account",
        keys={"order": "$.data.number"},
    )
    return declare.collect([erp])


def test_a_declared_source_is_found_with_its_definition(registry: Registry) -> None:
    registry.apply(declared())
    source = registry.sources.find("w", "orders")
    assert source is not None
    assert (source.product, source.kind, source.declared, source.path) == (
        "erp",
        "webhook",
        True,
        "/webhooks/in/orders",
    )
    assert source.definition["event"] == "$.type"
    assert source.definition["keys"] == {"order": "$.data.number"}
    assert source.definition["verify"]["secrets"] == ["ERP_SECRET"]
    assert registry.sources.find("v", "orders") is None
    assert registry.sources.list("w") == (source,)


def test_a_source_that_code_no_longer_declares_can_be_archived(registry: Registry, clock: FakeClock) -> None:
    registry.apply(declared())
    with pytest.raises(Conflict, match="declared in code"):
        registry.sources.archive("w", "orders")
    registry.apply(declare.collect([]))
    left = registry.sources.find("w", "orders")
    assert left is not None
    assert not left.declared
    assert registry.sources.archive("w", "orders").archived_at == clock.now_ms()
    assert registry.sources.find("w", "orders") is None
    assert registry.sources.find("w", "orders", archived=True) is not None
    assert registry.sources.list("w") == ()
    assert len(registry.sources.list("w", archived=True)) == 1


def test_what_is_not_there_cannot_be_archived(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no source 'orders'"):
        registry.sources.archive("w", "orders")


def test_a_source_of_a_product_that_is_not_there_is_refused_and_nothing_is_applied(registry: Registry) -> None:
    stray = declare.Source(key="stray", product="nobody", event="$.type")
    with pytest.raises(Invalid, match="no product 'nobody'"):
        registry.apply(declare.collect([declare.Product("erp"), stray]))
    assert registry.products.list("w", archived=True) == ()
    assert registry.sources.list("w", archived=True) == ()
