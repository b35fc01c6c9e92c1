"""A flow's graph: its nodes, what each needs, and the order in which they can run.

It is read from the parameters of the nodes' functions, and known before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from clew.triggers.match import Filter

OnError = Literal["fail", "continue"]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a flow: a function, and when and how it runs.

    `upstream` is the nodes among its parameters, in their order; `products` maps a parameter to the key of the product
    whose client it gets. A failed attempt is tried again up to `retries` times, first after about `backoff_s`, then
    after twice as long each time. `place` is where its function stands: `file.py:12`.
    """

    name: str
    function: Callable[..., Any]
    title: str = ""
    is_async: bool = False
    upstream: tuple[str, ...] = ()
    products: dict[str, str] = {}
    wants_event: bool = False
    wants_log: bool = False
    wants_errors: bool = False
    when: Filter | None = None
    retries: int = 0
    backoff_s: float = 1.0
    timeout_s: float = 60.0
    on_error: OnError = "fail"
    place: str = ""


class Graph:
    """The nodes of a flow in an order in which they can run: each after those it needs, else as they were declared."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes = nodes
        self._by_name = {node.name: node for node in nodes}
        self._downstream = {
            node.name: tuple(other.name for other in nodes if node.name in other.upstream) for node in nodes
        }
        self._ancestors: dict[str, frozenset[str]] = {}
        for node in nodes:
            above = (self._ancestors[name] for name in node.upstream)
            self._ancestors[node.name] = frozenset(node.upstream).union(*above)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def node(self, name: str) -> Node:
        """The node of this name. Raises `KeyError` where there is none."""
        return self._by_name[name]

    def downstream(self, name: str) -> tuple[str, ...]:
        """The nodes that take this node's output, in the graph's order."""
        return self._downstream[name]

    def ancestors(self, name: str) -> frozenset[str]:
        """Every node that must be done before this one, near or far."""
        return self._ancestors[name]

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Each pair of a node and one that takes its output."""
        return tuple((name, node.name) for node in self.nodes for name in node.upstream)


def in_order(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes, each after those it needs; of those that could come next, the one declared first comes first.

    Every upstream name must be one of theirs, and there must be no cycle: see `find_cycle`.
    """
    waiting = list(nodes)
    done: set[str] = set()
    ordered: list[Node] = []
    while waiting:
        following = next(node for node in waiting if done.issuperset(node.upstream))
        waiting.remove(following)
        ordered.append(following)
        done.add(following.name)
    return tuple(ordered)


def find_cycle(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Nodes each of which needs the one before it, the first the last; empty where there is no such circle.

    It begins with the one that was declared first. Names that are no node's are passed over, so that it can be asked
    before all nodes are known.
    """
    by_name = {node.name: node for node in nodes}
    clear: set[str] = set()
    for start in by_name:
        path: list[str] = []
        branches = [iter((start,))]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if path:
                    clear.add(path.pop())
            elif name in path:
                return _from_the_first(path[path.index(name) :][::-1], by_name)
            elif name in by_name and name not in clear:
                path.append(name)
                branches.append(iter(by_name[name].upstream))
    return ()


def _from_the_first(circle: list[str], by_name: dict[str, Node]) -> tuple[Node, ...]:
    first = circle.index(next(name for name in by_name if name in circle))
    return tuple(by_name[name] for name in (*circle[first:], *circle[:first]))
