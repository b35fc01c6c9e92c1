"""Secrets leave on the way in, and nothing else changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.errors import SettingsError
from clew.core.redaction import MASK, NAMES, Redactor

REDACTOR = Redactor()


@pytest.mark.feature("C90")
@pytest.mark.parametrize("name", [*NAMES, "apiKey", "API-KEY", "accessToken", "Set-Cookie", "X_Api_Key", "PRIVATEKEY"])
def test_the_value_of_each_secret_name_leaves_however_it_is_written(name: str) -> None:
    text, places = REDACTOR.json_text(json.dumps({"kept": 1, name: "hunter2"}))
    assert json.loads(text) == {"kept": 1, name: MASK}
    assert places == (f"/{name}",)


@pytest.mark.parametrize("name", ["token_count", "secretary", "tokens", "cookies_accepted", "authorized", "key"])
def test_names_that_only_resemble_a_secret_keep_their_values(name: str) -> None:
    text = json.dumps({name: "kept"})
    assert REDACTOR.json_text(text) == (text, ())


def test_every_other_byte_stays_as_it_came() -> None:
    text = '{ "n" : 123456789012345678901234567890,"x":1e400 , "token" :\t"a\\"b" ,"u":"\\u0000\\u00e9", "n":2 }'
    assert REDACTOR.json_text(text)[0] == text.replace('"a\\"b"', f'"{MASK}"')


def test_a_name_written_with_escapes_is_found() -> None:
    assert REDACTOR.json_text('{"pass\\u0077ord": 1}') == (f'{{"pass\\u0077ord": "{MASK}"}}', ("/password",))


def test_objects_and_arrays_under_a_secret_name_leave_whole() -> None:
    text, places = REDACTOR.json_text('{"secret":{"a":["}",{"token":1}]},"b":[{"token":[1,2]}]}')
    assert text == f'{{"secret":"{MASK}","b":[{{"token":"{MASK}"}}]}}'
    assert places == ("/secret", "/b/0/token")


def test_a_repeated_name_leaves_each_time() -> None:
    assert REDACTOR.json_text('{"token":1,"token":2}')[0] == f'{{"token":"{MASK}","token":"{MASK}"}}'


def test_bytes_come_back_as_bytes_and_what_is_no_utf8_stays() -> None:
    assert REDACTOR.json_text(b'{"a":"\xff","token":"x"}') == (b'{"a":"\xff","token":"****"}', ("/token",))


@pytest.mark.parametrize("text", ['{"password": "abc', '{"a":[{"token": "abc"', '"password": "abc" and more'])
def test_broken_json_loses_its_secrets_too(text: str) -> None:
    assert "abc" not in REDACTOR.json_text(text)[0]


def test_an_open_string_of_a_megabyte_is_read_once() -> None:
    text = '{"token": 1, "a": "' + '\\"' * 500_000
    assert REDACTOR.json_text(text)[1] == ("/token",)  # trying again from each quote would take hours


def test_more_names_can_be_set() -> None:
    text, places = Redactor(names=["IBAN"]).json_text('{"iban":"DE1","i-ban":"DE2","token":1}')
    assert (text.count(MASK), places) == (3, ("/iban", "/i-ban", "/token"))


@pytest.mark.parametrize("path", ["items.*.iban", "$.items.*.iban", "$.items[*].iban"])
def test_a_path_with_a_star_stands_for_every_place(path: str) -> None:
    text = '{"items":[{"iban":"DE1"},{"iban":"DE2"}],"iban":"kept"}'
    assert Redactor(paths=[path]).json_text(text)[0] == '{"items":[{"iban":"****"},{"iban":"****"}],"iban":"kept"}'


def test_a_path_holds_inside_a_batch_and_with_a_dollar_only_from_the_root() -> None:
    text = '[{"card":{"number":1}}]'
    assert Redactor(paths=["card.number"]).json_text(text)[0] == '[{"card":{"number":"****"}}]'
    assert Redactor(paths=["$.card.number"]).json_text(text)[0] == text


def test_elements_of_an_array_can_be_named_by_place_and_by_star() -> None:
    assert Redactor(paths=["pair.1"]).json_text('{"pair":[1,[2],3]}')[0] == '{"pair":[1,"****",3]}'
    assert (
        Redactor(paths=["pins.*"]).json_text('{"pins":[1,{"a":2}],"none":[]}')[0]
        == '{"pins":["****","****"],"none":[]}'
    )


@pytest.mark.parametrize("path", ["", "$", "a..b", "a[b]", "$."])
def test_a_path_that_is_none_is_refused_with_what_to_write(path: str) -> None:
    with pytest.raises(SettingsError) as error:
        Redactor(paths=[path])
    assert "card.number" in error.value.hint


def test_names_outside_ascii_are_found_escaped_and_plain() -> None:
    redactor = Redactor(names=["пароль"])
    assert redactor.json_text('{"пароль":1}')[1] == ("/пароль",)
    assert redactor.json_text(json.dumps({"пароль": 1}))[1] == ("/пароль",)


@pytest.mark.feature("C90")
def test_headers_lose_their_secrets_whatever_their_case() -> None:
    headers = {"Authorization": "Bearer x", "X-API-Key": "y", "X-Hub-Signature-256": "kept", "Accept": "*/*"}
    kept, places = REDACTOR.headers(headers)
    assert kept == {"Authorization": MASK, "X-API-Key": MASK, "X-Hub-Signature-256": "kept", "Accept": "*/*"}
    assert places == ("/Authorization", "/X-API-Key")


@pytest.mark.feature("C90")
def test_a_url_loses_secret_parameters_and_its_password() -> None:
    url, places = REDACTOR.url("https://ann:pw@example.com/a?token=1&page=2&access%5Ftoken=3#x")
    assert url == "https://ann:****@example.com/a?token=****&page=2&access%5Ftoken=****#x"
    assert places == ("/token", "/access_token", "/password")


def test_a_url_without_secrets_is_the_same() -> None:
    assert REDACTOR.url("/hooks?a=1&b=%20") == ("/hooks?a=1&b=%20", ())


def test_a_form_loses_secrets_in_nested_names_and_in_json_fields() -> None:
    body, places = REDACTOR.form(b"a=1+2&user[password]=x&payload=%7B%22token%22%3A%22y%22%7D&empty")
    assert body == b"a=1+2&user[password]=****&payload=%7B%22token%22%3A%22%2A%2A%2A%2A%22%7D&empty"
    assert places == ("/user/password", "/payload/token")


def test_data_loses_secrets_and_is_the_same_object_where_it_has_none() -> None:
    clean = {"a": [1, {"b": 2}]}
    assert REDACTOR.value(clean)[0] is clean
    assert REDACTOR.value({"a": [{"token": "x"}], "b": 1}) == ({"a": [{"token": MASK}], "b": 1}, ("/a/0/token",))


@pytest.mark.parametrize("body", [b'{"token":1}', b'[{"API_KEY" :1}]', b'{"pass\\u0077ord":1}', b'{"Client-Secret":1}'])
def test_the_quick_question_suspects_what_holds_a_secret(body: bytes) -> None:
    assert REDACTOR.may_contain_secret(body)


def test_the_quick_question_passes_prose_about_secrets() -> None:
    assert not REDACTOR.may_contain_secret(
        b'{"message": "the token, the secret and the password of my friend", "token_count": 3}'
    )


NAMES_SEEN = st.one_of(
    st.sampled_from(
        ["token", "apiKey", "pass_word", "PASSWORD", "Set-Cookie", "id", "", "a.b", "x/y~z", 'quo"te', "\u00e9"]
    ),
    st.text(max_size=6),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES_SEEN, inner, max_size=4), max_leaves=20
)


def _expected(data: object) -> object:
    if isinstance(data, dict):
        return {k: MASK if REDACTOR.is_secret(k) else _expected(v) for k, v in data.items()}
    return [_expected(item) for item in data] if isinstance(data, list) else data


def _has_secret(data: object) -> bool:
    if isinstance(data, dict):
        return any(REDACTOR.is_secret(name) or _has_secret(item) for name, item in data.items())
    return isinstance(data, list) and any(map(_has_secret, data))


@given(data=DOCUMENTS, is_ascii=st.booleans(), indent=st.sampled_from([None, 1]))
def test_what_is_left_parses_to_the_same_data_without_its_secrets(
    data: object, is_ascii: bool, indent: int | None
) -> None:
    text = json.dumps(data, ensure_ascii=is_ascii, indent=indent)
    left, places = REDACTOR.json_text(text)
    assert json.loads(left) == _expected(data)
    assert bool(places) == _has_secret(data)
    assert places or left == text
    assert REDACTOR.json_text(text.encode("utf-8", "surrogatepass"))[0] == left.encode("utf-8", "surrogatepass")


@given(data=DOCUMENTS)
def test_data_and_its_text_lose_the_same_places(data: object) -> None:
    assert REDACTOR.value(data)[1] == REDACTOR.json_text(json.dumps(data))[1]


@given(noise=st.text(alphabet='{}[]",:\\ \ntoken"', max_size=60))
def test_text_that_is_no_json_never_fails_and_keeps_what_is_around(noise: str) -> None:
    left, places = REDACTOR.json_text(noise)
    assert places or left == noise
