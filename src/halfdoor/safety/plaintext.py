"""Whether the content of an event is words and nothing else."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any, Final

_KEYS: Final = frozenset({"msgtype", "body", "format", "formatted_body", "m.mentions"})
_EDIT_KEYS: Final = _KEYS | {"m.new_content", "m.relates_to"}
_HTML: Final = "org.matrix.custom.html"

# Tags that only shape words, and only bare: an attribute could carry an address or a picture.
# Whatever else begins like a tag is refused, so no two readers of HTML can disagree about it.
_TAG: Final = re.compile(
    r"</?(?:b|blockquote|br|code|del|em|h[1-6]|i|li|ol|p|pre|s|strong|sub|sup|u|ul)\s*/?>"
)


def texts_of(event_type: str, content: Mapping[str, Any]) -> list[str] | None:
    """Return every text that a reader of the event may be shown, or None if it is not plain text.

    Plain text is an `m.room.message` with msgtype `m.text` and nothing beside its words: their bare
    formatting, mentions, and for an edit (`m.replace`) the new words. A key that is not known to be
    harmless makes it something else, for a client may draw a picture or a name from it.
    """
    if event_type != "m.room.message" or not set(content) <= _EDIT_KEYS:
        return None
    parts: list[Any] = [content]
    if "m.new_content" in content or "m.relates_to" in content:
        if not _is_edit(content):
            return None
        parts.append(content["m.new_content"])
    texts: list[str] = []
    for part in parts:
        if not isinstance(part, Mapping) or part.get("msgtype") != "m.text":
            return None
        if part is not content and not set(part) <= _KEYS:
            return None
        found = list(_words(part))
        if None in found:
            return None
        texts += [text for text in found if text is not None]
    return texts


def _is_edit(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    return (
        isinstance(relation, Mapping)
        and set(relation) == {"rel_type", "event_id"}
        and relation["rel_type"] == "m.replace"
        and "m.new_content" in content
    )


def _words(part: Mapping[str, Any]) -> Iterator[str | None]:
    """Yield the texts of one body, and None where something in it is no text."""
    body = part.get("body")
    yield body if isinstance(body, str) else None
    if "format" in part or "formatted_body" in part:
        formatted = part.get("formatted_body")
        if part.get("format") != _HTML or not isinstance(formatted, str):
            yield None
            return
        bare = _TAG.sub(" ", formatted)
        yield None if "<" in bare else unescape(bare)
        # A tag inside a word does not part it on the screen.
        yield unescape(_TAG.sub("", formatted))
    yield "" if isinstance(part.get("m.mentions", {}), Mapping) else None
