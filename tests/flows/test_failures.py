from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from clew.core.record import ErrorInfo
from clew.flows.failures import BODY_CHARS, MOST_CAUSES, MOST_FRAMES, describe_failure, may_help_again


def caught(error: BaseException) -> ErrorInfo:
    try:
        raise error
    except BaseException as raised:
        return describe_failure(raised, __file__)


def load(path: Path, text: str) -> ModuleType:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    module = ModuleType("loaded")
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
    return module


def test_the_stack_names_the_users_file_line_and_code(tmp_path: Path) -> None:
    module = load(tmp_path / "shop.py", 'import json\n\ndef create():\n    return json.loads("{")\n')
    with pytest.raises(ValueError, match="Expecting") as raised:
        module.create()
    info = describe_failure(raised.value, str(tmp_path / "shop.py"))
    assert f'File "{tmp_path / "shop.py"}", line 4, in create\n  return json.loads("{{")' in info.stack
    assert "json/decoder.py" not in info.stack
    assert info.type == "JSONDecodeError"


def test_a_module_that_is_installed_has_its_own_frames_and_no_others(tmp_path: Path) -> None:
    packages = Path(httpx.__file__).parent.parent
    assert describe_failure(_broken_answer(), str(packages / "acme" / "flows.py")).stack.count("File ") == 1
    assert "_models.py" in describe_failure(_broken_answer(), str(packages / "httpx" / "flows.py")).stack


def _broken_answer() -> BaseException:
    try:
        httpx.Response(200, stream=httpx.ByteStream(b"")).json()
    except Exception as error:
        return error
    raise AssertionError("it could be read")


@pytest.mark.feature("D13")
def test_causes_lead_inwards_and_are_bounded() -> None:
    def deeper(left: int) -> None:
        if not left:
            raise KeyError("innermost")
        try:
            deeper(left - 1)
        except Exception as error:
            raise ValueError(f"level {left}") from error

    with pytest.raises(ValueError, match="level 3") as raised:
        deeper(3)
    info = describe_failure(raised.value, __file__)
    assert (info.message, info.innermost().type) == ("level 3", "KeyError")
    with pytest.raises(ValueError, match="level 50") as raised:
        deeper(50)
    depth, one = 0, describe_failure(raised.value, __file__)
    while one.caused_by:
        depth, one = depth + 1, one.caused_by
    assert depth == MOST_CAUSES


def test_a_context_is_a_cause_unless_it_is_hidden() -> None:
    def failing(hide: bool) -> None:
        try:
            raise KeyError("inner")
        except KeyError:
            if hide:
                raise ValueError("outer") from None
            raise ValueError("outer")  # noqa: B904

    for hide, expected in ((False, "KeyError"), (True, "ValueError")):
        with pytest.raises(ValueError, match="outer") as raised:
            failing(hide)
        assert describe_failure(raised.value, __file__).innermost().type == expected


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    info = caught(first)
    assert info.caused_by is not None
    assert info.caused_by.caused_by is None


def test_a_group_of_errors_is_explained_by_its_first() -> None:
    info = caught(ExceptionGroup("several", [KeyError("one"), ValueError("two")]))
    assert (info.type, info.innermost().type) == ("ExceptionGroup", "KeyError")


def test_a_deep_stack_keeps_its_ends() -> None:
    def deeper(left: int) -> None:
        if not left:
            raise ValueError("bottom")
        deeper(left - 1)

    with pytest.raises(ValueError, match="bottom") as raised:
        deeper(min(200, sys.getrecursionlimit() // 2))
    assert describe_failure(raised.value, __file__).stack.count("File ") == MOST_FRAMES


def test_an_exception_whose_text_fails_or_cannot_be_written_is_described_all_the_same() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert caught(Broken()).message == "Broken (its text failed with RuntimeError)"
    assert caught(ValueError("\ud800")).message == "\\ud800"
    assert caught(ValueError()).message == "ValueError"
    assert len(caught(ValueError("x" * 100_000)).message) < 5_000


@pytest.mark.feature("D14")
def test_an_exception_may_bring_its_own_key() -> None:
    class OutOfStock(Exception):
        error_key = "out_of_stock"

    assert (caught(OutOfStock("none left")).type, caught(OutOfStock()).key) == ("OutOfStock", "out_of_stock")


def refusal(status: int, content: bytes) -> ErrorInfo:
    request = httpx.Request("POST", "https://user:pw@ship.example:8443/shipments?token=t")
    response = httpx.Response(status, content=content, request=request, headers={"retry-after": "7"})
    return caught(httpx.HTTPStatusError("long text with a link", request=request, response=response))


def test_a_refusing_answer_is_told_with_its_body_and_without_its_query() -> None:
    info = refusal(422, b'{"detail":"country is missing"}')
    assert info.message == "POST https://ship.example:8443/shipments answered 422 Unprocessable Entity"
    assert info.data == {
        "status": 422,
        "method": "POST",
        "url": "https://ship.example:8443/shipments",
        "body": {"detail": "country is missing"},
        "retry_after": "7",
    }


def test_a_long_or_odd_body_is_cut() -> None:
    assert len(refusal(500, b"\xff" * 1_000_000).data["body"]) == BODY_CHARS + 3


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ErrorInfo(type="http_status", data={"status": 422}), False),
        (ErrorInfo(type="http_status", data={"status": 401}), False),
        (ErrorInfo(type="http_status", data={"status": 409}), True),
        (ErrorInfo(type="http_status", data={"status": 429, "retry_after": "3"}), True),
        (ErrorInfo(type="http_status", data={"status": 503}), True),
        (ErrorInfo(type="timeout"), True),
        (ErrorInfo(type="KeyError", data={"status": 422}), True),
    ],
)
def test_a_refusal_is_not_tried_again_and_what_may_pass_is(error: ErrorInfo, again: bool) -> None:
    assert may_help_again(error) is again
