"""What people call the things that records name by their keys."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Names(msgspec.Struct, frozen=True):
    """What people call a product, a customer and an integration, by key."""

    product: Callable[[str], str]
    customer: Callable[[str], str]
    integration: Callable[[str], str]

    def of(self, filter_name: str, value: str) -> str:
        """What a filter's value is called."""
        if filter_name in ("product", "source_product", "target_product"):
            return self.product(value)
        if filter_name == "integration":
            return self.integration(value)
        return self.customer(value) if filter_name == "customer" else value
