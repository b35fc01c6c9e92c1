from __future__ import annotations

import msgspec

from clew.core.record import ErrorInfo, LogLine
from clew.core.redaction import Redactor
from clew.flows.cleaning import Cleaner

SECRET = 'hush"\\é-123456'


def cleaner(*secrets: str) -> Cleaner:
    return Cleaner(Redactor(), secrets)


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    assert cleaner(SECRET).text(f"the key {SECRET} was refused") == "the key **** was refused"
    assert cleaner(SECRET).plain(f"/{SECRET}/") == "/****/"


def test_json_stays_json_whatever_the_secret_is_made_of() -> None:
    data = {"a": f"x {SECRET} y", SECRET: ["b", SECRET], "number": 123456, "password": "p"}
    text, places = cleaner(SECRET, "123456").json(msgspec.json.encode(data))
    assert msgspec.json.decode(text) == {"a": "x **** y", "****": ["b", "****"], "number": 123456, "password": "****"}
    assert places == ("/password", "/")


def test_what_holds_no_secret_is_returned_as_it_is() -> None:
    text = b'{ "a":  1.0, "n": 12345678901234567890123 }'
    assert cleaner(SECRET).json(text) == (text, ())


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    assert cleaner("abcdef", "abcdefghij").text("abcdefghij abcdef") == "**** ****"


def test_a_value_too_short_to_be_a_secret_is_left() -> None:
    assert cleaner("a").text("a banana") == "a banana"


def test_errors_and_log_lines_lose_their_secrets_to_the_innermost() -> None:
    inner = ErrorInfo(type="b", message=f"no {SECRET}", data={"token": "t", "body": SECRET}, stack=f"key={SECRET}")
    error = cleaner(SECRET).error(ErrorInfo(type="a", message='sent {"password":"p"}', caused_by=inner))
    assert error == ErrorInfo(
        type="a",
        message='sent {"password":"****"}',
        caused_by=ErrorInfo(type="b", message="no ****", data={"token": "****", "body": "****"}, stack="key=****"),
    )
    line = LogLine(time=1, msg=f"with {SECRET}", data={"secret": 1, "list": [SECRET]})
    assert cleaner(SECRET).lines([line]) == (
        LogLine(time=1, msg="with ****", data={"secret": "****", "list": ["****"]}),
    )
