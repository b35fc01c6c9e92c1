"""Settings: what the operator may choose. `CLEW_*` in the environment, then `clew.toml`, then the defaults here.

A secret may also be given as a file: `CLEW_ADMIN_KEY_FILE=/run/secrets/key`. In `clew.toml` the name is the
setting's in lower case without the prefix: `port = 8420`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from clew.core.errors import SettingsError

PREFIX = "CLEW_"
SECRETS = frozenset({"secret_key", "admin_key", "api_key", "state_url", "log_url"})
MIB = 1024 * 1024

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting with its default. Sizes are bytes, durations carry their unit in the name."""

    data_dir: str = "./clew-data"
    """Where everything is kept. One server owns it at a time."""
    host: str = "127.0.0.1"
    """The address to listen on. Behind a proxy leave it; `0.0.0.0` is every address of the machine."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8420
    """The port to listen on. 0: one that is free."""
    public_url: str = ""
    """Where people reach the server, for links. Empty: `http://HOST:PORT`."""
    workspace: str = "default"
    """The workspace of the first sign-in and of the admin key."""
    state_url: str = ""
    """The database of the state: `sqlite:////var/lib/clew/state.db`. Empty: SQLite in the data directory."""
    log_url: str = ""
    """The log's engine: `chdb:///var/lib/clew/log`. Empty: chDB in the data directory."""
    secret_key: str = ""
    """Signs cursors and sessions. Empty: made on first start and kept in the data directory."""
    admin_key: str = ""
    """An API key with every scope, for automation. Kept nowhere."""
    backup_dir: str = ""
    """Where `POST /v1/backups` writes. Empty: `backups` in the data directory; then copy them elsewhere."""
    server_url: str = ""
    """The server that commands such as `clew export` ask. Empty: the one that runs on the data directory."""
    api_key: str = ""
    """The key that these commands ask with. Empty: the one that a server on this data directory made for them."""
    max_request_bytes: Positive = 10 * MIB
    """The largest request body, also after decompression."""
    max_event_bytes: Positive = 1 * MIB
    """The largest single event of a request."""
    max_depth: Positive = 64
    """How deep JSON may be nested."""
    max_age_days: Positive = 3_650
    """How far in the past a reported time may lie."""
    max_ahead_minutes: Positive = 24 * 60
    """How far in the future a reported time may lie: senders' clocks differ."""
    redact_names: tuple[str, ...] = ()
    """More field and header names whose values are removed, beside the built-in ones."""
    redact_paths: tuple[str, ...] = ()
    """Paths in a payload whose values are removed: `card.number`, `items.*.iban`."""
    journal_max_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The most the journal may take on disk; intake answers 503 beyond it. 0: the disk is the limit."""
    journal_queue_bytes: Positive = 64 * MIB
    """How much may wait in memory to be written; intake answers 503 beyond it."""
    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 14
    """How many days a record is kept. Whole days (UTC) go, when their last record is as old. 0: without end."""
    keep_days_by_kind: tuple[str, ...] = ()
    """Kinds that are kept for another time: `api_request=7, node_run=3`."""
    log_max_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    """What the log may take on disk. Beyond it the oldest payloads go, then the oldest days. 0: no bound."""
    keep_keys_hours: Annotated[int, msgspec.Meta(ge=24)] = 48
    """How long a repeated event or Idempotency-Key is recognised."""
    tail_memory_bytes: Positive = 64 * MIB
    """How much of what came last is kept for live tails. One that reads slower is told how many records it missed."""
    tail_ping_s: Annotated[float, msgspec.Meta(gt=0, le=30)] = 15.0
    """After so long with nothing to say a live tail says that it is there. What stands between may need it sooner."""
    log_memory_bytes: Positive = 1_000_000_000
    """The most memory one query may use."""
    log_timeout_s: Positive = 30
    """The longest one query may take."""


def load(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Settings:
    """The settings in force.

    Raises `SettingsError` naming the setting, where it came from and what it may be.
    """
    environ = os.environ if environ is None else environ
    given = _from_toml((directory or Path.cwd()) / "clew.toml") | _from_environ(environ)
    known = {field.name: field for field in msgspec.structs.fields(Settings)}
    for name, (_, origin) in given.items():
        if name not in known:
            raise SettingsError(
                f"{origin} sets {name!r}, which is no setting.", hint=f"Settings are: {', '.join(known)}."
            )
    values = {}
    for name, (value, origin) in given.items():
        try:
            values[name] = msgspec.convert(_shaped(value, known[name].type), known[name].type, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{origin} sets {name} to {shown(name, value)!r}: {error}.") from error
    return Settings(**values)


def _shaped(value: Any, wanted: Any) -> Any:
    if wanted == tuple[str, ...] and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _from_toml(path: Path) -> dict[str, tuple[Any, str]]:
    if not path.is_file():
        return {}
    try:
        return {name: (value, str(path)) for name, value in tomllib.loads(path.read_text()).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error


def _from_environ(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    given: dict[str, tuple[Any, str]] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name.endswith("_file") and name.removesuffix("_file") in SECRETS:
            try:
                given[name.removesuffix("_file")] = (Path(value).read_text().strip(), variable)
            except OSError as error:
                raise SettingsError(f"{variable} names {value!r}, which cannot be read: {error.strerror}.") from error
        else:
            given.setdefault(name, (value, variable))
    return given


def shown(name: str, value: Any) -> Any:
    """A setting's value as it may be printed."""
    return "****" if name in SECRETS and value else value
