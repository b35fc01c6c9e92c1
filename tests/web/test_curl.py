"""A request as a cURL command: what a shell makes of it is what was sent."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from html import unescape

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.record import Body, HttpExchange, Record
from clew.web.record.curl import MAX_BODY_CHARS, build_curl
from harness.pages import Client

Run = Callable[[str], "Sent"]

# Says what it was called with, as curl would have got it.
STAND_IN = f"""#!{sys.executable}
import base64, json, sys
body = sys.stdin.buffer.read() if "@-" in sys.argv else b""
print(json.dumps({{"arguments": sys.argv[1:], "input": base64.b64encode(body).decode()}}))
"""


class Sent(msgspec.Struct, frozen=True):
    """What the command called curl with."""

    arguments: list[str]
    input: str

    def option(self, name: str) -> list[str]:
        """The values of an option, in their order."""
        return [value for option, value in zip(self.arguments, self.arguments[1:], strict=False) if option == name]

    @property
    def body(self) -> bytes:
        return base64.b64decode(self.input) or "".join(self.option("--data-raw")).encode()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command in a POSIX shell where curl is the stand-in."""
    directory = tmp_path_factory.mktemp("bin")
    stand_in = directory / "curl"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)

    def run(command: str) -> Sent:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env={"PATH": f"{directory}{os.pathsep}/usr/bin{os.pathsep}/bin"},
            capture_output=True,
            check=True,
            timeout=20,
        )
        return msgspec.json.decode(done.stdout, type=Sent)

    return run


def record_of(http: HttpExchange, **fields: object) -> Record:
    given = {"id": "0" * 36, "time": 0, "workspace": "default", "kind": "api_request", **fields}
    return Record(http=http, **given)  # type: ignore[arg-type]


def exchange(**fields: object) -> HttpExchange:
    given = {"direction": "outgoing", "method": "POST", "url": "https://ship.example/shipments", **fields}
    return HttpExchange(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        '{"order": "SO-1"}',
        "it's 'quoted' \"twice\" $(id) `id` \\ !",
        "two\nlines\r\n\ttab",
        "@/etc/passwd",
        "ünïcödé 日本",
        "a=1&b=%00",
        "-d",
        "NUL \0 and \\0 and \\\\",
    ],
)
def test_the_body_reaches_curl_as_it_was_sent(run: Run, text: str) -> None:
    command = build_curl(record_of(exchange(request_body=Body(text=text, size=len(text.encode())))))
    assert run(command).body == text.encode()


@settings(max_examples=25, deadline=None)  # each is a shell and an interpreter
@given(body=st.binary(max_size=200), url=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_whatever_is_in_a_request_nothing_of_it_is_run(run: Run, body: bytes, url: str) -> None:
    text = base64.b64encode(body).decode()
    http = exchange(
        url=f"https://x.example/{url}",
        request_headers={"x-what": url},
        request_body=Body(text=text, size=len(body), encoding="base64"),
    )
    sent = run(build_curl(record_of(http)))
    assert sent.option("--url") == [f"https://x.example/{url}"]
    assert sent.body == body
    if url:
        assert f"x-what: {url}" in sent.option("--header")


def test_a_body_that_is_no_text_goes_through_base64(run: Run) -> None:
    body = bytes(range(256))
    text = base64.b64encode(body).decode()
    sent = run(build_curl(record_of(exchange(request_body=Body(text=text, size=256, encoding="base64")))))
    assert sent.body == body


@pytest.mark.parametrize(
    ("method", "body", "options"),
    [
        ("GET", None, []),
        ("POST", Body(text="x", size=1), []),
        ("POST", None, ["--request", "POST"]),
        ("PUT", Body(text="x", size=1), ["--request", "PUT"]),
        ("DELETE", None, ["--request", "DELETE"]),
        ("HEAD", None, ["--head"]),
    ],
)
def test_the_method_is_said_where_curl_would_choose_another(
    run: Run, method: str, body: Body | None, options: list[str]
) -> None:
    arguments = run(build_curl(record_of(exchange(method=method, request_body=body)))).arguments
    assert arguments[: len(options)] == options
    assert ("--request" in arguments) == ("--request" in options)


def test_headers_are_sent_as_they_were_but_for_those_that_curl_makes(run: Run) -> None:
    headers = {
        "content-type": "application/json",
        "x-note": "it's $HOME",
        "x-empty": "",
        "content-length": "7",
        "host": "ship.example",
        "@file": "no",
        "x-two": "a\r\nx-evil: b",
    }
    sent = run(build_curl(record_of(exchange(request_headers=headers, request_body=Body(text="{}", size=2)))))
    assert sent.option("--header") == [
        "content-type: application/json",
        "x-note: it's $HOME",
        "x-empty;",
        "x-two: a  x-evil: b",
    ]


def test_a_body_without_a_type_is_not_called_a_form(run: Run) -> None:
    sent = run(build_curl(record_of(exchange(request_body=Body(text="x", size=1)))))
    assert sent.option("--header") == ["Content-Type:"]


def test_what_was_removed_stays_removed_and_a_comment_says_so(run: Run) -> None:
    http = exchange(
        url="https://ship.example/shipments?token=****",
        request_headers={"authorization": "****", "x-ok": "1"},
        request_body=Body(text='{"password": "****"}', size=20),
    )
    command = build_curl(record_of(http))
    first = command.splitlines()[0]
    assert first == (
        "# **** stands for what was removed before it was kept: "
        "authorization, a part of the address, a part of the body."
    )
    assert "authorization: ****" in run(command).option("--header")


@pytest.mark.parametrize("body", [Body(text="abc", size=90_000, cut=True), Body(text="x" * 70_000, size=70_000)])
def test_a_body_that_is_cut_says_so(run: Run, body: Body) -> None:
    command = build_curl(record_of(exchange(request_body=body)))
    assert command.startswith(f"# The body is cut: the whole has {body.size:,} bytes.\n")
    assert len(run(command).body) == min(len(body.text), MAX_BODY_CHARS)


def test_a_name_cannot_end_its_comment(run: Run) -> None:
    http = exchange(request_headers={"x\nid": "****"})
    assert run(build_curl(record_of(http))).option("--header") == []


def test_a_webhook_is_sent_again_with_its_payload(run: Run) -> None:
    http = exchange(direction="incoming", url="http://127.0.0.1:8420/webhooks/in/orders")
    record = record_of(http, kind="external_webhook", payload='{"a": 1}', content_type="application/json")
    assert run(build_curl(record)).body == b'{"a": 1}'


def test_a_record_without_http_has_no_command() -> None:
    assert build_curl(msgspec.structs.replace(record_of(exchange()), http=None)) == ""


def test_the_command_is_on_the_page_to_select_and_to_copy(
    client: Client, refused_order: dict[str, Record], run: Run
) -> None:
    html = client.get(f"/records/{refused_order['post'].id}?tab=http").text
    start = html.index('<pre class="raw" id="curl-command" tabindex="0">')
    command = unescape(html[html.index(">", start) + 1 : html.index("</pre>", start)]).removeprefix("\n")
    sent = run(command)
    assert sent.option("--url") == ["https://ship.example/shipments"]
    assert json.loads(sent.body) == {"order": "SO-1042"}
    button = html[html.index("Copy as cURL") : start]
    assert 'data-copy-of="curl-command"' in button
    assert "hidden" in button  # until a script runs that can copy


def test_a_record_without_http_has_no_such_panel(client: Client, refused_order: dict[str, Record]) -> None:
    assert "Copy as cURL" not in client.get(f"/records/{refused_order['lookup'].id}").text


def test_a_call_of_our_api_goes_to_the_host_it_was_sent_to(run: Run) -> None:
    headers = {"Host": "clew.example:8420", "X-Forwarded-Proto": "https"}
    http = exchange(direction="incoming", method="GET", url="/v1/records?limit=1", request_headers=headers)
    assert run(build_curl(record_of(http))).option("--url") == ["https://clew.example:8420/v1/records?limit=1"]


def test_what_a_terminal_would_not_show_is_written_as_a_number(run: Run) -> None:
    text = "\0\x01\x1b[31m\ttab\n\x7f"
    command = build_curl(record_of(exchange(request_body=Body(text=text, size=len(text)))))
    assert not set(command) & {"\x01", "\x1b", "\x7f"}
    assert run(command).body == text.encode()
