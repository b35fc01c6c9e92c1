"""The command `clew`.

Exit codes: 0 done, 1 it could not be done, 2 it was called wrongly. What is asked for goes to standard output, all
else to standard error.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from clew.app import Clew, declare, open_clew
from clew.core.clock import SystemClock, to_rfc3339
from clew.core.errors import ClewError
from clew.core.settings import Settings, load, shown
from clew.demo.command import DEMO_DIR, declare_demo, run_demo
from clew.demo.world import MAX_PER_MINUTE
from clew.registry.declare import load_objects
from clew.registry.keys import SCOPES
from clew.registry.registry import Registry, open_registry

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

ACTOR = "the clew command"
"""Who changed something, in Configuration Activity."""


class Command(click.Group):
    """A group that tells our errors in two lines and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ClewError as error:
            err.print(f"[red]clew:[/red] {error.detail}", markup=True)
            if error.hint:
                err.print(error.hint, markup=False)
            sys.exit(1)


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clew")
def main() -> None:
    """Follow the thread from an order to the reason why it is not there."""


def _log_to_stderr(verbose: bool) -> None:
    handler: logging.Handler = logging.StreamHandler()
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    if err.is_terminal:
        handler, form = RichHandler(console=err, show_path=False), "%(message)s"
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format=form, handlers=[handler])
    for chatty in ("httpx", "alembic", "clickhouse_connect"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@main.command()
@click.argument("module", required=False)
@click.option("--verbose", "-v", is_flag=True, help="Tell more on standard error.")
def serve(module: str | None, verbose: bool) -> None:
    """Run the server, with what MODULE declares: a dotted name, or the path of a .py file or a package."""
    _log_to_stderr(verbose)
    clew = open_clew(load(), declare(load_objects(module)) if module else None)
    clew.run(on_ready=lambda url: _announce(clew, url))


def _announce(clew: Clew, url: str) -> None:
    out.print(f"Clew is at {url}", markup=False)
    if link := clew.first_sign_in_link(url):
        out.print(f"Nobody can sign in yet. Begin here, once, within a day: {link}", markup=False)
    out.file.flush()


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Where to listen. [default: CLEW_PORT or 8420]")
@click.option("--data-dir", default=None, help=f"Where to keep the demo's data.  [default: {DEMO_DIR}]")
@click.option("--orders-per-minute", type=click.FloatRange(0.1, MAX_PER_MINUTE), default=40.0, show_default=True)
@click.option("--history", type=click.IntRange(0, 1_000_000), default=20_000, help="Records to begin with.")
@click.option("--verbose", "-v", is_flag=True, help="Tell more on standard error.")
def demo(port: int | None, data_dir: str | None, orders_per_minute: float, history: int, verbose: bool) -> None:
    """Run a server between two sample products whose orders flow, and sometimes fail."""
    _log_to_stderr(verbose)
    settings = load()
    settings = msgspec.structs.replace(
        settings, data_dir=data_dir or DEMO_DIR, port=settings.port if port is None else port
    )
    sample = declare_demo()
    clew = open_clew(settings, sample.declared)
    run_demo(clew, sample.places, orders_per_minute=orders_per_minute, history=history, tell=_tell)


def _tell(line: str) -> None:
    out.print(line, markup=False)
    out.file.flush()


@main.command("settings")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def print_settings(as_json: bool) -> None:
    """Print the settings in force, secrets masked."""
    values = {name: shown(name, value) for name, value in msgspec.structs.asdict(load()).items()}
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(values)).decode())
        return
    for name, value in values.items():
        click.echo(f"CLEW_{name.upper()}={','.join(value) if isinstance(value, tuple) else value}")


@main.group()
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


@main.command("sign-in-link")
@click.argument("email", required=False)
def sign_in_link(email: str | None) -> None:
    """Print a link that signs a member in once; without EMAIL, one that makes the first member."""

    def work(registry: Registry) -> None:
        settings = load()
        token = registry.links.create(registry.workspace, _member_id(registry, email), by=ACTOR)
        click.echo(f"{settings.public_url or f'http://{settings.host}:{settings.port}'}/sign-in/link/{token}")

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
