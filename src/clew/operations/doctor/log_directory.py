"""The log: asked of the server that owns it, or opened where none does. Two processes never have it open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

import httpx
import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from clew.core.clock import to_rfc3339
from clew.core.errors import ClewError
from clew.log.damage import find_damaged, say_damage
from clew.log.engine import DirectoryLock, first_line, open_client, raise_open_files_limit
from clew.log.schema import newest_schema
from clew.operations.doctor.finding import Finding, ok, problem, warning
from clew.operations.places import Places
from clew.operations.running_server import RunningServer, find_server

ANSWER_S = 10.0
MANY_PARTS = 300
"""Parts of one day. From 1,000 on the engine takes blocks slowly, from 3,000 on none."""

_DAYS = (
    "SELECT count() AS days, sum(pieces) AS parts, max(pieces) AS most, sum(found) AS records FROM ("
    "SELECT partition, count() AS pieces, sum(rows) AS found FROM system.parts "
    "WHERE database = currentDatabase() AND table = 'log' AND active GROUP BY partition)"
)
_TIMES = "SELECT min(time) AS oldest, max(time) AS newest FROM log"


class Days(msgspec.Struct, frozen=True):
    """The days of a log, its parts, the most parts of one day, and its records."""

    days: int
    parts: int
    most: int
    records: int


class Times(msgspec.Struct, frozen=True):
    """The times of the oldest and of the newest record, ms since the epoch."""

    oldest: int
    newest: int


def examine_server(places: Places) -> Iterator[Finding]:
    """What the server that owns the log says of each of its parts."""
    server = find_server(places.data_dir)
    if server is None:
        found = f"A process has the log in {places.log} open, and no server of {places.data_dir} says where it answers."
        yield warning("server", found, "It may be starting or stopping: look again.")
        return
    if server.version != version("clew"):
        found = f"It runs version {server.version}; this command is of version {version('clew')}."
        yield warning("server", found, "Start it again to use the new version.")
    try:
        answer = httpx.get(f"{server.url}/readyz", timeout=ANSWER_S, trust_env=False)
        parts: Mapping[str, Mapping[str, Any]] = answer.json()["parts"]
        yield ok("server", f"It answers at {server.url}, process {server.pid}.")
        yield from judge_parts(parts)
        yield _ask_for_times(server)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        found = f"The server at {server.url} (process {server.pid}) does not answer: {error or type(error).__name__}."
        yield problem("server", found, "Look at its messages, and start it again.")


def judge_parts(parts: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """What `/readyz` says of each part."""
    for name, told in parts.items():
        facts = ", ".join(f"{key} {value}" for key, value in told.items() if key not in ("ok", "error") and value != "")
        if told.get("ok"):
            yield ok(f"server: {name}", f"It works{f': {facts}' if facts else ''}.")
        else:
            said = str(told.get("error", "no reason is told"))
            yield problem(f"server: {name}", said, "Look at the server's messages, and at the disk.")


def _ask_for_times(server: RunningServer) -> Finding:
    answer = httpx.get(
        f"{server.url}/v1/records",
        params={"limit": 1},
        headers={"authorization": f"Bearer {server.key}"},
        timeout=ANSWER_S,
        trust_env=False,
    ).json()
    oldest, items = answer["coverage"]["oldest_kept"], answer["items"]
    if not items:
        return ok("log", "It answers, and has no record yet.")
    return ok("log", f"It answers. The oldest record is of {oldest}, the newest of {items[0]['time']}.")


def examine_log(places: Places) -> Iterator[Finding]:
    """The log of a server that is stopped."""
    if not places.log.is_dir():
        yield warning("log", f"{places.log} is not there yet.", "The first start makes it.")
        return
    raise_open_files_limit()
    try:
        lock = DirectoryLock(places.log)
    except (ClewError, OSError) as error:
        yield problem("log", str(error), "Look at the rights of the directory.")
        return
    try:
        client = open_client(places.log, {"output_format_json_quote_64bit_integers": 0})
        try:
            yield from _examine_tables(client)
        finally:
            client.close()
    except ClewError as error:
        yield problem("log", error.detail, error.hint)
    except (ClickHouseError, msgspec.DecodeError) as error:
        yield problem("log", f"It does not answer: {first_line(error)}", "Restore a backup, or look for lost files.")
    finally:
        lock.release()


def examine_parts(places: Places) -> Iterator[Finding]:
    """Whether the engine put something aside that it could not read. It does so when it opens, so ask afterwards."""
    if damaged := find_damaged(places.log):
        todo = f"Restore a backup. What was put aside is in {damaged[0].path.parent}."
        yield problem("log parts", say_damage(damaged), todo)


def _examine_tables(client: Client) -> Iterator[Finding]:
    tables = client.raw_query("SHOW TABLES", fmt="TabSeparatedRaw").decode().split()
    if "log" not in tables and tables:
        yield problem("log", f"The table of the records is gone; there are {', '.join(tables)}.", "Restore a backup.")
        return
    if "log" not in tables:
        yield warning("log", "It is empty.", "The first start makes its tables.")
        return
    schema = int(client.raw_query("SELECT max(version) FROM schema_version", fmt="TabSeparatedRaw"))
    if schema > newest_schema():
        found = f"A newer Clew wrote it (schema {schema}, known is {newest_schema()})."
        yield problem("log", found, "Start that version, or restore a backup made before it.")
        return
    days = msgspec.json.decode(client.raw_query(_DAYS, fmt="JSONEachRow"), type=Days)
    times = msgspec.json.decode(client.raw_query(_TIMES, fmt="JSONEachRow"), type=Times)
    yield judge_log(days, times, schema)


def judge_log(days: Days, times: Times, schema: int) -> Finding:
    """What a log that opens holds."""
    if not days.records:
        return ok("log", f"It opens, schema {schema}, and has no record yet.")
    held = f"{days.records:,} records of {_say(days.days, 'day')} in {_say(days.parts, 'part')}"
    found = f"It opens, schema {schema}: {held}, from {to_rfc3339(times.oldest)} to {to_rfc3339(times.newest)}."
    if days.most > MANY_PARTS:
        return warning("log", f"{found} One day has {days.most} parts.", "Let the server run: it merges them.")
    return ok("log", found)


def _say(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
