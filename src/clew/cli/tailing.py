"""`clew tail`: records as they become searchable, line by line, until it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click
import httpx
import msgspec
from rich.text import Text

from clew.cli.command import err, out
from clew.cli.connecting import check_answer, find_address, server_options
from clew.cli.filtering import filter_options
from clew.core.errors import Unavailable
from clew.core.settings import load
from clew.log.tail_stream import TAIL_FILTER_NAMES

SILENCE_S = 45.0
"""A server says something every 15 s, or 30 s at most: after this long the connection is dead."""
CONNECT_S = 10.0
FIRST_WAIT_S = 1.0
LAST_WAIT_S = 10.0
"""Between two tries to connect again."""

_COLORS = {"failure": "red", "success": "green", "info": "dim"}
_TRY_AGAIN = (429, 502, 503, 504)


class ServerEvent(msgspec.Struct, frozen=True):
    """An event of a stream. `data` is empty where only the `id` moves on."""

    id: str
    name: str
    data: bytes


class _Enough(Exception):
    """As many records as were asked for."""


@click.command("tail")
@filter_options(TAIL_FILTER_NAMES)
@click.option("--count", "-n", type=click.IntRange(min=1), help="End after so many records.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, one record a line.")
@server_options
def tail(filters: list[tuple[str, str]], count: int | None, as_json: bool, url: str, key: str) -> None:
    """Show records as they come, until Ctrl-C. After a lost connection it goes on where it was."""
    left = count

    def show(event: ServerEvent) -> None:
        nonlocal left
        if event.name == "dropped":
            _tell(_say_dropped(msgspec.json.decode(event.data)))
            return
        _print(event.data, as_json)
        left = None if left is None else left - 1
        if left == 0:
            raise _Enough

    try:
        _Tail(filters, url, key).follow(show)
    except (KeyboardInterrupt, _Enough):
        return


class _Tail:
    """A stream that is connected to again and again."""

    def __init__(self, filters: list[tuple[str, str]], url: str, key: str) -> None:
        self._filters = filters
        self._given = (url, key)
        self._where = ""
        self._last_id = ""
        self._wait_s = FIRST_WAIT_S
        self._was_connected = False
        self._is_connected = False

    def follow(self, show: Callable[[ServerEvent], None]) -> None:
        """Give every event to `show`, for ever. What goes wrong before the first connection is raised."""
        while True:
            try:
                self._read(show)
            except (httpx.TransportError, httpx.InvalidURL, Unavailable) as error:
                if not self._was_connected:
                    raise self._as_unavailable(error) from error
            self._rest()

    def _read(self, show: Callable[[ServerEvent], None]) -> None:
        # Looked up each time: a server that was started again has another key of its own, and maybe another port.
        self._where, key = find_address(load(), *self._given)
        headers = {"authorization": f"Bearer {key}", "accept": "text/event-stream"}
        if self._last_id:
            headers["last-event-id"] = self._last_id
        timeout = httpx.Timeout(CONNECT_S, read=SILENCE_S)
        with (
            httpx.Client(base_url=self._where, headers=headers, timeout=timeout, trust_env=False) as client,
            client.stream("GET", "/v1/records/tail", params=tuple(self._filters)) as answer,
        ):
            if self._was_connected and answer.status_code in _TRY_AGAIN:
                return
            check_answer(answer)
            self._greet()
            for event in read_events(answer.iter_bytes()):
                self._wait_s = FIRST_WAIT_S
                if event.data:
                    show(event)
                self._last_id = event.id  # after it was shown: else it would be lost where that fails

    def _greet(self) -> None:
        again = " again" if self._was_connected else ""
        _tell(f"Watching {self._where}{again}. Times are UTC; Ctrl-C ends it.")
        self._was_connected = self._is_connected = True

    def _as_unavailable(self, error: Exception) -> Unavailable:
        if isinstance(error, Unavailable):
            return error
        return Unavailable(
            f"The server at {self._where} does not answer: {str(error) or type(error).__name__}.",
            hint="Look whether it runs, or name another with --url.",
        )

    def _rest(self) -> None:
        if self._is_connected:
            _tell("The connection is lost, and is tried again.")
        self._is_connected = False
        time.sleep(self._wait_s)
        self._wait_s = min(self._wait_s * 2, LAST_WAIT_S)


def read_events(chunks: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events of a stream (WHATWG HTML, 9.2.6), each when it is whole. Comments are left out."""
    last_id, name, seen = "", "", False
    data: list[bytes] = []
    for line in _lines(chunks):
        if not line:
            if data or seen:
                yield ServerEvent(last_id, name or "message", b"\n".join(data))
            name, data, seen = "", [], False
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"id":
            last_id, seen = value.decode(errors="replace"), True
        elif field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of bytes: a text's own splitting knows line ends that are none here."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)


def _print(data: bytes, as_json: bool) -> None:
    if as_json:
        click.echo(data)
        return
    out.print(say_record(msgspec.json.decode(data)))
    out.file.flush()


def say_record(item: dict[str, Any]) -> Text:
    """A record of a list as one line: when, how it went, what, between whom, for whom, and what was said."""
    color = _COLORS.get(item["status"], "")
    line = Text()
    line.append(_plain(item["time"])[11:23], style="dim")
    line.append(f"  {item['status']:<7}", style=color)
    line.append(f"  {item['kind'].replace('_', ' '):<17}")
    ways = [name for name in (item["source_product"], item["target_product"]) if name]
    keys = " ".join(f"{name}={value}" for name, value in item["keys"].items())
    what = item["event"] or item["flow"] or item["node"] or item["type"]
    for part, style in ((" → ".join(ways), ""), (what, "bold"), (item["customer"], ""), (keys, "")):
        if part:
            line.append(f"  {_plain(part)}", style=style)
    if said := item["error_message"] or item["message"]:
        line.append(f"  {_plain(said)}", style="red" if item["status"] == "failure" else "dim")
    return line


def _plain(text: str) -> str:
    """Without line ends, and without what a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def _say_dropped(event: dict[str, Any]) -> str:
    count, at_most = event["count"], event["at_most"]
    if count is not None:
        return f"{count:,} more were not shown: they came faster than they were read."
    return f"Some more may not be shown{f', at most {at_most:,}' if at_most is not None else ''}."


def _tell(text: str) -> None:
    err.print(text, style="dim", markup=False)
