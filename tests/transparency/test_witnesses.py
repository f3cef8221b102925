"""A witness vouches for one history only, and keeps what shows that there were two."""

import asyncio

import pytest
from tests.transparency.log_fakes import KEYS, LOG, ORIGIN, FakeWitnessStore, StillClock

from halfdoor.merkle.add_checkpoint import AddCheckpoint
from halfdoor.merkle.checkpoint import Checkpoint, Head, check_signed, parse_checkpoint
from halfdoor.merkle.cosignature import check_cosigned
from halfdoor.merkle.note import Note, parse_signatures
from halfdoor.merkle.proofs import consistency_proof
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tree import leaf_hash, root_of_hashes
from halfdoor.transparency.witnessing import SIZE, Reply, Witness

LEAVES = [leaf_hash(bytes([n])) for n in range(20)]
OTHER = [leaf_hash(b"other" + bytes([n])) for n in range(20)]


def signed(size: int, leaves: list[bytes] = LEAVES, key: SigningKey = LOG) -> Checkpoint:
    return key.sign(Head(key.public.name, size, root_of_hashes(leaves[:size])))


def request(old: int, size: int, leaves: list[bytes] = LEAVES) -> bytes:
    proof = consistency_proof(old, size, lambda a, b: root_of_hashes(leaves[a:b]))
    return str(AddCheckpoint(old, tuple(proof), signed(size, leaves))).encode()


@pytest.fixture
def store() -> FakeWitnessStore:
    return FakeWitnessStore()


@pytest.fixture
def witness(store: FakeWitnessStore) -> Witness:
    return Witness(KEYS["w1"], {ORIGIN: LOG.public}, store, StillClock())


def cosigned_at(reply: Reply, size: int, leaves: list[bytes] = LEAVES) -> int | None:
    assert reply.status == 200
    checkpoint = signed(size, leaves)
    note = Note(checkpoint.note.text, parse_signatures(reply.text))
    return check_cosigned(Checkpoint(checkpoint.head, note), KEYS["w1"].public)


async def test_it_vouches_for_a_log_that_grows(witness: Witness) -> None:
    assert cosigned_at(await witness.add_checkpoint(request(0, 3)), 3) == 1_700_000_000
    assert cosigned_at(await witness.add_checkpoint(request(3, 11)), 11)
    # Again, to renew.
    assert cosigned_at(await witness.add_checkpoint(request(11, 11)), 11)


async def test_who_does_not_know_where_it_stands_is_told(witness: Witness) -> None:
    await witness.add_checkpoint(request(0, 5))
    for body in (request(0, 9), request(3, 9), request(3, 4)):
        reply = await witness.add_checkpoint(body)
        assert (reply.status, reply.media_type, reply.text) == (409, SIZE, "5\n")


async def test_it_never_vouches_for_a_smaller_or_another_tree(
    witness: Witness, store: FakeWitnessStore
) -> None:
    await witness.add_checkpoint(request(0, 5))
    before = dict(store.kept)
    assert (await witness.add_checkpoint(request(0, 4))).status == 409
    wrong = str(AddCheckpoint(5, (), signed(9, OTHER))).encode()
    assert (await witness.add_checkpoint(wrong)).status == 422
    assert (await witness.add_checkpoint(request(5, 9, OTHER))).status == 422
    assert store.kept == before


async def test_two_trees_of_one_size_are_kept_as_evidence_that_anyone_can_check(
    witness: Witness, store: FakeWitnessStore
) -> None:
    await witness.add_checkpoint(request(0, 5))
    assert (await witness.add_checkpoint(request(5, 5, OTHER))).status == 409
    [(ours, theirs)] = store.evidence
    one, two = parse_checkpoint(ours), parse_checkpoint(theirs)
    check_signed(one, LOG.public)
    check_signed(two, LOG.public)
    assert one.head.size == two.head.size
    assert one.head.root != two.head.root


async def test_who_is_unknown_or_did_not_sign_is_refused(
    witness: Witness, store: FakeWitnessStore
) -> None:
    stranger = SigningKey.of_log("example.org/access", bytes(32))
    unknown = str(AddCheckpoint(0, (), signed(3, key=stranger))).encode()
    assert (await witness.add_checkpoint(unknown)).status == 404
    impostor = SigningKey.of_log(ORIGIN, b"\x09" * 32)
    forged = str(AddCheckpoint(0, (), signed(3, key=impostor))).encode()
    assert (await witness.add_checkpoint(forged)).status == 403
    for body in (
        b"",
        b"old 0\n",
        b"\xff",
        request(0, 3)[:-2],
        request(0, 3).replace(b"old 0", b"old 7"),
    ):
        assert (await witness.add_checkpoint(body)).status == 400
    assert store.kept == {}


async def test_asked_at_once_for_two_histories_it_vouches_for_one(
    witness: Witness, store: FakeWitnessStore
) -> None:
    class Slow(FakeWitnessStore):
        async def newest(self, origin: str) -> bytes | None:
            kept = await super().newest(origin)
            await asyncio.sleep(0)
            return kept

    slow = Slow()
    both = Witness(KEYS["w1"], {ORIGIN: LOG.public}, slow, StillClock())
    replies = await asyncio.gather(
        both.add_checkpoint(request(0, 5)), both.add_checkpoint(request(0, 5, OTHER))
    )
    assert sorted(reply.status for reply in replies) == [200, 409]


async def test_it_shows_the_newest_head_it_vouched_for(witness: Witness) -> None:
    assert (await witness.newest(ORIGIN)).status == 404
    await witness.add_checkpoint(request(0, 5))
    checkpoint = parse_checkpoint((await witness.newest(ORIGIN)).text.encode())
    check_signed(checkpoint, LOG.public)
    assert check_cosigned(checkpoint, KEYS["w1"].public) == 1_700_000_000
    assert checkpoint.head == signed(5).head
