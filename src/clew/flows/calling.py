"""Calling a node: its parameters, its clients, its log, its timeout, and what came of it."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from clew.core.clock import Clock
from clew.core.errors import Unavailable
from clew.core.record import ErrorInfo, LogLine
from clew.flows.cleaning import Cleaner
from clew.flows.event import Event
from clew.flows.exchanges import Exchange
from clew.flows.failures import describe_failure, timed_out
from clew.flows.graph import Node
from clew.flows.http import Clients, RequestScope
from clew.flows.node_log import NodeLog
from clew.flows.recorder import Recorder
from clew.flows.records import RunRecords
from clew.flows.threads import EndedOddly, Threads

MOST_OUTPUT_BYTES = 20 * 1024 * 1024
GRACE_S = 1.0
"""How long a node that was cancelled may take to end. After it, it is left behind."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode
_decode_event = msgspec.json.Decoder(Event).decode


class Called(msgspec.Struct, frozen=True):
    """What came of a call: its output as JSON, or why there is none."""

    output: bytes
    error: ErrorInfo | None
    logs: tuple[LogLine, ...]
    duration_ms: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt of a node that is to be made. `outputs` are those of its upstream nodes, as JSON."""

    node: Node
    id: str
    number: int
    outputs: Mapping[str, bytes]
    errors: Mapping[str, ErrorInfo]
    records: RunRecords


class NodeCaller:
    """Calls nodes. `hanging` is how many async ones go on after they were cancelled."""

    def __init__(
        self,
        *,
        clients: Clients,
        threads: Threads,
        recorder: Recorder,
        cleaner: Cleaner,
        clock: Clock,
        logs_requests: Callable[[str], bool],
    ) -> None:
        self._clients = clients
        self._threads = threads
        self._recorder = recorder
        self._cleaner = cleaner
        self._clock = clock
        self._logs_requests = logs_requests
        self._hanging: set[asyncio.Task[bytes]] = set()

    @property
    def hanging(self) -> int:
        """Calls that nobody waits for any more and that go on."""
        return len(self._hanging) + self._threads.left_behind

    async def call(self, call: Call) -> Called:
        """Call it. The requests that it made are on record when this returns.

        Cancelling it cancels an async node, and leaves the thread of a plain one behind.
        """
        began_s = time.monotonic()
        node = call.node
        # Most nodes ask for neither, and making them is a good part of the cost of a call.
        log = NodeLog(self._clock) if node.wants_log or node.products else None
        is_logged = bool(node.products) and self._logs_requests(call.records.workspace)
        requests = _Requests(call, log, self._recorder, is_logged=is_logged) if log and node.products else None
        scope = RequestScope(call.records.trace_id, self._cleaner, self._clock, requests.note) if requests else None
        try:
            run = self._run_async if node.is_async else self._run_plain
            outcome = await run(node, self._arguments(call, log, scope))
        except Exception as error:  # whatever the user's function raises, and what is wrong with its output
            outcome = _explain(error, node)
        finally:
            if scope:
                scope.finish()
        if requests:
            await requests.wait()
        duration_ms = round((time.monotonic() - began_s) * 1000)
        lines = log.lines() if log else ()
        if isinstance(outcome, ErrorInfo):
            return Called(b"", outcome, lines, duration_ms)
        return Called(outcome, None, lines, duration_ms)

    def _arguments(self, call: Call, log: NodeLog | None, scope: RequestScope | None) -> dict[str, Any]:
        """Its parameters. Values are made anew for each node: what one changes in its own, no other one sees."""
        node = call.node
        arguments: dict[str, Any] = {name: _decode(call.outputs[name]) for name in node.upstream}
        if node.wants_event:
            arguments["event"] = _decode_event(call.records.event)
        if node.wants_log:
            arguments["log"] = log
        if node.wants_errors:
            arguments["errors"] = dict(call.errors)
        if scope:
            new_client = self._clients.new_async if node.is_async else self._clients.new_sync
            arguments |= {name: new_client(product, scope) for name, product in node.products.items()}
        return arguments

    async def _run_async(self, node: Node, arguments: dict[str, Any]) -> bytes | ErrorInfo:
        task = asyncio.get_running_loop().create_task(_guarded(node, arguments))
        try:
            await asyncio.wait((task,), timeout=node.timeout_s)
        except asyncio.CancelledError:
            await self._cancel(task)
            raise
        if not task.done():
            await self._cancel(task)
            return timed_out(node.name, node.timeout_s, is_plain=False)
        if task.cancelled():
            return ErrorInfo(type="cancelled", message=f"{node.name} cancelled itself.")
        error = task.exception()
        if error is not None and not isinstance(error, Exception):
            raise EndedOddly(error)
        return task.result()

    async def _run_plain(self, node: Node, arguments: dict[str, Any]) -> bytes | ErrorInfo:
        call = self._threads.call(lambda: encode_output(node.name, node.function(**arguments)))
        left_s = node.timeout_s
        try:
            # The time in which no thread was free is not the node's.
            while not call.done.done() and left_s > 0:
                await asyncio.wait((call.done,), timeout=left_s)
                if call.began_s is not None:
                    left_s = call.began_s + node.timeout_s - time.monotonic()
        except asyncio.CancelledError:
            self._threads.leave_behind(call)
            raise
        if not call.done.done():
            self._threads.leave_behind(call)
            return timed_out(node.name, node.timeout_s, is_plain=True)
        result: bytes = call.done.result()
        return result

    async def _cancel(self, task: asyncio.Task[bytes]) -> None:
        task.cancel()
        await asyncio.wait((task,), timeout=GRACE_S)
        if task.done():
            _look_at(task)
            return
        self._hanging.add(task)
        task.add_done_callback(self._hanging.discard)
        task.add_done_callback(_look_at)


class OutputRefused(Exception):
    """A node returned what cannot be kept."""


def _explain(error: Exception, node: Node) -> ErrorInfo:
    if isinstance(error, OutputRefused):
        return ErrorInfo(type="output", message=str(error))
    if isinstance(error, Unavailable):  # ours: no thread is left
        return ErrorInfo(type=error.code, message=error.detail, data={"hint": error.hint})
    return describe_failure(error, node.function.__code__.co_filename)


def encode_output(node: str, value: Any) -> bytes:
    """A node's output as JSON. Raises `OutputRefused` for what is none, or too much."""
    if inspect.iscoroutine(value):
        value.close()
        raise OutputRefused(f"{node} returned a coroutine: make it async, or await what it calls.")
    try:
        output = _encode(value)
    except Exception as error:  # msgspec's are of several types, and objects may raise theirs
        raise OutputRefused(f"{node} returned something that is not JSON: {error}{_advice(value)}.") from error
    if len(output) > MOST_OUTPUT_BYTES:
        raise OutputRefused(
            f"{node} returned {len(output):,} bytes of JSON; an output may have {MOST_OUTPUT_BYTES:,}. "
            "Keep the data elsewhere and return where it is."
        )
    return output


def _advice(value: Any) -> str:
    return ". Return response.json()" if type(value).__name__ == "Response" else ""


async def _guarded(node: Node, arguments: dict[str, Any]) -> bytes:
    try:
        return encode_output(node.name, await node.function(**arguments))
    except (SystemExit, KeyboardInterrupt) as error:  # they would end the server
        raise EndedOddly(error) from error


def _look_at(task: asyncio.Task[bytes]) -> None:
    """See its exception, so that nobody is told that nobody did."""
    if not task.cancelled():
        task.exception()


class _Requests:
    """The requests of a call: each is on its way into the journal as soon as it is over, where they are logged.

    Where they are not, the node's log says what was asked all the same.
    """

    def __init__(self, call: Call, log: NodeLog, recorder: Recorder, *, is_logged: bool) -> None:
        self._call = call
        self._log = log
        self._recorder = recorder
        self._is_logged = is_logged
        self._loop = asyncio.get_running_loop()
        self._written: list[asyncio.Task[None]] = []

    def note(self, product: str, exchange: Exchange) -> None:
        """An exchange is over. Called from the node's thread."""
        call = self._call
        said = {
            "method": exchange.method,
            "url": exchange.url,
            "status_code": exchange.status_code,
            "duration_ms": exchange.duration_ms,
        }
        self._log.request(exchange.message, {"id": exchange.id, **said} if self._is_logged else said)
        if not self._is_logged:
            return
        item = call.records.api_request(product, exchange, call.node.name, call.id, call.number)
        if call.node.is_async:
            self._written.append(self._recorder.write_soon(item))
            return
        write: Callable[[], None] = lambda: self._written.append(self._recorder.write_soon(item))  # noqa: E731
        try:
            self._loop.call_soon_threadsafe(write)
        except RuntimeError:
            return  # the server has stopped; the thread was left behind

    async def wait(self) -> None:
        """Return when all of them are on disk."""
        if self._written:
            await asyncio.gather(*self._written)
