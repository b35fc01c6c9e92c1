"""The clients of products: signed in, guarded, and every exchange on record as it went over the wire."""

from __future__ import annotations

import gzip
import ipaddress
import socket
from collections.abc import Iterator

import httpx
import pytest

from clew.core.record import Record
from clew.flows.address_guard import AddressGuard, AddressRefused, is_public
from clew.flows.flow import Flow
from clew.registry.declare import Product, bearer
from harness.flow_place import FlowPlace, parameters_of, payload_of

TOKEN = "tok_9f8e7d6c5b4a"


def both_kinds(product: Product) -> list[Flow]:
    """A flow with an async node and one with a plain node, that ask for what the event says."""
    asking, plain = Flow("asking", products=[product]), Flow("plain", products=[product])

    @asking.node(timeout_s=60)
    async def ask(event, erp):
        request = event.payload
        answer = await erp.request(request.get("method", "GET"), request["path"], **request.get("options", {}))
        if request.get("check", True):
            answer.raise_for_status()
        return answer.text[:20]

    @plain.node(timeout_s=60)
    def ask(event, erp):  # noqa: F811
        request = event.payload
        answer = erp.request(request.get("method", "GET"), request["path"], **request.get("options", {}))
        if request.get("check", True):
            answer.raise_for_status()
        return answer.text[:20]

    return [asking, plain]


async def ask_both(place: FlowPlace, product: Product, **request: object) -> list[tuple[Record, Record, list[Record]]]:
    """Run both kinds: the run, its node run and its requests."""
    flows = both_kinds(product)
    runner = await place.open(*flows)
    found = []
    for flow in flows:
        run = await place.run(runner, flow, request)
        (node_run,) = await place.records("node_run", parent=run.id)
        found.append((run, node_run, await place.records("api_request", parent=node_run.id)))
    return found


async def test_an_exchange_is_a_record_under_the_node_run(place: FlowPlace, other_side) -> None:
    other_side.answer = lambda path: (201, {"content-type": "application/json", "x-id": "7"}, b'{"ok":true}')
    erp = Product("erp", base_url=f"{other_side.url}/api")
    options = {"json": {"number": 1}}
    for run, node_run, (request,) in await ask_both(place, erp, method="POST", path="/orders?a=1", options=options):
        assert payload_of(node_run) == '{"ok":true}'
        assert (request.status, request.node, request.flow, request.target_product) == (
            "success",
            "ask",
            run.flow,
            "erp",
        )
        assert (request.trace_id, request.message) == (
            run.trace_id,
            f"POST {other_side.url}/api/orders?a=1 answered 201 Created",
        )
        http = request.http
        assert http is not None
        assert (http.direction, http.method, http.status_code) == ("outgoing", "POST", 201)
        assert http.request_body is not None
        assert http.response_body is not None
        assert (http.request_body.text, http.response_body.text) == ('{"number":1}', '{"ok":true}')
        assert http.response_headers["x-id"] == "7"
        assert request.duration_ms is not None
        assert [line.type for line in node_run.logs] == ["api-request"]
        assert node_run.logs[0].data["id"] == request.id
    assert [path for _, path, *_ in other_side.requests] == ["/api/orders?a=1"] * 2


async def test_a_request_bears_the_trace_and_its_records_id(place: FlowPlace, other_side) -> None:
    erp = Product("erp", base_url=other_side.url)
    found = await ask_both(place, erp, path="/")
    for (_, _, (request,)), (_, _, headers, _) in zip(found, other_side.requests, strict=True):
        assert headers["traceparent"] == f"00-{request.trace_id}-{request.id.replace('-', '')[-16:]}-01"


async def test_it_signs_in_and_the_token_is_nowhere_on_record(place: FlowPlace, other_side) -> None:
    place.secrets = {"ERP_TOKEN": TOKEN}
    other_side.answer = lambda path: (500, {}, f'said {TOKEN} to "{TOKEN}"'.encode())
    erp = Product("erp", base_url=other_side.url, auth=bearer("ERP_TOKEN"))
    await ask_both(place, erp, path=f"/by-path/{TOKEN}?token={TOKEN}", options={"headers": {"x-odd": TOKEN}})
    assert [headers["authorization"] for _, _, headers, _ in other_side.requests] == [f"Bearer {TOKEN}"] * 2
    records = await place.records("api_request", "node_run")
    assert len(records) == 4
    for record in records:
        assert TOKEN not in str(msgspec_text(record, without=("parameters",)))
    for record in await place.records("api_request"):
        assert record.http is not None
        assert record.http.request_headers["authorization"] == "****"
        assert record.http.url == f"{other_side.url}/by-path/****?token=****"


def msgspec_text(record: Record, without: tuple[str, ...]) -> str:
    import msgspec

    fields = {name: value for name, value in msgspec.to_builtins(record).items() if name not in without}
    return msgspec.json.encode(fields).decode()


async def test_the_token_goes_to_the_products_own_origin_alone(place: FlowPlace, other_side) -> None:
    place.secrets = {"ERP_TOKEN": TOKEN}
    erp = Product("erp", base_url=f"http://127.0.0.1:{other_side.port + 1}", auth=bearer("ERP_TOKEN"))
    await ask_both(place, erp, path=f"{other_side.url}/elsewhere")
    assert [headers.get("authorization") for _, _, headers, _ in other_side.requests] == [None, None]


async def test_a_refusing_answer_is_a_failure_with_its_body(place: FlowPlace, other_side) -> None:
    other_side.answer = lambda path: (422, {"content-type": "application/json"}, b'{"error":"country is missing"}')
    erp = Product("erp", base_url=other_side.url)
    for run, node_run, (request,) in await ask_both(place, erp, path="/orders"):
        assert run.state == "failed"
        assert request.status == "failure"
        assert request.error is not None
        assert (request.error.type, request.error.message) == ("http", "answered 422 Unprocessable Entity")
        error = node_run.error
        assert error is not None
        assert (error.type, error.message) == (
            "http_status",
            f"GET {other_side.url}/orders answered 422 Unprocessable Entity",
        )
        assert (error.data["status"], error.data["body"]) == (422, {"error": "country is missing"})
        assert "test_http.py" in error.stack


@pytest.mark.parametrize(
    ("status", "body", "key"),
    [
        (401, b"{}", "not_authenticated"),
        (401, b'{"error":"token expired"}', "access_token_expired"),
        (403, b"", "access_denied"),
        (404, b"", "not_found"),
        (429, b"", "rate_limit_exceeded"),
        (500, b"", ""),
    ],
)
async def test_the_error_has_the_key_of_its_reason(place: FlowPlace, other_side, status, body, key) -> None:
    other_side.answer = lambda path: (status, {}, body)
    for _, node_run, (request,) in await ask_both(place, Product("erp", base_url=other_side.url), path="/"):
        assert (node_run.error.key, request.error.key) == (key, key)


async def test_a_retry_waits_as_long_as_the_other_side_asked(place: FlowPlace, other_side) -> None:
    answers = [(429, {"retry-after": "1"}, b""), (200, {}, b"{}")]
    other_side.answer = lambda path: answers.pop(0)
    flow = Flow("limited", products=[Product("erp", base_url=other_side.url)])

    @flow.node(retries=1, backoff_s=0.01)
    async def ask(event, erp):
        (await erp.get("/")).raise_for_status()

    runner = await place.open(flow)
    run = await place.run(runner, flow)
    first, second = await place.records("node_run", parent=run.id)
    assert second.time - first.time >= 1_000
    assert run.state == "completed"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on which nobody listens, and that nobody else is given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


async def test_a_host_that_is_not_there_is_a_connection_error(place: FlowPlace, silent_port: int) -> None:
    erp = Product("erp", base_url=f"http://127.0.0.1:{silent_port}")
    for run, node_run, (request,) in await ask_both(place, erp, path="/"):
        assert (run.state, node_run.error.type, request.error.type) == ("failed", "connection", "connection")
        assert request.http.status_code == 0
        assert "failed" in request.message


async def test_a_name_that_does_not_exist_is_a_dns_error(place: FlowPlace) -> None:
    erp = Product("erp", base_url="http://no-such-host.invalid")
    for _, node_run, (request,) in await ask_both(place, erp, path="/"):
        assert (node_run.error.type, request.error.type) == ("dns", "dns")
        assert "no-such-host.invalid was not found" in request.error.message


async def test_an_answer_that_is_not_tls_is_a_tls_error(place: FlowPlace, other_side) -> None:
    erp = Product("erp", base_url=other_side.url.replace("http:", "https:"))
    for _, node_run, (request,) in await ask_both(place, erp, path="/"):
        assert (node_run.error.type, request.error.type) == ("tls", "tls")


async def test_an_answer_that_does_not_come_is_a_timeout(place: FlowPlace, other_side) -> None:
    other_side.delay.clear()
    erp = Product("erp", base_url=other_side.url)
    for _, node_run, (request,) in await ask_both(place, erp, path="/", options={"timeout": 0.1}):
        assert (node_run.error.type, request.error.type) == ("timeout", "timeout")


async def test_a_lost_connection_is_a_connection_error(place: FlowPlace, other_side) -> None:
    other_side.answer = lambda path: (0, {}, b"")
    for _, node_run, (request,) in await ask_both(place, Product("erp", base_url=other_side.url), path="/"):
        assert (node_run.error.type, request.error.type) == ("connection", "connection")


async def test_an_answer_that_breaks_off_is_on_record_as_far_as_it_came(place: FlowPlace, other_side) -> None:
    other_side.answer = lambda path: (200, {"content-length": "100", "connection": "close"}, b"half")
    for _, node_run, (request,) in await ask_both(place, Product("erp", base_url=other_side.url), path="/"):
        assert request.http.response_body is None or request.http.response_body.text == "half"
        assert (node_run.error.type, request.error.type, request.http.status_code) == ("connection", "connection", 200)


async def test_a_request_that_the_nodes_timeout_cut_off_is_on_record(place: FlowPlace, other_side) -> None:
    other_side.delay.clear()
    flow = Flow("impatient", products=[Product("erp", base_url=other_side.url)])

    @flow.node(timeout_s=0.2)
    async def ask(event, erp):
        await erp.get("/slow")

    runner = await place.open(flow)
    run = await place.run(runner, flow)
    (node_run,) = await place.records("node_run", parent=run.id)
    (request,) = await place.records("api_request", parent=node_run.id)
    assert (node_run.error.type, request.error.type, request.status) == ("timeout", "cancelled", "failure")


async def test_a_body_is_cut_where_it_is_long_and_the_node_gets_all_of_it(place: FlowPlace, other_side) -> None:
    content = ("é" * 50_000).encode()
    other_side.answer = lambda path: (200, {"content-type": "text/plain; charset=utf-8"}, content)
    erp = Product("erp", base_url=other_side.url)
    options = {"content": "x" * 70_000}
    for _, node_run, (request,) in await ask_both(place, erp, method="POST", path="/", options=options):
        assert payload_of(node_run) == "é" * 20
        sent, received = request.http.request_body, request.http.response_body
        assert (sent.cut, sent.size, len(sent.text)) == (True, 70_000, 65_536)
        assert (received.cut, received.size, received.encoding) == (True, 100_000, "utf-8")
        assert set(received.text) == {"é"}


async def test_a_packed_body_is_readable_on_record(place: FlowPlace, other_side) -> None:
    packed = gzip.compress(b'{"password":"hush","a":1}')
    other_side.answer = lambda path: (200, {"content-encoding": "gzip", "content-type": "application/json"}, packed)
    for _, node_run, (request,) in await ask_both(place, Product("erp", base_url=other_side.url), path="/"):
        assert payload_of(node_run).startswith('{"password":"hush"')
        assert request.http.response_body.text == '{"password":"****","a":1}'


async def test_a_form_is_on_record_without_its_secrets(place: FlowPlace, other_side) -> None:
    erp = Product("erp", base_url=other_side.url)
    options = {"data": {"user": "ann", "password": "hush"}}
    for _, _, (request,) in await ask_both(place, erp, method="POST", path="/", options=options):
        assert request.http.request_body.text == "user=ann&password=****"
    assert {body for *_, body in other_side.requests} == {b"user=ann&password=hush"}


async def test_each_step_of_a_redirect_is_a_record_of_its_own(place: FlowPlace, other_side) -> None:
    other_side.answer = lambda path: (307, {"location": "/there"}, b"") if path == "/here" else (200, {}, b"{}")
    erp = Product("erp", base_url=other_side.url)
    options = {"follow_redirects": True, "content": "body"}
    for _, _, requests in await ask_both(place, erp, method="POST", path="/here", options=options):
        assert [(r.http.url, r.http.status_code, r.http.request_body.text) for r in requests] == [
            (f"{other_side.url}/here", 307, "body"),
            (f"{other_side.url}/there", 200, "body"),
        ]
    parents = [headers["traceparent"] for _, _, headers, _ in other_side.requests]
    assert len(set(parents)) == 4


async def test_a_redirect_to_a_private_address_is_refused(place: FlowPlace, other_side) -> None:
    other_side.answer = lambda path: (302, {"location": "http://169.254.169.254/latest/meta-data"}, b"")
    erp = Product("erp", base_url=other_side.url)
    for run, node_run, requests in await ask_both(place, erp, path="/", options={"follow_redirects": True}):
        assert run.state == "failed"
        assert [r.error.type if r.error else "" for r in requests] == ["", "refused_address"]
        assert "169.254.169.254, which is no public address" in node_run.error.message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0.0.0.0", "[::ffff:127.0.0.1]"])
async def test_a_product_elsewhere_does_not_reach_this_machine(place: FlowPlace, other_side, host: str) -> None:
    erp = Product("erp", base_url="https://erp.example")
    for _, node_run, (request,) in await ask_both(place, erp, path=f"http://{host}:{other_side.port}/"):
        assert (node_run.error.type, request.error.type) == ("refused_address", "refused_address")
    assert other_side.requests == []


async def test_a_product_that_is_declared_here_is_reached_by_its_name(place: FlowPlace, other_side) -> None:
    erp = Product("erp", base_url=f"http://localhost:{other_side.port}")
    for run, _, _ in await ask_both(place, erp, path="/"):
        assert run.state == "completed"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
    ],
)
def test_an_address_is_public_or_not(address: str, expected: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is expected


def test_a_name_with_one_private_address_is_refused_as_a_whole() -> None:
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        AddressGuard("erp.example").check("other.example", ["8.8.8.8", "10.0.0.1"])


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "100.64.0.9", "fd00::1"])
def test_under_the_name_of_its_home_a_product_may_live_at_a_private_address(address: str) -> None:
    assert AddressGuard("erp.internal").check("ERP.internal", [address]) == [address]


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "::ffff:169.254.1.1"])
def test_no_name_leads_to_a_link_local_address(address: str) -> None:
    with pytest.raises(AddressRefused):
        AddressGuard("erp.internal").check("erp.internal", [address])
    if address.startswith(("169", "fe80")):
        assert AddressGuard(address).check(address, [address]) == [address]


async def test_connections_are_shared_between_runs(place: FlowPlace, other_side) -> None:
    flow = Flow("asking", products=[Product("erp", base_url=other_side.url)])
    seen = []

    @flow.node
    async def ask(event, erp):
        async with erp.stream("GET", "/") as answer:
            seen.append(answer.extensions["network_stream"].get_extra_info("client_addr"))
            await answer.aread()
        await erp.aclose()

    runner = await place.open(flow)
    for _ in range(3):
        assert (await place.run(runner, flow)).state == "completed"
    assert len(set(seen)) == 1


async def test_an_answer_that_nobody_read_is_on_record_when_the_node_ends(place: FlowPlace, other_side) -> None:
    other_side.answer = lambda path: (200, {}, b"unread")
    flow = Flow("careless", products=[Product("erp", base_url=other_side.url)])

    @flow.node
    async def ask(event, erp):
        answer = await erp.send(erp.build_request("GET", "/"), stream=True)
        return answer.status_code

    runner = await place.open(flow)
    run = await place.run(runner, flow)
    (node_run,) = await place.records("node_run", parent=run.id)
    (request,) = await place.records("api_request", parent=node_run.id)
    assert request.http.status_code == 200
    assert parameters_of(request)["flow_run"] == run.id


def test_the_types_of_httpx_that_we_name_exist() -> None:
    import httpcore

    for base in (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for known in [base, *base.__subclasses__()]:
            assert issubclass(getattr(httpx, known.__name__), httpx.TransportError)


@pytest.mark.feature("C14")
async def test_where_requests_are_not_logged_the_node_still_says_what_it_asked(place: FlowPlace, other_side) -> None:
    place.options = {"logs_requests": lambda workspace: workspace != "default"}
    erp = Product("erp", base_url=other_side.url)
    for run, node_run, requests in await ask_both(place, erp, path="/orders"):
        assert (run.state, requests) == ("completed", [])
        (line,) = node_run.logs
        assert (line.type, line.data["status_code"], "id" in line.data) == ("api-request", 200, False)
    assert len(other_side.requests) == 2
