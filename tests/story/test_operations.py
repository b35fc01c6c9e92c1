"""Looking after a server: a backup under load, what a start on it elsewhere has, and the doctor."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.command import run_clew
from harness.server import ServerProcess, eventually


class Load:
    """Senders that report events until they are told to stop, and know what was acknowledged."""

    def __init__(self, server: ServerProcess, senders: int = 2) -> None:
        self._server = server
        self.ids: list[str] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(sender,)) for sender in range(senders)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int) -> None:
        number = 0
        with self._server.client() as api:
            while not self._stopping.is_set():
                events = [
                    {"event": "order.released", "id": f"{sender}-{number + place}", "customer": "acme"}
                    for place in range(20)
                ]
                number += 20
                self.ids += api.post("/v1/events", json=events).raise_for_status().json()["ids"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "data").start()
    yield process
    process.close()


def ids_in_log(server: ServerProcess) -> Counter[str]:
    with server.client() as api:
        assert eventually(lambda: api.get("/readyz").json()["parts"]["pump"].get("waiting") == 0)
        lines = api.get("/v1/records/export", params={"format": "ndjson", "event": "order.released"}).text
    return Counter(json.loads(line)["id"] for line in lines.splitlines())


def test_what_was_acknowledged_before_a_backup_under_load_is_there_once_after_a_restore(
    server: ServerProcess, tmp_path: Path
) -> None:
    with Load(server) as load:
        assert eventually(lambda: len(load.ids) > 400)
        before = set(load.ids)
        ran = run_clew("backup", tmp_path / "backups", CLEW_DATA_DIR=str(server.directory))
        assert ran.returncode == 0, ran.stderr
        made = Path(ran.stdout.strip())
        count = len(load.ids)
        assert eventually(lambda: len(load.ids) > count + 100), "senders were refused"
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [made.name]
    assert not any((server.directory / "log/shadow").glob("*/store"))
    server.close()

    ran = run_clew("restore", made, "--data-dir", tmp_path / "restored", "--json")
    assert ran.returncode == 0, ran.stderr
    restored = ServerProcess(tmp_path / "restored").start()
    try:
        found = ids_in_log(restored)
        assert before <= set(found)
        assert set(found) <= set(load.ids)
        assert set(found.values()) == {1}
        with restored.client() as api:
            again = api.post("/v1/events", json={"event": "order.released", "id": "0-0", "customer": "acme"}).json()
        assert again["duplicates"] == 1
        assert again["ids"][0] in before
    finally:
        restored.close()


MODULE = """
import asyncio
import os
from clew import Flow, Product

erp = Product("erp")
orders = erp.webhook("orders", event="$.type", keys={"order": "$.number"})
flow = Flow("flow", on=orders["order.released"], concurrency=None)

@flow.node
async def lookup(event):
    return event.payload["number"]

@flow.node(timeout_s=600)
async def ship(lookup):
    while lookup % 2 and os.path.exists(os.environ["HOLD_FILE"]):
        await asyncio.sleep(0.05)
    return lookup
"""


def test_flow_runs_that_are_in_flight_at_a_backup_end_once_each_where_it_is_restored(tmp_path: Path) -> None:
    module = tmp_path / "shop.py"
    module.write_text(MODULE)
    hold = tmp_path / "hold"
    hold.touch()
    env = {"HOLD_FILE": str(hold)}
    server = ServerProcess(tmp_path / "data", module, env).start()
    stopping, sent = threading.Event(), []

    def send() -> None:
        with server.client() as api:
            while not stopping.is_set():
                body = {"type": "order.released", "number": len(sent)}
                sent.append(api.post("/webhooks/in/orders", json=body).raise_for_status())

    sender = threading.Thread(target=send)
    try:
        sender.start()
        with server.client() as api:
            assert eventually(lambda: len(api.get("/v1/flow-runs").json()["open"]) >= 50)
            assert eventually(lambda: api.get("/v1/flow-runs").json()["items"])
        ran = run_clew("backup", tmp_path / "backups", CLEW_DATA_DIR=str(server.directory))
        assert ran.returncode == 0, ran.stderr
    finally:
        stopping.set()
        sender.join()
        server.close()
    made = Path(ran.stdout.strip())
    with closing(sqlite3.connect(made / "state.db")) as state:
        assert state.execute("SELECT count(*) FROM flow_runs").fetchone()[0] >= 50, "no run was in flight"
    # What was opened to be read may have been written beside: a backup is only what its manifest names.
    assert run_clew("restore", made, "--data-dir", tmp_path / "restored").returncode == 0

    hold.unlink()
    restored = ServerProcess(tmp_path / "restored", module, env).start()
    try:
        with restored.client() as api:

            def count(kind: str) -> int:
                return int(api.get("/v1/records/count", params={"kind": kind, "duration": "24h"}).json()["count"])

            assert eventually(lambda: api.get("/readyz").json()["parts"]["pump"].get("waiting") == 0)
            events = count("external_event")
            assert events >= 100
            assert eventually(lambda: count("flow_run") >= events <= count("decision"))
            assert count("flow_run") == count("decision") == events
            lines = api.get("/v1/records/export", params={"format": "ndjson", "kind": "flow_run"}).text.splitlines()
        runs = [json.loads(line) for line in lines]
        assert {run["state"] for run in runs} == {"completed"}
        assert len({run["parent_id"] for run in runs}) == len(runs) == events
    finally:
        restored.close()


def test_a_backup_is_begun_over_the_api_without_a_body_and_says_when_it_is_done(server: ServerProcess) -> None:
    with server.client() as api:
        begun = api.post("/v1/backups")
        assert begun.status_code == 202, begun.text
        assert eventually(lambda: api.get(f"/v1/backups/{begun.json()['id']}").json()["state"] == "done")
        made = Path(api.get(f"/v1/backups/{begun.json()['id']}").json()["path"])
    assert made.parent == server.directory / "backups"
    assert (made / "manifest.json").is_file()


def test_a_stopped_server_is_backed_up_and_what_the_log_lacked_is_there_after_a_restore(
    server: ServerProcess, tmp_path: Path
) -> None:
    with server.client() as api:
        ids = api.post("/v1/events", json=[{"event": "order.released"}] * 500).raise_for_status().json()["ids"]
    server.kill()
    ran = run_clew("backup", tmp_path / "backups", "--json", CLEW_DATA_DIR=str(server.directory))
    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout)
    assert run_clew("restore", made["path"], "--data-dir", tmp_path / "restored").returncode == 0
    restored = ServerProcess(tmp_path / "restored").start()
    try:
        assert ids_in_log(restored) == Counter(ids)
    finally:
        restored.close()


def test_the_doctor_looks_at_a_running_server_and_at_one_that_is_stopped(
    server: ServerProcess,
) -> None:
    def examine() -> tuple[int, dict[str, dict[str, str]]]:
        ran = run_clew("doctor", "--json", CLEW_DATA_DIR=str(server.directory))
        return ran.returncode, {finding["part"]: finding for finding in json.loads(ran.stdout)["findings"]}

    with server.client() as api:
        api.post("/v1/events", json=[{"event": "order.released"}] * 5).raise_for_status()
        assert eventually(lambda: api.get("/v1/records/count").json()["count"] == 5)
    code, found = examine()
    assert (code, found["server"]["level"], found["log"]["level"]) == (0, "ok", "ok")
    limits = Path(f"/proc/{server.pid}/limits").read_text()
    soft, hard = next(line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files"))
    assert int(soft) == min(int(hard), 65_536), "the server did not raise its limit"
    memory = Path(f"/proc/{server.pid}/status").read_text()
    assert int(next(line.split()[1] for line in memory.splitlines() if line.startswith("VmRSS"))) < 600_000
    assert server.url in found["server"]["found"]
    server.stop()
    code, found = examine()
    assert code == 0
    assert "server" not in found
    assert "5 records of 1 day in 1 part" in found["log"]["found"]
    (server.directory / "state.db").write_bytes(b"nothing")
    code, found = examine()
    assert (code, found["state"]["level"]) == (1, "problem")
    assert run_clew("doctor", "--fast").returncode == 2


def test_records_are_exported_into_a_file_that_is_there_once_it_is_whole(server: ServerProcess, tmp_path: Path) -> None:
    def export(*arguments: object) -> subprocess.CompletedProcess[str]:
        return run_clew("export", *arguments, CLEW_DATA_DIR=str(server.directory))

    events = [{"event": "order.released", "customer": name} for name in ("acme", "acme", "globex")]
    with server.client() as api:
        api.post("/v1/events", json=events).raise_for_status()
        assert eventually(lambda: api.get("/v1/records/count").json()["count"] == 3)
    ran = export("--customer", "acme", "--format", "ndjson", "--output", "-")
    assert (ran.returncode, [json.loads(line)["customer"] for line in ran.stdout.splitlines()]) == (0, ["acme", "acme"])
    file = tmp_path / "all.csv"
    ran = export("--event", "order.released", "--output", file)
    assert ran.returncode == 0
    assert ran.stdout == ""
    assert "3 records" in ran.stderr
    assert file.read_bytes().count(b"\r\n") == 4
    assert export("--format", "parquet", "--output", tmp_path / "all.parquet").returncode == 0
    assert (tmp_path / "all.parquet").read_bytes()[:4] == b"PAR1"

    assert export("--format", "xlsx", "--output", file).returncode == 2
    assert export().returncode == 2
    ran = export("--from", "soon", "--output", file)
    assert (ran.returncode, "soon" in ran.stderr) == (2, True)
    ran = export("--output", tmp_path / "none" / "all.csv")
    assert (ran.returncode, "could not be written" in ran.stderr) == (1, True)
    assert file.read_bytes().count(b"\r\n") == 4
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["all.csv", "all.parquet"]
    server.stop()
    ran = export("--output", file)
    assert (ran.returncode, "No server runs" in ran.stderr) == (1, True)
