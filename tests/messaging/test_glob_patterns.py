"""Glob patterns, against the plain definition of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.globs import holds_word, stars, whole, words

patterns = st.text(alphabet="ab?*_ -\\.\n", max_size=8)
texts = st.text(alphabet="ab?*_ -\\.\n", max_size=12)


def literal(pattern: str, text: str, wild: str = "*?") -> bool:
    """`*` matches zero or more characters, `?` exactly one, anything else itself."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(literal(pattern[1:], text[at:], wild) for at in range(len(text) + 1))
    if not text or not (pattern[0] == text[0] or (pattern[0] == "?" and "?" in wild)):
        return False
    return literal(pattern[1:], text[1:], wild)


def literal_words(pattern: str, text: str) -> bool:
    """Some part of the text that starts and ends between words is matched."""

    def between(at: int) -> bool:
        return not (0 <= at < len(text) and (text[at].isalnum() or text[at] == "_"))

    return any(
        between(start - 1) and between(end) and literal(pattern, text[start:end])
        for start in range(len(text) + 1)
        for end in range(start, len(text) + 1)
    )


@given(patterns, texts)
def test_a_whole_text_matches_as_the_definition_says(pattern: str, text: str) -> None:
    assert whole(pattern)(text) == literal(pattern, text)


@given(patterns, texts)
def test_where_only_stars_are_wild_a_question_mark_is_itself(pattern: str, text: str) -> None:
    assert stars(pattern)(text) == literal(pattern, text, wild="*")


@given(patterns, texts)
def test_words_are_found_as_the_definition_says(pattern: str, text: str) -> None:
    assert words(pattern)(text) == literal_words(pattern, text)


@given(texts, texts)
def test_a_word_is_no_pattern(word: str, text: str) -> None:
    escaped = literal_words(
        word.replace("*", "\0").replace("?", "\1"), text.replace("*", "\0").replace("?", "\1")
    )
    assert holds_word(text, word) == escaped


@pytest.mark.parametrize("text", [" lunch", "lunc", "brunch"])
def test_the_lunch_example_refuses(text: str) -> None:
    assert not whole("lunc?*")(text)


@pytest.mark.parametrize("text", ["lunch plans", "lunch"])
def test_the_lunch_example_accepts(text: str) -> None:
    assert whole("lunc?*")(text)


@pytest.mark.parametrize("text", ["an example event.", "exple", "an exciting triple-whammy"])
def test_the_example_example_accepts(text: str) -> None:
    assert words("ex*ple")(text)


@pytest.mark.parametrize("text", ["examples", "an_example", "excellent", ""])
def test_the_example_example_refuses(text: str) -> None:
    assert not words("ex*ple")(text)


def test_letters_outside_ascii_end_a_word() -> None:
    assert words("bob")("ébobé")
    assert words("日")("日本")


@pytest.mark.parametrize("pattern", ["a*" * 60 + "b", "*a" * 60, "a?" * 60 + "*c"])
def test_a_hostile_pattern_on_a_hostile_text_comes_to_an_end(pattern: str) -> None:
    text = "a " * 30_000 + "a_"
    assert not words(pattern + "z")(text)
    assert not whole(pattern + "z")(text)
