"""One server after another on the same data directory: the next one waits for the one that is ending.

Whoever keeps services running may start a new process when the old one has only been told to stop: it still writes what
it has. A server that goes on answering is not ending, and nobody is kept waiting for it.
"""

from __future__ import annotations

import logging
import time

import httpx

from clew.core.errors import DataDirInUse
from clew.operations.places import Places
from clew.operations.running_server import RunningServer, find_server, is_owned

WAIT_S = 30.0
"""Longer than a server takes to end: its requests, its flows' nodes, and 10 s for what waits to be indexed."""
LOOK_EVERY_S = 0.1
ANSWER_S = 1.0
SURE_S = 3.0
"""One that was told to stop a moment ago may answer once more, and one that answers for so long was not."""

_LOG = logging.getLogger(__name__)


def wait_for_predecessor(places: Places, wait_s: float = WAIT_S, sure_s: float = SURE_S) -> None:
    """Return when no process has the data directory.

    Raises `DataDirInUse` where its owner is a server that goes on answering for `sure_s`, and where it has not ended
    after `wait_s`.
    """
    began_s = silent_s = time.monotonic()
    is_told = False
    while is_owned(places.log):
        server = find_server(places.data_dir)
        if server and _answers(server):
            if time.monotonic() >= silent_s + sure_s:
                raise DataDirInUse(
                    f"A server runs on {places.data_dir}: it answers at {server.url} (process {server.pid}).",
                    hint="Stop it first, or choose another directory with CLEW_DATA_DIR.",
                )
            time.sleep(LOOK_EVERY_S)
            continue
        silent_s = time.monotonic()
        if silent_s >= began_s + wait_s:
            raise DataDirInUse(
                f"Another process has had the log in {places.log} open for {wait_s:g} s and does not end.",
                hint="One process owns a data directory: stop the other one, or choose another directory.",
            )
        if not is_told:
            is_told = True
            _LOG.warning("another process has the log in %s open: for %g s it is waited for", places.log, wait_s)
        time.sleep(LOOK_EVERY_S)


def _answers(server: RunningServer) -> bool:
    """Whether it is there and this one: what it left may be of another time, and its port another's now."""
    try:
        answer = httpx.get(
            f"{server.url}/v1/products",
            headers={"authorization": f"Bearer {server.key}"},
            timeout=ANSWER_S,
            trust_env=False,
        )
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK
