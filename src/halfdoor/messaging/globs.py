"""Glob patterns as Matrix has them: `*` for any characters, `?` for exactly one.

Specification, appendix "Glob-style matching". Patterns come from one person and are matched
against the words of another, so no pattern may cost more than its length times the text's: each
`*` takes the first place where what follows it fits, which is always enough, and never looks back.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

Matcher = Callable[[str], bool]

# Not inside a word, as push rules understand words.
_BEFORE: Final = "(?<![A-Za-z0-9_])"
_AFTER: Final = "(?![A-Za-z0-9_])"
_STARS = re.compile(r"\*+")


def whole(pattern: str) -> Matcher:
    """Give a test whether *pattern* matches a whole text, case and all."""
    if "*" not in pattern and "?" not in pattern:
        return pattern.__eq__
    return _whole(_segments(pattern))


def stars(pattern: str) -> Matcher:
    """Give the test of `whole` for a pattern in which `?` is a character like any other."""
    return _whole([re.escape(piece) for piece in _STARS.split(pattern)])


def words(pattern: str) -> Matcher:
    """Give a test whether *pattern* matches a part of a text that starts and ends between words.

    Between words is the start of the text, its end, and beside any character but A-Z, a-z, 0-9
    and _ (CS-API, push rules, `content.body`).
    """
    if "*" not in pattern and "?" not in pattern:
        return lambda text: holds_word(text, pattern)
    head, *rest = _segments(pattern)
    if not rest:
        found = re.compile(_BEFORE + head + _AFTER, re.DOTALL)
        return lambda text: found.search(text) is not None
    *middle, tail = rest
    return _anchored(_skipping([_BEFORE + head, *middle]) + f".*?{tail}{_AFTER}")


def holds_word(text: str, word: str) -> bool:
    """Tell whether *word*, which is no pattern, stands in *text* between words as in `words`."""
    # Most texts do not hold it at all, so most expressions are never made.
    return word in text and _between_words(word).search(text) is not None


@lru_cache(maxsize=1024)
def _between_words(word: str) -> re.Pattern[str]:
    return re.compile(_BEFORE + re.escape(word) + _AFTER)


def _segments(pattern: str) -> list[str]:
    """Split at the stars; each piece is an expression of fixed length."""
    return [re.escape(piece).replace(r"\?", ".") for piece in _STARS.split(pattern)]


def _whole(segments: list[str]) -> Matcher:
    head, *rest = segments
    if not rest:
        return _anchored(head + r"\Z")
    *middle, tail = rest
    # The last piece must end the text, so it is looked for from the end: `.*` runs there, and
    # steps back until the tail fits.
    return _anchored(head + _skipping(middle) + f".*{tail}\\Z")


def _skipping(pieces: list[str]) -> str:
    # An atomic group gives nothing back once it has matched.
    return "".join(f"(?>.*?{piece})" for piece in pieces)


def _anchored(expression: str) -> Matcher:
    compiled = re.compile(expression, re.DOTALL)
    return lambda text: compiled.match(text) is not None
