"""What is accepted as the content of an event, and how large an event may be."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.content import (
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    Content,
    check_content,
    check_event_type,
    check_size,
    check_state_key,
    encode,
    parse_object,
    relation_of,
)
from halfdoor.messaging.errors import (
    BadJsonError,
    InvalidParameterError,
    NotJsonError,
    TooLargeError,
)

ALICE = "@alice:hd.example"
ROOM = "!room:hd.example"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{} x",
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":01}',
        b'{"a":"\x00"}',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\ud800 and more text"}',
        b'{"a":"\\udc00"}',
        b'{"\\ud800\\u0041":1}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_text_is_refused_as_such(raw: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse_object(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":1e400}',
        b'{"a":[{"b":0.5}]}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":18446744073709551616}',
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_json_that_canonical_json_cannot_hold_is_refused(raw: bytes) -> None:
    with pytest.raises(BadJsonError):
        parse_object(raw)


def test_a_refusal_does_not_carry_the_text_it_refuses() -> None:
    with pytest.raises(NotJsonError) as refused:
        parse_object(b'{"body":"a secret \xff"}')
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_the_limits_themselves_are_allowed() -> None:
    edge = {"most": 2**53 - 1, "least": -(2**53) + 1, "nul": "\0", "no": None, "yes": True}
    assert parse_object(json.dumps(edge).encode()) == edge
    deepest: Any = 1
    for _ in range(MAX_DEPTH):
        deepest = {"a": deepest}
    assert parse_object(json.dumps(deepest).encode()) == deepest


def test_negative_zero_becomes_zero() -> None:
    assert encode(parse_object(b'{"a":-0}')) == b'{"a":0}'


def test_of_a_key_that_stands_twice_only_the_last_value_is_kept() -> None:
    assert encode(parse_object(b'{"a":"first","a":"last"}')) == b'{"a":"last"}'


def test_text_is_kept_as_compact_utf_8() -> None:
    assert encode(parse_object(b'{ "a" : "\\u65e5" }')) == '{"a":"日"}'.encode()


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def is_canonical(value: Any) -> bool:
    if isinstance(value, bool | str) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) < 2**53
    if isinstance(value, dict):
        return all(map(is_canonical, value.values()))
    return isinstance(value, list) and all(map(is_canonical, value))


@given(st.dictionaries(st.text(), values))
def test_exactly_the_canonical_contents_are_accepted(content: Content) -> None:
    if is_canonical(content):
        check_content(content)
        assert parse_object(encode(content)) == content
    else:
        with pytest.raises(BadJsonError):
            check_content(content)


def test_infinity_is_no_integer() -> None:
    with pytest.raises(BadJsonError):
        check_content({"a": math.inf})


@pytest.mark.parametrize("event_type", ["", "m.\0", "m.\ud800"])
def test_a_type_that_nobody_could_look_up_is_refused(event_type: str) -> None:
    with pytest.raises(InvalidParameterError):
        check_event_type(event_type)


def test_a_name_over_255_bytes_is_refused_however_few_characters_it_has() -> None:
    check_state_key("a" * 255)
    check_state_key("é" * 127)
    with pytest.raises(TooLargeError):
        check_state_key("a" * 256)
    with pytest.raises(TooLargeError):
        check_state_key("é" * 128)
    with pytest.raises(TooLargeError):
        check_size(b"{}", event_type="m.x", sender="@" + "a" * 255, room_id=ROOM)
    with pytest.raises(TooLargeError):
        check_size(b"{}", event_type="m.x", sender=ALICE, room_id="!" + "a" * 255)


@pytest.mark.parametrize("state_key", [None, "", '"' * 100])
def test_an_event_of_65536_bytes_fits_and_one_of_65537_does_not(state_key: str | None) -> None:
    event: dict[str, Any] = {
        "content": {"body": ""},
        "event_id": "$" + "A" * 43,
        "origin_server_ts": 1_700_000_000_000,
        "room_id": ROOM,
        "sender": ALICE,
        "type": "m.room.message",
    }
    if state_key is not None:
        event["state_key"] = state_key
    room_left = MAX_EVENT_BYTES - len(msgspec.json.encode(event))

    def check(length: int) -> None:
        check_size(
            encode({"body": "x" * length}),
            event_type="m.room.message",
            sender=ALICE,
            room_id=ROOM,
            state_key=state_key,
        )

    check(room_left)
    with pytest.raises(TooLargeError):
        check(room_left + 1)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"m.relates_to": None},
        {"m.relates_to": []},
        {"m.relates_to": {"rel_type": "m.replace"}},
        {"m.relates_to": {"event_id": "$a"}},
        {"m.relates_to": {"rel_type": 1, "event_id": "$a"}},
        {"m.relates_to": {"rel_type": "m.replace", "event_id": ["$a"]}},
        {"m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}},
    ],
)
def test_half_a_relation_is_none(content: Content) -> None:
    assert relation_of(content) == (None, None)


def test_an_edit_relates_to_what_it_replaces() -> None:
    content = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$first"}}
    assert relation_of(content) == ("m.replace", "$first")
