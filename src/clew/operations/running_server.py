"""Where the server of a data directory answers, told by a file in it: so that commands find it without being told.

The file has a key too, made anew at each start. Whoever can read the directory has the records and the secret already.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

FILE = "server.json"


class RunningServer(msgspec.Struct, frozen=True):
    """A server that was started on this data directory. `key` has every scope until the server ends."""

    url: str
    key: str
    pid: int
    version: str


def announce(data_dir: Path, server: RunningServer) -> None:
    """Write where the server is, for its owner's eyes alone."""
    new = data_dir / f"{FILE}.new"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(msgspec.json.encode(server))
    new.rename(data_dir / FILE)


def withdraw(data_dir: Path) -> None:
    """The server is gone. Doing it twice changes nothing."""
    (data_dir / FILE).unlink(missing_ok=True)


def find_server(data_dir: Path) -> RunningServer | None:
    """The server that was announced last. It may have been killed since; None where there is none, or no right to see.

    Raises nothing for a file that was cut short: a server that writes one is about to write another.
    """
    try:
        return msgspec.json.decode((data_dir / FILE).read_bytes(), type=RunningServer)
    except (OSError, msgspec.DecodeError):
        return None


def is_owned(log_directory: Path) -> bool:
    """Whether a process has the log of this directory open now."""
    try:
        with (log_directory / "owner.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
