"""What a limited person is refused (SAFETY §5.3): each check takes limits, and says no."""

from collections.abc import Mapping
from typing import Any, Final

from halfdoor.safety.ages import as_recipient, is_minor
from halfdoor.safety.measures import Limits
from halfdoor.safety.people import Person
from halfdoor.safety.refusal import ContactRefused, Reason

_MESSAGE: Final = "m.room.message"
# The kinds of message that are words; whatever else a client calls its own may be drawn.
_WORDS: Final = frozenset({"m.text", "m.notice", "m.emote"})
_MEDIA: Final = frozenset({"m.sticker", "m.image", "m.file", "m.video", "m.audio", "m.voice"})
_ADDRESS: Final = "mxc://"
_PICTURE: Final = "<img"


def check_starts(limits: Limits) -> None:
    """Refuse whoever may begin no conversation, nor bring somebody into one. `ContactRefused`."""
    if limits.no_new_conversations:
        raise ContactRefused(Reason.OWN_NO_NEW_CONVERSATIONS)


def check_words_only(limits: Limits, event_type: str, content: Mapping[str, Any]) -> None:
    """Refuse pictures, files, sound and video of whoever may send none. `ContactRefused`."""
    if limits.no_media and shows_media(event_type, content):
        raise ContactRefused(Reason.OWN_NO_MEDIA)


def check_apart(one: Person, ones: Limits, other: Person, others: Limits) -> None:
    """Refuse contact of two people between whom a measure stands. `ContactRefused`."""
    if is_cut(one, ones, other, others):
        raise ContactRefused(Reason.NO_MINORS)


def is_cut(one: Person, ones: Limits, other: Person, others: Limits) -> bool:
    """Tell whether a measure keeps the two apart: one may have no contact with minors.

    It cuts what stood before, too: a connection does not change it. An unknown age counts as a
    minor's.
    """
    return (ones.no_minors and _sheltered(other)) or (others.no_minors and _sheltered(one))


def _sheltered(person: Person) -> bool:
    return is_minor(as_recipient(person.band))


def shows_media(event_type: str, content: Mapping[str, Any]) -> bool:
    """Tell whether an event shows, plays or offers more than words."""
    if event_type in _MEDIA:
        return True
    if event_type == _MESSAGE:
        edited = content.get("m.new_content")
        parts = (content, edited) if isinstance(edited, Mapping) else (content,)
        if any(part.get("msgtype") not in _WORDS for part in parts):
            return True
    # A picture may hide in markup, a reaction or an avatar: wherever an address of media stands.
    waiting: list[Any] = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and (value.startswith(_ADDRESS) or _PICTURE in value.lower()):
            return True
    return False
