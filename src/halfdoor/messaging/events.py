"""Events as clients read them: JSON bytes, built around the content as it was kept.

CS-API, "ClientEvent" and "ClientEventWithoutRoomID", "Stripped state". Contents go in as the
bytes that `content.encode` wrote; nothing is decoded to be encoded again.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

Unsigned = dict[str, Any]

# What a person who is invited is shown of the conversation before joining.
_STRIPPED_TYPES: Final = frozenset(
    {
        "m.room.create",
        "m.room.name",
        "m.room.avatar",
        "m.room.topic",
        "m.room.join_rules",
        "m.room.canonical_alias",
        "m.room.encryption",
        "org.halfdoor.posture",
    }
)


class _ClientEvent(msgspec.Struct, gc=False):
    type: str
    sender: str
    content: Raw
    event_id: str
    origin_server_ts: int
    state_key: str | UnsetType = UNSET
    unsigned: Mapping[str, Any] | UnsetType = UNSET
    room_id: str | UnsetType = UNSET
    redacts: str | UnsetType = UNSET


class _Stripped(msgspec.Struct, gc=False):
    type: str
    sender: str
    state_key: str
    content: Raw


class _Redaction(msgspec.Struct, gc=False):
    redacts: str | UnsetType = UNSET


_encode = msgspec.json.Encoder().encode
_decode_redaction = msgspec.json.Decoder(_Redaction).decode


def client_event(
    *,
    event_type: str,
    event_id: str,
    sender: str,
    ts: int,
    content: bytes,
    state_key: str | None = None,
    unsigned: Unsigned | None = None,
    room_id: str | None = None,
) -> bytes:
    """Write one event in the client format.

    *ts* is `origin_server_ts` in milliseconds. *state_key* is None for a message event. With
    *room_id* the event stands alone (/messages, /event, /context); without, it is for a list that
    names the room already (/sync). A redaction repeats `redacts` at the top for older clients
    (room version 11, "Event format").
    """
    event = _ClientEvent(
        event_type,
        sender,
        Raw(content),
        event_id,
        ts,
        UNSET if state_key is None else state_key,
        unsigned or UNSET,
        UNSET if room_id is None else room_id,
        _redacts(content) if event_type == "m.room.redaction" else UNSET,
    )
    return _encode(event)


def unsigned_of(
    *,
    age: int,
    transaction_id: str | None = None,
    membership: str | None = None,
    prev_content: bytes | None = None,
    replaces_state: str | None = None,
    redacted_because: bytes | None = None,
    relations: Mapping[str, bytes] | None = None,
) -> Unsigned:
    """Gather what the server says about an event beside it (CS-API, "UnsignedData").

    *age* is in milliseconds. *transaction_id* is for the sending device alone. *membership* is the
    reader's own at the event. *redacted_because* is an event of `client_event`, and *relations* are
    the bundled aggregations by `rel_type`, each as JSON bytes.
    """
    unsigned: Unsigned = {"age": age}
    if transaction_id is not None:
        unsigned["transaction_id"] = transaction_id
    if membership is not None:
        unsigned["membership"] = membership
    if prev_content is not None:
        unsigned["prev_content"] = Raw(prev_content)
    if replaces_state is not None:
        unsigned["replaces_state"] = replaces_state
    if redacted_because is not None:
        unsigned["redacted_because"] = Raw(redacted_because)
    if relations:
        unsigned["m.relations"] = {name: Raw(bundle) for name, bundle in relations.items()}
    return unsigned


def stripped(*, event_type: str, sender: str, state_key: str, content: bytes) -> bytes:
    """Write one state event in the stripped format: no id, no time."""
    return _encode(_Stripped(event_type, sender, state_key, Raw(content)))


def in_invite(event_type: str, state_key: str, members: Iterable[str]) -> bool:
    """Tell whether a state event is shown to a person who is invited.

    *members* are the invited person and who invited them: of all memberships only these are shown.
    """
    if event_type == "m.room.member":
        return state_key in members
    return state_key == "" and event_type in _STRIPPED_TYPES


def _redacts(content: bytes) -> str | UnsetType:
    try:
        return _decode_redaction(content).redacts
    except msgspec.ValidationError:
        # A redaction that was itself redacted, or kept before checks, may name no event.
        return UNSET
