"""From events to decisions and runs, over a real journal, killed at any step in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from clew.core.clock import FakeClock, to_rfc3339
from clew.core.errors import Unavailable
from clew.core.record import ErrorInfo, encode_line
from clew.flows import dispatch as dispatch_module
from clew.flows.dispatch import ArchivedCustomers, events_in
from clew.flows.flow import Flow
from clew.flows.run_ids import flow_run_id
from clew.journal.journal import Append, Block, Receipt
from clew.registry.declare import Integration, Product
from harness.flow_place import WORKSPACE, FlowPlace, parameters_of, until
from harness.flow_server import ERP, HOOKS, Server, came, noting, told


async def test_an_event_launches_the_flows_that_wait_for_it(server: Server) -> None:
    seen: list[str] = []
    await server.start(
        noting(seen, "one"), noting(seen, "all", on=HOOKS), noting(seen, "other", on=HOOKS["order.closed"])
    )
    event = came(customer="acme", connection="c1", keys={"order": "SO-1"})
    await server.send(event)
    decisions = await server.decided(event)
    assert sorted(map(told, decisions)) == [("all", "launched", "info"), ("one", "launched", "info")]
    await until(lambda: len(seen) == 2, "both ran")
    for decision in decisions:
        assert parameters_of(decision)["flow_run_id"] == flow_run_id(event.id, decision.flow)
        assert decision.message == f"{decision.flow} was launched."
        assert (decision.customer, decision.connection, decision.keys, decision.trace_id) == (
            "acme",
            "c1",
            {"order": "SO-1"},
            event.trace_id,
        )


async def test_an_event_that_no_flow_names_says_so(server: Server) -> None:
    await server.start(noting([]))
    event, elsewhere = came(event="order.closed"), came(source="other")
    await server.send(event, elsewhere)
    decisions = await server.decided(event, elsewhere)
    assert [told(decision) for decision in decisions] == [("", "no_flow_subscribed", "info")] * 2
    assert decisions[0].message == "Nothing was launched: no flow waits for order.closed from hooks."


async def test_an_event_that_could_not_be_read_launches_nothing(server: Server) -> None:
    seen: list[str] = []
    await server.start(noting(seen, on=HOOKS))
    event = came(event="", error=ErrorInfo(type="parse", message="no name"), status="failure")
    await server.send(event)
    (decision,) = await server.decided(event)
    assert told(decision) == ("", "no_flow_subscribed", "info")
    assert seen == []


async def test_a_filter_that_refuses_says_clause_expected_and_actual(server: Server) -> None:
    seen: list[str] = []
    await server.start(noting(seen, where="event.payload.country == 'US' && event.customer != ''"))
    event = came('{"country":"CA"}', customer="acme")
    await server.send(event)
    (decision,) = await server.decided(event)
    assert told(decision) == ("noting", "filter_not_matched", "info")
    parameters = parameters_of(decision)
    assert (parameters["clause"], parameters["actual"]) == ("event.payload.country == 'US'", "CA")
    assert "US" in parameters["expected"]
    assert "CA" in decision.message
    assert seen == []


async def test_a_flow_that_is_switched_off_says_by_whom_and_when(server: Server) -> None:
    seen: list[str] = []
    flows = await server.start(noting(seen), noting(seen, "in-code", enabled=False))
    await asyncio.to_thread(flows.settings.save, WORKSPACE, "noting", enabled=False, changed_by="ann@example.org")
    event = came()
    await server.send(event)
    by_flow = {decision.flow: decision for decision in await server.decided(event)}
    assert {decision.state for decision in by_flow.values()} == {"flow_disabled"}
    assert "switched off by ann@example.org at 20" in by_flow["noting"].message
    assert "switched off in its code" in by_flow["in-code"].message
    await asyncio.to_thread(flows.settings.save, WORKSPACE, "in-code", enabled=True, changed_by="bob")
    again = came()
    await server.send(again)
    assert sorted(d.state for d in await server.decided(again)) == ["flow_disabled", "launched"]


async def test_an_archived_customer_launches_nothing(server: Server) -> None:
    await server.start(noting([]))
    customers = server.place.registry.customers
    customers.see(WORKSPACE, ["gone", "here"], 1)
    customers.archive(WORKSPACE, "gone")
    events = came(customer="gone"), came(customer="here")
    await server.send(*events)
    assert [d.state for d in await server.decided(*events)] == ["customer_archived", "launched"]


@pytest.mark.feature("C44")
async def test_an_event_of_a_disconnected_connection_launches_nothing_and_says_since_when(server: Server) -> None:
    seen: list[str] = []
    await server.start(noting(seen))
    connections = server.place.registry.connections
    connections.save(WORKSPACE, "c1", name="Acme's Ship")
    lost = connections.disconnect(WORKSPACE, "c1", "The token expired.")
    events = came(connection="c1"), came(connection="c2"), came()
    await server.send(*events)
    decisions = await server.decided(*events)
    assert [told(decision) for decision in decisions] == [
        ("noting", "connection_disconnected", "failure"),
        ("noting", "launched", "info"),
        ("noting", "launched", "info"),
    ]
    since = to_rfc3339(lost.changed_at)
    assert decisions[0].message == (
        f"noting was not launched: the connection c1 (Acme's Ship) is disconnected since {since}: The token expired."
    )
    parameters = parameters_of(decisions[0])
    assert (parameters["verdict"], parameters["code"]) == ("not_launched", "connection_disconnected")
    assert (parameters["clause"], parameters["expected"]) == ("connection.state == 'connected'", "'connected'")
    assert parameters["actual"] == {
        "connection": "c1",
        "state": "disconnected",
        "since": since,
        "error": "The token expired.",
    }
    await until(lambda: len(seen) == 2, "the others ran")


async def test_a_connection_launches_again_when_it_is_connected_again(server: Server) -> None:
    await server.start(noting([]))
    connections = server.place.registry.connections
    connections.see(WORKSPACE, [("c1", "acme", "")], 1)
    connections.disconnect(WORKSPACE, "c1")
    lost = came(connection="c1")
    await server.send(lost)
    assert [d.state for d in await server.decided(lost)] == ["connection_disconnected"]
    connections.reconnect(WORKSPACE, "c1")
    found = came(connection="c1")
    await server.send(found)
    assert [d.state for d in await server.decided(found)] == ["launched"]


async def test_that_a_connection_is_lost_is_no_failure_of_a_flow_whose_filter_refuses(server: Server) -> None:
    await server.start(noting([], where="event.payload.country == 'US'"))
    server.place.registry.connections.see(WORKSPACE, [("c1", "", "")], 1)
    server.place.registry.connections.disconnect(WORKSPACE, "c1", "The token expired.")
    event = came('{"country":"CA"}', connection="c1")
    await server.send(event)
    assert [told(d) for d in await server.decided(event)] == [("noting", "filter_not_matched", "info")]


async def test_an_archived_connection_launches_nothing(server: Server) -> None:
    await server.start(noting([], where="false"))
    server.place.registry.connections.see(WORKSPACE, [("c1", "", "")], 1)
    archived = server.place.registry.connections.archive(WORKSPACE, "c1")
    event = came(connection="c1")
    await server.send(event)
    (decision,) = await server.decided(event)
    assert told(decision) == ("noting", "connection_archived", "info")
    assert archived.archived_at is not None
    since = to_rfc3339(archived.archived_at)
    assert decision.message == f"noting was not launched: the connection c1 is archived since {since}."


async def test_a_connection_learns_its_integration_from_the_flow_that_its_event_is_for(server: Server) -> None:
    orders = Integration("orders", source=ERP, target=Product("ship"))
    await server.start(noting([], integration=orders), noting([], "other"))
    connections = server.place.registry.connections
    connections.see(WORKSPACE, [("c1", "", "")], 1)
    events = came(connection="c1", customer="acme"), came(connection="c2")
    await server.send(*events)
    await server.decided(*events)
    found = connections.find_all(WORKSPACE, ["c1", "c2"])
    assert {key: (one.customer, one.integration) for key, one in found.items()} == {
        "c1": ("acme", "orders"),
        "c2": ("", "orders"),
    }


async def test_an_event_that_is_a_duplicate_launches_nothing(server: Server) -> None:
    await server.start(noting([]))
    first = came()
    second = came(duplicate_of=first.id)
    await server.send(first, second)
    decisions = await server.decided(first, second)
    assert [d.state for d in decisions] == ["launched", "duplicate"]
    assert first.id in decisions[1].message


async def test_a_full_queue_is_a_failure_that_says_what_waits(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()
    flow = Flow("slow", on=HOOKS)

    @flow.node
    async def wait(event):
        await gate.wait()

    flows = await server.start(flow)
    monkeypatch.setattr(flows.runner, "_most_waiting", 2)
    first = came(connection="c1")
    await server.send(first)
    await server.decided(first)
    await until(lambda: flows.check()["running"] == 1, "the first runs")
    more = [came(connection="c1") for _ in range(4)]
    await server.send(*more)
    decisions = await server.decided(*more)
    assert [(d.state, d.status) for d in decisions] == [("launched", "info")] * 2 + [("queue_full", "failure")] * 2
    assert "runs already wait for connection c1" in decisions[-1].message
    gate.set()


async def test_an_internal_event_is_known_by_its_trigger(server: Server) -> None:
    await server.start(noting([], on=HOOKS))
    event = came(kind="internal_event")
    await server.send(event)
    await server.decided(event)
    (run,) = await server.all_ended()
    assert parameters_of(run)["launched_by"] == {"type": "app-event-trigger", "ids": [event.id]}


async def test_events_are_launched_in_the_order_they_came(server: Server) -> None:
    seen: list[str] = []
    await server.start(noting(seen))
    events = [came() for _ in range(300)]
    for start in range(0, 300, 7):
        await server.send(*events[start : start + 7])
    await until(lambda: len(seen) == 300, "all ran")
    assert seen == [event.id for event in events]


STEPS = ["launched", "decided", "committed"]


@pytest.mark.parametrize("step", STEPS)
async def test_cut_off_after_any_step_each_event_runs_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The step fails once after it was done: the block comes again, as it does after a crash."""
    seen: list[str] = []
    flow, other = noting(seen), noting([], "picky", where="event.payload.country == 'US'")
    is_broken = [True]

    def break_after(owner: Any, name: str) -> None:
        done: Callable[..., Any] = getattr(owner, name)

        async def break_async(*arguments: Any) -> Any:
            answer = await done(*arguments)
            if is_broken and is_decision(arguments):
                is_broken.clear()
                raise Unavailable("cut off")
            return answer

        def break_plain(*arguments: Any) -> Any:
            answer = done(*arguments)
            if is_broken:
                is_broken.clear()
                raise Unavailable("cut off")
            return answer

        monkeypatch.setattr(owner, name, break_plain if name == "commit" else break_async)

    flows = await server.start(flow, other)
    owner, name = {
        "launched": (flows.runner, "launch_all"),
        "decided": (server.place.journal, "append"),
        "committed": (server.place.journal.reader("dispatch"), "commit"),
    }[step]
    events = [came(), came('{"country":"CA"}')]
    break_after(owner, name)
    await server.send(*events)
    await until(lambda: not is_broken, "it was cut off")
    decisions = await server.decided(*events)
    await until(lambda: not flows.check()["trouble"], "it has recovered")
    assert len(await server.all_ended()) == 3
    assert sorted(told(d)[:2] for d in decisions) == [
        ("noting", "launched"),
        ("noting", "launched"),
        ("picky", "filter_not_matched"),
        ("picky", "launched"),
    ]
    assert seen == [event.id for event in events]
    assert len(await server.place.records("decision")) == 4


def is_decision(arguments: Sequence[Any]) -> bool:
    if arguments and isinstance(arguments[0], Append):
        return b'"kind":"decision"' in arguments[0].items[0].line
    return True


async def test_what_came_while_the_server_was_down_is_dispatched_at_the_next_start(server: Server) -> None:
    seen: list[str] = []
    await server.start(noting(seen))
    await server.stop()
    server.place.open_stores()
    event = came()
    await server.send(event)
    server.place.journal.close()
    server.place.registry.close()
    await server.start(noting(seen))
    await server.decided(event)
    await until(lambda: seen == [event.id], "it ran")


async def test_the_rows_of_ended_runs_go_once_their_block_is_done(server: Server) -> None:
    flows = await server.start(noting([]))
    events = [came() for _ in range(20)]
    await server.send(*events)
    await server.decided(*events)
    await server.all_ended()
    rows = flows.runner._rows
    await until(lambda: rows.load_all() == [], "no row is left")


async def test_a_trouble_is_told_and_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    flows = await server.start(noting([]))
    append = server.place.journal.append
    monkeypatch.setattr(dispatch_module, "FIRST_RETRY_S", 0.01)
    is_full = [True]

    async def refuse(one: Append) -> Receipt:
        if is_full and b'"kind":"external_event"' not in one.items[0].line:
            raise Unavailable("The journal has no room left.")
        return await append(one)

    monkeypatch.setattr(server.place.journal, "append", refuse)
    event = came()
    await server.send(event)
    await until(lambda: "no room left" in flows.check()["trouble"], "it says so")
    is_full.clear()
    await server.decided(event)
    assert len(await server.all_ended()) == 1
    await until(lambda: flows.check()["trouble"] == "", "it is over")


def test_only_events_are_read_out_of_a_block() -> None:
    odd = came(payload='{"kind":"internal_event"}', kind="external_webhook")
    pull = came(kind="external_event_pull")
    events = [came(), came(kind="internal_event")]
    lines = b"".join(encode_line(record) + b"\n" for record in (odd, events[0], pull, events[1]))
    assert events_in(Block(1, 1, lines, 4, 0, "t")) == events


def test_whether_a_customer_is_archived_is_believed_for_a_second(place: FlowPlace) -> None:
    asked: list[str] = []
    clock = FakeClock()

    def find(workspace: str, customer: str) -> int | None:
        asked.append(customer)
        return 5 if customer == "gone" else None

    archived = ArchivedCustomers(find, clock)
    assert [archived.archived_at("w", who) for who in ("gone", "here", "gone", "here")] == [5, None, 5, None]
    assert asked == ["gone", "here"]
    clock.advance(1_000)
    assert archived.archived_at("w", "gone") == 5
    assert asked == ["gone", "here", "gone"]
