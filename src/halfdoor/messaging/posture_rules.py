"""What a conversation takes by its posture: nothing clear in one, nothing encrypted in the other.

MATRIX §4. Matrix itself allows clear events in encrypted rooms, so a hostile or a broken client
could go back to clear text without a word; here it cannot.
"""

from typing import Any, Final

from halfdoor.messaging.content import Content
from halfdoor.messaging.creation import ENCRYPTION, MEGOLM, POSTURE
from halfdoor.messaging.errors import BadJsonError, ForbiddenError
from halfdoor.safety.postures import E2EE
from halfdoor.sealing.epochs import Posture

ENCRYPTED: Final = "m.room.encrypted"
_REACTION: Final = "m.reaction"
_REDACTION: Final = "m.room.redaction"
# An emoji with everything that can be joined to it; longer, a reaction would be a message.
_MAX_REACTION: Final = 64
# What clients show or fetch where it stands in clear, and what belongs inside the ciphertext.
_WORDS: Final = frozenset(
    {"msgtype", "body", "format", "formatted_body", "m.text", "m.new_content", "url", "file"}
)
# State that says for good what the conversation is.
LASTING: Final = frozenset({POSTURE, ENCRYPTION})


def check_posture(
    posture: Posture, event_type: str, state_key: str | None, content: Content
) -> None:
    """Refuse an event that a conversation of *posture* does not take.

    State other than what says the posture is taken in both: the server reads it to run the
    conversation. Raises `ForbiddenError`, and `BadJsonError` for an encrypted event that no client
    could open.
    """
    if event_type == POSTURE:
        raise ForbiddenError(
            "a conversation has its posture from its beginning; another one is a new conversation,"
            " which each person joins"
        )
    if event_type == ENCRYPTION:
        raise ForbiddenError(
            "this conversation is end-to-end encrypted from its beginning, and stays so as it is"
            if posture == E2EE
            else "this conversation is standard and cannot be end-to-end encrypted"
        )
    if posture != E2EE:
        if event_type == ENCRYPTED:
            raise ForbiddenError("this conversation is standard: it takes no encrypted events")
        return
    if state_key is not None:
        if event_type == ENCRYPTED:
            raise ForbiddenError("encrypted state is not offered here")
    elif event_type == ENCRYPTED:
        _check_encrypted(content)
    elif event_type == _REACTION:
        _check_reaction(content)
    elif event_type != _REDACTION:
        raise ForbiddenError(
            "this conversation is end-to-end encrypted: it takes messages as m.room.encrypted, and"
            f" {event_type} would be clear"
        )


def _check_encrypted(content: Content) -> None:
    if content.get("algorithm") != MEGOLM:
        raise ForbiddenError(f"conversations are end-to-end encrypted with {MEGOLM} only")
    for name in ("ciphertext", "session_id"):
        value = content.get(name)
        if not isinstance(value, str) or not value:
            raise BadJsonError(f"an encrypted event needs a {name}")
    if not _WORDS.isdisjoint(content):
        raise ForbiddenError(
            "this conversation is end-to-end encrypted: nothing that is said stands beside the"
            " ciphertext"
        )


def _check_reaction(content: Content) -> None:
    match content:
        case {"m.relates_to": {"rel_type": "m.annotation", "event_id": str(), "key": str(key)}}:
            fits = len(content) == 1 and _is_bare(content["m.relates_to"])
            if fits and len(key.encode()) <= _MAX_REACTION:
                return
    raise ForbiddenError(
        "this conversation is end-to-end encrypted: a reaction is clear, so it holds a short key"
        " and nothing else"
    )


def _is_bare(relation: dict[str, Any]) -> bool:
    return set(relation) == {"rel_type", "event_id", "key"}
