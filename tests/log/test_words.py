from hypothesis import given
from hypothesis import strategies as st

from clew.log.words import words_of


def test_words_are_runs_of_letters_and_digits_in_lower_case():
    assert words_of('{"order": "SO-1001"}') == ("order", "so", "1001")


def test_what_is_not_ascii_is_part_of_a_word_and_keeps_its_case():
    assert words_of("Straße, ÜBER_東京") == ("straße", "Über".replace("b", "b"), "東京")


def test_a_word_is_said_once_where_it_came_first():
    assert words_of("b a B c") == ("b", "a", "c")


def test_text_without_a_letter_or_digit_has_no_words():
    assert words_of(" \0-.,'\"\\\n") == ()


@given(st.text())
def test_a_word_is_its_own_only_word(text):
    for word in words_of(text):
        assert words_of(word) == (word,)
