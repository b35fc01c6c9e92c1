"""What is the embedded runner's own: its rows, what it reads after a crash, and what it does when a part fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from clew.core.errors import Conflict, JournalFull, Unavailable
from clew.flows import entries
from clew.flows import recorder as recorder_module
from clew.flows.flow import Flow
from clew.journal.journal import Append, Receipt
from clew.registry.declare import Product
from clew.state.tables import flow_runs
from harness.flow_place import DEADLINE_S, WORKSPACE, FlowPlace, codes, launch_of, parameters_of, payload_of, until


def noting(seen: list[Any], key: str = "noting", **options: Any) -> Flow:
    flow = Flow(key, **options)

    @flow.node
    async def note(event):
        seen.append(event.payload)
        return event.payload

    return flow


def rows_of(place: FlowPlace) -> list[tuple[str, str]]:
    with place.registry.database.read() as connection:
        return [
            (row.id, row.state)
            for row in connection.execute(sa.select(flow_runs.c.id, flow_runs.c.state).order_by(flow_runs.c.place))
        ]


class TestRows:
    async def test_a_run_has_a_row_until_it_has_ended_and_was_dispatched(self, place: FlowPlace) -> None:
        flow, gate = Flow("gated"), asyncio.Event()

        @flow.node
        async def wait(event):
            await gate.wait()

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        assert rows_of(place) == [(launch.run_id, "queued")]
        gate.set()
        await place.ended(runner, launch.run_id)
        assert rows_of(place) == [(launch.run_id, "queued")]
        runner.note_dispatched()
        await until(lambda: rows_of(place) == [], "its row is gone")
        after = launch_of(flow)
        await runner.launch(after)
        runner.note_dispatched()
        await place.ended(runner, after.run_id)
        await until(lambda: rows_of(place) == [], "that of one dispatched before it ended too")

    async def test_where_no_row_can_be_written_nothing_is_launched(
        self, place: FlowPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        flow = noting(seen)
        runner = await place.open(flow)
        launches = [launch_of(flow, 1), launch_of(flow, 2)]

        def refuse(*_: object) -> None:
            raise Unavailable("The state database does not answer: disk I/O error.")

        with monkeypatch.context() as broken:
            broken.setattr(place.registry.database, "insert_new", refuse)
            with pytest.raises(Unavailable, match="disk I/O error"):
                await runner.launch_all(launches)
        assert (seen, runner.open_runs(WORKSPACE), runner.status().queued) == ([], (), 0)
        assert codes(await runner.launch_all(launches)) == ["launched", "launched"]
        await place.ended(runner, launches[1].run_id)
        assert seen == [1, 2]

    async def test_launches_that_do_not_fit_into_memory_are_read_from_their_rows(
        self, place: FlowPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(entries, "MOST_HELD_BYTES", 2_000)
        seen: list[Any] = []
        flow = noting(seen)
        runner = await place.open(flow)
        launches = [launch_of(flow, {"n": n, "text": "x" * 500}) for n in range(12)]
        await runner.launch_all(launches)
        await place.ended(runner, launches[-1].run_id)
        assert [payload["n"] for payload in seen] == list(range(12))

    async def test_a_row_that_cannot_be_read_stays_and_hinders_no_other(self, place: FlowPlace) -> None:
        seen: list[Any] = []
        flow = noting(seen)
        await place.open(flow)
        with place.registry.database.write() as connection:
            row = {"id": "odd", "workspace": WORKSPACE, "flow": "noting", "place": 1, "queued_at": 1}
            connection.execute(sa.insert(flow_runs).values(**row, state="queued", launch="{}"))
        runner = await place.reopen(flow)
        assert (await place.run(runner, flow, 1)).state == "completed"
        assert ("odd", "queued") in rows_of(place)


class TestAfterACrash:
    async def test_a_run_whose_record_is_there_has_ended(self, place: FlowPlace) -> None:
        seen: list[Any] = []
        flow = noting(seen)
        runner = await place.open(flow)
        launch = launch_of(flow, 1)
        await runner.launch(launch)
        await place.ended(runner, launch.run_id)
        runner = await place.reopen(flow)
        assert runner.open_runs(WORKSPACE) == ()
        assert seen == [1]
        runner.note_dispatched()
        await until(lambda: rows_of(place) == [], "its row is gone")

    async def test_an_attempt_that_was_cut_short_after_a_request_gets_its_record(
        self, place: FlowPlace, other_side
    ) -> None:
        flow, gate = Flow("asking", products=[Product("erp", base_url=other_side.url)]), asyncio.Event()
        came: list[int] = []

        @flow.node(retries=1)
        async def ask(event, erp):
            await erp.get("/first")
            came.append(1)
            await gate.wait()

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await until(lambda: came, "it has asked")
        await place.close()
        gate.set()
        runner = await place.open(flow)
        run = await place.ended(runner, launch.run_id)
        lost, again = await place.records("node_run", parent=run.id)
        assert (lost.state, lost.status, lost.error.type) == ("failed", "info", "interrupted")
        assert [parameters_of(r)["attempt"] for r in (lost, again)] == [1, 2]
        requests = await place.records("api_request")
        assert [r.parent_id for r in requests] == [lost.id, again.id]
        assert (run.state, again.status) == ("completed", "success")

    async def test_a_run_whose_node_returned_secrets_cannot_go_on_and_says_so(self, place: FlowPlace) -> None:
        flow, gate, came = Flow("secretive"), asyncio.Event(), []

        @flow.node
        async def sign_in(event):
            return {"token": "t-123"}

        @flow.node
        async def use(sign_in):
            came.append(sign_in["token"])
            await gate.wait()

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await until(lambda: came, "it runs")
        assert came == ["t-123"]
        runner = await place.reopen(flow)
        run = await place.ended(runner, launch.run_id)
        assert (run.state, run.error.type) == ("failed", "record_gone")
        assert "sign_in returned secrets" in run.error.message
        assert [payload_of(r) for r in await place.records("node_run", parent=run.id)] == [{"token": "****"}]
        gate.set()

    async def test_secrets_that_are_on_no_record_are_not_replayed(self, place: FlowPlace) -> None:
        flow = Flow("secretive")

        @flow.node
        async def sign_in(event):
            return {"token": "t-123"}

        @flow.node
        async def use(sign_in):
            return sign_in["token"]

        runner = await place.open(flow)
        run = await place.run(runner, flow, {"password": "hush"})
        with pytest.raises(Conflict, match=r"Its event had secrets, which are in no record: /payload/password\."):
            await runner.repeat(WORKSPACE, run.id)
        edited = {"event": {"password": "new"}}
        with pytest.raises(Conflict, match=r"The output of sign_in had secrets.*: /token\."):
            await runner.replay(WORKSPACE, run.id, "use", edited)
        again = await runner.replay(WORKSPACE, run.id, "use", {**edited, "sign_in": {"token": "given"}})
        record = await place.ended(runner, again.run_id)
        runs = await place.records("node_run", parent=record.id)
        assert payload_of(runs[-1]) == "given"

    async def test_a_start_waits_until_the_log_has_caught_up(self, place: FlowPlace) -> None:
        flow, gate, ran = Flow("two"), asyncio.Event(), []

        @flow.node
        async def first(event):
            ran.append("first")

        @flow.node
        async def second(first):
            ran.append("second")
            await gate.wait()

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await until(lambda: ran == ["first", "second"], "the second runs")
        answers = iter([False, False])
        drain = place.drain

        async def reopen() -> Any:
            await place.close()
            place.drain = lambda timeout_s: next(answers, None) is None and drain(timeout_s)  # type: ignore[method-assign]
            return await place.open(flow)

        runner = await reopen()
        gate.set()
        await place.ended(runner, launch.run_id)
        assert ran == ["first", "second", "second"]

    async def test_a_start_that_fails_may_be_tried_again(
        self, place: FlowPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flow, gate, came = Flow("gated"), asyncio.Event(), []

        @flow.node
        async def wait(event):
            came.append(1)
            await gate.wait()

        runner = await place.open(flow)
        launches = [launch_of(flow) for _ in range(3)]
        await runner.launch_all(launches)
        await until(lambda: came, "it runs")
        await place.close()
        page = place.store.page

        def refuse(query: object) -> None:
            raise Unavailable("The log does not answer.")

        monkeypatch.setattr(place.store, "page", refuse)
        with pytest.raises(Unavailable):
            await place.open(flow)
        runner = place._runner
        assert runner is not None
        with pytest.raises(Unavailable, match="being taken up"):
            await runner.launch(launch_of(flow))
        monkeypatch.setattr(place.store, "page", page)
        gate.set()
        await runner.start()
        await place.ended(runner, launches[-1].run_id)
        assert len(came) == 4


class TestWhenAPartFails:
    async def test_a_full_journal_makes_runs_wait_and_loses_nothing(
        self, place: FlowPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recorder_module, "FIRST_PAUSE_S", 0.01)
        flow, ran = Flow("two"), []

        @flow.node
        async def first(event):
            ran.append("first")

        @flow.node
        async def second(first):
            ran.append("second")

        runner = await place.open(flow)
        append, is_full = place.journal.append, [True]

        async def maybe_full(one: Append) -> Receipt:
            if is_full:
                raise JournalFull("The journal has no room left.")
            return await append(one)

        monkeypatch.setattr(place.journal, "append", maybe_full)
        launch = launch_of(flow)
        await runner.launch(launch)
        await until(lambda: runner.status().trouble == "The journal has no room left.", "it says so")
        assert ran == ["first"]
        is_full.clear()
        run = await place.ended(runner, launch.run_id)
        assert (ran, run.state, runner.status().trouble) == (["first", "second"], "completed", "")

    async def test_a_mistake_of_ours_ends_its_run_alone(
        self, place: FlowPlace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        seen: list[Any] = []
        flow = noting(seen)
        runner = await place.open(flow)
        call = runner._caller.call  # type: ignore[attr-defined]

        async def slip(one: Any) -> Any:
            if b'"payload":"bad"' in one.records.event:
                raise AssertionError("a mistake")
            return await call(one)

        monkeypatch.setattr(runner._caller, "call", slip)  # type: ignore[attr-defined]
        bad = await place.run(runner, flow, "bad")
        assert (bad.state, bad.error.type) == ("failed", "internal")
        assert "a mistake" in caplog.text
        assert (await place.run(runner, flow, "good")).state == "completed"

    async def test_closing_waits_for_nodes_that_end_soon(self, place: FlowPlace) -> None:
        place.options = {"close_s": DEADLINE_S}
        flow, came = Flow("two"), []

        @flow.node
        async def first(event):
            came.append("first")
            await asyncio.sleep(0.1)
            return 1

        @flow.node
        async def second(first):
            came.append("second")
            return first + 1

        runner = await place.open(flow)
        launch = launch_of(flow)
        await runner.launch(launch)
        await until(lambda: came, "it runs")
        runner = await place.reopen(flow)
        await place.ended(runner, launch.run_id)
        assert came == ["first", "second"]

    async def test_after_closing_nothing_is_launched(self, place: FlowPlace) -> None:
        flow = noting([])
        runner = await place.open(flow)
        await place.close()
        with pytest.raises(Unavailable, match="stopping"):
            await runner.launch(launch_of(flow))

    async def test_closing_twice_changes_nothing(self, place: FlowPlace) -> None:
        runner = await place.open(noting([]))
        await runner.close()
        await runner.close()


class TestManyRuns:
    async def test_many_runs_over_many_connections_each_run_once_and_in_order(self, place: FlowPlace) -> None:
        seen: dict[str, list[int]] = {}
        flow = Flow("busy")

        @flow.node
        async def first(event):
            return event.payload

        @flow.node
        async def second(first, event):
            seen.setdefault(event.connection, []).append(first)

        runner = await place.open(flow)
        launches = [launch_of(flow, n, connection=f"c{n % 20}") for n in range(400)]

        async def launch_some(some: Sequence[Any]) -> list[str]:
            return codes(await runner.launch_all(some))

        answers = await asyncio.gather(*(launch_some(launches[n : n + 50]) for n in range(0, 400, 50)))
        assert {code for codes_of_some in answers for code in codes_of_some} == {"launched"}
        assert len(await place.all_ended(runner)) == 400
        assert seen == {f"c{c}": list(range(c, 400, 20)) for c in range(20)}
        assert len(await place.records("node_run")) == 800
