"""Epochs: only those whom header or records name open one, and neither can be edited."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from halfdoor.sealing.epochs import (
    Member,
    NewEpoch,
    ReaderRecord,
    add_reader,
    parse_header,
    parse_record,
    reader_hashes,
    wrap_info,
)
from halfdoor.sealing.labels import H, b64, canonical, enc
from halfdoor.sealing.opening.epochs import open_cek, open_late_cek
from halfdoor.sealing.opening.shares import combine, open_share
from halfdoor.sealing.shares import EscrowSet
from halfdoor.sealing.suites import PrivateKey

Expect = Callable[[], AbstractContextManager[None]]
Start = Callable[..., NewEpoch]

ALICE = "@alice:a.example"
BOB = "@bob:a.example"
CAROL = "@carol:a.example"


def edited(raw: bytes, **fields: Any) -> bytes:
    return canonical(json.loads(raw) | fields)


def test_each_member_opens_the_epoch_and_so_do_k_custodians(
    epoch: NewEpoch,
    alice: PrivateKey,
    bob: PrivateKey,
    three_of_five: EscrowSet,
    custodians: list[PrivateKey],
) -> None:
    header = epoch.header
    for user, key in ((ALICE, alice), (BOB, bob)):
        assert open_cek(header, header.hh, user, key, epoch.wraps[user]) == epoch.cek
    ((set_hash, blobs),) = epoch.shares
    assert set_hash == three_of_five.hash
    shares = [
        (i, open_share(three_of_five, i, header.hh, custodians[i], blobs[i])) for i in (4, 0, 2)
    ]
    commits = header.commits(set_hash)
    assert combine(three_of_five, commits, header.cek_commit, shares) == epoch.cek
    assert header.commits(bytes(32)) == ()


def test_a_wrap_opens_no_other_epoch_and_no_other_conversation(
    denied: Expect, epoch: NewEpoch, start: Start, alice: PrivateKey
) -> None:
    """SEALING §8 nos. 3 and 4."""
    later = start(epoch=2, prev=epoch.header.hh)
    elsewhere = start(conv="!other:a.example")
    for other in (later, elsewhere):
        with denied():
            open_cek(other.header, other.header.hh, ALICE, alice, epoch.wraps[ALICE])
        with denied():
            open_cek(epoch.header, other.header.hh, ALICE, alice, epoch.wraps[ALICE])


def test_an_edited_header_is_not_the_one_the_reader_knows(
    denied: Expect, epoch: NewEpoch, alice: PrivateKey
) -> None:
    """SEALING §8 no. 6."""
    header = epoch.header
    for fields in (
        {"conv": "!other:a.example"},
        {"members": [[ALICE, b64(alice.kid)]]},
        {"day": 1},
        {"entity": "b.example"},
    ):
        other = parse_header(edited(header.bytes, **fields))
        assert other.hh != header.hh
        with denied():
            open_cek(other, header.hh, ALICE, alice, epoch.wraps[ALICE])
        with denied():
            open_cek(other, other.hh, ALICE, alice, epoch.wraps[ALICE])


def test_there_is_no_escrow_in_an_end_to_end_encrypted_epoch(
    denied: Expect, start: Start, three_of_five: EscrowSet
) -> None:
    """SEALING §8 no. 23."""
    with denied():
        start(posture="e2ee")
    epoch = start(posture="e2ee", escrow=[])
    assert epoch.shares == []
    assert epoch.header.commits(three_of_five.hash) == ()


def test_a_standard_epoch_has_one_or_two_escrow_sets(
    denied: Expect, start: Start, three_of_five: EscrowSet, two_groups: EscrowSet
) -> None:
    for escrow in ([], [three_of_five, three_of_five]):
        with denied():
            start(escrow=escrow)
    assert len(start(escrow=[three_of_five, two_groups]).shares) == 2
    third = replace(three_of_five, hash=bytes(32))
    with denied():
        start(escrow=[three_of_five, two_groups, third])


def test_who_is_no_member_opens_nothing_even_with_a_wrap_made_for_them(
    denied: Expect, epoch: NewEpoch, carol: PrivateKey, alice: PrivateKey
) -> None:
    """SEALING §8 no. 24."""
    header = epoch.header
    forged = carol.public.seal(wrap_info(header.hh, CAROL), epoch.cek)
    with denied():
        open_cek(header, header.hh, CAROL, carol, forged)
    as_alice = carol.public.seal(wrap_info(header.hh, ALICE), epoch.cek)
    with denied():
        open_cek(header, header.hh, ALICE, carol, as_alice)


def test_a_swapped_or_foreign_wrap_opens_nothing(
    denied: Expect, epoch: NewEpoch, alice: PrivateKey
) -> None:
    """SEALING §8 no. 24."""
    header = epoch.header
    with denied():
        open_cek(header, header.hh, ALICE, alice, epoch.wraps[BOB])
    # One member given another key than the rest could be shown another conversation.
    for cek in (bytes(32), epoch.cek[:-1]):
        forged = alice.public.seal(wrap_info(header.hh, ALICE), cek)
        with denied():
            open_cek(header, header.hh, ALICE, alice, forged)


def test_a_member_without_a_key_stands_in_the_header_and_gets_no_wrap(
    start: Start, alice: PrivateKey
) -> None:
    epoch = start(members=[Member("@dave:a.example", None), Member(ALICE, alice.public)])
    assert epoch.header.members == ((ALICE, alice.kid), ("@dave:a.example", None))
    assert epoch.header.kid_of("@dave:a.example") is None
    assert list(epoch.wraps) == [ALICE]


def test_a_member_named_twice_is_refused(denied: Expect, start: Start, alice: PrivateKey) -> None:
    with denied():
        start(members=[Member(ALICE, alice.public), Member(ALICE, None)])


@pytest.mark.parametrize(
    "fields",
    [
        {"v": True},
        {"epoch": 0},
        {"epoch": True},
        {"day": -1},
        {"posture": "Standard"},
        {"prev": "AAAA"},
        {"entity": None},
        {"members": [[ALICE]]},
        {"members": [["b", None], ["a", None]]},
        {"members": [["a", "A" * 43]]},
        {"members": None},
        {"escrow": {}},
        {"cek_commit": "A" * 42 + "B="},
        {"epoch": 2},
        {"prev": b64(b"\x01" * 32)},
    ],
)
def test_a_header_of_another_form_is_refused(
    denied: Expect, epoch: NewEpoch, fields: dict[str, Any]
) -> None:
    with denied():
        parse_header(edited(epoch.header.bytes, **fields))


def test_a_header_that_is_not_canonical_is_refused(denied: Expect, epoch: NewEpoch) -> None:
    raw = epoch.header.bytes
    assert parse_header(raw) == epoch.header
    assert epoch.header.hh == H(enc("header", raw))
    for other in (b"", b"null", raw + b" ", raw[:-1] + b',"x":1}', raw[:-1] + b',"v":1}', b"\xff"):
        with denied():
            parse_header(other)


@pytest.fixture
def added(
    epoch: NewEpoch, carol: PrivateKey, bob: PrivateKey
) -> tuple[list[ReaderRecord], list[bytes]]:
    """Two readers added: Dave by Alice, then Carol by Bob."""
    dave = PrivateKey.generate(2)
    first, _, wrap = add_reader(
        epoch.header, epoch.cek, [], "@dave:a.example", dave.public, ALICE, 20_780
    )
    second, rh, late = add_reader(
        epoch.header, epoch.cek, [first], CAROL, carol.public, BOB, 20_783
    )
    assert rh == second.rh
    return [first, second], [wrap, late]


def test_a_newcomer_with_a_record_opens_the_epoch(
    epoch: NewEpoch, carol: PrivateKey, added: tuple[list[ReaderRecord], list[bytes]]
) -> None:
    records, wraps = added
    header = epoch.header
    assert open_late_cek(header, header.hh, records, 1, CAROL, carol, wraps[1]) == epoch.cek
    assert records[0].prev == header.hh
    assert records[1].prev == records[0].rh
    assert [record.granted_by for record in records] == [ALICE, BOB]
    assert [parse_record(record.bytes) for record in records] == records


def test_a_late_reader_without_a_record_opens_nothing(
    denied: Expect,
    epoch: NewEpoch,
    bob: PrivateKey,
    carol: PrivateKey,
    added: tuple[list[ReaderRecord], list[bytes]],
) -> None:
    """SEALING §8 no. 25."""
    records, wraps = added
    header = epoch.header
    info = enc("cek-wrap-late", records[1].rh, BOB)
    with denied():
        open_late_cek(header, header.hh, records, 1, BOB, bob, bob.public.seal(info, epoch.cek))
    # Carol's name with another key, and Carol's key with another name.
    info = enc("cek-wrap-late", records[1].rh, CAROL)
    with denied():
        open_late_cek(header, header.hh, records, 1, CAROL, bob, bob.public.seal(info, epoch.cek))
    info = enc("cek-wrap-late", records[1].rh, BOB)
    with denied():
        open_late_cek(header, header.hh, records, 1, BOB, carol, carol.public.seal(info, epoch.cek))
    for n in (-1, 0, 2):
        with denied():
            open_late_cek(header, header.hh, records, n, CAROL, carol, wraps[1])
    with denied():
        open_late_cek(header, header.hh, records[:1], 1, CAROL, carol, wraps[1])


def test_a_reader_list_changed_afterwards_does_not_hold(
    denied: Expect,
    epoch: NewEpoch,
    carol: PrivateKey,
    added: tuple[list[ReaderRecord], list[bytes]],
) -> None:
    """SEALING §8 no. 25."""
    (first, second), wraps = added
    header = epoch.header
    assert reader_hashes(header.hh, [first, second]) == [first.rh, second.rh]
    for fields in ({"granted_by": "@m:x"}, {"user": BOB}, {"day": 0}, {"hh": b64(bytes(32))}):
        changed = parse_record(edited(first.bytes, **fields))
        with denied():
            reader_hashes(header.hh, [changed, second])
        late = parse_record(edited(second.bytes, **fields))
        with denied():
            open_late_cek(header, header.hh, [first, late], 1, CAROL, carol, wraps[1])
    for records in ([second, first], [second], [first, first]):
        with denied():
            reader_hashes(header.hh, records)
    with denied():
        reader_hashes(bytes(32), [first])
    # A record that fits the chain but names another epoch.
    elsewhere = parse_record(edited(first.bytes, hh=b64(bytes(32))))
    with denied():
        reader_hashes(header.hh, [elsewhere])


def test_a_late_wrap_needs_the_header_the_reader_knows(
    denied: Expect,
    epoch: NewEpoch,
    carol: PrivateKey,
    added: tuple[list[ReaderRecord], list[bytes]],
) -> None:
    records, wraps = added
    hh = epoch.header.hh
    other = parse_header(edited(epoch.header.bytes, day=1))
    with denied():
        open_late_cek(other, hh, records, 1, CAROL, carol, wraps[1])
    info = enc("cek-wrap-late", records[1].rh, CAROL)
    with denied():
        forged = carol.public.seal(info, bytes(32))
        open_late_cek(epoch.header, hh, records, 1, CAROL, carol, forged)


def test_a_reader_is_added_with_the_epochs_own_key_only(
    denied: Expect, epoch: NewEpoch, carol: PrivateKey
) -> None:
    with denied():
        add_reader(epoch.header, bytes(32), [], CAROL, carol.public, ALICE, 1)


@pytest.mark.parametrize(
    "fields", [{"v": 2}, {"kid": None}, {"day": -1}, {"more": 1}, {"prev": "AAAA"}]
)
def test_a_record_of_another_form_is_refused(
    denied: Expect,
    added: tuple[list[ReaderRecord], list[bytes]],
    fields: dict[str, Any],
) -> None:
    with denied():
        parse_record(edited(added[0][0].bytes, **fields))
    for raw in (b"", b"null", added[0][0].bytes + b" "):
        with denied():
            parse_record(raw)
