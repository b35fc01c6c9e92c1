from clew.demo.events import ERP, SHIP, SHOP
from clew.demo.history import make_history
from clew.demo.signing import set_secrets
from clew.registry.declare import load_module

DECLARED = load_module("clew.demo.integrations")


def test_the_products_sources_and_integrations_that_the_demo_uses_are_declared():
    assert {product.key for product in DECLARED.products} == {ERP, SHIP, SHOP}
    assert {source.key for source in DECLARED.sources} == {"orders", "shipments"}
    directions = {integration.key: integration.direction for integration in DECLARED.integrations}
    assert directions == {
        "orders": "two-way",
        "customers": "one-way",
        "invoices": "one-way",
        "referrals": "one-way",
    }


def test_the_demo_sets_every_secret_that_is_named():
    secrets: dict[str, str] = {}
    set_secrets(secrets)
    assert set(DECLARED.secret_names()) == secrets.keys()


def test_every_reported_event_names_declared_products_and_integrations():
    products = {product.key for product in DECLARED.products}
    integrations = {integration.key for integration in DECLARED.integrations} | {""}
    for step in make_history(now_ms=1_780_000_000_000, records=2_000, seed=7):
        assert {step.event.source_product, step.event.target_product} <= products
        assert step.event.integration in integrations
