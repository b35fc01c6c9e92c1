"""Clew: what came, what ran, what did not, and why.

What is named here is what an integration is written with. It needs none of the server's dependencies.
"""

from clew.flows.flow import Flow
from clew.registry.declare import Integration, Product, bearer, minutes
from clew.registry.schemes import github, hmac_sha256, shopify, slack, standard_webhooks, stripe

__all__ = [
    "Flow",
    "Integration",
    "Product",
    "bearer",
    "github",
    "hmac_sha256",
    "minutes",
    "shopify",
    "slack",
    "standard_webhooks",
    "stripe",
]
