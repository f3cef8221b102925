"""Filters: what is refused, and which events they let through."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.errors import BadFilterError
from halfdoor.messaging.filters import EventFilter, parse_event_filter, parse_filter

ALICE, BOB = "@alice:hd.example", "@bob:hd.example"


def event_filter(**fields: Any) -> EventFilter:
    return parse_event_filter(json.dumps(fields))


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        b"\xff",
        '{"room":[]}',
        '{"room":{"timeline":{"limit":-1}}}',
        '{"room":{"timeline":{"limit":"10"}}}',
        '{"room":{"timeline":{"limit":1.5}}}',
        '{"room":{"timeline":{"limit":true}}}',
        '{"room":{"timeline":{"types":"m.room.message"}}}',
        '{"room":{"timeline":{"types":[1]}}}',
        '{"room":{"rooms":{}}}',
        '{"room":{"include_leave":"yes"}}',
        '{"account_data":{"not_types":[null]}}',
        '{"event_fields":"content"}',
        '{"event_format":"federation"}',
        '{"event_format":1}',
        '{"presence":[]}',
        '{"room":{"rooms":["' + "a" * 70_000 + '"]}}',
        '{"account_data":{"types":' + json.dumps(["*"] * 51) + "}}",
        '{"x":' + "[" * 5000 + "]" * 5000 + "}",
    ],
)
def test_a_filter_that_is_not_of_the_form_is_refused(raw: bytes | str) -> None:
    with pytest.raises(BadFilterError):
        parse_filter(raw)


@pytest.mark.parametrize("raw", ["", "[]", '{"limit":-1}', '{"senders":[1]}', "x" * 70_000])
def test_a_room_event_filter_that_is_not_of_the_form_is_refused(raw: str) -> None:
    with pytest.raises(BadFilterError):
        parse_event_filter(raw)


@pytest.mark.parametrize(
    ("asked", "given_count"), [(None, 10), (0, 1), (1, 1), (20, 20), (101, 100), (10**30, 100)]
)
def test_the_limit_is_kept_between_1_and_100(asked: int | None, given_count: int) -> None:
    assert event_filter(limit=asked).count == given_count


def test_the_empty_filter_lets_everything_through() -> None:
    everything = parse_filter(b"{}")
    assert everything.timeline.admits_all
    assert everything.timeline.count == 10
    assert everything.timeline.matches(event_type="m.room.message", sender=ALICE, room_id="!r")
    assert everything.account_data.matches(event_type="m.direct")
    assert everything.admits_room("!r")
    assert not everything.include_leave


def test_what_a_real_client_sends_is_understood() -> None:
    read = parse_filter(
        '{"room":{"timeline":{"limit":20,"unread_thread_notifications":true},'
        '"state":{"lazy_load_members":true,"include_redundant_members":false},'
        '"include_leave":true,"org.example.factor":0.5},"event_format":"client",'
        '"event_fields":["type","content.body"],"presence":{"not_types":["*"]}}'
    )
    assert (read.timeline.count, read.timeline.by_thread, read.state.by_thread) == (20, True, False)
    assert read.timeline.admits_all
    assert read.state.admits_all
    assert read.include_leave


def test_each_part_has_its_own_filter() -> None:
    parts = ["timeline", "state", "ephemeral", "account_data"]
    raw = {"room": {part: {"types": [part]} for part in parts}, "account_data": {"types": ["own"]}}
    read = parse_filter(json.dumps(raw))
    for part, events in (
        ("timeline", read.timeline),
        ("state", read.state),
        ("ephemeral", read.ephemeral),
        ("account_data", read.room_account_data),
        ("own", read.account_data),
    ):
        assert events.matches(event_type=part)
        assert not events.matches(event_type="other")


def test_a_list_that_is_empty_lets_nothing_through() -> None:
    for name in ("types", "senders", "rooms"):
        nothing = event_filter(**{name: []})
        assert not nothing.matches(event_type="m.x", sender=ALICE, room_id="!r")
    assert not parse_filter('{"room":{"rooms":[]}}').admits_room("!r")


def test_exclusion_goes_before_inclusion() -> None:
    both = event_filter(types=["m.x"], not_types=["m.x"])
    assert not both.matches(event_type="m.x")
    both = event_filter(senders=[ALICE], not_senders=[ALICE])
    assert not both.matches(event_type="m.x", sender=ALICE)
    rooms = parse_filter('{"room":{"rooms":["!a","!b"],"not_rooms":["!a"]}}')
    assert [rooms.admits_room(room) for room in ("!a", "!b", "!c")] == [False, True, False]


def test_a_star_in_a_type_stands_for_anything_and_a_question_mark_for_itself() -> None:
    wild = event_filter(types=["m.room.*", "m.r?"], not_types=["m.room.m*r"])
    admitted = [
        name
        for name in ("m.room.", "m.room.name", "m.room.member", "m.rx", "m.r?", "x.m.room.name")
        if wild.matches(event_type=name)
    ]
    assert admitted == ["m.room.", "m.room.name", "m.r?"]


def test_fifty_wildcards_are_not_too_many() -> None:
    assert event_filter(types=["*"] * 50).matches(event_type="m.x")


def test_a_sender_is_no_pattern() -> None:
    assert not event_filter(senders=["*"]).matches(event_type="m.x", sender=ALICE)


def test_what_has_no_sender_is_not_of_the_senders_asked_for() -> None:
    assert not event_filter(senders=[ALICE]).matches(event_type="m.receipt")
    assert event_filter(not_senders=[ALICE]).matches(event_type="m.receipt")


@pytest.mark.parametrize("asked", [True, False])
def test_contains_url_asks_for_or_against_media(asked: bool) -> None:
    media = event_filter(contains_url=asked)
    assert not media.admits_all
    assert media.matches(event_type="m.room.message", has_url=True) is asked
    assert media.matches(event_type="m.room.message", has_url=False) is not asked
    assert media.matches(event_type="m.room.message") is not asked


def glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(glob(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return text[:1] == pattern[0] and glob(pattern[1:], text[1:])


types = st.text(alphabet="ab?*", max_size=4)
people = st.sampled_from([ALICE, BOB])
rooms = st.sampled_from(["!a", "!b"])
filters = st.fixed_dictionaries(
    {},
    optional={
        "types": st.lists(types, max_size=3),
        "not_types": st.lists(types, max_size=2),
        "senders": st.lists(people),
        "not_senders": st.lists(people),
        "rooms": st.lists(rooms),
        "not_rooms": st.lists(rooms),
        "contains_url": st.booleans(),
        "lazy_load_members": st.booleans(),
    },
)


@given(filters, types, people, rooms, st.booleans())
def test_a_filter_lets_through_what_the_specification_says(
    fields: dict[str, Any], event_type: str, sender: str, room_id: str, has_url: bool
) -> None:
    expected = (
        ("types" not in fields or any(glob(one, event_type) for one in fields["types"]))
        and not any(glob(one, event_type) for one in fields.get("not_types", []))
        and ("senders" not in fields or sender in fields["senders"])
        and sender not in fields.get("not_senders", [])
        and ("rooms" not in fields or room_id in fields["rooms"])
        and room_id not in fields.get("not_rooms", [])
        and fields.get("contains_url", has_url) is has_url
    )
    read = event_filter(**fields)
    assert (
        read.matches(event_type=event_type, sender=sender, room_id=room_id, has_url=has_url)
        == expected
    )
    assert expected or not read.admits_all
