"""The flows that a module declares, and what they bring along."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from clew.core.errors import SettingsError
from clew.flows.flow import Flow


def flows_in(objects: Iterable[object]) -> tuple[Flow, ...]:
    """The flows among these objects, each once, in the order they were met, with their graphs read.

    Raises `SettingsError` for two flows of one key, and for what is wrong with a graph as a whole.
    """
    by_key: dict[str, Flow] = {}
    for flow in objects:
        if not isinstance(flow, Flow):
            continue
        first = by_key.setdefault(flow.key, flow)
        if first is not flow:
            raise SettingsError(
                f"{flow.place}: the flow {flow.key!r} is declared twice, first at {first.place}.",
                hint="Give one of them another key.",
            )
    for flow in by_key.values():
        flow.graph  # noqa: B018  # reading it checks it
    return tuple(by_key.values())


def objects_named_by(flows: Iterable[Flow]) -> tuple[object, ...]:
    """The integrations and products that flows use, whether or not their module names them: declare them too."""
    found: list[object] = []
    for flow in flows:
        found += [flow.integration] if flow.integration else []
        found += flow.products.values()
    return tuple(found)


def check_subscriptions(flows: Iterable[Flow], sources: Collection[str]) -> None:
    """Refuse flows that wait for events of a source that is not declared. `sources` is the keys of those that are."""
    for flow in flows:
        for subscription in flow.subscriptions:
            source = subscription if isinstance(subscription, str) else subscription.source
            if source not in sources:
                raise SettingsError(
                    f"{flow.place}: the flow {flow.key!r} waits for events of the source {source!r}, "
                    "which is not declared.",
                    hint="Name the source's product, or the source itself, at the top level of the module.",
                )
