"""Cause and decisions over HTTP, over the reference store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from clew.api.authentication import provide_principal
from clew.api.diagnosis import build_diagnosis
from clew.api.problems import HANDLERS
from clew.core.clock import FakeClock
from clew.core.ids import new_id
from clew.core.record import ErrorInfo, Kind, Record, encode_line
from clew.core.settings import Settings
from clew.log.cursor import CursorCodec
from clew.log.memory import MemoryStore
from clew.log.search import Search
from clew.registry.keys import Keys
from clew.state.database import open_database

ADMIN_KEY = "clew_test_admin_key_0123456789abcdefghij"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CLAUSE = "event.payload.country == 'US'"
Client = TestClient[Litestar]


class AllIndexed:
    """A log that is never behind."""

    def indexed_until_ms(self) -> int:
        return FakeClock().now_ms()


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    database = open_database(Settings(data_dir=str(tmp_path)))
    yield Keys(database, FakeClock(), ADMIN_KEY)
    database.close()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(store: MemoryStore, keys: Keys) -> Iterator[Client]:
    search = Search(store, progress=AllIndexed(), clock=FakeClock(), cursors=CursorCodec(b"secret"))
    router = build_diagnosis(search, keys, lambda workspace, key: f"{key.title()} of {workspace}")
    app = Litestar(
        [router],
        dependencies={"principal": Provide(provide_principal, sync_to_thread=False)},
        exception_handlers=HANDLERS,
        openapi_config=None,
    )
    with TestClient(app) as client:
        client.headers["authorization"] = f"Bearer {ADMIN_KEY}"
        yield client
    search.close()


@pytest.fixture
def chain(store: MemoryStore) -> dict[str, Record]:
    """An event, a decision for it and one against it, its run, and a node of it that Ship refused; by name."""
    records: dict[str, Record] = {}

    def add(name: str, kind: Kind, parent: str = "", **fields: Any) -> None:
        time = FakeClock().now_ms() - 1_000 + len(records)
        shared = {"trace_id": TRACE_ID, "customer": "acme", "parent_id": records[parent].id if parent else ""}
        records[name] = Record(id=new_id(time), time=time, workspace="default", kind=kind, **{**shared, **fields})

    error = ErrorInfo(
        type="http", message="answered 422", caused_by=ErrorInfo(message="postal_code: must not be blank")
    )
    add("event", "external_event", event="order.released")
    against = {
        "verdict": "not_launched",
        "code": "filter_not_matched",
        "clause": CLAUSE,
        "expected": "'US'",
        "actual": "DE",
    }
    add("against", "decision", "event", flow="bi", state="filter_not_matched", parameters=json.dumps(against))
    add(
        "run",
        "flow_run",
        "event",
        flow="order-to-ship",
        status="failure",
        message="create_shipment failed",
        error=error,
    )
    add("for", "decision", "event", flow="order-to-ship", state="launched", parameters='{"flow_run_id": "RUN"}')
    add("post", "api_request", "run", status="failure", target_product="ship", error=error, customer="other")
    store.insert(b"".join(encode_line(record) + b"\n" for record in records.values()), "1")
    return records


def test_the_cause_comes_with_its_path_what_it_broke_and_a_sentence(client: Client, chain: dict[str, Record]) -> None:
    answer = client.get(f"/v1/records/{chain['post'].id}/cause")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"cause", "path", "broke", "explanation", "code", "advice"}
    assert body["cause"]["id"] == chain["post"].id
    assert body["cause"]["error"]["caused_by"]["message"] == "postal_code: must not be blank"
    assert [item["id"] for item in body["path"]] == [chain["post"].id]
    assert [(item["id"], item["sentence"]) for item in body["broke"]] == [
        (chain["run"].id, "The flow run order-to-ship failed: create_shipment failed.")
    ]
    assert body["explanation"] == "Ship of default refused it (422): postal_code: must not be blank."
    assert (body["code"], body["advice"]) == ("refused", "Correct the data where it comes from, then run it again.")


def test_from_the_event_the_path_leads_down_to_the_cause(client: Client, chain: dict[str, Record]) -> None:
    path = client.get(f"/v1/records/{chain['event'].id}/cause").json()["path"]
    assert [item["id"] for item in path] == [chain[name].id for name in ("event", "run", "post")]


def test_where_nothing_failed_the_cause_is_null_and_the_sentence_says_so(client: Client, store: MemoryStore) -> None:
    record = Record(id=new_id(1_780_000_000_000), time=1_780_000_000_000, workspace="default", kind="step")
    store.insert(encode_line(record) + b"\n", "1")
    assert client.get(f"/v1/records/{record.id}/cause").json() == {
        "cause": None,
        "path": [],
        "broke": [],
        "explanation": "Nothing in this chain failed.",
        "code": "no_failure",
        "advice": None,
    }


def test_decisions_name_flow_clause_expected_and_actual_value_or_the_run(
    client: Client, chain: dict[str, Record]
) -> None:
    items = client.get(f"/v1/records/{chain['event'].id}/decisions").json()["items"]
    fixed = ("flow", "verdict", "code", "clause", "expected", "actual", "flow_run_id")
    assert [tuple(item[name] for name in fixed) for item in items] == [
        ("bi", "not_launched", "filter_not_matched", CLAUSE, "'US'", "DE", None),
        ("order-to-ship", "launched", "launched", None, None, None, "RUN"),
    ]
    assert {item["event_id"] for item in items} == {chain["event"].id}


@pytest.mark.parametrize("door", ["cause", "decisions"])
def test_a_key_of_a_customer_sees_that_customers_records_alone(
    client: Client, keys: Keys, chain: dict[str, Record], door: str
) -> None:
    _, text = keys.create("default", "Acme's", ("read",), "acme")
    own = {"authorization": f"Bearer {text}"}
    assert client.get(f"/v1/records/{chain['post'].id}/{door}", headers=own).status_code == 404
    answer = client.get(f"/v1/records/{chain['event'].id}/{door}", headers=own)
    assert answer.status_code == 200
    assert chain["post"].id not in answer.text


@pytest.mark.parametrize("door", ["cause", "decisions"])
def test_without_the_scope_or_the_record_there_is_no_answer(
    client: Client, keys: Keys, chain: dict[str, Record], door: str
) -> None:
    _, text = keys.create("default", "sender", ("ingest",))
    url = f"/v1/records/{chain['event'].id}/{door}"
    assert client.get(url, headers={"authorization": f"Bearer {text}"}).status_code == 403
    assert client.get(url, headers={"authorization": ""}).status_code == 401
    for missing in ("nonsense", new_id()):
        assert client.get(f"/v1/records/{missing}/{door}").status_code == 404
