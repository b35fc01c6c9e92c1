from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.flow_place import DEADLINE_S, FlowPlace
from harness.flow_server import Server


class OtherSide:
    """A real HTTP server that answers as it is told, and remembers what came."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda path: (200, {}, b"{}")
        self.delay = threading.Event()
        self.delay.set()
        other = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                other.requests.append((self.command, self.path, headers, body))
                other.delay.wait(DEADLINE_S)
                status, sent, content = other.answer(self.path)
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"content-length": str(len(content)), **sent}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.delay.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def other_side() -> Iterator[OtherSide]:
    server = OtherSide()
    yield server
    server.close()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[FlowPlace]:
    opened = FlowPlace(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def server(place: FlowPlace) -> AsyncIterator[Server]:
    opened = Server(place)
    yield opened
    await opened.stop()
