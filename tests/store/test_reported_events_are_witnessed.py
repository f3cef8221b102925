"""A conversation says itself what was said at a place, and only while its chain holds there."""

import pytest
from msgspec.structs import replace
from tests.store.houses import House
from tests.store.making import ALICE, BOB, Store, chains, epoch_start, event, found, say

from halfdoor.ids import new_room_id
from halfdoor.messaging.ledger import Committed, NewEvent
from halfdoor.readers.review.report_sources import Witness
from halfdoor.sealing.chain import extended, link
from halfdoor.sealing.labels import Denied
from halfdoor.store import witness as course
from halfdoor.store.sqlite.events import open_row, seal_row

# A founding of three events, and then two messages a day.
SAID = {4: 1, 5: 1, 6: 2, 7: 2, 8: 3, 9: 3}


class Days:
    """A conversation of three days."""

    def __init__(self) -> None:
        self.said: dict[int, NewEvent] = {}
        self.hh: dict[int, bytes] = {}
        self.at: Committed

    @property
    def conv(self) -> str:
        return self.at.conv

    async def go_by(self, store: Store) -> "Days":
        self.at = await found(store, ALICE, BOB)
        self.hh[1] = self.at.head.last_hh
        for day in (1, 2, 3):
            start = None if day == 1 else epoch_start(day, ALICE, BOB)
            two = event(self.conv, ALICE, (BOB,)), event(self.conv, BOB, (ALICE,))
            self.at = await say(store, self.at, *two, start=start)
            self.hh[day] = self.at.head.last_hh
            self.said |= {2 * day + 2 + at: one for at, one in enumerate(two)}
        return self

    def expected(self, seq: int) -> Witness:
        """Return what was committed at *seq*."""
        new = self.said[seq]
        return Witness(self.hh[SAID[seq]], link(seq, new.fields, new.body))

    async def end(self, store: Store, before: int, *, clear: bool = True) -> None:
        """Let retention end all days before *before*."""
        (passed,) = await store.retention.conversations((-1, 0), 9)
        await store.retention.retire(passed.place, before)
        if clear:
            await store.retention.clear(passed.place)


# --- refused --------------------------------------------------------------------------------------


async def refused(store: Store, conv: str, *seqs: int) -> None:
    for seq in seqs:
        with pytest.raises(Denied):
            await store.conversations.witness(conv, seq)


async def test_what_never_was_is_refused(store: Store) -> None:
    days = await Days().go_by(store)
    await refused(store, days.conv, 0, -1, 10, 2**40)
    await refused(store, new_room_id("a.example"), 1)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM event WHERE seq = 6",
        "DELETE FROM event WHERE seq = 7",
        "DELETE FROM event WHERE seq = 8",
        "DELETE FROM event WHERE seq = 9",
        "UPDATE event SET sealed = (SELECT sealed FROM event WHERE seq = 5) WHERE seq = 6",
        "UPDATE event SET sealed = (SELECT sealed FROM event WHERE seq = 6) WHERE seq = 7",
        "UPDATE event SET sealed = (SELECT sealed FROM event WHERE seq = 6) WHERE seq = 9",
        "UPDATE event SET event_id = (SELECT hh FROM conv) WHERE seq = 6",
        "UPDATE conv SET begins = 7",
        "UPDATE conv SET last_seq = 5",
        "UPDATE conv SET last_seq = 8",
        "UPDATE conv SET last_seq = 10",
        "UPDATE conv SET epoch = 2",
        "UPDATE conv SET hh = chain",
        "UPDATE conv SET chain = hh",
        "UPDATE epoch SET hh = chain0 WHERE epoch = 3",
        "UPDATE epoch SET chain0 = hh WHERE epoch = 2",
        "UPDATE epoch SET chain0 = hh WHERE epoch = 3",
        "UPDATE epoch SET first_seq = 7 WHERE epoch = 2",
        "UPDATE epoch SET first_seq = 9 WHERE epoch = 3",
        "DELETE FROM epoch WHERE epoch = 2",
        "DELETE FROM epoch WHERE epoch = 3",
        "DELETE FROM conv",
    ],
)
async def test_a_place_around_which_something_was_changed_is_refused(
    either: House, statement: str
) -> None:
    days = await Days().go_by(either.store)
    assert await either.store.conversations.witness(days.conv, 6) == days.expected(6)
    assert await either.change(statement) == 1
    await refused(either.store, days.conv, 6)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE retired SET seq = 9",
        "UPDATE retired SET epoch = 1",
        "DELETE FROM retired",
        "UPDATE conv SET begins = 9",
        "UPDATE conv SET begins = 1",
    ],
)
async def test_who_removes_a_day_cannot_call_it_retention(either: House, statement: str) -> None:
    days = await Days().go_by(either.store)
    await days.end(either.store, 20_002)
    assert await either.store.conversations.witness(days.conv, 4) is None
    assert await either.change(statement) == 1
    await refused(either.store, days.conv, 4, 6, 8)


async def with_another_body(house: House, seq: int, body: bytes, conv: str) -> None:
    """Exchange the body of an event, as who has both database and outer key can."""
    keys = house.store.keys
    ((packed, sealed),) = await house.ask("SELECT event_id, sealed FROM event WHERE seq = ?", seq)
    was = open_row(keys.outer, conv, seq, bytes(packed), bytes(sealed))
    row = replace(was, body=body)
    generation = int.from_bytes(bytes(sealed)[:2], "big")
    again = seal_row(keys.outer, generation, conv, seq, bytes(packed), row)
    assert await house.change("UPDATE event SET sealed = ? WHERE seq = ?", again, seq) == 1


async def test_another_body_under_the_outer_key_breaks_the_chain(house: House) -> None:
    days = await Days().go_by(house.store)
    await with_another_body(house, 8, b"\x01" + bytes(90), days.conv)
    await refused(house.store, days.conv, *SAID)


async def test_who_makes_the_whole_chain_anew_cannot_keep_the_old_message(house: House) -> None:
    days = await Days().go_by(house.store)
    other = b"\x01" + bytes(90)
    await with_another_body(house, 9, other, days.conv)
    ((before,),) = await house.ask("SELECT chain0 FROM epoch WHERE epoch = 3")
    chain = extended(bytes(before), days.expected(8).link)
    forged = link(9, days.said[9].fields, other)
    await house.change("UPDATE conv SET chain = ?", extended(chain, forged))
    # Nothing in the conversation betrays it, but what it says is not what was reported.
    (report,) = await chains(house.store)
    assert report.ok
    found = await house.store.conversations.witness(days.conv, 9)
    assert found == Witness(days.hh[3], forged)
    assert found != days.expected(9)


# --- witnessed ------------------------------------------------------------------------------------


async def test_every_message_is_witnessed_as_it_was_committed(store: Store) -> None:
    days = await Days().go_by(store)
    for seq in SAID:
        assert await store.conversations.witness(days.conv, seq) == days.expected(seq)


async def test_a_redacted_and_a_destroyed_body_leave_what_was_said(store: Store) -> None:
    days = await Days().go_by(store)
    target = days.said[6].fields.event_id
    await say(store, days.at, event(days.conv, ALICE, redacts=target, destroy_after=99))
    assert await store.conversations.witness(days.conv, 6) == days.expected(6)
    await store.destroy_held(99)
    assert await store.conversations.witness(days.conv, 6) == days.expected(6)


async def test_what_retention_ended_is_told_apart_and_the_rest_goes_on(store: Store) -> None:
    days = await Days().go_by(store)
    await days.end(store, 20_002, clear=False)
    # Already where nothing was deleted yet.
    assert await store.conversations.witness(days.conv, 5) is None
    await days.end(store, 20_003)
    for seq, day in SAID.items():
        expected = days.expected(seq) if day == 3 else None
        assert await store.conversations.witness(days.conv, seq) == expected


async def test_state_that_was_kept_after_the_last_day_had_ended_is_witnessed(
    store: Store,
) -> None:
    days = await Days().go_by(store)
    await days.end(store, 20_009)
    assert await store.conversations.witness(days.conv, 9) is None
    room = await store.conversations.room(days.conv)
    assert room is not None
    state = event(days.conv, ALICE, type="m.room.topic", state_key="", body=b"\x00{}")
    at = Committed(days.conv, room.head, (), ())
    at = await say(store, at, state)
    expected = Witness(days.hh[3], link(10, state.fields, state.body))
    assert await store.conversations.witness(days.conv, 10) == expected
    days.at = at
    await say(store, at, event(days.conv, ALICE), start=epoch_start(4, ALICE, BOB))
    assert await store.conversations.witness(days.conv, 10) == expected


async def test_beside_somebody_who_writes_it_is_never_refused(store: Store) -> None:
    days = await Days().go_by(store)
    for _ in range(20):
        days.at = await say(store, days.at, event(days.conv, BOB, (ALICE,)))
        assert await store.conversations.witness(days.conv, 4) == days.expected(4)


async def test_a_long_course_is_left_to_the_doctor_but_not_the_message_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = await Days().go_by(house.store)
    assert await house.change("DELETE FROM event WHERE seq = 7") == 1
    await refused(house.store, days.conv, 6)
    # From event 6 to event 9 there are four.
    monkeypatch.setattr(course, "FEW", 4)
    await refused(house.store, days.conv, 6)
    monkeypatch.setattr(course, "FEW", 3)
    assert await house.store.conversations.witness(days.conv, 6) == days.expected(6)
    await refused(house.store, days.conv, 7)
    (report,) = await chains(house.store)
    assert report.detail == "event 7 is missing"
