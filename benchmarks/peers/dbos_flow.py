"""A workflow of three steps that do nothing, on DBOS with SQLite: run by an interpreter that has DBOS and little else.

`python dbos_flow.py DIRECTORY SECONDS AT_ONCE` prints what it reached as one line of JSON. The database is in WAL mode,
which DBOS leaves at SQLite's slower default, and SQLite's `synchronous` is `FULL` as it is for Clew.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from importlib.metadata import version
from pathlib import Path

from dbos import DBOS

WARM_UP = 20


@DBOS.step()
async def first(value: int) -> int:
    return value


@DBOS.step()
async def second(value: int) -> int:
    return value


@DBOS.step()
async def third(value: int) -> int:
    return value


@DBOS.workflow()
async def three_steps(value: int) -> int:
    return await third(await second(await first(value)))


async def load(seconds: float, at_once: int) -> tuple[int, float]:
    """Run workflows, so many at once, and give how many ended and how long that took."""
    done = 0
    begun_s = time.perf_counter()

    async def work() -> None:
        nonlocal done
        while time.perf_counter() - begun_s < seconds:
            await three_steps(done)
            done += 1

    await asyncio.gather(*(work() for _ in range(at_once)))
    return done, time.perf_counter() - begun_s


async def measure(seconds: float, at_once: int) -> dict[str, float | int | str]:
    """Warm up, then measure."""
    for value in range(WARM_UP):
        await three_steps(value)
    cpu_s = time.process_time()
    done, took_s = await load(seconds, at_once)
    return {"runs": done, "seconds": took_s, "cpu_s": time.process_time() - cpu_s, "version": version("dbos")}


def main() -> None:
    directory, seconds, at_once = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    file = directory / "dbos.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    DBOS(config={"name": "peer", "system_database_url": f"sqlite:///{file}", "log_level": "WARNING"})
    DBOS.launch()
    result = asyncio.run(measure(seconds, at_once))
    DBOS.destroy()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
