"""How hard a text is to read: Flesch-Kincaid grade level (Kincaid et al. 1975)."""

import re

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|\d+")
_SENTENCE = re.compile(r"[.!?:;]+(?:\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")


def grade(text: str) -> float:
    """Return the school grade at which *text*, English, is read with ease."""
    words = _WORD.findall(text)
    sentences = max(1, len(_SENTENCE.findall(text)))
    syllables = sum(syllables_of(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def syllables_of(word: str) -> int:
    """Return about how many syllables *word* has: groups of vowels, but for a silent e."""
    low = word.lower()
    if low.isdigit():
        return 1
    count = len(_VOWELS.findall(low))
    if low.endswith("e") and not low.endswith(("le", "ee")) and count > 1:
        count -= 1
    if low.endswith("ed") and not low.endswith(("ted", "ded")) and count > 1:
        count -= 1
    return max(1, count)
