"""How a flow is declared, and what is refused where it is written."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clew import Flow, Integration, Product, minutes
from clew.core.errors import SettingsError
from clew.flows.declared import check_subscriptions, flows_in, objects_named_by
from clew.registry.declare import EventRef, collect, load_objects
from clew.triggers.schedule import Schedule

HERE = Path(__file__).name

erp = Product("erp")
ship = Product("ship-it")
third = Product("third")
orders = Integration("orders", source=erp, target=ship)
hooks = erp.webhook("orders", event="$.type")
tracking = ship.webhook("tracking", event="$.type")


def order_flow(**given: Any) -> Flow:
    """A diamond with a tail, its nodes declared out of order."""
    flow = Flow("order-to-ship", integration=orders, on=hooks["order.released"], products=[third], **given)

    @flow.node
    def confirm(create, warehouse, log):
        """Declared before what it waits for."""

    @flow.node(title="Look the order up")
    async def lookup(event, erp, third): ...

    @flow.node(when="lookup.status == 'open' && event.customer != ''", retries=3, backoff_s=2, timeout_s=5)
    async def create(lookup, event, ship_it, log): ...

    @flow.node(on_error="continue")
    def warehouse(lookup): ...

    @flow.node
    def tell(confirm, errors): ...

    return flow


def refused(action: Callable[[], object]) -> SettingsError:
    with pytest.raises(SettingsError) as error:
        action()
    assert error.value.hint
    assert HERE in error.value.detail
    return error.value


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(Path(__file__).read_text().split("\n"), 1) if text in line)


def test_the_graph_is_read_from_the_parameters() -> None:
    graph = order_flow().graph
    assert [node.name for node in graph.nodes] == ["lookup", "create", "warehouse", "confirm", "tell"]
    create = graph.node("create")
    assert create.upstream == ("lookup",)
    assert create.products == {"ship_it": "ship-it"}
    assert (create.wants_event, create.wants_log, create.wants_errors) == (True, True, False)
    assert (create.retries, create.backoff_s, create.timeout_s, create.on_error) == (3, 2.0, 5.0, "fail")
    assert create.when is not None
    assert create.when.text == "lookup.status == 'open' && event.customer != ''"
    lookup = graph.node("lookup")
    assert (lookup.is_async, lookup.title, lookup.products) == (
        True,
        "Look the order up",
        {"erp": "erp", "third": "third"},
    )
    assert (lookup.retries, lookup.backoff_s, lookup.timeout_s, lookup.when) == (0, 1.0, 60.0, None)
    assert graph.node("warehouse").on_error == "continue"
    assert not graph.node("warehouse").is_async
    assert graph.node("tell").wants_errors


def test_a_node_says_where_it_stands() -> None:
    place = order_flow().graph.node("warehouse").place
    assert place == f"{__file__}:{line_of('@flow.node(on_error=' + chr(34) + 'continue')}"


def test_the_function_stays_what_it_was() -> None:
    flow = Flow("f")

    @flow.node
    def double(event):
        return event * 2

    assert double(2) == 4
    assert flow.graph.node("double").function is double


def test_a_flow_knows_what_starts_it() -> None:
    flow = Flow("f", on=[hooks["order.released"], tracking, hooks["order.released"]], every=minutes(5))
    assert flow.subscriptions == (EventRef("orders", "order.released"), "tracking")
    assert flow.is_subscribed("orders", "order.released")
    assert not flow.is_subscribed("orders", "order.changed")
    assert flow.is_subscribed("tracking", "anything")
    assert flow.schedule == Schedule(every_ms=300_000)


def test_a_flow_that_is_only_asked_for_has_no_subscription_and_no_schedule() -> None:
    flow = Flow("f", title="Asked for", enabled=False, concurrency=None)
    assert (flow.subscriptions, flow.schedule, flow.where) == ((), None, None)
    assert (flow.title, flow.enabled, flow.concurrency) == ("Asked for", False, None)
    assert Flow("g").title == "g"


def test_a_flow_may_use_the_products_of_its_integration_and_others() -> None:
    assert order_flow().products == {"erp": erp, "ship-it": ship, "third": third}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"key": "Order"}, "'Order' is no key of a flow"),
        ({"key": 5}, "5 is no key"),
        ({"integration": "orders"}, "integration= is no Integration"),
        ({"on": "orders"}, "on='orders'"),
        ({"on": [hooks, "x"]}, "'x' in on="),
        ({"concurrency": 0}, "concurrency=0"),
        ({"concurrency": True}, "concurrency=True"),
        ({"every": timedelta(0)}, "every="),
        ({"cron": "x"}, "five fields"),
        ({"cron": "* * * * *", "time_zone": "Nowhere"}, "'Nowhere' is not known"),
        ({"every": minutes(1), "cron": "* * * * *"}, "both"),
        ({"where": "event.a = 1"}, "where= of the flow 'f': column 9"),
        ({"where": "lookup.a == 1"}, "no 'lookup' here"),
        ({"products": ["erp"]}, "'erp' in products= is no Product"),
        ({"products": [Product("a-b"), Product("a_b")]}, "would both be the parameter 'a_b'"),
        ({"products": [Product("log")]}, "every node knows already"),
    ],
)
def test_what_is_wrong_with_a_flow_is_said_with_its_place(given: dict[str, Any], words: str) -> None:
    error = refused(lambda: Flow(**{"key": "f", **given}))
    assert words in error.detail
    assert f"{HERE}:{line_of('error = refused(lambda: ' + 'Flow(**')}" in error.detail


def declare(function: Callable[..., Any], **given: Any) -> None:
    flow = Flow("f", integration=orders)

    @flow.node
    def first(event): ...

    flow.node(**given)(function)


def first(event): ...
def event(): ...
def log(): ...
def errors(): ...
def products(): ...
def erp_(erp): ...
def many(*events): ...
def named(**events): ...
def placed(event, /): ...
def one_by_one(event):
    yield 1


async def later_one_by_one(event):
    yield 1


def itself(itself): ...
def fine(event): ...
def after(first): ...


ship_it = functools.wraps(fine)(lambda event: ...)
ship_it.__name__ = "ship_it"


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        (first, {}, ["'first'", "there is one of this name, at"]),
        (event, {}, ["'event'", "every node knows already"]),
        (log, {}, ["'log'", "every node knows already"]),
        (errors, {}, ["'errors'", "every node knows already"]),
        (products, {}, ["'products'", "every node knows already"]),
        (ship_it, {}, ["'ship_it'", "the product 'ship-it' has this name"]),
        (lambda event: 1, {}, ["'<lambda>'", "no name"]),
        (many, {}, ["'many'", "'*events'"]),
        (named, {}, ["'named'", "'**events'"]),
        (placed, {}, ["'placed'", "'event'"]),
        (one_by_one, {}, ["'one_by_one'", "yields"]),
        (later_one_by_one, {}, ["'later_one_by_one'", "yields"]),
        (itself, {}, ["'itself'", "waits for itself: itself → itself"]),
        (fine, {"when": "event.a ="}, ["'fine'", "when=: column 9"]),
        (fine, {"when": "first.a == 1"}, ["'fine'", "no 'first' here, only event"]),
        (after, {"when": "first.foo() == 1"}, ["no function 'foo'"]),
        (fine, {"retries": -1}, ["retries=-1"]),
        (fine, {"retries": 101}, ["retries=101"]),
        (fine, {"retries": 1.5}, ["retries=1.5"]),
        (fine, {"retries": True}, ["retries=True"]),
        (fine, {"timeout_s": 0}, ["timeout_s=0"]),
        (fine, {"timeout_s": float("nan")}, ["timeout_s=nan"]),
        (fine, {"timeout_s": 1e9}, ["timeout_s="]),
        (fine, {"timeout_s": "60"}, ["timeout_s='60'"]),
        (fine, {"backoff_s": -1}, ["backoff_s=-1"]),
        (fine, {"on_error": "ignore"}, ["on_error='ignore'"]),
    ],
)
def test_what_is_wrong_with_a_node_is_said_with_its_name_and_place(
    function: Any, given: dict[str, Any], words: list[str]
) -> None:
    error = refused(lambda: declare(function, **given))
    assert [word for word in words if word not in error.detail] == []
    line = getattr(function, "__wrapped__", function).__code__.co_firstlineno
    assert error.detail.startswith(f"{__file__}:{line}: the node ")


def test_only_a_function_is_a_node() -> None:
    with pytest.raises(SettingsError, match="is no function"):
        Flow("f").node(functools.partial(fine, 1))  # type: ignore[call-overload]


def test_a_circle_is_refused_by_the_node_that_closes_it() -> None:
    flow = Flow("f")

    @flow.node
    def one(three): ...

    @flow.node
    def two(one): ...

    def close() -> None:
        @flow.node
        def three(two): ...

    error = refused(close)
    assert "the node 'three': it waits for itself: one → two → three → one" in error.detail
    assert f":{line_of('def three(two)') - 1}: the node 'three'" in error.detail
    for name in ("def one(three)", "def two(one)"):
        assert f":{line_of(name) - 1}" in error.detail


def test_an_unknown_parameter_is_refused_with_what_there_is() -> None:
    flow = Flow("f", integration=orders)

    @flow.node
    def lookup(event): ...

    @flow.node
    def create(lokup, erp): ...

    error = refused(lambda: flow.graph)
    assert "the node 'create': its parameter 'lokup' is not known" in error.detail
    assert error.hint == "It may name lookup, create, erp, ship_it, event, log, errors."


def test_a_flow_without_nodes_is_refused() -> None:
    flow = Flow("to-ship")
    error = refused(lambda: flows_in([flow]))
    assert "the flow 'to-ship' has no nodes" in error.detail
    assert "@to_ship.node" in error.hint


def test_no_node_is_added_to_a_flow_in_use() -> None:
    flow = order_flow()
    assert flow.graph
    assert "in use already" in refused(lambda: flow.node(fine)).detail


def test_the_version_changes_with_the_definition_and_with_nothing_else() -> None:
    def made(body: str, *, retries: int = 0, **given: Any) -> str:
        flow = Flow("f", **given)
        space: dict[str, Any] = {}
        exec(f"def node(event):\n    return {body}", space)
        flow.node(retries=retries)(space["node"])
        return flow.version

    assert made("1") == made("1", title="Another title", enabled=False)
    assert len({made("1"), made("2"), made("event"), made("1", retries=1), made("1", where="event.a == 1")}) == 5
    assert len({made("1"), made("1", on=hooks), made("1", every=minutes(1)), made("1", cron="* * * * *")}) == 4
    assert order_flow().version == order_flow().version
    assert len(order_flow().version) == 12


def test_the_version_sees_the_source_of_a_function_in_a_file(tmp_path: Path) -> None:
    versions = set()
    for name, value in (("one_version", 1), ("other_version", 2)):
        file = tmp_path / f"{name}.py"
        text = (
            "from clew import Flow\nflow = Flow('f')\n@flow.node\ndef only(event):\n    # a comment, {}\n    return 1\n"
        )
        file.write_text(text.format(value))
        versions.add(flows_in(load_objects(str(file)))[0].version)
    assert len(versions) == 2


def test_the_flows_of_a_module_are_found_once_each() -> None:
    flow = order_flow()
    assert flows_in([flow, 1, erp, flow]) == (flow,)


def test_two_flows_of_one_key_are_refused_with_both_places() -> None:
    error = refused(lambda: flows_in([order_flow(), order_flow()]))
    assert "the flow 'order-to-ship' is declared twice, first at" in error.detail
    assert error.detail.count(HERE) == 2


def test_a_flow_brings_its_integration_and_its_products_along() -> None:
    declared = collect(objects_named_by([order_flow()]))
    assert [item.key for item in declared.integrations] == ["orders"]
    assert {item.key for item in declared.products} == {"erp", "ship-it", "third"}
    assert {item.key for item in declared.sources} == {"orders", "tracking"}


def test_a_flow_that_waits_for_an_undeclared_source_is_refused() -> None:
    check_subscriptions([order_flow()], {"orders"})
    error = refused(lambda: check_subscriptions([order_flow()], {"tracking"}))
    assert "waits for events of the source 'orders', which is not declared" in error.detail


def test_a_mistake_in_a_module_is_told_with_the_modules_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "with_a_mistake.py"
    file.write_text("from clew import Flow\n\nflow = Flow('f')\n\n@flow.node(when='event.a =')\ndef only(event): ...\n")
    with pytest.raises(SettingsError) as error:
        load_objects(str(file))
    assert error.value.detail.startswith(f"{file}:5: the node 'only': when=: column 9")
