"""`clew keys` and `clew sign-in-link`: who may come in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from rich.table import Table

from clew.cli.command import err, out
from clew.core.clock import SystemClock, to_rfc3339
from clew.core.settings import Settings, load
from clew.operations.running_server import find_server
from clew.registry.keys import SCOPES
from clew.registry.registry import Registry, open_registry

ACTOR = "the clew command"
"""Who changed something, in Configuration Activity."""


@click.group()
def keys() -> None:
    """API keys: what programs call with."""


@keys.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), required=True, help="May be repeated.")
@click.option("--customer", default="", help="Confine the key to reading this customer's records.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def create_key(name: str, scopes: tuple[str, ...], customer: str, as_json: bool) -> None:
    """Make a key and print its text, this once."""

    def work(registry: Registry) -> None:
        key, text = registry.keys.create(registry.workspace, name, scopes, customer, by=ACTOR)
        if as_json:
            click.echo(msgspec.json.encode({"id": key.id, "key": text, "scopes": key.scopes, "name": name}).decode())
        else:
            click.echo(text)
            err.print("Keep it now: it is stored hashed and cannot be shown again.")

    _with_registry(work)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_keys(as_json: bool) -> None:
    """List the keys in use."""

    def work(registry: Registry) -> None:
        rows = registry.keys.list(registry.workspace)
        if as_json:
            click.echo(msgspec.json.encode(rows).decode())
            return
        table = Table("Id", "Name", "Begins with", "Scopes", "Customer", "Made")
        for row in rows:
            table.add_row(row.id, row.name, row.prefix, " ".join(row.scopes), row.customer, to_rfc3339(row.created_at))
        out.print(table)

    _with_registry(work)


@keys.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Revoke a key, for ever."""

    def work(registry: Registry) -> None:
        click.echo(f"Revoked {registry.keys.archive(registry.workspace, key_id, by=ACTOR).name}.")

    _with_registry(work)


@click.command("sign-in-link")
@click.argument("email", required=False)
def sign_in_link(email: str | None) -> None:
    """Print a link that signs a member in once; without EMAIL, one that makes the first member.

    It leads to CLEW_PUBLIC_URL, else to the server that runs on this data directory.
    """

    def work(registry: Registry) -> None:
        settings = load()
        token = registry.links.create(registry.workspace, _member_id(registry, email), by=ACTOR)
        server = find_server(Path(settings.data_dir))
        own_url = server.url if server else f"http://{settings.host}:{settings.port}"
        click.echo(f"{settings.public_url or own_url}/sign-in/link/{token}")

    _with_registry(work)


def _member_id(registry: Registry, email: str | None) -> str | None:
    if email is None:
        return None
    for member in registry.members.list(registry.workspace):
        if member.email == email.strip().lower():
            return member.id
    raise click.BadParameter(f"there is no member {email!r}", param_hint="EMAIL")


def _with_registry(work: Callable[[Registry], None]) -> None:
    settings: Settings = load()
    if not Path(settings.data_dir).is_dir() and not settings.state_url:
        err.print(f"[yellow]clew:[/yellow] {settings.data_dir} is not there yet and is made now.")
    registry = open_registry(settings, SystemClock())
    try:
        work(registry)
    finally:
        registry.close()
