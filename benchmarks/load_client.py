"""The load client, in a process of its own: `python -m benchmarks.load_client SPEC` (a `LoadSpec` as JSON).

It makes its requests, prints `ready`, reads the port from its standard input, sends, and prints a `LoadResult`.
It speaks HTTP/1.1 by hand on uvloop, because a client library costs more than the server it is to measure: see the
ceiling that `limits.py` measures for it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from collections.abc import Iterator
from itertools import islice

import msgspec
import uvloop

from benchmarks.load import HOST, LoadResult, LoadSpec, summarize_latencies
from benchmarks.records import Records, ndjson

SETTLE_S = 30
"""How long the last answers may take."""
REFUSED_PAUSE_S = 0.05
MIDDLE_OF_LOAD_PER_S = 30_000


def build_requests(spec: LoadSpec) -> list[bytes]:
    """The requests, head and body in one piece, with records of the present."""
    now_ms = time.time_ns() // 1_000_000
    step_ms = 1000 / MIDDLE_OF_LOAD_PER_S
    stream = Records(spec.seed, size=spec.size, begin_ms=now_ms, step_ms=step_ms, sender_ids=spec.sender_ids)
    events = stream.events(spec.requests * spec.per_request)
    is_single = spec.per_request == 1
    media_type = "application/json" if is_single else "application/x-ndjson"
    return [
        head(spec, media_type, body) + body
        for body in (events if is_single else _bodies(events, spec.per_request, spec.requests))
    ]


def _bodies(events: Iterator[bytes], per_request: int, count: int) -> Iterator[bytes]:
    return (ndjson(islice(events, per_request)) for _ in range(count))


def head(spec: LoadSpec, media_type: str, body: bytes) -> bytes:
    """The head of a request, with the empty line."""
    return (
        f"POST {spec.path} HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {spec.key}\r\n"
        f"content-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()


class Load:
    """What the connections share: the requests still to send, and the tally."""

    def __init__(self, spec: LoadSpec, requests: list[bytes]) -> None:
        self.spec = spec
        self.is_over = False
        self.requests = 0
        self.refused = 0
        self.failure = ""
        self.latencies_s = array("d")
        self.begun_s = 0.0
        self.done_s = 0.0
        self._left = iter(requests)
        self._sent = 0
        self._connections = spec.connections
        self.all_closed = asyncio.get_running_loop().create_future()

    def take(self) -> bytes | None:
        """The next request, or None when the load is over."""
        if self.is_over:
            return None
        self._sent += 1
        return next(self._left, None)

    def due_s(self) -> float:
        """When the request that was last taken is due, on the clock of `time.perf_counter`; 0 for at once."""
        return self.begun_s + (self._sent - 1) / self.spec.rate if self.spec.rate else 0.0

    def fail(self, reason: str) -> None:
        """Remember the first thing that went wrong and stop sending."""
        self.failure = self.failure or reason
        self.is_over = True

    def leave(self) -> None:
        """One connection is closed."""
        self._connections -= 1
        if not self._connections and not self.all_closed.done():
            self.all_closed.set_result(None)


class Connection(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._request = b""
        self._sent_s = 0.0
        self._answer = b""
        self._wanted = 0
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; `begin` sends first."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's transport is one

    def begin(self) -> None:
        """Send the next request when it is due, or close when there is none."""
        request = self._load.take()
        if request is None:
            self._transport.close()
            return
        self._request = request
        wait_s = self._load.due_s() - time.perf_counter()
        if wait_s > 0:
            self._loop.call_later(wait_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        if self._transport.is_closing():
            return
        self._is_waiting = True
        self._sent_s = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Collect the answer, and act on it when it is whole."""
        answer = self._answer + data if self._answer else data
        if not self._wanted:
            self._wanted = _length(answer)
        if not self._wanted or len(answer) < self._wanted:
            self._answer = answer
            return
        self._answer, self._wanted, self._is_waiting = b"", 0, False
        self._settle(answer[9:12], answer)

    def _settle(self, status: bytes, answer: bytes) -> None:
        load = self._load
        now_s = time.perf_counter()
        if status == b"201":
            load.latencies_s.append(now_s - self._sent_s)
            load.requests += 1
            load.done_s = now_s
            self.begin()
        elif status == b"503":
            load.refused += 1
            self._loop.call_later(REFUSED_PAUSE_S, self._send)
        else:
            load.fail(f"answered {answer[:600]!r}")
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the load; a connection lost in the middle of it is a failure."""
        if self._is_waiting:
            self._load.fail(f"the server closed a connection that waited for its answer: {exc}")
        self._load.leave()


def _length(answer: bytes) -> int:
    """The length of the whole answer once its head is here, else 0. Raises `ValueError` without a content-length."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    top = answer[:end].lower()
    start = top.index(b"content-length:") + 15
    stop = top.find(b"\r", start)
    return end + 4 + int(top[start : stop if stop > 0 else end])


async def send_load(spec: LoadSpec, requests: list[bytes], port: int) -> LoadResult:
    """Send the load. Raises `RuntimeError` for any answer that is neither a 201 nor a 503."""
    load = Load(spec, requests)
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: Connection(load), HOST, port))[1] for _ in range(spec.connections)
    ]
    cpu_s = time.process_time()
    load.begun_s = load.done_s = time.perf_counter()
    for connection in connections:
        connection.begin()
    await asyncio.wait([load.all_closed], timeout=spec.seconds)
    load.is_over = True
    await asyncio.wait_for(load.all_closed, SETTLE_S)
    if load.failure or not load.requests:
        raise RuntimeError(load.failure or "nothing was acknowledged")
    return LoadResult(
        records=load.requests * spec.per_request,
        requests=load.requests,
        refused=load.refused,
        seconds=load.done_s - load.begun_s,
        cpu_s=time.process_time() - cpu_s,
        wire_bytes=sum(map(len, requests)) / len(requests) / spec.per_request,
        **summarize_latencies(load.latencies_s),
    )


def main() -> None:
    spec = msgspec.json.decode(sys.argv[1], type=LoadSpec)
    requests = build_requests(spec)
    print("ready", flush=True)
    port = int(sys.stdin.readline())
    result = uvloop.run(send_load(spec, requests, port))
    print(msgspec.json.encode(result).decode(), flush=True)


if __name__ == "__main__":
    main()
