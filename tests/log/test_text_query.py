import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.core.errors import BadRequest
from clew.log.text_query import TextQuery, parse_text, wanted_text
from clew.log.words import words_of


@pytest.mark.feature("A17")
@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Postal code", TextQuery(words=("postal", "code"))),
        ('"Postal code"', TextQuery(phrases=(("postal", "code"),))),
        ('a "b c" d "b  C" a', TextQuery(words=("a", "d"), phrases=(("b", "c"),))),
        ('"single"', TextQuery(words=("single",))),
        ("SO-1001", TextQuery(phrases=(("so", "1001"),))),
        ("-refund", TextQuery(without_words=("refund",))),
        ("order -Refund -refund", TextQuery(words=("order",), without_words=("refund",))),
        ('order -"test order"', TextQuery(words=("order",), without_phrases=(("test", "order"),))),
        ("-SO-1001", TextQuery(without_phrases=(("so", "1001"),))),
        ('-"single"', TextQuery(without_words=("single",))),
        ("a - b", TextQuery(words=("a", "b"))),
        ("--force", TextQuery(words=("force",))),
        ("a-b c", TextQuery(words=("c",), phrases=(("a", "b"),))),
        ("-(a)", TextQuery(words=("a",))),
        ('{"status":"in transit"}', TextQuery(words=("status",), phrases=(("in", "transit"),))),
        ('"" order', TextQuery(words=("order",))),
        ('"!" order', TextQuery(words=("order",))),
        ("東京 -注文", TextQuery(words=("東京",), without_words=("注文",))),
        ("\U0001f600", TextQuery(words=("\U0001f600",))),
        ("'; DROP TABLE log; --", TextQuery(words=("drop", "table", "log"))),
        ("event.lines.size() > 0", TextQuery(words=("0",), phrases=(("event", "lines", "size"),))),
        ("C:\\new", TextQuery(phrases=(("c", "new"),))),
    ],
)
def test_a_text_is_words_phrases_and_what_must_not_occur(text, asked):
    assert parse_text(text) == asked


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('5" pipe', "Close it"),
        ('a "b c', "Close it"),
        ('"', "Close it"),
        ('-"', "Close it"),
        ("!!! ...", "contains"),
        ('""', "contains"),
        ('order -"!!!"', "between its quotation marks"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_change(text, hint):
    with pytest.raises(BadRequest) as refused:
        parse_text(text)
    assert hint in refused.value.hint
    assert refused.value.detail.startswith("q=")


@given(st.text())
def test_every_word_of_a_text_is_asked_for_or_excluded(text):
    try:
        asked = parse_text(text)
    except BadRequest:
        return
    told = [*asked.words, *asked.without_words]
    told += [word for phrase in (*asked.phrases, *asked.without_phrases) for word in phrase]
    assert set(told) == set(words_of(text))
    assert all(len(phrase) > 1 for phrase in (*asked.phrases, *asked.without_phrases))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("SO-10", "SO-10"), ('"Postal code"', "Postal code"), ('order  "a b" -refund -"c d"', "order a b"), ("-a", "")],
)
def test_the_text_that_is_wanted_has_neither_quotation_marks_nor_what_is_excluded(text, wanted):
    assert wanted_text(text) == wanted
