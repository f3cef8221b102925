"""How a conversation begins, and what it may not begin with."""

from typing import Any

import pytest

from halfdoor.messaging.creation import Creation, asked_posture, creation_events
from halfdoor.messaging.errors import (
    BadJsonError,
    ForbiddenError,
    InvalidParameterError,
    InvalidRoomStateError,
    MessagingError,
    TooLargeError,
    UnsupportedRoomVersionError,
)
from halfdoor.sealing.epochs import Posture

ALICE, BOB, CAROL = "@alice:hd.example", "@bob:hd.example", "@carol:hd.example"
MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}


def create(posture: Posture = "standard", **request: Any) -> Creation:
    return creation_events(request, ALICE, posture)


def content(creation: Creation, event_type: str) -> Any:
    """The content that is in force once all events are there."""
    return {event.type: event.content for event in creation.events}.get(event_type)


def state(event_type: str, **given: Any) -> dict[str, Any]:
    return {"type": event_type, "content": given}


@pytest.mark.parametrize("version", ["1", "10", "12", "", "11 "])
def test_another_room_version_is_refused(version: str) -> None:
    with pytest.raises(UnsupportedRoomVersionError):
        create(room_version=version)


@pytest.mark.parametrize(
    "request_",
    [
        {"preset": "public_chat"},
        {"visibility": "public"},
        {"visibility": "public", "preset": "private_chat"},
        {"room_alias_name": "thepub"},
        {"invite_3pid": [{"medium": "email", "address": "a@b.example"}]},
        {"invite": [ALICE]},
        {"initial_state": [state("m.room.join_rules", join_rule="public")]},
        {"initial_state": [state("m.room.join_rules", join_rule="knock")]},
        {"initial_state": [state("m.room.join_rules")]},
        {"initial_state": [state("m.room.create")]},
        {"initial_state": [{**state("m.room.member", membership="join"), "state_key": BOB}]},
        {
            "initial_state": [
                state("org.halfdoor.posture", posture="standard"),
                state("m.room.encryption", **MEGOLM),
            ]
        },
    ],
)
@pytest.mark.parametrize("posture", ["standard", "e2ee"])
def test_what_is_not_offered_is_refused(request_: dict[str, Any], posture: Posture) -> None:
    with pytest.raises(ForbiddenError):
        create(posture, **request_)


@pytest.mark.parametrize(("asked", "given"), [("standard", "e2ee"), ("e2ee", "standard")])
def test_a_conversation_never_gets_another_posture_than_was_asked_for(
    asked: str, given: Posture
) -> None:
    with pytest.raises(ForbiddenError):
        create(given, initial_state=[state("org.halfdoor.posture", posture=asked)])


@pytest.mark.parametrize(
    "wish",
    [
        {**state("org.halfdoor.posture", posture="e2ee"), "state_key": "x"},
        state("org.halfdoor.posture"),
        state("org.halfdoor.posture", posture="secret"),
        state("org.halfdoor.posture", posture=["e2ee"]),
    ],
)
def test_a_posture_that_does_not_exist_cannot_be_asked_for(wish: dict[str, Any]) -> None:
    with pytest.raises(BadJsonError):
        asked_posture({"initial_state": [wish]})


@pytest.mark.parametrize(
    ("initial_state", "asked"),
    [
        ([], None),
        ([state("m.room.encryption", **MEGOLM)], "e2ee"),
        # Asked for in a form that is refused later: it was asked for all the same.
        ([state("m.room.encryption")], "e2ee"),
        ([state("org.halfdoor.posture", posture="e2ee")], "e2ee"),
        ([state("org.halfdoor.posture", posture="standard")], "standard"),
        (
            [
                state("org.halfdoor.posture", posture="e2ee"),
                state("m.room.encryption", **MEGOLM),
            ],
            "e2ee",
        ),
    ],
)
def test_what_a_client_asks_for_is_read_from_its_initial_state(
    initial_state: list[dict[str, Any]], asked: str | None
) -> None:
    assert asked_posture({"initial_state": initial_state}) == asked


@pytest.mark.parametrize("state_key", ["", "x"])
def test_a_standard_conversation_cannot_be_encrypted_and_says_so(state_key: str) -> None:
    encryption = {**state("m.room.encryption", **MEGOLM), "state_key": state_key}
    with pytest.raises(ForbiddenError, match="standard and cannot be end-to-end encrypted"):
        create(initial_state=[encryption])


@pytest.mark.parametrize(
    "encryption",
    [
        state("m.room.encryption"),
        state("m.room.encryption", algorithm="m.olm.v1.curve25519-aes-sha2"),
        {**state("m.room.encryption", **MEGOLM), "state_key": "x"},
    ],
)
def test_an_end_to_end_encrypted_conversation_is_not_weakened(encryption: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenError):
        create("e2ee", initial_state=[encryption])


@pytest.mark.parametrize(
    "request_",
    [
        {"preset": "secret_chat"},
        {"preset": 1},
        {"visibility": "hidden"},
        {"room_version": 11},
        {"invite": BOB},
        {"invite": [1]},
        {"invite": ["bob"]},
        {"invite_3pid": "a@b.example"},
        {"is_direct": "yes"},
        {"name": 5},
        {"topic": {}},
        {"creation_content": []},
        {"creation_content": {"factor": 0.5}},
        {"power_level_content_override": []},
        {"power_level_content_override": {"ban": "50"}},
        {"power_level_content_override": {"users": {ALICE: 100.0}}},
        {"power_level_content_override": {"x": 0.5}},
        {"initial_state": {}},
        {"initial_state": [{"type": "m.x"}]},
        {"initial_state": [{"content": {}}]},
        {"initial_state": [{"type": "m.x", "content": []}]},
        {"initial_state": [{"type": "m.x", "content": {}, "state_key": 1}]},
        {"initial_state": [state("m.x", factor=0.5)]},
    ],
)
def test_a_request_of_the_wrong_shape_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(BadJsonError):
        create(**request_)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (state(""), InvalidParameterError),
        (state("m." + "x" * 255), TooLargeError),
        ({**state("m.x"), "state_key": "x" * 256}, TooLargeError),
    ],
)
def test_names_are_checked(event: dict[str, Any], error: type[MessagingError]) -> None:
    with pytest.raises(error):
        create(initial_state=[event])


@pytest.mark.parametrize(
    "request_",
    [
        {"name": "x", "power_level_content_override": {"users": {ALICE: 49}}},
        {"power_level_content_override": {"users": {BOB: 100}}},
        {"power_level_content_override": {"state_default": 101}},
        {"power_level_content_override": {"invite": 101}, "invite": [BOB]},
        {"power_level_content_override": {"invite": 100, "users": {ALICE: 60}}, "invite": [BOB]},
        {"initial_state": [state("m.room.power_levels", users={BOB: 100})], "name": "x"},
        {"initial_state": [{**state("m.x"), "state_key": BOB}]},
    ],
)
def test_state_that_the_creator_could_not_set_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(InvalidRoomStateError):
        create(**request_)


def test_the_events_come_in_the_order_of_the_specification() -> None:
    creation = create(
        preset="private_chat",
        name="Plans",
        topic="All of them",
        invite=[BOB],
        initial_state=[state("m.room.avatar", url="mxc://hd.example/a"), state("m.x")],
    )
    assert [(event.type, event.state_key) for event in creation.events] == [
        ("m.room.create", ""),
        ("m.room.member", ALICE),
        ("org.halfdoor.posture", ""),
        ("m.room.power_levels", ""),
        ("m.room.join_rules", ""),
        ("m.room.history_visibility", ""),
        ("m.room.guest_access", ""),
        ("m.room.avatar", ""),
        ("m.x", ""),
        ("m.room.name", ""),
        ("m.room.topic", ""),
    ]


@pytest.mark.parametrize("preset", [None, "private_chat", "trusted_private_chat"])
def test_every_preset_is_private(preset: str | None) -> None:
    creation = create(preset=preset, visibility="private", room_version="11")
    assert content(creation, "m.room.create") == {"room_version": "11"}
    assert content(creation, "m.room.member") == {"membership": "join"}
    assert content(creation, "m.room.join_rules") == {"join_rule": "invite"}
    assert content(creation, "m.room.history_visibility") == {"history_visibility": "shared"}
    assert content(creation, "m.room.guest_access") == {"guest_access": "can_join"}
    assert not creation.is_direct


@pytest.mark.parametrize("posture", ["standard", "e2ee"])
def test_the_posture_stands_in_the_conversation(posture: Posture) -> None:
    assert create(posture).events[2].content == {"posture": posture}
    asked = create(posture, initial_state=[state("org.halfdoor.posture", posture=posture)])
    assert asked.events == create(posture).events


def test_an_end_to_end_encrypted_conversation_is_encrypted_from_the_start_and_once() -> None:
    chosen = state("m.room.encryption", **MEGOLM, rotation_period_msgs=10)
    assert content(create("e2ee"), "m.room.encryption") == MEGOLM
    creation = create("e2ee", initial_state=[chosen])
    encryption = [event for event in creation.events if event.type == "m.room.encryption"]
    # Keys that are used for longer are not the client's choice.
    assert [event.content for event in encryption] == [MEGOLM]
    assert content(create("standard"), "m.room.encryption") is None


def test_what_is_asked_of_the_creation_is_added_and_cannot_replace() -> None:
    asked = {"m.federate": False, "creator": BOB, "room_version": "1"}
    creation = create(creation_content=asked)
    assert content(creation, "m.room.create") == {"m.federate": False, "room_version": "11"}


def test_the_creator_has_the_power_and_a_trusted_guest_as_much() -> None:
    private = create(preset="private_chat", invite=[BOB])
    trusted = create(preset="trusted_private_chat", invite=[BOB, CAROL])
    assert content(private, "m.room.power_levels")["users"] == {ALICE: 100}
    assert content(trusted, "m.room.power_levels")["users"] == {ALICE: 100, BOB: 100, CAROL: 100}


def test_power_levels_asked_for_lie_on_top_of_the_usual_ones() -> None:
    usual = content(create(), "m.room.power_levels")
    changed = content(create(power_level_content_override={"invite": 0}), "m.room.power_levels")
    assert changed == {**usual, "invite": 0}


def test_the_first_power_levels_may_reach_above_the_creator() -> None:
    override = {"users": {ALICE: 100, BOB: 101}, "ban": 101}
    levels = content(create(power_level_content_override=override), "m.room.power_levels")
    assert (levels["users"], levels["ban"]) == (override["users"], 101)


def test_initial_state_goes_before_the_preset_and_the_name_before_it() -> None:
    creation = create(
        name="Said",
        initial_state=[
            state("m.room.history_visibility", history_visibility="joined"),
            state("m.room.name", name="Given"),
        ],
    )
    assert content(creation, "m.room.history_visibility") == {"history_visibility": "joined"}
    assert content(creation, "m.room.name") == {"name": "Said"}
    types = [event.type for event in creation.events]
    assert len(types) == len(set(types))


def test_a_topic_is_said_in_both_forms() -> None:
    assert content(create(topic="All of them"), "m.room.topic") == {
        "topic": "All of them",
        "m.topic": {"m.text": [{"body": "All of them"}]},
    }


def test_each_person_is_invited_once_and_told_that_it_is_direct() -> None:
    creation = create(invite=[BOB, CAROL, BOB], is_direct=True)
    assert [(one.type, one.state_key, one.content) for one in creation.invites] == [
        ("m.room.member", BOB, {"membership": "invite", "is_direct": True}),
        ("m.room.member", CAROL, {"membership": "invite", "is_direct": True}),
    ]
    assert creation.is_direct
    (plain,) = create(invite=[BOB], is_direct=False).invites
    assert plain.content == {"membership": "invite"}


def test_what_is_null_was_not_asked_for() -> None:
    names = ["preset", "name", "topic", "invite", "initial_state", "room_version", "is_direct"]
    nothing: dict[str, Any] = dict.fromkeys(names)
    assert creation_events(nothing, ALICE, "standard") == create()
