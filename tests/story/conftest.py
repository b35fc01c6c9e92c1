"""One real server for the stories of a worker, reached through its public doors only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.server import ServerProcess, serving

MODULE = """
from clew import Integration, Product, github, hmac_sha256, shopify, slack, standard_webhooks, stripe

erp = Product("erp", title="ERP")
ship = Product("ship", title="Aptean Ship")
orders = Integration("orders", source=erp, target=ship, direction="two-way")

order_hooks = erp.webhook(
    "orders",
    verify=hmac_sha256("X-ERP-Signature", secret="ERP_SECRET"),
    event="$.type",
    customer="$.account",
    keys={"order": "$.data.number"},
    delivery_id="header:X-ERP-Delivery",
)
open_hooks = erp.webhook("open", event="$.type", customer="$.account", keys={"order": "$.data.number"})
github_hooks = erp.webhook("code", verify=github(secret="ERP_SECRET"), event="header:X-GitHub-Event")
stripe_hooks = erp.webhook("payments", verify=stripe(secret="ERP_SECRET"), event="$.type")
shopify_hooks = erp.webhook("shop", verify=shopify(secret="ERP_SECRET"), event="header:X-Shopify-Topic")
slack_hooks = erp.webhook("chat", verify=slack(secret="ERP_SECRET"), event="$.type")
standard_hooks = erp.webhook("standard", verify=standard_webhooks(secret="STANDARD_SECRET"), event="$.type")
"""
ERP_SECRET = "It's a Secret to Everybody"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the example of the standard's own documentation


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    env = {"ERP_SECRET": ERP_SECRET, "STANDARD_SECRET": STANDARD_SECRET}
    with serving(tmp_path_factory.mktemp("story"), MODULE, **env) as process:
        yield process


@pytest.fixture
def api(server: ServerProcess) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def home(server: ServerProcess) -> Path:
    return server.directory
