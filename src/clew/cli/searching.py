"""`clew search`: the log of a running server, as a table or as JSON."""

from __future__ import annotations

from typing import Any

import click
import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from clew.cli.command import err, out
from clew.cli.connecting import Refused, check_answer, connect, server_options
from clew.cli.filtering import filter_options
from clew.cli.tailing import read_events
from clew.log.parameters import DEFAULT_LIMIT, FILTER_NAMES, MAX_LIMIT, SORTS

WIDE = 1_000
"""Columns of what is no terminal: there a cell is never cut."""
_COLORS = {"failure": "red", "success": "green", "info": "dim"}

Pairs = list[tuple[str, str]]
Answer = dict[str, Any]


@click.command("search")
@click.argument("words", nargs=-1)
@filter_options(name for name in FILTER_NAMES if name != "q")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT, show_default=True)
@click.option("--sort", type=click.Choice(SORTS), default="desc", show_default=True, help="Newest or oldest first.")
@click.option("--cursor", default="", help="Go on where an earlier search ended.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, as the API answers it.")
@server_options
def search(
    *,
    words: tuple[str, ...],
    filters: Pairs,
    limit: int,
    sort: str,
    cursor: str,
    as_json: bool,
    url: str,
    key: str,
) -> None:
    """List records that have all WORDS and every filter.

    A phrase is written with quotation marks ('"postal code"') and what must not occur with a minus (-refund): put --
    before the words then, so that it is no option. --contains looks inside words too, and shows how far it came.
    """
    asked: list[tuple[str, str | int | float | bool | None]] = [*filters, ("limit", str(limit)), ("sort", sort)]
    if words:
        asked.append(("q", " ".join(words)))
    if cursor:
        asked.append(("cursor", cursor))
    with connect(url, key) as client:
        is_scan = any(name == "contains" for name, _ in filters)
        answer = _scan(client, httpx.QueryParams(asked)) if is_scan else _list(client, httpx.QueryParams(asked))
        if as_json:
            click.echo(msgspec.json.encode(answer))
        else:
            _print(answer, str(client.base_url).rstrip("/"))


def _list(client: httpx.Client, asked: httpx.QueryParams) -> Answer:
    answer: Answer = msgspec.json.decode(check_answer(client.get("/v1/records", params=asked)).content)
    return answer


def _scan(client: httpx.Client, asked: httpx.QueryParams) -> Answer:
    """The same answer as a list has, when all of it has come. Until then a bar shows how far it is."""
    items: list[Answer] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with (
        client.stream("GET", "/v1/records/scan", params=asked) as stream,
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar,
    ):
        check_answer(stream)
        task = bar.add_task("Searching", total=1.0)
        for event in read_events(stream.iter_bytes()):
            told = msgspec.json.decode(event.data)
            if event.name == "match":
                items.append(told)
            elif event.name == "progress":
                bar.update(task, completed=told["fraction"], description=f"Searching, {told['matches']} found")
            elif event.name == "done":
                return {"items": items, "next": told["next"], "prev": None, "coverage": told["coverage"]}
            elif event.name == "failed":
                raise Refused(told["detail"], hint=told.get("hint", ""))
    raise Refused("The server ended the search before it was done.", hint="Try again.")


def _print(answer: Answer, server: str) -> None:
    console = out if out.is_terminal else Console(width=WIDE, soft_wrap=True, highlight=False)
    if answer["items"]:
        console.print(build_table(answer["items"], server))
    coverage = answer["coverage"]
    since = f" from {_plain(coverage['from'])}" if coverage["from"] else ""
    count = len(answer["items"])
    said = f"{count} record{'' if count == 1 else 's'}. Searched{since} to {_plain(coverage['to'])}."
    if coverage["truncated"]:
        said += " There may be more: the search ended at a bound."
    if answer["next"]:
        said += f" To go on: --cursor {answer['next']}"
    err.print(said, style="dim", markup=False)


def build_table(items: list[Answer], server: str) -> Table:
    """Records as rows. Their times and events are links to their pages on the server."""
    table = Table("Time (UTC)", "Status", "Kind", "Event", "From, to", "Customer", "Keys", "Message", box=None)
    for item in items:
        color = _COLORS.get(item["status"], "")
        href = f"{server}/records/{item['id']}"
        ways = [name for name in (item["source_product"], item["target_product"]) if name]
        keys = " ".join(f"{name}={value}" for name, value in item["keys"].items())
        table.add_row(
            Text(item["time"][:23].replace("T", " "), style=f"dim link {href}"),
            Text(item["status"], style=color),
            item["kind"].replace("_", " "),
            Text(_plain(item["event"] or item["flow"] or item["node"] or item["type"]), style=f"bold link {href}"),
            Text(_plain(" → ".join(ways))),
            Text(_plain(item["customer"])),
            Text(_plain(keys)),
            Text(_plain(item["error_message"] or item["message"]), style="red" if item["status"] == "failure" else ""),
        )
    return table


def _plain(text: str | None) -> str:
    """Without line ends, and without what a terminal would obey; nothing of what is not there."""
    return "".join(character if character.isprintable() else " " for character in text or "")
