"""The chain proves order, gaps and edits; a destroyed body leaves its place."""

import pytest

from halfdoor.sealing.chain import (
    ChainError,
    Link,
    advance,
    check_chain,
    destroyed_link,
    extended,
    link,
)
from halfdoor.sealing.envelope import EventFields, clear_hash
from halfdoor.sealing.labels import H, enc

FIRST = b"\x05" * 32
EVENTS = [
    EventFields(event_id=f"${n}", sender="@a:x", device="", ts=n, type="m.room.message")
    for n in range(4)
]
BODIES = [bytes([1, n]) for n in range(4)]


def story() -> tuple[list[Link], list[bytes]]:
    links = [link(n, *event) for n, event in enumerate(zip(EVENTS, BODIES, strict=True), 1)]
    values: list[bytes] = []
    for one in links:
        values.append(extended(values[-1] if values else FIRST, one))
    return links, values


def test_the_chain_is_the_formula_of_the_specification() -> None:
    fields, body = EVENTS[0], BODIES[0]
    plain = H(enc("chain", FIRST, 1, "$0", "@a:x", "", 0, clear_hash(fields), H(body)))
    assert advance(FIRST, 1, fields, body) == plain
    check_chain(FIRST, *story())


def test_a_destroyed_body_keeps_its_place() -> None:
    links, values = story()
    one = EVENTS[1]
    links[1] = destroyed_link(2, "$1", "@a:x", "", 1, clear_hash(one), H(BODIES[1]))
    check_chain(FIRST, links, values)


def test_a_chain_can_be_followed_from_the_middle() -> None:
    links, values = story()
    check_chain(values[1], links[2:], values[2:], first_seq=3)
    check_chain(values[1], [], [], first_seq=3)


def test_an_event_exchanged_or_edited_is_named() -> None:
    links, values = story()
    edited = link(2, EVENTS[1], b"\x01other")
    with pytest.raises(ChainError, match="event 2: the stored chain value") as caught:
        check_chain(FIRST, [links[0], edited, *links[2:]], values)
    assert caught.value.seq == 2
    with pytest.raises(ChainError, match="event 1"):
        check_chain(bytes(32), links, values)


def test_a_gap_is_named_even_where_the_values_were_made_to_fit() -> None:
    skipped = link(3, EVENTS[1], BODIES[1])
    first = link(1, EVENTS[0], BODIES[0])
    values = [extended(FIRST, first)]
    values.append(extended(values[0], skipped))
    with pytest.raises(ChainError, match="event 2: another number"):
        check_chain(FIRST, [first, skipped], values)


def test_an_event_left_out_at_the_end_is_missed() -> None:
    links, values = story()
    for shorter in ((links[:-1], values), (links, values[:-1])):
        with pytest.raises(ChainError, match="as many events"):
            check_chain(FIRST, *shorter)
