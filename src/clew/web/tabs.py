"""Tabs: links of which one is the page that is shown."""

from __future__ import annotations

import msgspec


class Tab(msgspec.Struct, frozen=True):
    """One tab. `count` is shown beside its name, "" for none. `has_failure` leads to what went wrong."""

    name: str
    label: str
    href: str
    is_current: bool
    has_failure: bool = False
    count: str = ""
