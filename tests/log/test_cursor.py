import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.errors import BadRequest
from clew.core.ids import new_id
from clew.log.cursor import Cursor, CursorCodec
from clew.log.query import Place

NOW = 1_780_000_000_000
BINDING = b"8 bytes."
CURSOR = Cursor(Place(NOW, new_id(NOW)), backward=True)


@given(st.integers(-(2**63), 2**63 - 1), st.uuids(), st.booleans(), st.binary(min_size=8, max_size=8))
def test_a_cursor_comes_back_as_it_was(time_ms, record_id, backward, binding):
    codec = CursorCodec(b"secret")
    cursor = Cursor(Place(time_ms, str(record_id)), backward)
    assert codec.decode(codec.encode(cursor, binding), binding) == cursor


@given(st.integers(0, 55), st.characters())
def test_a_cursor_with_one_character_changed_is_refused(place, character):
    codec = CursorCodec(b"secret")
    text = codec.encode(CURSOR, BINDING)
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(BadRequest):
            codec.decode(changed, BINDING)


@given(st.text())
def test_any_other_text_is_refused(text):
    with pytest.raises(BadRequest, match="is no cursor"):
        CursorCodec(b"secret").decode(text, BINDING)


def test_a_cursor_is_safe_in_a_url():
    for _ in range(200):
        text = CursorCodec().encode(Cursor(Place(NOW, str(uuid.uuid4()))), uuid.uuid4().bytes[:8])
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_cursor_of_other_filters_says_so():
    codec = CursorCodec(b"secret")
    with pytest.raises(BadRequest, match="other filters") as refused:
        codec.decode(codec.encode(CURSOR, BINDING), b"another.")
    assert "filters and the sort" in refused.value.hint


def test_a_cursor_of_another_server_says_so():
    with pytest.raises(BadRequest, match="another server"):
        CursorCodec(b"one").decode(CursorCodec(b"two").encode(CURSOR, BINDING), BINDING)


def test_a_cursor_of_another_version_says_so():
    codec = CursorCodec(b"secret")
    data = bytearray(base64.urlsafe_b64decode(codec.encode(CURSOR, BINDING)))
    data[0] = 9
    with pytest.raises(BadRequest, match="version 9") as refused:
        codec.decode(base64.urlsafe_b64encode(data).decode(), BINDING)
    assert "upgrade" in refused.value.hint
