"""`kill -9` in the middle of retention: what should stay stays, what should go goes, and nothing is counted twice."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.server import ServerProcess, eventually

pytestmark = pytest.mark.crash

KILLS = min(int(os.environ.get("CLEW_CRASH_KILLS", "5")), 40)
"""No more: the servers' fast clock must not come to midnight."""
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
SPEED = 60
"""How many of the server's seconds pass in one of ours: what it does every ten minutes it does every ten seconds."""
AGES = (20, 16, 12, 9, 6, 3, 1)
"""Of how many days ago there are records: of the two oldest none is kept."""
KEPT_AGES = AGES[2:]
KEEP_STEPS_DAYS = 7
KINDS = ["integration_event", "step"]
"""What is reported here. The calls that ask for it are recorded too."""
EVENTS_A_DAY, STEPS_A_DAY = 1_200, 300
COUNTED_AGE = 12
EVENTS_OF_COUNTED_DAY = 5_200
"""As many as a day must have to be counted: whether counts are right after a crash is asked of this day."""
TIMEOUT_S = 180

SCRIPT = """
import asyncio, json, os, random, signal, sys, threading, time
from clew.app import open_clew
from clew.core.clock import DAY_MS
from clew.core.settings import load
from clew.log.windows import Window

class Fast:
    def now_ms(self):
        passed_s = (time.time() - float(os.environ["BEGUN"])) * float(os.environ["SPEED"])
        return int((float(os.environ["NOON"]) + passed_s) * 1000)

clew = open_clew(load(), clock=Fast())
clew._keeper._every_s = 0.05
die_at, after_s = int(os.environ.get("DIE_AT", "0")), float(os.environ.get("DIE_AFTER_S", "0"))
remove = clew.retention._ask_store
steps = 0

def die():
    time.sleep(after_s)
    os.kill(os.getpid(), signal.SIGKILL)

def remove_and_maybe_die(step):
    global steps
    steps += 1
    if steps == die_at:
        threading.Thread(target=die, daemon=True).start()
    return remove(step)

clew.retention._ask_store = remove_and_maybe_die

async def tell(url, stopping):
    while not stopping.is_set():
        status = clew.retention.status()
        day = (clew.clock.now_ms() // DAY_MS - int(os.environ["COUNTED_AGE"]))
        cover = clew.store.sums.cover(["kind", "event"], Window(day * DAY_MS, (day + 1) * DAY_MS))
        if status.last_run is not None and cover:
            print("MEASURED", sum(use.bytes for use in clew.store.days()), flush=True)
            return await stopping.wait()
        await asyncio.sleep(0.05)

def announce(url):
    print("Clew is at", url, flush=True)
    print("LINK", clew.first_sign_in_link(url), flush=True)

clew.run(on_ready=announce, alongside=tell)
"""


def at(age: int, second: int) -> str:
    """A time of the day that is so many days ago, RFC 3339."""
    return datetime.fromtimestamp(NOON - 12 * 3600 - age * 86_400 + second, UTC).isoformat().replace("+00:00", "Z")


class Place:
    """A data directory with records of three weeks, and servers on it whose clock runs fast."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.script = home / "fast_server.py"
        self.script.write_text(SCRIPT)
        self.env = {
            "NOON": str(NOON),
            "BEGUN": str(time.time()),
            "SPEED": str(SPEED),
            "COUNTED_AGE": str(COUNTED_AGE),
            "CLEW_KEEP_DAYS": "0",
        }
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.pinned: dict[int, str] = {}
        self.acknowledged: dict[str, str] = {}

    def serve(self, **env: str) -> ServerProcess:
        return ServerProcess(self.home / "data", env={**self.env, **env}, script=self.script).start()

    def fill(self, api: httpx.Client) -> None:
        """Records of every age: events that went well and failed, steps, and one event with its step that is pinned."""
        chance = random.Random(5)
        for age in AGES:
            count = EVENTS_OF_COUNTED_DAY if age == COUNTED_AGE else EVENTS_A_DAY
            made = [
                {
                    "event": "order.released",
                    "id": f"{age}-{number}",
                    "time": at(age, number),
                    "status": "failure" if number % 5 == 0 else "success",
                    "keys": {"age": str(age)},
                    "payload": chance.randbytes(500).hex(),
                }
                for number in range(count)
            ]
            ids = [
                one for start in range(0, count, 1_000) for one in post(api, "/v1/events", made[start : start + 1_000])
            ]
            self.events[age] = [{**event, "id": record_id} for event, record_id in zip(made, ids, strict=True)]
            steps = [{"action": "Received", "time": at(age, number)} for number in range(STEPS_A_DAY)]
            post(api, f"/v1/events/{ids[3]}/steps", steps)
            post(api, f"/v1/events/{ids[1]}/steps", [{"action": "Received", "time": at(age, 7), "payload": "kept"}])
            eventually(lambda record_id=ids[1]: api.get(f"/v1/records/{record_id}").status_code == 200, timeout_s=60)
            assert api.post(f"/v1/records/{ids[1]}/pin").is_success
            self.pinned[age] = ids[1]

    def report_until_killed(self, server: ServerProcess) -> None:
        """Report events of today until the server is gone. What was not acknowledged is reported to the next one."""
        with server.client() as api:
            while True:
                names = [f"now-{len(self.acknowledged)}-{number}" for number in range(5)]
                try:
                    answer = api.post("/v1/events", json=[{"id": name, "event": "order.now"} for name in names])
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    self.acknowledged |= dict(zip(names, answer.json()["ids"], strict=True))


def post(api: httpx.Client, path: str, body: list[dict[str, Any]]) -> list[str]:
    answer = api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["ids"]


def line_of(server: ServerProcess, mark: str, timeout_s: float = TIMEOUT_S) -> str:
    """What the script says after a word."""
    found = eventually(
        lambda: [line for line in list(server.lines) if line.startswith(mark)],
        timeout_s=timeout_s,
        what="\n".join(server.lines),
    )
    return found[-1].removeprefix(mark).strip()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    server = made.serve()
    try:
        with server.client() as api:
            made.fill(api)
            eventually(lambda: api.get("/readyz").json()["parts"]["pump"].get("waiting") == 0, timeout_s=60)
        size = int(line_of(server, "MEASURED"))
    finally:
        server.close()
    # What is of the kept days, and of that a part that the payloads of what went well on some of the days make up for.
    made.env |= {
        "CLEW_KEEP_DAYS": "14",
        "CLEW_KEEP_DAYS_BY_KIND": f"step={KEEP_STEPS_DAYS}",
        "CLEW_LOG_MAX_BYTES": str(int(size * 0.5)),
    }
    return made


def read_all(api: httpx.Client) -> list[dict[str, Any]]:
    lines = api.get("/v1/records/export", params={"format": "ndjson", "kind": KINDS})
    assert lines.status_code == 200
    return [json.loads(line) for line in lines.text.splitlines()]


def test_a_server_killed_in_the_middle_of_retention_removes_what_is_to_go_and_nothing_else(place: Place) -> None:
    chance = random.Random(2026)
    for _ in range(KILLS):
        die = {"DIE_AT": str(chance.choice([1, 1, 2, 3, 4])), "DIE_AFTER_S": str(round(chance.uniform(0, 0.12), 3))}
        server = place.serve(**die)
        place.report_until_killed(server)
        server.wait_until_killed(TIMEOUT_S)
    server = place.serve()
    try:
        with server.client() as api:
            line_of(server, "MEASURED")
            retention = eventually(lambda: look(api), timeout_s=TIMEOUT_S)
            assert retention["trouble"] == ""
            eventually(lambda: api.get("/readyz").json()["parts"]["pump"].get("waiting") == 0, timeout_s=60)
            found = read_all(api)
            check_records(place, found)
            check_reports(api, found)
            emptied = check_bodies(place, api, found)
            check_what_is_said(place, api, server, emptied)
        size = int(line_of(server, "MEASURED"))
    finally:
        server.close()
    assert place.acknowledged, "nothing came in between"
    assert size > 0


def look(api: httpx.Client) -> dict[str, Any] | None:
    """How retention stands, once it has looked at everything since the start."""
    status = api.get("/readyz").json()["parts"]["retention"]
    return status if status["last_run"] else None


def check_records(place: Place, found: list[dict[str, Any]]) -> None:
    """Every record that is to stay is there once, and none that is to go."""
    ids = Counter(item["id"] for item in found)
    assert set(ids.values()) == {1}, "a record is there twice"
    kept = {event["id"] for age in KEPT_AGES for event in place.events[age]}
    events = {item["id"] for item in found if item["event"] == "order.released" and item["kind"] != "step"}
    assert kept - events == set(), "events that were to stay are gone"
    assert events - kept == {place.pinned[age] for age in AGES if age not in KEPT_AGES}
    steps = Counter(item["keys"]["age"] for item in found if item["kind"] == "step")
    assert steps == {
        str(age): 1 + (STEPS_A_DAY if age < KEEP_STEPS_DAYS and age in KEPT_AGES else 0) for age in AGES
    }, "steps"
    now = {item["sender_id"]: item["id"] for item in found if item["event"] == "order.now"}
    assert {name: now.get(name) for name in place.acknowledged} == place.acknowledged, "an event of today is lost"


def check_reports(api: httpx.Client, found: list[dict[str, Any]]) -> None:
    """Count, histogram and facets tell what the list has, of days that are counted and of others."""
    for kinds in (KINDS, ["step"], ["integration_event"]):
        wanted = [item for item in found if item["kind"] in kinds]
        assert api.get("/v1/records/count", params={"kind": kinds}).json()["count"] == len(wanted)
        bars = api.get("/v1/records/histogram", params={"kind": kinds, "step": "1d"}).json()["bars"]
        by_day: dict[str, Counter[str]] = defaultdict(Counter)
        for item in wanted:
            by_day[item["time"][:10]][item["status"]] += 1
        assert {bar["time"][:10]: {name: bar[name] for name in ("info", "success", "failure")} for bar in bars} == {
            day: {name: counts[name] for name in ("info", "success", "failure")} for day, counts in by_day.items()
        }
        facets = api.get("/v1/records/facets", params={"kind": kinds, "names": "event,status"}).json()["facets"]
        assert {value["value"]: value["count"] for value in facets["event"]} == Counter(
            item["event"] for item in wanted if item["event"]
        )


def check_bodies(place: Place, api: httpx.Client, found: list[dict[str, Any]]) -> set[int]:
    """Payloads of what went well are gone from the oldest day on, no other. Gives the ages they are gone of."""
    sizes = {item["id"]: item["payload_bytes"] for item in found}
    for age in KEPT_AGES:
        for event in place.events[age]:
            if event["status"] == "failure" or event["id"] == place.pinned[age]:
                assert sizes[event["id"]] == 1_002, "a payload that was to stay is gone"
    left = {
        age: {sizes[event["id"]] for event in place.events[age] if event["status"] == "success"} - {1_002}
        for age in KEPT_AGES
    }
    emptied = {age for age, some in left.items() if some}
    assert emptied, "the budget took no payload"
    assert emptied == set(sorted(KEPT_AGES, reverse=True)[: len(emptied)]), "not the oldest first"
    assert len(emptied) < len(KEPT_AGES), "more went than was in the way"
    for age in emptied:
        whole = [
            event["id"] for event in place.events[age] if event["status"] == "success" and sizes[event["id"]] == 1_002
        ]
        assert whole == [place.pinned[age]], "a day is emptied by half"
        gone = api.get(f"/v1/records/{place.events[age][2]['id']}").json()
        assert re.fullmatch(r"/payload \(retention, 2026-11-2\d\)", gone["redacted"][0])
        assert len(gone["redacted"]) == 1, "it is marked twice"
    return emptied


def check_what_is_said(place: Place, api: httpx.Client, server: ServerProcess, emptied: set[int]) -> None:
    """Coverage and the page of the settings tell what was removed."""
    oldest = api.get("/v1/records").json()["coverage"]["oldest_kept"]
    assert oldest == at(15, 0).replace("Z", ".000Z"), "the border is the first day of which everything is kept"
    of_steps = api.get("/v1/records", params={"kind": "step"}).json()["coverage"]["oldest_kept"]
    assert of_steps == at(KEEP_STEPS_DAYS + 1, 0).replace("Z", ".000Z")
    page = read_settings_page(server)
    for age in AGES:
        day = at(age, 0)[:10]
        rows = [row for row in page if day in row]
        if age > 14:
            assert any("Everything" in row and "its age" in row for row in rows), (day, page)
        elif age > KEEP_STEPS_DAYS:
            assert any("Step" in row and "its age" in row for row in rows), (day, page)
        of_bodies = [row for row in rows if "odies of successes" in row]
        # Where a crash came between the note and the look whether there is anything, that is said as well.
        assert of_bodies if age in emptied else all("crash" in row for row in of_bodies), (day, page)


def read_settings_page(server: ServerProcess) -> list[str]:
    """The rows of the page that says what was removed, as text."""
    link = line_of(server, "LINK")
    with httpx.Client(follow_redirects=True, timeout=30, trust_env=False) as browser:
        form = dict(re.findall(r'name="([^"]+)"[^>]*value="([^"]*)"', browser.get(link).text))
        form |= {"email": "ada@clew.example", "password": "correct horse battery staple"}
        assert browser.post(link, data=form, headers={"origin": server.url}).status_code == 200
        text = browser.get(f"{server.url}/settings/logging").text
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)) for row in re.findall(r"(?s)<tr.*?</tr>", text)]
