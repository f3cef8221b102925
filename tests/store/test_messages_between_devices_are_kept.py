"""Queues of messages between devices: durable, idempotent, bounded, and gone with their device."""

import asyncio
import logging
from typing import Any

import pytest
from tests.store.houses import House
from tests.store.making import ALICE, BOB, CAROL

from halfdoor.accounts.records import AccountRecord, DeviceRecord
from halfdoor.accounts.store import Change
from halfdoor.e2ee import to_device_store
from halfdoor.e2ee.to_device_store import SEEN_DAYS, Parcel
from halfdoor.messaging.mailbox import TO_DEVICE
from halfdoor.store.postgres import to_device as in_postgres
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.sqlite import to_device as in_sqlite
from halfdoor.store.sqlite.accounts import SqliteAccounts

TODAY = 20_700
OLM = "m.room.encrypted"
END = 2**62


def accounts(house: House) -> SqliteAccounts | PostgresAccounts:
    store = house.store
    if isinstance(store, PostgresStore):
        return PostgresAccounts(store.database, store.keys)
    return SqliteAccounts(store.database, store.keys)


def device(name: str) -> DeviceRecord:
    return DeviceRecord(id=name, session=f"s{name}", created=1)


async def sign_in(house: House, user: str, *names: str) -> AccountRecord:
    """Give *user* an account with devices."""
    record = AccountRecord(user=user, created=1, revision=0)
    devices = tuple(device(name) for name in names)
    return await accounts(house).commit(Change(account=record, expects=None, put_devices=devices))


def parcel(
    contents: dict[str, bytes], repeat: str = "r", sender: str = BOB, type: str = OLM
) -> Parcel:
    return Parcel(sender, type, repeat, contents)


async def queue(house: House, user: str, name: str, **span: Any) -> list[bytes]:
    found = await house.store.to_device.waiting(
        user, name, after=span.get("after", 0), upto=span.get("upto", END), limit=10_000
    )
    return [one.message.content for one in found if one.message is not None]


async def test_what_was_queued_is_there_after_a_restart_and_in_order(house: House) -> None:
    await sign_in(house, ALICE, "A", "B")
    ends = [
        await house.store.to_device.put(ALICE, parcel({"A": b'{"n":%d}' % n}, f"r{n}"), TODAY)
        for n in range(3)
    ]
    rows = await house.store.mailbox.inbox(ALICE, after=0, limit=10)
    assert [row.pos for row in rows] == ends
    assert {(row.kind, row.conv) for row in rows} == {(TO_DEVICE, "")}
    await house.reopen()
    assert await queue(house, ALICE, "A") == [b'{"n":0}', b'{"n":1}', b'{"n":2}']
    assert await queue(house, ALICE, "A", after=rows[0].pos) == [b'{"n":1}', b'{"n":2}']
    assert await queue(house, ALICE, "A", upto=rows[0].pos) == [b'{"n":0}']
    assert await queue(house, ALICE, "B") == []
    found = await house.store.to_device.waiting(ALICE, "A", after=0, upto=END, limit=1)
    assert [(one.message.type, one.message.sender) for one in found if one.message] == [(OLM, BOB)]


async def test_a_repeat_writes_nothing_and_leaves_no_gap(house: House) -> None:
    await sign_in(house, ALICE, "A")
    first = await house.store.to_device.put(ALICE, parcel({"A": b"{}"}), TODAY)
    await house.reopen()
    assert await house.store.to_device.put(ALICE, parcel({"A": b"{}"}), TODAY + SEEN_DAYS) is None
    assert await queue(house, ALICE, "A") == [b"{}"]
    assert first is not None
    assert await house.store.to_device.put(ALICE, parcel({"A": b"{}"}, "s"), TODAY) == first + 1
    # What is older is known no more, and its row is gone.
    later = TODAY + SEEN_DAYS + 1
    assert await house.store.to_device.put(ALICE, parcel({"A": b"{}"}, "t"), later) == first + 2
    seen = await house.ask("SELECT repeat FROM todev_seen", people=True)
    assert [row[0] for row in seen] == ["t"]


async def test_nobody_there_means_nothing_written(house: House) -> None:
    await sign_in(house, ALICE, "A")
    assert await house.store.to_device.put(ALICE, parcel({"B": b"{}"}), TODAY) is None
    assert await house.store.to_device.put(CAROL, parcel({"*": b"{}"}), TODAY) is None
    assert await house.store.mailbox.position(ALICE) == 0
    assert await house.ask("SELECT * FROM todev_seen", people=True) == []


async def test_a_star_reaches_every_device_with_one_row(house: House) -> None:
    await sign_in(house, ALICE, "A", "B")
    contents = {"*": b'{"all":1}', "B": b'{"own":1}'}
    await house.store.to_device.put(ALICE, parcel(contents), TODAY)
    assert await queue(house, ALICE, "A") == [b'{"all":1}']
    assert await queue(house, ALICE, "B") == [b'{"own":1}']
    assert len(await house.store.mailbox.inbox(ALICE, after=0, limit=9)) == 1


async def test_dropping_takes_what_was_given_of_that_device_alone(house: House) -> None:
    await sign_in(house, ALICE, "A", "B")
    store = house.store.to_device
    assert await store.oldest(ALICE, "A") is None
    ends = [await store.put(ALICE, parcel({"*": b"{}"}, f"r{n}"), TODAY) for n in range(3)]
    await store.drop(ALICE, "A", ends[1] or 0)
    assert await store.oldest(ALICE, "A") == ends[2]
    assert await store.oldest(ALICE, "B") == ends[0]
    assert len(await queue(house, ALICE, "B")) == 3


async def test_a_flood_displaces_the_flooder_first_and_the_queue_is_bounded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (to_device_store.MOST_OF_ONE, to_device_store.MOST_OF_ALL) == (500, 5_000)
    for module in (in_sqlite, in_postgres):
        monkeypatch.setattr(module, "MOST_OF_ONE", 5)
        monkeypatch.setattr(module, "MOST_OF_ALL", 12)
    await sign_in(house, ALICE, "A")
    store = house.store.to_device
    await store.put(ALICE, parcel({"A": b'"carol"'}, "c", sender=CAROL), TODAY)
    for n in range(20):
        assert await store.put(ALICE, parcel({"A": b"%d" % n}, f"r{n}"), TODAY) is not None
    kept = [b'"carol"', *(b"%d" % n for n in range(15, 20))]
    assert await queue(house, ALICE, "A") == kept
    for n in range(10):
        one = parcel({"A": b'"x%d"' % n}, f"x{n}", sender=f"@x{n}:a.example")
        await store.put(ALICE, one, TODAY)
    left = await queue(house, ALICE, "A")
    assert len(left) == 12
    assert left[-10:] == [b'"x%d"' % n for n in range(10)]


async def test_a_deleted_device_takes_its_queue_with_it(house: House) -> None:
    record = await sign_in(house, ALICE, "A", "B")
    await house.store.to_device.put(ALICE, parcel({"*": b"{}"}), TODAY)
    change = Change(account=record, expects=record.revision, drop_devices=("A",))
    record = await accounts(house).commit(change)
    assert await house.ask("SELECT DISTINCT device FROM todev", people=True) == [("B",)]
    assert await house.store.to_device.put(ALICE, parcel({"A": b"{}"}, "s"), TODAY) is None
    # Who comes back under the same name finds nothing of before.
    again = Change(account=record, expects=record.revision, put_devices=(device("A"),))
    await accounts(house).commit(again)
    assert await queue(house, ALICE, "A") == []


async def test_an_erased_person_leaves_no_row(house: House) -> None:
    await sign_in(house, ALICE, "A")
    await house.store.to_device.put(ALICE, parcel({"A": b"{}"}), TODAY)
    assert await house.store.erasures.drop_rest(ALICE)
    for table in ("todev", "todev_seen"):
        assert await house.ask(f"SELECT * FROM {table}", people=True) == []  # noqa: S608


async def test_the_sender_stands_nowhere_in_clear(house: House) -> None:
    await sign_in(house, ALICE, "A")
    content = b'{"x":"canary-between-devices"}'
    await house.store.to_device.put(ALICE, parcel({"A": content}, sender="@whistle:a.example"), 1)
    raw = await house.raw()
    assert b"whistle" not in raw
    assert b"canary-between-devices" not in raw


async def test_a_changed_row_is_skipped_with_an_alarm_and_the_next_is_given(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await sign_in(house, ALICE, "A", "B")
    for n in range(2):
        await house.store.to_device.put(ALICE, parcel({"*": b"%d" % n}, f"r{n}"), TODAY)
    first = await house.store.to_device.oldest(ALICE, "A")
    # A row of another device, moved there: bound to its place, it does not open.
    [(other,)] = await house.ask(
        f"SELECT sealed FROM todev WHERE device = 'B' AND pos = {first}",  # noqa: S608
        people=True,
    )
    statement = f"UPDATE todev SET sealed = ? WHERE device = 'A' AND pos = {first}"  # noqa: S608
    assert await house.change(statement, other, people=True) == 1
    with caplog.at_level(logging.CRITICAL, "halfdoor.alarm"):
        assert await queue(house, ALICE, "A") == [b"1"]
    assert "changed without the outer key" in caplog.text
    found = await house.store.to_device.waiting(ALICE, "A", after=0, upto=END, limit=9)
    assert [one.message is None for one in found] == [True, False]


def test_a_parcel_shows_nothing_of_what_it_holds() -> None:
    assert "canary" not in repr(parcel({"A": b"canary"}))


def test_what_keeps_queues_shows_no_key(embedded_store: Any) -> None:
    assert repr(embedded_store.to_device) == "SqliteToDevice(…)"


async def test_who_signs_out_while_messages_come_leaves_none_behind(served: House) -> None:
    for n in range(20):
        user = f"@user{n}:a.example"
        record = await sign_in(served, user, "A", "B")
        drop = Change(account=record, expects=record.revision, drop_devices=("A",))
        await asyncio.gather(
            *[
                served.store.to_device.put(user, parcel({"*": b"{}"}, f"r{one}"), TODAY)
                for one in range(4)
            ],
            accounts(served).commit(drop),
            *[
                served.store.to_device.put(user, parcel({"*": b"{}"}, f"s{one}"), TODAY)
                for one in range(4)
            ],
        )
        assert len(await queue(served, user, "B")) == 8
        rows = await served.store.mailbox.inbox(user, after=0, limit=99)
        assert [row.pos for row in rows] == list(range(1, 9))
    assert await served.ask("SELECT * FROM todev WHERE device = 'A'", people=True) == []


async def test_the_same_request_twice_at_once_is_kept_once(house: House) -> None:
    await sign_in(house, ALICE, "A")
    one = parcel({"A": b"{}"})
    found = await asyncio.gather(*[house.store.to_device.put(ALICE, one, TODAY) for _ in range(8)])
    assert len([pos for pos in found if pos is not None]) == 1
    assert await queue(house, ALICE, "A") == [b"{}"]
