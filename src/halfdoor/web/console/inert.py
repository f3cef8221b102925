"""Words of strangers, made harmless for the eye: what steers a terminal or a line is shown by name.

Unicode TR36 §3 and TR9: overrides and isolates can make `exe.gpj` of `jpg.exe`, and invisible
characters hide a word inside another. Joiners stay, for scripts and emoji that need them.
"""

import re
import unicodedata
from typing import Final

from markupsafe import Markup, escape

# Controls but tab and line feed; bidirectional marks, embeddings, overrides and isolates; invisible
# letters, fillers, tags; lone surrogates; line and paragraph separators.
_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def inert(text: str) -> Markup:
    """*text* escaped, with every steering character as a small visible mark of its number."""
    parts: list[Markup] = []
    end = 0
    for found in _STEERING.finditer(text):
        parts.append(escape(text[end : found.start()]))
        parts.append(_mark(found[0]))
        end = found.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)


def plain(text: str) -> str:
    """*text* on one line without steering characters: for titles and names of things."""
    return " ".join(_STEERING.sub("\N{REPLACEMENT CHARACTER}", text).split())


def _mark(char: str) -> Markup:
    name = unicodedata.name(char, "control character").lower()
    return Markup('<span class="mark" title="{}">U+{:04X}</span>').format(name, ord(char))
