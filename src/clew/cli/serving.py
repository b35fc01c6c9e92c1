"""`clew serve`, `clew demo` and `clew settings`: a server, and what it would run with."""

from __future__ import annotations

import logging

import click
import msgspec
from rich.logging import RichHandler

from clew.app import Clew, declare, open_clew
from clew.cli.command import err, out
from clew.core.settings import load, shown
from clew.demo.command import DEMO_DIR, declare_demo, run_demo
from clew.demo.world import MAX_PER_MINUTE
from clew.registry.declare import load_objects


def _log_to_stderr(verbose: bool) -> None:
    handler: logging.Handler = logging.StreamHandler()
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    if err.is_terminal:
        handler, form = RichHandler(console=err, show_path=False), "%(message)s"
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format=form, handlers=[handler])
    for chatty in ("httpx", "alembic", "clickhouse_connect"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@click.command()
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


@click.command()
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


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def print_settings(as_json: bool) -> None:
    """Print the settings in force, secrets masked."""
    values = {name: shown(name, value) for name, value in msgspec.structs.asdict(load()).items()}
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(values)).decode())
        return
    for name, value in values.items():
        click.echo(f"CLEW_{name.upper()}={','.join(value) if isinstance(value, tuple) else value}")
