"""Someone who can write the database but has no outer key changes nothing that is believed.

SEALING §8, no. 51, for the rows of conversations and of room lists.
"""

import pytest
from tests.store.houses import House
from tests.store.making import (
    ALICE,
    BOB,
    CAROL,
    chains,
    epoch_start,
    event,
    found,
    member_event,
    say,
)

from halfdoor.messaging.mailbox import AccountData
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import RowMacError


async def tamper(house: House, statement: str, *values: object, people: bool = False) -> None:
    """Change rows as somebody would who can write the database and has no key."""
    assert await house.change(statement, *values, people=people) > 0


SWAP_BETWEEN_CONVERSATIONS = """
    UPDATE event SET sealed = (
        SELECT other.sealed FROM event AS other JOIN conv ON conv.cb = other.cb AND conv.c = other.c
        WHERE conv.conv_id = ? AND other.seq = 4)
    WHERE seq = 4 AND (cb, c) = (SELECT cb, c FROM conv WHERE conv_id = ?)
"""


async def test_an_event_moved_to_another_conversation_does_not_open(house: House) -> None:
    one, two = await found(house.store, ALICE, BOB), await found(house.store, ALICE, BOB)
    for at in (one, two):
        await say(house.store, at, event(at.conv, ALICE))
    await tamper(house, SWAP_BETWEEN_CONVERSATIONS, one.conv, two.conv)
    with pytest.raises(Denied):
        await house.store.conversations.events(
            two.conv, after=0, before=9, limit=9, newest_first=False
        )
    reports = {report.conv: report for report in await chains(house.store)}
    assert reports[one.conv].ok
    assert not reports[two.conv].ok
    assert reports[two.conv].detail == "event 4 does not open in its place"


async def test_an_event_moved_within_its_conversation_does_not_open(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    await say(house.store, at, event(at.conv, ALICE), event(at.conv, BOB))
    await tamper(
        house, "UPDATE event SET sealed = (SELECT sealed FROM event WHERE seq = 4) WHERE seq = 5"
    )
    with pytest.raises(Denied):
        await house.store.conversations.events(
            at.conv, after=4, before=9, limit=9, newest_first=False
        )


async def test_an_event_under_another_id_does_not_open(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    await tamper(house, "UPDATE event SET event_id = zeroblob(32) WHERE seq = 2")
    with pytest.raises(Denied):
        await house.store.conversations.room(at.conv)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wrap SET sealed = (SELECT sealed FROM wrap WHERE m = 1) WHERE m = 2",
        "UPDATE epoch SET sealed = zeroblob(80)",
    ],
)
async def test_a_wrap_or_header_moved_does_not_open(house: House, change: str) -> None:
    at = await found(house.store, ALICE, BOB)
    await tamper(house, change)
    with pytest.raises(Denied):
        await house.store.conversations.newest_epochs(at.conv, BOB, 1)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE member SET membership = 'join' WHERE m = 2",
        "UPDATE member SET user_id = '@mallory:a.example' WHERE m = 2",
        "UPDATE member SET since_seq = 1 WHERE m = 2",
        "UPDATE member SET event_seq = 0 WHERE m = 2",
        "DELETE FROM member WHERE m = 2",
        # Hiding the event by which somebody left, or was invited, is found by the member row.
        "UPDATE event SET state = FALSE WHERE seq = 3",
        "DELETE FROM event WHERE seq = 3",
    ],
)
async def test_a_membership_changed_on_the_disk_is_refused(house: House, change: str) -> None:
    at = await found(house.store, ALICE, BOB)
    await tamper(house, change)
    with pytest.raises(RowMacError):
        await house.store.conversations.room(at.conv)


async def test_a_member_row_of_another_conversation_is_refused(house: House) -> None:
    one, two = await found(house.store, ALICE, BOB), await found(house.store, ALICE, CAROL)
    await tamper(
        house,
        """UPDATE member SET (user_id, mac) = (
               SELECT user_id, mac FROM member WHERE user_id = ?) WHERE user_id = ?""",
        BOB,
        CAROL,
    )
    with pytest.raises(RowMacError):
        await house.store.conversations.room(two.conv)
    assert await house.store.conversations.room(one.conv) is not None
    late = member_event(two.conv, CAROL, CAROL, "join", (ALICE,))
    with pytest.raises(RowMacError):
        await say(house.store, two, late)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE umember SET membership = 'join' WHERE membership = 'invite'",
        "UPDATE umember SET since_seq = 1 WHERE membership = 'invite'",
        "UPDATE umember SET conv_id = '!other:a.example' WHERE membership = 'invite'",
    ],
)
async def test_a_room_list_changed_on_the_disk_is_refused(house: House, change: str) -> None:
    at = await found(house.store, ALICE, BOB)
    await tamper(house, change, people=True)
    with pytest.raises(RowMacError):
        await house.store.mailbox.places(BOB)
    with pytest.raises(RowMacError):
        await house.store.mailbox.place(BOB, "!other:a.example" if "other" in change else at.conv)
    assert len(await house.store.mailbox.places(ALICE)) == 1


async def test_a_place_moved_to_another_person_is_refused(house: House) -> None:
    await found(house.store, ALICE, BOB)
    await tamper(
        house,
        """UPDATE umember SET (membership, since_seq, mac) = (
               SELECT membership, since_seq, mac FROM umember WHERE membership = 'join')
           WHERE membership = 'invite'""",
        people=True,
    )
    with pytest.raises(RowMacError):
        await house.store.mailbox.places(BOB)


async def test_account_data_moved_to_another_person_does_not_open(house: House) -> None:
    for user in (ALICE, BOB):
        await house.store.mailbox.set_account_data(
            user, AccountData("", "m.direct", user.encode(), sealed=True, pos=0)
        )
    await tamper(
        house,
        "UPDATE account_data SET sealed = (SELECT sealed FROM account_data ORDER BY ub LIMIT 1)",
        people=True,
    )
    opened = 0
    for user in (ALICE, BOB):
        try:
            await house.store.mailbox.account_data(user)
            opened += 1
        except Denied:
            continue
    assert opened == 1


BREAKS: list[tuple[str, str]] = [
    ("DELETE FROM event WHERE seq = 5", "event 5 is missing"),
    ("DELETE FROM event WHERE seq = 6", "events are missing at the end"),
    ("UPDATE conv SET last_seq = 5", "events are missing at the end"),
    ("UPDATE conv SET chain = zeroblob(32)", "the events do not make the chain that is stored"),
    ("UPDATE conv SET hh = zeroblob(32)", "the newest epoch is another than the conversation's"),
    ("UPDATE epoch SET first_seq = 2", "event 1 belongs to another epoch"),
    (
        "UPDATE epoch SET chain0 = zeroblob(32)",
        "the events before epoch 1 do not make the chain it began at",
    ),
    ("UPDATE epoch SET epoch = 7", "an epoch is missing"),
    ("UPDATE event SET sealed = zeroblob(90) WHERE seq = 4", "event 4 does not open in its place"),
]


@pytest.mark.parametrize(("change", "detail"), BREAKS)
async def test_the_chains_say_what_was_changed(house: House, change: str, detail: str) -> None:
    at = await found(house.store, ALICE, BOB)
    await say(house.store, at, *(event(at.conv, ALICE) for _ in range(3)))
    assert [(report.conv, report.ok) for report in await chains(house.store)] == [(at.conv, True)]
    await tamper(house, change)
    assert [tuple(report)[:3] for report in await chains(house.store)] == [(at.conv, False, detail)]


async def test_an_epoch_without_events_is_still_whole(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    await say(house.store, at, start=epoch_start(2, ALICE, BOB))
    assert [tuple(report)[1:3] for report in await chains(house.store)] == [(True, "3 events")]
