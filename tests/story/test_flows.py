"""What a flow does for those who declare it and those who look at it, through the public doors alone."""

from __future__ import annotations

import json
import socket
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from harness.flow_runs import decisions, innermost, node_runs, release, run_for, run_id_of, see_run, send, states
from harness.server import ServerProcess, serving
from harness.target import MODULE, TOKEN, Target, running_target


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with running_target() as target:
        yield target


@pytest.fixture(scope="module")
def server(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with socket.socket() as nobody:  # it has the port for as long, and does not listen
        nobody.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        env = {"TARGET_URL": target.url, "TARGET_TOKEN": TOKEN, "GONE_URL": gone}
        with serving(tmp_path_factory.mktemp("flows"), MODULE, **env) as process:
            yield process


@pytest.mark.feature("C43", "C61", "C62", "D10")
def test_an_event_launches_a_run_whose_every_step_is_on_record(api: httpx.Client, target: Target) -> None:
    number = f"SO-{uuid.uuid4().hex}"
    event_id = release(api, number=number)
    run = run_for(api, event_id, "carry", 2)
    assert (run["state"], run["event_id"], run["customer"]) == ("completed", event_id, "acme")
    assert run["launched_by"]["ids"] == [event_id]
    assert states(run) == {"lookup": "completed", "create": "completed", "notify": "skipped"}
    assert run["edges"] == [["lookup", "create"], ["lookup", "notify"], ["create", "notify"]]
    assert run["input"]["payload"]["number"] == number
    (lookup,) = node_runs(api, run, "lookup")
    (create,) = node_runs(api, run, "create")
    assert lookup["output"] == {"number": number, "status": "open", "total": 10}
    assert create["input"]["lookup"] == lookup["output"]
    assert create["upstream_runs"] == [{"node": "lookup", "id": lookup["id"]}]
    assert {"node": "create", "id": create["id"]} in lookup["downstream_runs"]
    assert any(number in line["msg"] for line in create["logs"] if line["type"] == "message")
    (request,) = create["requests"]
    chain = api.get(f"/v1/records/{event_id}/trace").json()["items"]
    above = {item["id"]: item["parent_id"] for item in chain}
    assert above[request["id"]] == create["id"]
    assert above[create["id"]] == run["id"]
    assert above[run["id"]] == event_id
    kinds = Counter(item["kind"] for item in chain)
    assert kinds == {
        "external_webhook": 1,
        "external_event": 1,
        "decision": 2,
        "flow_run": 1,
        "node_run": 3,
        "api_request": 2,
    }


@pytest.mark.feature("C10", "C11", "C13", "C90")
def test_a_request_is_kept_as_sent_and_received_without_its_secrets(api: httpx.Client, target: Target) -> None:
    run = run_for(api, release(api), "carry", 2)
    (create,) = node_runs(api, run, "create")
    record = api.get(f"/v1/records/{create['requests'][0]['id']}").json()
    assert (record["http"]["method"], record["http"]["status_code"]) == ("POST", 201)
    assert record["http"]["url"].startswith(f"{target.url}/shipments/")
    assert "hunter2" not in json.dumps(record)
    assert TOKEN not in json.dumps(record)
    path = urlsplit(record["http"]["url"]).path
    (headers,) = [headers for _, asked, headers in target.requests if asked == path]
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["traceparent"].split("-")[1] == run["trace_id"]
    assert headers["traceparent"].split("-")[2] == record["id"].replace("-", "")[-16:]


@pytest.mark.feature("C44")
@pytest.mark.parametrize(
    ("body", "clause", "actual"),
    [
        ({"country": "NL"}, "event.payload.country == 'US'", "NL"),
        ({"lines": []}, "event.payload.lines.size() > 0", 0),
    ],
    ids=["country", "lines"],
)
def test_a_refused_events_decision_names_the_clause_and_the_value(
    api: httpx.Client, body: dict[str, Any], clause: str, actual: Any
) -> None:
    event_id = release(api, **body)
    decision = decisions(api, event_id, 2)["carry"]
    assert decision["verdict"] != "launched"
    assert decision["code"] == "filter_not_matched"
    assert (decision["clause"], decision["actual"]) == (clause, actual)
    assert decision["expected"]
    assert decision["reason"]
    assert decision["flow_run_id"] is None
    listed = api.get("/v1/records", params={"kind": "decision", "flow": "carry", "state": "filter_not_matched"}).json()
    assert decision["record_id"] in {item["id"] for item in listed["items"]}


def test_a_missing_field_is_a_reason_of_its_own(api: httpx.Client) -> None:
    decision = decisions(api, send(api, "order.released", lines=[1]), 2)["carry"]
    assert decision["code"] == "filter_not_matched"
    assert "country" in decision["reason"]


def test_an_event_that_no_flow_names_says_so(api: httpx.Client) -> None:
    (decision,) = decisions(api, send(api, "order.forgotten")).values()
    assert (decision["flow"], decision["code"]) == (None, "no_flow_subscribed")


def test_a_repeated_delivery_starts_no_second_run(api: httpx.Client, target: Target) -> None:
    number = f"SO-{uuid.uuid4().hex}"
    delivery = uuid.uuid4().hex
    event_id = release(api, number=number, delivery=delivery)
    assert release(api, number=number, delivery=delivery) == event_id
    run_for(api, event_id, "carry", 2)
    last = run_for(api, release(api), "carry", 2)  # what came after it is done: so is what it led to
    assert last["state"] == "completed"
    runs = api.get("/v1/records", params={"kind": "flow_run", "key": f"order={number}"}).json()["items"]
    assert len(runs) == 1
    assert target.calls(f"/shipments/{number}") == 1


def test_a_retry_that_recovers_leaves_a_run_that_went_well(api: httpx.Client, target: Target) -> None:
    number = f"SO-{uuid.uuid4().hex}"
    target.failures[f"/shipments/{number}"] = [503]
    event_id = release(api, number=number)
    run = run_for(api, event_id, "carry", 2)
    assert run["state"] == "completed"
    attempts = node_runs(api, run, "create")
    assert [(one["attempt"], one["state"]) for one in attempts] == [(1, "failed"), (2, "completed")]
    assert "attempt 1 of 3" in attempts[0]["message"]
    cause = api.get(f"/v1/records/{event_id}/cause").json()
    assert cause["cause"] is None


@pytest.mark.feature("D13")
def test_a_retry_that_gives_up_fails_the_run_and_is_its_cause(api: httpx.Client, target: Target) -> None:
    number = f"SO-{uuid.uuid4().hex}"
    target.failures[f"/shipments/{number}"] = [503, 503, 503]
    event_id = release(api, number=number)
    run = run_for(api, event_id, "carry", 2)
    assert run["state"] == "failed"
    assert states(run) == {"lookup": "completed", "create": "failed", "notify": "not_reached"}
    attempts = node_runs(api, run, "create")
    assert [one["state"] for one in attempts] == ["failed"] * 3
    assert target.calls(f"/shipments/{number}") == 3
    assert "create" in run["error"]["message"]
    assert "503" in innermost(run["error"])["message"]
    cause = api.get(f"/v1/records/{event_id}/cause").json()
    assert cause["cause"]["id"] in {attempts[-1]["id"], attempts[-1]["requests"][0]["id"]}
    assert cause["path"][0]["id"] == event_id
    assert cause["explanation"]


@pytest.mark.feature("D08")
def test_a_skipped_node_says_which_value_kept_it_from_running(api: httpx.Client, target: Target) -> None:
    number = f"SO-{uuid.uuid4().hex}"
    target.orders[number] = {"status": "cancelled"}
    run = run_for(api, release(api, number=number), "carry", 2)
    assert run["state"] == "completed"
    assert states(run) == {"lookup": "completed", "create": "skipped", "notify": "skipped"}
    (create,) = node_runs(api, run, "create")
    assert create["skipped_because"]["clause"] == "lookup.status == 'open'"
    assert create["skipped_because"]["actual"] == "cancelled"
    reasons = {node["name"]: node["reason"] for node in run["nodes"]}
    assert "create was skipped" in reasons["notify"]


def test_a_large_order_is_noted_by_a_plain_function(api: httpx.Client, target: Target) -> None:
    number = f"SO-{uuid.uuid4().hex}"
    target.orders[number] = {"total": 1500.5}
    run = run_for(api, release(api, number=number), "carry", 2)
    assert states(run)["notify"] == "completed"
    (notify,) = node_runs(api, run, "notify")
    assert notify["output"] == {"number": "notes-"}


@pytest.mark.feature("D16")
def test_a_node_that_may_fail_hands_its_error_on(api: httpx.Client) -> None:
    event_id = send(api, "odd")
    run = run_for(api, event_id, "going-on")
    assert run["state"] == "completed"
    (after,) = node_runs(api, run, "after")
    assert after["output"] == {"got": None, "error": "there is no map"}
    (broken,) = node_runs(api, run, "broken")
    assert broken["error"]["message"] == "there is no map"
    assert api.get(f"/v1/records/{event_id}/cause").json()["cause"] is None


@pytest.mark.feature("D13")
def test_a_mapping_error_names_the_file_and_the_line(api: httpx.Client) -> None:
    run = run_for(api, send(api, "mapping"), "mapping")
    assert run["state"] == "failed"
    assert states(run) == {"read_sku": "failed", "never": "not_reached"}
    error = node_runs(api, run, "read_sku")[0]["error"]
    assert (error["type"], error["message"]) == ("ValueError", "the order has no article")
    assert error["caused_by"]["type"] == "KeyError"
    line = MODULE.splitlines().index('        raise ValueError("the order has no article") from error') + 1
    assert f'connected.py", line {line}' in error["stack"]
    assert "site-packages" not in error["stack"]


@pytest.mark.parametrize(("flow", "node"), [("hanging", "hang"), ("hanging-thread", "hang_in_thread")])
def test_a_node_that_hangs_is_ended_at_its_timeout(api: httpx.Client, flow: str, node: str) -> None:
    run = run_for(api, send(api, "hanging"), flow, 2)
    assert run["state"] == "failed"
    error = node_runs(api, run, node)[0]["error"]
    assert error["type"] == "timeout"
    assert "0.2 s" in error["message"]


@pytest.mark.feature("I08")
@pytest.mark.parametrize(
    ("flow", "node", "said"),
    [("odd-output", "give_object", "not JSON"), ("large-output", "give_much", "20,971,520")],
)
def test_an_output_that_cannot_be_kept_is_an_error_of_its_node(
    api: httpx.Client, flow: str, node: str, said: str
) -> None:
    run = run_for(api, send(api, "odd-output"), flow, 2)
    assert run["state"] == "failed"
    assert said in node_runs(api, run, node)[0]["error"]["message"]


def test_a_host_that_is_not_there_is_an_error_of_its_request(api: httpx.Client) -> None:
    run = run_for(api, send(api, "dead"), "dead-host")
    assert run["state"] == "failed"
    (gone,) = node_runs(api, run, "call_gone")
    (unknown,) = node_runs(api, run, "call_unknown")
    assert gone["error"]["type"] == "connection"
    assert unknown["error"]["type"] == "dns"
    request = api.get(f"/v1/records/{unknown['requests'][0]['id']}").json()
    assert (request["status"], request["error"]["type"]) == ("failure", "dns")


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:9/", "http://10.1.2.3/", "http://[::1]:9/"],
)
def test_a_private_address_is_refused_where_no_product_lives_there(api: httpx.Client, url: str) -> None:
    run = run_for(api, send(api, "reaching", url=url), "reaching")
    assert run["state"] == "failed"
    error = node_runs(api, run, "reach")[0]["error"]
    assert error["type"] == "refused_address"
    assert "not sent" in error["message"]


def test_a_product_that_was_not_declared_there_does_not_reach_a_local_server(api: httpx.Client, target: Target) -> None:
    before = len(target.requests)
    run = run_for(api, send(api, "reaching", url=f"{target.url}/orders/1"), "reaching")
    assert run["state"] == "failed"
    assert len(target.requests) == before


@pytest.mark.feature("C44", "F31", "B25")
def test_a_disabled_flow_says_so_and_can_be_enabled(api: httpx.Client) -> None:
    assert decisions(api, release(api), 2)["also"]["code"] == "flow_disabled"
    assert api.get("/v1/flows/also").json()["enabled"] is False
    assert api.post("/v1/flows/also/enable").json()["enabled"] is True
    try:
        event_id = release(api)
        assert run_for(api, event_id, "also", 2)["state"] == "completed"
    finally:
        assert api.post("/v1/flows/also/disable").json()["enabled"] is False
    assert decisions(api, release(api), 2)["also"]["code"] == "flow_disabled"


@pytest.mark.feature("C64", "C65")
def test_a_running_run_can_be_seen_and_stopped_and_not_repeated(api: httpx.Client, target: Target) -> None:
    ticket = target.ticket()
    event_id = send(api, "patient", ticket=ticket)
    run_id = run_id_of(api, event_id, "patient")
    run = see_run(api, run_id, "running")
    assert states(run)["finish"] == "waiting"
    listed = api.get("/v1/flow-runs", params={"flow": "patient"}).json()
    assert run_id in [one["id"] for one in listed["open"]]
    assert run_id not in [one["id"] for one in listed["items"]]
    assert api.get("/v1/flow-runs", params={"flow": "patient", "state": "failed"}).json()["open"] == []
    refused = api.post(f"/v1/flow-runs/{run_id}/repeat")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "Cannot repeat a running flow run."
    assert api.post(f"/v1/flow-runs/{run_id}/stop").status_code == 202
    run = see_run(api, run_id)
    assert run["state"] == "stopped"
    record = api.get(f"/v1/flow-runs/{run_id}").json()
    assert states(record)["finish"] == "not_reached"
    assert api.post(f"/v1/flow-runs/{run_id}/stop").status_code == 409
    target.tickets[ticket].set()
    again = api.post(f"/v1/flow-runs/{run_id}/repeat")
    assert again.status_code == 201, again.text
    repeated = see_run(api, again.json()["flow_run_id"])
    assert (repeated["state"], repeated["repeat_of"]) == ("completed", run_id)


@pytest.mark.feature("D18", "I08")
def test_runs_of_one_connection_wait_for_each_other_in_their_order(api: httpx.Client, target: Target) -> None:
    tickets = [target.ticket() for _ in range(3)]
    connection = f"lane-{uuid.uuid4().hex}"
    ids = [run_id_of(api, send(api, "patient", ticket=ticket, connection=connection), "patient") for ticket in tickets]
    see_run(api, ids[0], "running")
    assert see_run(api, ids[1], "queued")
    other = target.ticket()
    target.tickets[other].set()
    assert run_for(api, send(api, "patient", ticket=other), "patient")["state"] == "completed"
    for ticket in reversed(tickets):
        target.tickets[ticket].set()
    runs = [see_run(api, run_id) for run_id in ids]
    assert [run["state"] for run in runs] == ["completed"] * 3
    begun = [run["started_at"] for run in runs]
    assert begun == sorted(begun)


def test_a_replay_takes_what_was_done_and_runs_the_rest_anew(api: httpx.Client, target: Target) -> None:
    ticket = uuid.uuid4().hex
    target.failures[f"/count/second-{ticket}"] = [500]
    run = run_for(api, send(api, "stepwise", ticket=ticket, value=7), "stepwise")
    assert run["state"] == "failed"
    plan = api.post("/v1/replays", json={"ids": [run["id"]], "from_node": "second", "plan": True}).json()
    assert (plan["count"], plan["plan"], plan["runs"][0]["flow_run_id"]) == (1, True, None)
    answer = api.post("/v1/replays", json={"ids": [run["id"]], "from_node": "second"})
    assert answer.status_code == 201, answer.text
    again = see_run(api, answer.json()["runs"][0]["flow_run_id"])
    assert (again["state"], again["replay_of"], again["from_node"]) == ("completed", run["id"], "second")
    assert node_runs(api, again, "second")[0]["output"] == {"value": 7, "count": 1}
    assert target.counts[f"first-{ticket}"] == 1


def test_a_replay_runs_with_another_input_where_it_is_edited(api: httpx.Client, target: Target) -> None:
    ticket = uuid.uuid4().hex
    run = run_for(api, send(api, "stepwise", ticket=ticket, value=7), "stepwise")
    edited = {"ticket": ticket, "value": 8}
    answer = api.post("/v1/replays", json={"ids": [run["id"]], "payload": edited})
    again = see_run(api, answer.json()["runs"][0]["flow_run_id"])
    assert node_runs(api, again, "second")[0]["output"]["value"] == 8
    given = {"first": {"value": 9}}
    answer = api.post("/v1/replays", json={"ids": [run["id"]], "from_node": "second", "given": given})
    assert answer.status_code == 201, answer.text
    again = see_run(api, answer.json()["runs"][0]["flow_run_id"])
    assert node_runs(api, again, "second")[0]["output"]["value"] == 9
    assert target.counts[f"first-{ticket}"] == 2


def test_a_replay_from_a_node_that_is_not_there_is_refused(api: httpx.Client) -> None:
    run = run_for(api, send(api, "odd"), "going-on")
    answer = api.post("/v1/replays", json={"ids": [run["id"]], "from_node": "nowhere"})
    assert answer.status_code == 422
    assert "nowhere" in answer.json()["detail"]


def test_a_replay_that_cannot_go_on_tells_what_was_run_and_why_it_ended(api: httpx.Client) -> None:
    going_on = run_for(api, send(api, "odd"), "going-on")
    stepwise = run_for(api, send(api, "stepwise", ticket=uuid.uuid4().hex, value=7), "stepwise")
    ids = [stepwise["id"], going_on["id"], stepwise["id"]]
    headers = {"idempotency-key": uuid.uuid4().hex}
    answer = api.post("/v1/replays", json={"ids": ids, "from_node": "second"}, headers=headers)
    assert answer.status_code == 201, answer.text
    replayed = answer.json()
    assert (replayed["count"], [run["id"] for run in replayed["runs"]]) == (1, [stepwise["id"]])
    assert replayed["problem"].startswith(f"{going_on['id']}: ")
    assert "second" in replayed["problem"]
    again = api.post("/v1/replays", json={"ids": ids, "from_node": "second"}, headers=headers)
    assert again.json() == replayed


def test_a_flow_can_be_run_by_hand(api: httpx.Client, target: Target) -> None:
    body = {"payload": {"ticket": uuid.uuid4().hex, "value": 1}, "customer": "acme"}
    headers = {"idempotency-key": uuid.uuid4().hex}
    answer = api.post("/v1/flows/stepwise/runs", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert api.post("/v1/flows/stepwise/runs", json=body, headers=headers).json() == answer.json()
    run = see_run(api, answer.json()["flow_run_id"])
    assert (run["state"], run["launched_by"]["type"], run["customer"]) == ("completed", "api-trigger", "acme")


def test_flows_are_listed_with_their_graph_and_trigger(api: httpx.Client) -> None:
    listed = {flow["key"]: flow for flow in api.get("/v1/flows").json()["items"]}
    assert {"carry", "also", "going-on", "patient", "stepwise"} <= listed.keys()
    carry = api.get("/v1/flows/carry").json()
    assert carry == listed["carry"]
    assert carry["trigger"]["events"] == [{"source": "hooks", "event": "order.released"}]
    assert carry["filter"] == "event.payload.lines.size() > 0 && event.payload.country == 'US'"
    nodes = {node["name"]: node for node in carry["nodes"]}
    assert nodes["create"]["retries"] == 2
    assert nodes["create"]["upstream"] == ["lookup"]
    assert nodes["create"]["when"] == "lookup.status == 'open'"
    assert "connected.py:" in nodes["create"]["place"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/flows/nothing"),
        ("POST", "/v1/flows/nothing/enable"),
        ("POST", "/v1/flows/nothing/runs"),
        ("GET", "/v1/flow-runs/nothing"),
        ("GET", f"/v1/flow-runs/{uuid.UUID(int=7 << 76 | 2 << 62)}"),
        ("POST", f"/v1/flow-runs/{uuid.UUID(int=7 << 76 | 2 << 62)}/stop"),
        ("POST", f"/v1/flow-runs/{uuid.UUID(int=7 << 76 | 2 << 62)}/repeat"),
    ],
)
def test_what_is_not_there_is_a_404(api: httpx.Client, method: str, path: str) -> None:
    answer = api.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.feature("I05")
def test_looking_needs_read_and_changing_needs_operate(server: ServerProcess) -> None:
    with server.client(key="") as nobody:
        assert nobody.get("/v1/flows").status_code == 401
        assert nobody.post("/v1/flows/carry/disable").status_code == 401
