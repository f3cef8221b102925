"""Accounts of staff in every store: whole or not at all, once where once is meant, sealed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.houses import House

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.staff_errors import SpentError
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken, TokenKind
from halfdoor.accounts.staff_store import StaffChange
from halfdoor.sealing.outer import RowMacError

NOW = 1_795_000_000_000
CANARY = "canary-of-a-pseudonym"
ROBIN = StaffRecord(
    id="stf_robin",
    name=CANARY,
    roles=("reviewer",),
    place="DE",
    people=("@canary-of-a-person:example.org",),
    created=NOW,
)
KIM = replace(ROBIN, id="stf_kim", people=())


def token(kind: TokenKind, lookup: bytes, staff: str = ROBIN.id, ends: int = 99) -> StaffToken:
    return StaffToken(
        kind=kind, lookup=lookup, staff=staff, created=NOW, expires=NOW + ends, last_used=NOW
    )


def passkey(lookup: bytes, staff: str = ROBIN.id, count: int = 0) -> PasskeyRecord:
    return PasskeyRecord(
        lookup=lookup,
        staff=staff,
        credential=b"canary-of-a-credential",
        public_key=b"public",
        count=count,
        created=NOW,
        last_used=NOW,
    )


async def test_what_was_kept_is_there_after_a_restart(house: House) -> None:
    invitation, session = token("invitation", b"i" * 32), token("session", b"s" * 32)
    kept = await house.store.staff.commit(
        StaffChange(staff=ROBIN, passkeys=(passkey(b"p" * 32),), adds=(invitation, session))
    )
    assert kept == replace(ROBIN, revision=1)
    await house.store.staff.commit(StaffChange(staff=KIM))
    await house.reopen()
    staff = house.store.staff
    assert await staff.member(ROBIN.id) == kept
    assert [one.id for one in await staff.members()] == [KIM.id, ROBIN.id]
    assert await staff.passkey(b"p" * 32) == passkey(b"p" * 32)
    assert await staff.passkeys(ROBIN.id) == [passkey(b"p" * 32)]
    assert await staff.token("invitation", invitation.lookup) == invitation
    assert await staff.tokens("session") == [session]
    # A lookup of one kind finds nothing of another.
    assert await staff.token("session", invitation.lookup) is None
    assert await staff.member("stf_nobody") is None
    assert await staff.passkey(b"q" * 32) is None
    assert await staff.passkeys(KIM.id) == []


async def test_who_read_an_older_revision_writes_nothing(house: House) -> None:
    staff = house.store.staff
    first = await staff.commit(StaffChange(staff=ROBIN))
    await staff.commit(StaffChange(staff=replace(first, roles=("lead",))))
    for stale in (first, ROBIN):
        late = StaffChange(
            staff=replace(stale, roles=("auditor",)),
            passkeys=(passkey(b"p" * 32),),
            adds=(token("session", b"s" * 32),),
        )
        with pytest.raises(ConflictError):
            await staff.commit(late)
    found = await staff.member(ROBIN.id)
    assert found is not None
    assert found.roles == ("lead",)
    assert await staff.passkeys(ROBIN.id) == []
    assert await staff.tokens("session") == []


async def test_what_is_good_once_is_taken_once_however_many_come(house: House) -> None:
    staff = house.store.staff
    kept = await staff.commit(StaffChange(staff=ROBIN, adds=(token("invitation", b"i" * 32),)))

    async def take(n: int) -> StaffRecord:
        return await staff.commit(
            StaffChange(
                staff=kept,
                takes=(("invitation", b"i" * 32),),
                passkeys=(passkey(bytes([n]) * 32),),
                adds=(token("session", bytes([n]) * 32),),
            )
        )

    ended: list[Any] = await asyncio.gather(*map(take, range(6)), return_exceptions=True)
    assert sum(isinstance(one, StaffRecord) for one in ended) == 1
    assert sum(isinstance(one, SpentError) for one in ended) == 5
    assert len(await staff.passkeys(ROBIN.id)) == len(await staff.tokens("session")) == 1


async def test_what_was_used_is_not_used_again(house: House) -> None:
    staff = house.store.staff
    used = token("challenge", b"c" * 32, staff="")
    kept = await staff.commit(StaffChange(staff=ROBIN, adds=(used,)))
    with pytest.raises(SpentError):
        await staff.commit(StaffChange(staff=kept, adds=(used,)))
    with pytest.raises(SpentError):
        await staff.commit(StaffChange(staff=KIM, adds=(used,)))
    assert await staff.member(KIM.id) is None


async def test_a_passkey_of_another_person_stays_theirs(house: House) -> None:
    staff = house.store.staff
    await staff.commit(StaffChange(staff=ROBIN, passkeys=(passkey(b"p" * 32),)))
    with pytest.raises(SpentError):
        await staff.commit(StaffChange(staff=KIM, passkeys=(passkey(b"p" * 32, KIM.id, 7),)))
    assert await staff.passkey(b"p" * 32) == passkey(b"p" * 32)
    kept = await staff.member(ROBIN.id)
    assert kept is not None
    await staff.commit(StaffChange(staff=kept, passkeys=(passkey(b"p" * 32, count=7),)))
    assert await staff.passkey(b"p" * 32) == passkey(b"p" * 32, count=7)


async def test_the_end_of_an_account_takes_what_is_theirs_and_nobody_elses(house: House) -> None:
    staff = house.store.staff
    mine = (token("session", b"1" * 32), token("session", b"2" * 32))
    other = token("session", b"3" * 32, KIM.id)
    kept = await staff.commit(StaffChange(staff=ROBIN, adds=mine, passkeys=(passkey(b"p" * 32),)))
    await staff.commit(StaffChange(staff=KIM, adds=(other,)))
    await staff.commit(
        StaffChange(
            staff=replace(kept, ended=NOW), removes=(b"p" * 32,), ends=("session", "invitation")
        )
    )
    assert await staff.tokens("session") == [other]
    assert await staff.passkey(b"p" * 32) is None


async def test_a_use_is_noted_and_an_end_is_an_end(house: House) -> None:
    staff = house.store.staff
    session = token("session", b"s" * 32)
    await staff.commit(StaffChange(staff=ROBIN, adds=(session,)))
    await staff.touch(session.lookup, NOW + 50)
    await staff.touch(session.lookup, NOW + 40)
    assert await staff.token("session", session.lookup) == replace(session, last_used=NOW + 50)
    await staff.drop("session", session.lookup)
    await staff.touch(session.lookup, NOW + 60)
    assert await staff.tokens("session") == []


async def test_the_sweep_takes_what_has_expired(house: House) -> None:
    staff = house.store.staff
    old, new = token("invitation", b"o" * 32, ends=10), token("invitation", b"n" * 32, ends=20)
    await staff.commit(StaffChange(staff=ROBIN, adds=(old, new)))
    assert await staff.sweep(NOW + 15) == 1
    assert await staff.tokens("invitation") == [new]


async def test_nothing_of_a_person_is_read_in_the_files(house: House) -> None:
    staff = house.store.staff
    await staff.commit(StaffChange(staff=ROBIN, passkeys=(passkey(b"p" * 32),)))
    raw = await house.raw()
    assert ROBIN.id.encode() in raw
    assert b"canary-of-a" not in raw


CHANGES = [
    ("staff", "UPDATE staff SET mac = (SELECT mac FROM staff WHERE id = 'stf_kim')"),
    ("staff", "UPDATE staff SET sealed = (SELECT sealed FROM staff WHERE id = 'stf_kim')"),
    ("staff_passkey", "UPDATE staff_passkey SET sealed = mac"),
    ("staff_token", "UPDATE staff_token SET sealed = mac"),
]


@pytest.mark.parametrize(("table", "change"), CHANGES)
async def test_a_row_changed_without_the_outer_key_is_refused_with_an_alarm(
    house: House, table: str, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    # SEALING §8 no. 51: who can write the database cannot make themselves staff.
    staff = house.store.staff
    session = token("session", b"s" * 32)
    await staff.commit(StaffChange(staff=ROBIN, passkeys=(passkey(b"p" * 32),), adds=(session,)))
    await staff.commit(StaffChange(staff=replace(KIM, roles=("admin",))))
    assert await house.change(f"{change} WHERE ub >= 0", people=True)
    staff = house.store.staff
    asks: dict[str, Callable[[], Awaitable[object]]] = {
        "staff": lambda: staff.member(ROBIN.id),
        "staff_passkey": lambda: staff.passkey(b"p" * 32),
        "staff_token": lambda: staff.token("session", session.lookup),
    }
    with caplog.at_level(logging.CRITICAL), pytest.raises(RowMacError):
        await asks[table]()
    assert "changed without the outer key" in caplog.text


async def test_a_row_of_one_person_does_not_serve_for_another(house: House) -> None:
    staff = house.store.staff
    await staff.commit(StaffChange(staff=ROBIN))
    await staff.commit(StaffChange(staff=replace(KIM, roles=("admin",))))
    await house.change("DELETE FROM staff WHERE id = 'stf_robin'", people=True)
    await house.change("UPDATE staff SET id = 'stf_robin' WHERE id = 'stf_kim'", people=True)
    with pytest.raises(RowMacError):
        await house.store.staff.member(ROBIN.id)
