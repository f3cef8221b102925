"""How a conversation begins: the state that createRoom implies, in the order it implies it.

CS-API, POST /createRoom. Room version 11 and no other. Conversations are private: nothing here
makes one that strangers could find or join. What posture a client asks for is read here
(`asked_posture`); which one the conversation gets is decided by the caller, and stands right behind
the creator's join, before anything that somebody asked for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from halfdoor.messaging.content import (
    Content,
    check_content,
    check_event_type,
    check_state_key,
)
from halfdoor.messaging.errors import (
    BadJsonError,
    ForbiddenError,
    InvalidRoomStateError,
    UnsupportedRoomVersionError,
)
from halfdoor.messaging.membership import check_membership
from halfdoor.messaging.powers import Powers, check_power_change, check_send, is_user_id
from halfdoor.safety.postures import E2EE
from halfdoor.sealing.epochs import Posture

ROOM_VERSION: Final = "11"
POSTURE: Final = "org.halfdoor.posture"
ENCRYPTION: Final = "m.room.encryption"
# What a conversation begins with is read by everybody who joins it.
MAX_INITIAL_STATE: Final = 100
MEGOLM: Final = "m.megolm.v1.aes-sha2"


class StateEvent(msgspec.Struct, frozen=True):
    """A state event that is still to be sent."""

    type: str
    state_key: str
    content: Content


class Creation(msgspec.Struct, frozen=True):
    """What createRoom implies: *events* first, then one membership event for each person invited.

    The creator sends them all. Display names and avatars are the caller's to add. *asked* is the
    posture that the client asked for, None where it named none.
    """

    events: tuple[StateEvent, ...]
    invites: tuple[StateEvent, ...]
    is_direct: bool
    posture: Posture
    asked: Posture | None = None


class _InitialState(msgspec.Struct):
    type: str
    content: dict[str, Any]
    state_key: str | None = None


class _Request(msgspec.Struct):
    visibility: Literal["public", "private"] | None = None
    preset: Literal["private_chat", "public_chat", "trusted_private_chat"] | None = None
    room_version: str | None = None
    room_alias_name: str | None = None
    name: str | None = None
    topic: str | None = None
    invite: list[str] | None = None
    invite_3pid: list[Any] | None = None
    creation_content: dict[str, Any] | None = None
    initial_state: list[_InitialState] | None = None
    is_direct: bool | None = None
    power_level_content_override: dict[str, Any] | None = None


def asked_posture(request: Mapping[str, Any]) -> Posture | None:
    """Return the posture that *request*, the body of createRoom, asks for; None where it does not.

    Ordinary clients ask for `e2ee` by an `m.room.encryption` in `initial_state`; either posture can
    be asked for by an `org.halfdoor.posture` there. Raises `BadJsonError`, and `ForbiddenError`
    where it asks for both.
    """
    found: set[Posture] = set()
    for state in _read(request).initial_state or ():
        if state.type == ENCRYPTION:
            found.add(E2EE)
        elif state.type == POSTURE:
            match state.content:
                case {"posture": "standard" | "e2ee" as said} if not state.state_key:
                    found.add(said)
                case _:
                    raise BadJsonError("a posture is standard or e2ee, under no state key")
    if len(found) > 1:
        raise ForbiddenError("a standard conversation cannot be end-to-end encrypted")
    return next(iter(found), None)


def creation_events(request: Mapping[str, Any], creator: str, posture: Posture) -> Creation:
    """Say which events create the conversation that *request*, the body of createRoom, asks for.

    Raises `BadJsonError`, `UnsupportedRoomVersionError`, `ForbiddenError` for what is not offered
    (public rooms, aliases, invites by e-mail, another posture), and `InvalidRoomStateError` where
    the creator would lack the power for what they ask. A client that asks for the other posture is
    refused: nobody is given less than they asked for.
    """
    asked = _read(request)
    _check_offered(asked)
    invited = _invited(asked, creator)
    if len(asked.initial_state or ()) > MAX_INITIAL_STATE:
        raise BadJsonError("initial_state holds too many events")
    wanted = asked_posture(request)
    if wanted is not None and wanted != posture:
        raise ForbiddenError(
            "this conversation is standard and cannot be end-to-end encrypted"
            if wanted == E2EE
            else "this conversation is end-to-end encrypted and cannot be standard"
        )
    given = [_given(state) for state in asked.initial_state or () if state.type != POSTURE]
    events = (
        StateEvent("m.room.create", "", _create_content(asked)),
        StateEvent("m.room.member", creator, {"membership": "join"}),
        StateEvent(POSTURE, "", {"posture": posture}),
        StateEvent("m.room.power_levels", "", _power_content(asked, creator, invited)),
        *_after_powers(asked, given, posture),
    )
    membership: Content = {"membership": "invite"}
    if asked.is_direct:
        membership["is_direct"] = True
    invites = tuple(StateEvent("m.room.member", user, dict(membership)) for user in invited)
    _check_powers(events, invites, creator)
    return Creation(
        events,
        invites,
        is_direct=asked.is_direct is True,
        posture=posture,
        asked=wanted,
    )


def _read(request: Mapping[str, Any]) -> _Request:
    try:
        return msgspec.convert(request, _Request)
    except msgspec.ValidationError:
        raise BadJsonError("a parameter of createRoom is of the wrong type") from None


def _check_offered(asked: _Request) -> None:
    if asked.room_version not in {None, ROOM_VERSION}:
        raise UnsupportedRoomVersionError("only room version 11 is offered")
    if asked.visibility == "public" or asked.preset == "public_chat":
        raise ForbiddenError("public rooms are not offered here")
    if asked.room_alias_name is not None:
        raise ForbiddenError("room aliases are not offered here")
    if asked.invite_3pid:
        raise ForbiddenError("inviting by e-mail address or telephone number is not offered here")


def _invited(asked: _Request, creator: str) -> tuple[str, ...]:
    # Once each, in the order given.
    invited = tuple(dict.fromkeys(asked.invite or ()))
    if not all(map(is_user_id, invited)):
        raise BadJsonError("invite must be a list of user ids")
    if creator in invited:
        raise ForbiddenError("you cannot invite yourself")
    return invited


def _create_content(asked: _Request) -> Content:
    content = dict(asked.creation_content or {})
    check_content(content)
    # In version 11 the creator is the sender of the event, and the key is gone.
    content.pop("creator", None)
    return {**content, "room_version": ROOM_VERSION}


def _power_content(asked: _Request, creator: str, invited: Iterable[str]) -> Content:
    equals = invited if asked.preset == "trusted_private_chat" else ()
    override = asked.power_level_content_override or {}
    check_content(override)
    return {
        "users": dict.fromkeys((creator, *equals), 100),
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.avatar": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.server_acl": 100,
            "m.room.tombstone": 100,
            ENCRYPTION: 100,
            POSTURE: 100,
            # It deletes what others said.
            "m.room.retention": 100,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        # Bringing a third person into a conversation is not everybody's right.
        "invite": 50,
        **override,
    }


def _given(state: _InitialState) -> StateEvent:
    """Read one entry of `initial_state`, refusing what it may not decide."""
    event = StateEvent(state.type, state.state_key or "", state.content)
    check_event_type(event.type)
    check_state_key(event.state_key)
    check_content(event.content)
    if event.type in {"m.room.create", "m.room.member", "m.room.encrypted"}:
        raise ForbiddenError(f"initial_state cannot hold {event.type}")
    if event.type == ENCRYPTION:
        _check_encryption(event)
        # The rest of what a client may say there weakens it: keys that are used for longer, state
        # that nobody could check.
        event = StateEvent(ENCRYPTION, "", {"algorithm": MEGOLM})
    if event.type == "m.room.join_rules" and event.content.get("join_rule") != "invite":
        raise ForbiddenError("conversations are joined by invitation only")
    return event


def _check_encryption(event: StateEvent) -> None:
    if event.state_key or event.content.get("algorithm") != MEGOLM:
        raise ForbiddenError(f"conversations are end-to-end encrypted with {MEGOLM} only")


def _after_powers(
    asked: _Request, given: list[StateEvent], posture: Posture
) -> Iterator[StateEvent]:
    """Give the rest in the order of the specification: preset, `initial_state`, name, topic."""
    said = [*_said(asked)]
    overridden = {(event.type, event.state_key) for event in (*given, *said)}
    for event in _preset(posture):
        if (event.type, event.state_key) not in overridden:
            yield event
    named = {(event.type, event.state_key) for event in said}
    for event in given:
        if (event.type, event.state_key) not in named:
            yield event
    yield from said


def _preset(posture: Posture) -> Iterator[StateEvent]:
    # private_chat and trusted_private_chat, the two presets left, agree on these.
    yield StateEvent("m.room.join_rules", "", {"join_rule": "invite"})
    yield StateEvent("m.room.history_visibility", "", {"history_visibility": "shared"})
    yield StateEvent("m.room.guest_access", "", {"guest_access": "can_join"})
    if posture == "e2ee":
        # Said by the server where the client does not: no clear message may come first.
        yield StateEvent(ENCRYPTION, "", {"algorithm": MEGOLM})


def _said(asked: _Request) -> Iterator[StateEvent]:
    if asked.name is not None:
        yield StateEvent("m.room.name", "", {"name": asked.name})
    if asked.topic is not None:
        block = {"m.text": [{"body": asked.topic}]}
        yield StateEvent("m.room.topic", "", {"topic": asked.topic, "m.topic": block})


def _check_powers(
    events: tuple[StateEvent, ...], invites: tuple[StateEvent, ...], creator: str
) -> None:
    """Replay the events against the rules they set themselves, as the specification asks."""
    powers = Powers(None, creator)
    members = {creator: "join"}
    try:
        for event in events[2:]:
            check_send(powers, creator, event.type, event.state_key)
            if event.type == "m.room.power_levels" and event.state_key == "":
                new = Powers.parse(event.content, creator)
                check_power_change(powers, new, creator)
                powers = new
        for invite in invites:
            check_membership(
                sender=creator,
                target=invite.state_key,
                new="invite",
                current=members,
                join_rule="invite",
                powers=powers,
            )
    except ForbiddenError as refusal:
        raise InvalidRoomStateError(f"the state asked for is not possible: {refusal}") from None
