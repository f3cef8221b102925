"""No custodian ever gets a share of an end-to-end encrypted conversation, whoever writes it."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.messaging.little_house import escrow_set
from tests.store.making import ALICE, BOB, Store, event, found, founding, saying

import halfdoor
from halfdoor.ids import new_room_id
from halfdoor.messaging.ledger import Append, EpochStart
from halfdoor.sealing.epochs import NO_EPOCH, Member, Posture, new_epoch
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import XWING, PrivateKey
from halfdoor.store.epoch_shares import SharesError

SOURCE = Path(halfdoor.__file__).parent
ESCROW = escrow_set()


def start(conv: str, posture: Posture, *, number: int = 1, prev: bytes = NO_EPOCH) -> EpochStart:
    """Return an epoch as `messaging.keep` makes it."""
    made = new_epoch(
        entity="a.example",
        conv=conv,
        epoch=number,
        day=20_001,
        posture=posture,
        prev=prev,
        members=[Member(one, PrivateKey.generate(XWING).public) for one in (ALICE, BOB)],
        escrow=[ESCROW] if posture == "standard" else [],
    )
    return EpochStart(
        number, made.header.hh, 20_001, made.header.bytes, made.wraps, list(made.shares)
    )


def smuggled(conv: str) -> EpochStart:
    """Return an end-to-end encrypted epoch with the shares of another one beside it."""
    shares = start(conv, "standard").shares
    assert shares
    return replace(start(conv, "e2ee"), shares=shares)


def beginning(conv: str, begin: EpochStart) -> Append:
    return replace(founding(conv, ALICE, BOB), start=begin)


async def test_a_conversation_that_begins_with_shares_is_refused(store: Store) -> None:
    conv = new_room_id("a.example")
    with pytest.raises(SharesError):
        await store.conversations.append(beginning(conv, smuggled(conv)))
    assert await store.conversations.room(conv) is None


async def test_a_later_epoch_with_shares_is_refused(store: Store) -> None:
    conv = new_room_id("a.example")
    at = await store.conversations.append(beginning(conv, start(conv, "e2ee")))
    later = replace(smuggled(conv), epoch=2)
    with pytest.raises(SharesError):
        await store.conversations.append(
            replace(saying(at, event(conv, ALICE, (BOB,))), start=later)
        )
    room = await store.conversations.room(conv)
    assert room is not None
    assert (room.head.epoch, room.head.last_seq) == (1, at.head.last_seq)


async def test_without_shares_it_is_kept_and_a_standard_one_with_them(store: Store) -> None:
    for posture in ("e2ee", "standard"):
        conv = new_room_id("a.example")
        kept = await store.conversations.append(beginning(conv, start(conv, posture)))
        assert kept.head.epoch == 1
    assert (await found(store, ALICE, BOB)).head.epoch == 1


def test_nothing_seals_shares_for_an_end_to_end_encrypted_epoch() -> None:
    conv = new_room_id("a.example")
    with pytest.raises(Denied):
        new_epoch(
            entity="a.example",
            conv=conv,
            epoch=1,
            day=20_001,
            posture="e2ee",
            prev=NO_EPOCH,
            members=[Member(ALICE, PrivateKey.generate(XWING).public)],
            escrow=[ESCROW],
        )


def files(pattern: str, *suffixes: str) -> set[str]:
    """Return the files of the source that hold *pattern*."""
    return {
        path.relative_to(SOURCE).as_posix()
        for suffix in suffixes
        for path in SOURCE.rglob(f"*{suffix}")
        if re.search(pattern, path.read_text())
    }


def test_there_is_one_way_to_a_row_of_shares_and_it_goes_past_the_gate() -> None:
    # Who makes shares at all: only a new epoch.
    assert files(r"\bseal_share\(", ".py") == {"sealing/shares.py", "sealing/epochs.py"}
    # Who makes epochs: only what seals what people write; everything goes through one function.
    assert files(r"\bunwrapped_epoch\(|\bnew_epoch\(", ".py") == {
        "sealing/epochs.py",
        "messaging/epoch_making.py",
    }
    # Who writes rows of shares: one statement in each store, beside what copies a whole database.
    assert files(r"(?i)insert\s+into\s+share\b", ".sql", ".py") == {"store/sqlite/epochs.sql"}
    assert files(r'turn\.add\("share"', ".py") == {"store/postgres/epoch_rows.py"}
    assert files(r'_SQL\["insert_share"\]', ".py") == {"store/sqlite/epochs.py"}
    assert files(r"\bcheck_shares\(", ".py") == {
        "store/epoch_shares.py",
        "store/sqlite/conversations.py",
        "store/postgres/conversations.py",
    }
