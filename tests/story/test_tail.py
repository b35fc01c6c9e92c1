"""The live tail through its public doors: over HTTP, and as the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from queue import Queue

import httpx
import msgspec
import pytest

from harness.server import ADMIN_KEY, ServerProcess, eventually
from harness.tails import PATIENCE_S, report, tailing


@pytest.fixture
def customer() -> str:
    return f"t-{uuid.uuid4().hex[:10]}"


def test_a_record_is_shown_as_the_list_has_it_when_it_can_be_found(api: httpx.Client, customer: str) -> None:
    with tailing(api, customer=customer) as tail:
        (record_id,) = report(api, {"event": "order.released", "customer": customer, "keys": {"order": "SO-1"}})
        item = tail.item()
        assert item["id"] == record_id
        assert api.get("/v1/records", params={"customer": customer}).json()["items"] == [item]


def test_records_come_in_the_order_in_which_they_were_reported_whatever_their_time(
    api: httpx.Client, customer: str
) -> None:
    with tailing(api, customer=customer, status="failure") as tail:
        times = ["2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
        for time_text in times:
            event = {"event": "x", "customer": customer, "time": time_text, "status": "failure"}
            report(api, event, {**event, "status": "success"})
        assert [tail.item()["time"][:20].removesuffix(".") + "Z" for _ in times] == times


def test_the_tail_of_a_kind_has_that_kind_alone(api: httpx.Client, customer: str) -> None:
    with tailing(api, "internal-events", customer=customer) as tail, tailing(api, customer=customer) as all_of_them:
        (event_id,) = report(api, {"event": "order.released", "customer": customer})
        assert all_of_them.item()["id"] == event_id
        step = api.post(f"/v1/events/{event_id}/steps", json={"action": "Received"})
        assert step.status_code == 201
        assert all_of_them.item()["kind"] == "step"
        tail.expect_nothing()


def test_who_comes_back_goes_on_behind_the_last_that_was_read(api: httpx.Client, customer: str) -> None:
    with tailing(api, customer=customer) as tail:
        ids = report(api, *({"event": f"e{number}", "customer": customer} for number in range(3)))
        assert tail.item()["id"] == ids[0]
        last_id = tail.last_id
    ids += report(api, {"event": "e3", "customer": customer})
    eventually(lambda: api.get("/v1/records/count", params={"customer": customer}).json()["count"] == 4)
    with tailing(api, last_id=last_id, customer=customer) as tail:
        assert [tail.item()["id"] for _ in range(3)] == ids[1:]


def test_a_customers_key_sees_its_own_records_alone(server: ServerProcess, api: httpx.Client, customer: str) -> None:
    key = clew(server, "keys", "create", "theirs", "--scope", "read", "--customer", customer).stdout.strip()
    with server.client(key) as theirs, tailing(theirs) as tail:
        report(api, {"event": "other", "customer": f"{customer}-other"}, {"event": "own", "customer": customer})
        assert tail.item()["event"] == "own"
        assert theirs.get("/v1/records/tail", params={"customer": "other"}).status_code == 400


@pytest.mark.parametrize("name", ["from", "to", "duration", "cursor", "limit", "sort"])
def test_times_and_pages_mean_nothing_to_a_tail_and_it_says_so(api: httpx.Client, name: str) -> None:
    values = {"from": "2026-01-01", "to": "2026-01-01", "duration": "1h", "limit": "5", "sort": "asc", "cursor": "x"}
    answer = api.get("/v1/records/tail", params={name: values[name]})
    assert answer.status_code == 400
    assert name in answer.json()["detail"]
    assert answer.json()["hint"]


def test_what_does_not_exist_is_refused_with_what_does(api: httpx.Client) -> None:
    answer = api.get("/v1/records/tail", params={"colour": "red"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_filter")
    hint = answer.json()["hint"]
    assert "customer" in hint
    assert "cursor" not in hint
    assert api.get("/v1/records/tail", params={"status": "meh"}).status_code == 400
    assert api.get("/v1/records/tail", headers={"last-event-id": "odd"}).status_code == 400


def test_without_the_scope_there_is_no_tail(server: ServerProcess) -> None:
    key = clew(server, "keys", "create", "sender", "--scope", "ingest").stdout.strip()
    with server.client(key) as sender:
        assert sender.get("/v1/records/tail").status_code == 403
    with server.client("") as stranger:
        assert stranger.get("/v1/records/tail").status_code == 401


def test_the_tails_are_described(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    for path in ("records", "integration-events", "flow-runs"):
        described = document["paths"][f"/v1/{path}/tail"]["get"]
        assert "text/event-stream" in described["responses"]["200"]["content"]
        names = {parameter["name"] for parameter in described["parameters"]}
        assert {"customer", "q", "Last-Event-ID"} <= names
        assert not names & {"from", "cursor", "duration"}


def test_a_look_that_is_not_taken_leaves_no_trace_in_the_log(api: httpx.Client, customer: str) -> None:
    """A tail of all records would else have itself to show."""
    with tailing(api, "api-requests", http_direction="incoming") as tail:
        report(api, {"event": "x", "customer": customer})
        answer = api.post("/v1/events", json={"nothing": customer})
        assert answer.status_code == 422
        assert tail.item()["http_status"] == 422


def test_who_keeps_up_misses_nothing_of_five_thousand_that_come_at_once(api: httpx.Client, customer: str) -> None:
    with tailing(api, customer=customer) as tail:
        ids = report(api, *({"event": "x", "customer": customer, "message": "m" * 200} for _ in range(5_000)))
        assert [tail.item()["id"] for _ in ids] == ids
        tail.expect_nothing()


def test_a_stopping_server_ends_its_tails_at_once_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """The second server has another process, and none of what was held; the place still means the same."""
    server = ServerProcess(tmp_path / "data").start()
    try:
        with server.client() as api, tailing(api, customer="acme") as tail:
            report(api, {"event": "before", "customer": "acme"})
            assert tail.item()["event"] == "before"
            assert server.stop() == 0
            assert tail.ended.wait(PATIENCE_S)
            assert tail.ended_well, "it was waited for, and cut off"
        server.start()
        with server.client() as api:
            report(api, {"event": "meanwhile", "customer": "acme"}, {"event": "not this", "customer": "bolt"})
            eventually(lambda: api.get("/v1/records/count", params={"customer": "bolt"}).json()["count"])
            with tailing(api, last_id=tail.last_id, customer="acme") as again:
                assert again.item()["event"] == "meanwhile"
                report(api, {"event": "after", "customer": "acme"})
                assert again.item()["event"] == "after"
    finally:
        server.close()


# The command


def environment(server: ServerProcess, **env: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CLEW_", "NO_COLOR", "FORCE_"))}
    return {**clean, "CLEW_DATA_DIR": str(server.directory), **env}


def clew(server: ServerProcess, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clew", *arguments],
        env=environment(server, **env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Command:
    """`clew tail` in a process of its own."""

    def __init__(self, server: ServerProcess, *arguments: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clew", "tail", *arguments],
            env=environment(server, **env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self.lines: Queue[str] = Queue()
        self._threads = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines.put), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.said.append), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, stream, keep) -> None:
        for line in stream:
            keep(line.rstrip("\n"))

    def until_said(self, part: str, times: int = 1) -> None:
        eventually(lambda: sum(part in line for line in self.said) >= times, what=f"{part}: {self.said}")

    def line(self) -> str:
        return self.lines.get(timeout=PATIENCE_S)

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def test_the_command_shows_what_matches_and_ends_well_with_ctrl_c(server: ServerProcess, api: httpx.Client) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    command = Command(server, "--customer", name, "--status", "failure", "--key", "order=SO-7", FORCE_COLOR="1")
    command.until_said("Watching")
    event = {"event": "order.refused", "customer": name, "keys": {"order": "SO-7"}, "message": "no postal code"}
    report(api, {**event, "status": "success"}, {**event, "status": "failure"}, {"event": "x", "status": "failure"})
    line = command.line()
    assert "order.refused" in line
    assert "\x1b[31m" in line  # red
    assert command.end() == 0
    assert command.lines.empty()


def test_the_command_gives_json_lines_and_ends_after_so_many(server: ServerProcess, api: httpx.Client) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    command = Command(server, "--customer", name, "--json", "-n", "2")
    command.until_said("Watching")
    report(api, *({"event": f"e{number}", "customer": name, "message": "a\u2028b"} for number in range(3)))
    assert [json.loads(command.line())["event"] for _ in range(2)] == ["e0", "e1"]
    assert command.process.wait(PATIENCE_S) == 0
    assert command.end() == 0


def test_without_a_terminal_there_are_no_colours(server: ServerProcess, api: httpx.Client) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    command = Command(server, "--customer", name, "-n", "1")
    command.until_said("Watching")
    report(api, {"event": "x", "customer": name, "status": "failure"})
    assert "\x1b" not in command.line()
    command.process.wait(PATIENCE_S)
    command.end()


def test_the_command_goes_on_where_it_was_when_the_server_is_back(tmp_path: Path) -> None:
    """What comes before it has connected again is shown too: it is held still until that is in the log."""
    server = ServerProcess(tmp_path / "data").start()
    command = Command(server, "--json", "--kind", "integration_event")
    try:
        command.until_said("Watching")
        with server.client() as api:
            report(api, {"event": "before"})
        assert json.loads(command.line())["event"] == "before"
        command.process.send_signal(signal.SIGSTOP)
        assert server.stop() == 0
        server.start()
        with server.client() as api:
            report(api, {"event": "meanwhile"})
            eventually(lambda: api.get("/v1/records/count", params={"event": "meanwhile"}).json()["count"])
            command.process.send_signal(signal.SIGCONT)
            assert json.loads(command.line())["event"] == "meanwhile"
            report(api, {"event": "after"})
        assert json.loads(command.line())["event"] == "after"
        assert sum("connection is lost" in line for line in command.said) == 1
        assert not any("not shown" in line for line in command.said)
    finally:
        command.process.send_signal(signal.SIGCONT)
        assert command.end() == 0
        server.close()


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (("--status", "meh"), {}, 2, "meh"),
        (("--colour", "red"), {}, 2, "colour"),
        (("--trace-id", "x"), {}, 2, "trace_id"),
        (("--api-key", "clew_wrong"), {}, 1, "not known"),
        (("--url", "http://127.0.0.1:1", "--api-key", "x"), {}, 1, "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(
    server: ServerProcess, arguments: tuple[str, ...], env: dict[str, str], code: int, said: str
) -> None:
    ran = clew(server, "tail", *arguments, **env)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr
    assert ran.stdout == ""


def test_the_admin_key_of_the_environment_is_enough(server: ServerProcess, api: httpx.Client) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    env = {"CLEW_DATA_DIR": "/nowhere", "CLEW_SERVER_URL": server.url, "CLEW_ADMIN_KEY": ADMIN_KEY}
    command = Command(server, "--customer", name, "--json", "-n", "1", **env)
    command.until_said("Watching")
    (record_id,) = report(api, {"event": "x", "customer": name})
    assert msgspec.json.decode(command.line())["id"] == record_id
    assert command.process.wait(PATIENCE_S) == 0
    command.end()
