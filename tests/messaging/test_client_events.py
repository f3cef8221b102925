"""Events as clients read them."""

import json
from typing import Any

import pytest

from halfdoor.messaging.events import client_event, in_invite, stripped, unsigned_of

ALICE, BOB = "@alice:hd.example", "@bob:hd.example"
ROOM = "!room:hd.example"
CONTENT = b'{"msgtype":"m.text","body":"gr\xc3\xbc\xc3\x9fe \\u0000"}'


def event(**more: Any) -> bytes:
    given: dict[str, Any] = {
        "event_type": "m.room.message",
        "event_id": "$event",
        "sender": ALICE,
        "ts": 1_700_000_000_000,
        "content": CONTENT,
    }
    return client_event(**{**given, **more})


def test_what_was_not_said_is_not_there() -> None:
    assert json.loads(event()) == {
        "type": "m.room.message",
        "sender": ALICE,
        "content": json.loads(CONTENT),
        "event_id": "$event",
        "origin_server_ts": 1_700_000_000_000,
    }


def test_the_content_stands_there_byte_for_byte() -> None:
    assert b'"content":' + CONTENT + b"," in event()


def test_an_empty_state_key_is_a_state_key() -> None:
    assert json.loads(event(event_type="m.room.name", state_key=""))["state_key"] == ""


def test_an_event_alone_names_its_room() -> None:
    assert json.loads(event(room_id=ROOM))["room_id"] == ROOM


@pytest.mark.parametrize("content", [b"{}", b'{"redacts":1}', b'{"redacts":null}'])
def test_a_redaction_that_names_no_event_has_nothing_at_the_top(content: bytes) -> None:
    assert "redacts" not in json.loads(event(event_type="m.room.redaction", content=content))


def test_a_redaction_says_twice_what_it_redacts() -> None:
    content = b'{"reason":"spam","redacts":"$other"}'
    read = json.loads(event(event_type="m.room.redaction", content=content))
    assert (read["redacts"], read["content"]["redacts"]) == ("$other", "$other")
    assert "redacts" not in json.loads(event(content=content))


def test_beside_the_event_stands_only_what_was_given() -> None:
    assert json.loads(event(unsigned=unsigned_of(age=5)))["unsigned"] == {"age": 5}


def test_everything_the_server_knows_stands_beside_the_event() -> None:
    because = event(event_type="m.room.redaction", event_id="$why", content=b'{"redacts":"$event"}')
    beside = unsigned_of(
        age=5,
        transaction_id="m1",
        membership="join",
        prev_content=b'{"name":"old"}',
        replaces_state="$before",
        redacted_because=because,
        relations={"m.replace": b'{"event_id":"$edit"}'},
    )
    beside["org.halfdoor.franking"] = {"com": "c"}
    assert json.loads(event(unsigned=beside))["unsigned"] == {
        "age": 5,
        "transaction_id": "m1",
        "membership": "join",
        "prev_content": {"name": "old"},
        "replaces_state": "$before",
        "redacted_because": json.loads(because),
        "m.relations": {"m.replace": {"event_id": "$edit"}},
        "org.halfdoor.franking": {"com": "c"},
    }


def test_stripped_state_has_four_keys_and_no_more() -> None:
    raw = stripped(event_type="m.room.name", sender=ALICE, state_key="", content=b'{"name":"x"}')
    assert json.loads(raw) == {
        "type": "m.room.name",
        "sender": ALICE,
        "state_key": "",
        "content": {"name": "x"},
    }


@pytest.mark.parametrize(
    ("event_type", "state_key"),
    [
        ("m.room.member", "@carol:hd.example"),
        ("m.room.power_levels", ""),
        ("m.room.history_visibility", ""),
        ("org.example.note", ""),
        ("m.room.name", "other"),
    ],
)
def test_who_is_only_invited_is_not_shown_the_rest(event_type: str, state_key: str) -> None:
    assert not in_invite(event_type, state_key, (ALICE, BOB))


@pytest.mark.parametrize(
    ("event_type", "state_key"),
    [
        ("m.room.create", ""),
        ("m.room.name", ""),
        ("m.room.avatar", ""),
        ("m.room.topic", ""),
        ("m.room.join_rules", ""),
        ("m.room.canonical_alias", ""),
        ("m.room.encryption", ""),
        ("org.halfdoor.posture", ""),
        ("m.room.member", ALICE),
        ("m.room.member", BOB),
    ],
)
def test_who_is_invited_is_shown_what_the_conversation_is(event_type: str, state_key: str) -> None:
    assert in_invite(event_type, state_key, (ALICE, BOB))
