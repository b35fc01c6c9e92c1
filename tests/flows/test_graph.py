"""The order of a graph's nodes, and what is above and below each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clew.flows.graph import Graph, Node, find_cycle, in_order


def node(name: str, *upstream: str) -> Node:
    return Node(name=name, function=print, upstream=upstream)


def names(nodes: tuple[Node, ...]) -> str:
    return "".join(node.name for node in nodes)


def test_what_could_come_next_comes_as_it_was_declared() -> None:
    declared = [node("d", "b", "c"), node("a"), node("c", "a"), node("b", "a"), node("e")]
    assert names(in_order(declared)) == "acbde"


def test_a_graph_knows_what_is_above_and_below() -> None:
    graph = Graph(in_order([node("a"), node("b", "a"), node("c", "a"), node("d", "c", "b"), node("e")]))
    assert graph.downstream("a") == ("b", "c")
    assert graph.downstream("e") == ()
    assert graph.ancestors("d") == {"a", "b", "c"}
    assert graph.ancestors("a") == frozenset()
    assert graph.edges == (("a", "b"), ("a", "c"), ("c", "d"), ("b", "d"))
    assert "d" in graph
    assert "x" not in graph
    assert graph.node("d").upstream == ("c", "b")


def test_a_circle_is_found_in_its_order() -> None:
    assert names(find_cycle([node("x", "a"), node("a", "c"), node("b", "a"), node("c", "b", "y")])) == "abc"
    assert names(find_cycle([node("a", "a")])) == "a"


def test_names_that_are_no_nodes_make_no_circle() -> None:
    assert find_cycle([node("a", "unknown"), node("b", "a")]) == ()


EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20, unique=True)


@given(edges=EDGES)
def test_either_there_is_a_circle_or_an_order(edges: list[tuple[int, int]]) -> None:
    nodes = [node(str(n), *(str(up) for up, down in edges if down == n)) for n in range(8)]
    circle = find_cycle(nodes)
    for before, after in zip(circle, (*circle[1:], *circle[:1]), strict=True):
        assert before.name in after.upstream
    if circle:
        return
    graph = Graph(in_order(nodes))
    assert sorted(node.name for node in graph.nodes) == sorted(node.name for node in nodes)
    done: set[str] = set()
    for one in graph.nodes:
        assert done.issuperset(one.upstream)
        assert done >= graph.ancestors(one.name) >= set(one.upstream)
        assert all(one.name in graph.node(below).upstream for below in graph.downstream(one.name))
        done.add(one.name)
