"""Flows as a part of the server: launched by hand, started where the log is in trouble, and without any."""

from __future__ import annotations

import asyncio

import pytest

from clew.core.errors import NotFound, Unavailable
from clew.flows import flows as flows_module
from clew.flows.flow import Flow
from clew.registry.declare import Integration, Product
from harness.flow_place import WORKSPACE, parameters_of, until
from harness.flow_server import ERP, HOOKS, Server, came, noting


class TestTriggering:
    async def test_a_flow_is_launched_by_hand_with_no_event_behind_it(self, server: Server) -> None:
        seen: list[str] = []
        flows = await server.start(noting(seen))
        result = await flows.trigger(WORKSPACE, "noting", {"a": 1}, customer="acme", keys={"order": "SO-1"})
        (run,) = await server.all_ended()
        assert (run.id, run.parent_id, run.customer, run.keys) == (result.run_id, "", "acme", {"order": "SO-1"})
        assert parameters_of(run)["launched_by"] == {"type": "api-trigger", "ids": []}

    async def test_who_is_named_by_hand_is_there_afterwards(self, server: Server) -> None:
        orders = Integration("orders", source=ERP, target=Product("ship"))
        flows = await server.start(noting([], integration=orders))
        await flows.trigger(WORKSPACE, "noting", customer="acme", connection="c1")
        await server.all_ended()
        registry = server.place.registry
        assert registry.customers.find(WORKSPACE, "acme") is not None
        connection = registry.connections.find(WORKSPACE, "c1")
        assert connection is not None
        assert (connection.customer, connection.integration) == ("acme", "orders")

    async def test_one_that_is_switched_off_is_launched_by_hand_all_the_same(self, server: Server) -> None:
        seen: list[str] = []
        flows = await server.start(noting(seen, enabled=False))
        assert (await flows.trigger(WORKSPACE, "noting")).code == "launched"
        await until(lambda: seen, "it ran")

    async def test_one_that_is_not_declared_is_not_found(self, server: Server) -> None:
        flows = await server.start(noting([]))
        with pytest.raises(NotFound, match="'nothing'"):
            await flows.trigger(WORKSPACE, "nothing")


class TestStarting:
    async def test_a_log_in_trouble_keeps_the_server_from_being_ready_not_from_starting(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flows_module, "START_S", 0.05)
        monkeypatch.setattr(flows_module, "RETRY_S", 0.01)
        flow, gate, ran = Flow("gated", on=HOOKS), asyncio.Event(), []

        @flow.node
        async def wait(event):
            ran.append(event.id)
            await gate.wait()

        await server.start(flow)
        event = came()
        await server.send(event)
        await until(lambda: ran, "it runs")
        await server.stop()
        page = server.place.store.page

        def refuse(query: object) -> None:
            raise Unavailable("The log does not answer.")

        monkeypatch.setattr(server.place.store, "page", refuse)
        flows = await server.start(flow, is_awaited=False)
        await until(lambda: "cannot be taken up: The log does not answer." in flows.check()["trouble"], "it says so")
        monkeypatch.setattr(server.place.store, "page", page)
        gate.set()
        await until(lambda: flows.check()["trouble"] == "", "it is ready")
        await server.all_ended()
        assert ran == [event.id] * 2

    async def test_without_flows_what_was_open_ends_and_nothing_is_read(self, server: Server) -> None:
        flow, gate, ran = Flow("gated", on=HOOKS), asyncio.Event(), []

        @flow.node
        async def wait(event):
            ran.append(event.id)
            await gate.wait()

        await server.start(flow)
        await server.send(came())
        await until(lambda: ran, "it runs")
        await server.stop()
        flows = await server.start()
        await until(lambda: flows.check()["trouble"] == "", "it is ready")
        (run,) = await server.place.records("flow_run")
        assert run.state == "failed"
        assert [reader.name for reader in server.place.journal.status().readers] == ["log"]
        await until(lambda: flows.runner._rows.load_all() == [], "no row is left")
