"""Shares: k of each group and nobody less; whoever brings a bad one is named."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.sealing.epochs import NewEpoch, cek_commit
from halfdoor.sealing.labels import b64
from halfdoor.sealing.opening.shares import combine, open_share
from halfdoor.sealing.shares import (
    EscrowSet,
    EscrowSetError,
    ShareError,
    check_share,
    seal_share,
    share_commit,
    split,
)
from halfdoor.sealing.suites import XWING, PrivateKey

Expect = Callable[[], AbstractContextManager[None]]
Document = Callable[..., dict[str, Any]]

CEK = bytes(range(32))
HH = bytes(32)
KEYS = [PrivateKey.generate(1) for _ in range(7)]


def committed(escrow_set: EscrowSet, shares: Sequence[bytes]) -> list[bytes]:
    return [share_commit(escrow_set.hash, i, share) for i, share in enumerate(shares)]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_k_of_each_group_combine_and_one_fewer_does_not(data: st.DataObject) -> None:
    """SEALING §8 no. 1."""
    sizes = data.draw(st.lists(st.integers(2, 3), min_size=1, max_size=2), label="sizes")
    ks = [data.draw(st.integers(1 if len(sizes) == 2 else 2, n), label="k") for n in sizes]
    escrow_set = EscrowSet.from_document(plain_document(ks, sizes))
    shares = split(CEK, escrow_set)
    commits = committed(escrow_set, shares)
    chosen: list[list[int]] = []
    start = 0
    for k, n in zip(ks, sizes, strict=True):
        group = data.draw(st.permutations(range(start, start + n)), label="who")
        chosen.append(group[:k])
        start += n
    enough = [(i, shares[i]) for group in chosen for i in group]
    assert combine(escrow_set, commits, cek_commit(CEK), enough) == CEK
    for n in range(len(enough)):
        with pytest.raises(ShareError, match="it needs"):
            combine(escrow_set, commits, cek_commit(CEK), enough[:n] + enough[n + 1 :])


def plain_document(ks: list[int], sizes: list[int]) -> dict[str, Any]:
    keys = iter(KEYS)
    custodian = {
        "name": "N",
        "organisation": "O",
        "employer": "E",
        "approval_key": "",
        "notice_url": "",
    }
    return {
        "v": 1,
        "entity": "e",
        "suite": 1,
        "groups": [
            {
                "k": k,
                "custodians": [custodian | {"hpke": b64(next(keys).public.raw)} for _ in range(n)],
            }
            for k, n in zip(ks, sizes, strict=True)
        ],
        "open_until": None,
    }


def test_one_custodian_counted_twice_is_refused_even_beside_enough_others(
    three_of_five: EscrowSet,
) -> None:
    """SEALING §8 no. 2."""
    shares = split(CEK, three_of_five)
    commits = committed(three_of_five, shares)
    given_shares = [(0, shares[0]), (1, shares[1]), (4, shares[4])]
    assert combine(three_of_five, commits, cek_commit(CEK), given_shares) == CEK
    with pytest.raises(ShareError, match="given twice") as caught:
        combine(three_of_five, commits, cek_commit(CEK), [*given_shares, (4, shares[4])])
    assert caught.value.position == 4


def test_shares_of_another_conversation_do_not_pass_under_a_header_in_scope(
    three_of_five: EscrowSet, start: Callable[..., NewEpoch], custodians: list[PrivateKey]
) -> None:
    """SEALING §8 no. 5."""
    ours, other = start(), start(conv="!other:a.example")
    opened = [
        open_share(three_of_five, i, other.header.hh, key, other.shares[0][1][i])
        for i, key in enumerate(custodians)
    ]
    commits = ours.header.commits(three_of_five.hash)
    for i, share in enumerate(opened):
        with pytest.raises(ShareError, match="commits to") as caught:
            check_share(three_of_five, commits, i, share)
        assert caught.value.position == i


def test_a_sealed_share_opens_for_its_epoch_position_and_custodian_only(
    denied: Expect,
    three_of_five: EscrowSet,
    two_groups: EscrowSet,
    epoch: NewEpoch,
    custodians: list[PrivateKey],
) -> None:
    """SEALING §8 nos. 3 and 4."""
    hh, blobs = epoch.header.hh, epoch.shares[0][1]
    share = open_share(three_of_five, 2, hh, custodians[2], blobs[2])
    check_share(three_of_five, epoch.header.commits(three_of_five.hash), 2, share)
    for escrow_set, i, epoch_hash, key in (
        (three_of_five, 2, bytes(32), custodians[2]),
        (three_of_five, 1, hh, custodians[2]),
        (two_groups, 2, hh, custodians[2]),
        (three_of_five, 2, hh, custodians[1]),
    ):
        with denied():
            open_share(escrow_set, i, epoch_hash, key, blobs[2])


def test_whoever_brings_a_forged_share_is_named(three_of_five: EscrowSet) -> None:
    """SEALING §8 no. 21."""
    shares = split(CEK, three_of_five)
    commits = committed(three_of_five, shares)
    forged = bytearray(shares[3])
    forged[20] ^= 1
    with pytest.raises(ShareError, match="share 3: not the share the header commits to") as caught:
        combine(
            three_of_five,
            commits,
            cek_commit(CEK),
            [(0, shares[0]), (3, bytes(forged)), (1, shares[1])],
        )
    assert caught.value.position == 3


def check_named(
    escrow_set: EscrowSet, commits: list[bytes], i: int, share: bytes, check: str
) -> None:
    with pytest.raises(ShareError) as caught:
        check_share(escrow_set, commits, i, share)
    assert caught.value.check == check


def test_each_check_of_a_share_has_a_name(three_of_five: EscrowSet) -> None:
    shares = split(CEK, three_of_five)
    commits = committed(three_of_five, shares)
    for i, share in enumerate(shares):
        check_share(three_of_five, commits, i, share)
    many = "the header commits to another number of shares"
    check_named(three_of_five, commits[:4], 0, shares[0], many)
    check_named(three_of_five, [*commits, commits[0]], 0, shares[0], many)
    for i in (-1, 5):
        check_named(three_of_five, commits, i, shares[4], "no such position in the escrow set")
    # What the maker of the header himself committed to still has to have the form.
    for share in (b"", shares[0][:-1], shares[0] + b"\x00"):
        own = [share_commit(three_of_five.hash, 0, share), *commits[1:]]
        check_named(three_of_five, own, 0, share, "a share has 33 bytes")
    renumbered = b"\x02" + shares[0][1:]
    own = [share_commit(three_of_five.hash, 0, renumbered), *commits[1:]]
    wrong = "the number inside is not this custodian's"
    check_named(three_of_five, own, 0, renumbered, wrong)
    check_named(three_of_five, commits, 1, shares[0], wrong)


def test_shares_that_make_another_key_than_the_headers_are_refused(
    three_of_five: EscrowSet,
) -> None:
    shares = split(CEK, three_of_five)
    given_shares = list(enumerate(shares[:3]))
    with pytest.raises(ShareError, match="make another key"):
        combine(
            three_of_five, committed(three_of_five, shares), cek_commit(bytes(32)), given_shares
        )


def test_only_a_whole_key_is_split(denied: Expect, three_of_five: EscrowSet) -> None:
    for cek in (b"", CEK[:-1], CEK + b"\x00"):
        with denied():
            split(cek, three_of_five)


def test_the_last_groups_part_is_not_the_key(two_groups: EscrowSet) -> None:
    """With k = 1 the blocks of a share are its group's part, in clear."""
    shares = split(CEK, two_groups)
    assert shares[3][1:] == shares[4][1:] != CEK


def test_a_set_reads_with_positions_numbers_and_groups(
    two_groups: EscrowSet, custodians: list[PrivateKey]
) -> None:
    assert two_groups.thresholds == (2, 1)
    assert [(one.position, one.group, one.number) for one in two_groups.custodians] == [
        (0, 0, 1),
        (1, 0, 2),
        (2, 0, 3),
        (3, 1, 1),
        (4, 1, 2),
    ]
    assert [one.public for one in two_groups.custodians] == [key.public for key in custodians]
    blob = seal_share(two_groups, 3, b"\x01" + bytes(32), HH)
    assert open_share(two_groups, 3, HH, custodians[3], blob) == b"\x01" + bytes(32)


def test_a_set_of_suite_2_seals_to_suite_2(document: Document) -> None:
    keys = [PrivateKey.generate(XWING) for _ in range(2)]
    escrow_set = EscrowSet.from_document(document((2, keys), suite=XWING))
    share = split(CEK, escrow_set)[1]
    assert open_share(escrow_set, 1, HH, keys[1], seal_share(escrow_set, 1, share, HH)) == share


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"v": 2}, r"\$\.v"),
        ({"v": True}, r"\$\.v"),
        ({"suite": 3}, r"\$\.suite"),
        ({"groups": []}, r"\$\.groups"),
        ({"entity": 7}, r"\$\.entity"),
        ({"open_until": -1}, r"\$\.open_until"),
        ({"more": 1}, "more"),
    ],
)
def test_a_document_of_another_form_is_refused_by_name(
    document: Document, custodians: list[PrivateKey], change: dict[str, Any], why: str
) -> None:
    with pytest.raises(EscrowSetError, match=why):
        EscrowSet.from_document(document((3, custodians)) | change)


def test_a_set_that_one_person_could_open_is_refused(
    document: Document, custodians: list[PrivateKey]
) -> None:
    with pytest.raises(EscrowSetError, match="sum to at least 2"):
        EscrowSet.from_document(document((1, custodians)))
    two = EscrowSet.from_document(document((1, custodians[:2]), (1, custodians[2:])))
    assert two.thresholds == (1, 1)


def test_a_set_that_could_never_be_opened_is_refused(
    document: Document, custodians: list[PrivateKey]
) -> None:
    with pytest.raises(EscrowSetError, match="at least k"):
        EscrowSet.from_document(document((6, custodians)))
    with pytest.raises(EscrowSetError, match="at least k"):
        EscrowSet.from_document(document((2, custodians[:3]), (3, custodians[3:])))


def test_three_groups_or_a_threshold_of_none_are_refused(
    document: Document, custodians: list[PrivateKey]
) -> None:
    for groups in (
        [(1, custodians[:1]), (1, custodians[1:2]), (1, custodians[2:3])],
        [(0, custodians[:2]), (2, custodians[2:])],
    ):
        with pytest.raises(EscrowSetError):
            EscrowSet.from_document(document(*groups))


def test_one_key_in_two_places_is_refused(document: Document, custodians: list[PrivateKey]) -> None:
    with pytest.raises(EscrowSetError, match="their own"):
        EscrowSet.from_document(document((2, custodians[:2]), (1, custodians[1:3])))


def test_a_document_that_has_no_hash_is_refused(
    document: Document, custodians: list[PrivateKey]
) -> None:
    for change in ({"entity": "\ud800"}, {"open_until": 2**53}):
        with pytest.raises(EscrowSetError, match="canonical"):
            EscrowSet.from_document(document((3, custodians)) | change)


@pytest.mark.parametrize("name", ["hpke", "approval_key"])
def test_a_key_that_cannot_be_read_is_refused(
    document: Document, custodians: list[PrivateKey], name: str
) -> None:
    written = document((3, custodians))
    written["groups"][0]["custodians"][1][name] = "AAA"
    with pytest.raises(EscrowSetError, match="cannot be read"):
        EscrowSet.from_document(written)
