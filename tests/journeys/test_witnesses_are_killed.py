"""Witnesses as their operators run them; their power is cut, and none vouches for two histories."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.journeys.witness_process import HALFDOOR, WitnessProcess
from tests.transparency.log_fakes import LOG, ORIGIN, FakeFiles, FakeLogStore, policy_of

from halfdoor.clock import SystemClock
from halfdoor.merkle.add_checkpoint import AddCheckpoint
from halfdoor.merkle.checkpoint import Head, check_signed, parse_checkpoint
from halfdoor.merkle.keys import VerifierKey
from halfdoor.merkle.proofs import consistency_proof
from halfdoor.merkle.tree import leaf_hash, root_of_hashes
from halfdoor.transparency.cosigning import Quorum, cosignature_in
from halfdoor.transparency.errors import NoQuorumError
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import Waiting
from halfdoor.transparency.peers import Answer, NoAnswerError
from halfdoor.transparency.sequencer import Sequencer
from halfdoor.transparency.starting import witnessed
from halfdoor.web.outbound.witnesses import HttpWitness, witness_client

DYING = str(Path(__file__).with_name("dying_witness.py"))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[WitnessProcess]:
    one = WitnessProcess(tmp_path, "w1", [str(LOG.public)])
    yield one
    one.kill()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with witness_client() as one:
        yield one


class Tree:
    """One history of the log, as whoever has its key can make them."""

    def __init__(self, name: bytes) -> None:
        self._hashes = [leaf_hash(b"%s %d" % (name, number)) for number in range(64)]

    def request(self, size: int, old: int) -> bytes:
        proof = consistency_proof(old, size, self._root)
        return str(AddCheckpoint(old, tuple(proof), LOG.sign(self.head(size)))).encode()

    def head(self, size: int) -> Head:
        return Head(ORIGIN, size, self._root(0, size))

    def _root(self, begin: int, end: int) -> bytes:
        return root_of_hashes(self._hashes[begin:end])


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_witness_killed_around_its_memory_vouches_for_one_history(
    when: str, witness: WitnessProcess, client: httpx.AsyncClient
) -> None:
    key = VerifierKey.parse(witness.vkey)
    honest, other = Tree(b"honest"), Tree(b"other")
    witness.start(sys.executable, DYING, when, "2")
    peer = HttpWitness(witness.url, client)
    vouched = await peer.add_checkpoint(honest.request(5, 0))
    cosignature_in(vouched.body, LOG.sign(honest.head(5)), key)
    with pytest.raises(NoAnswerError):
        await peer.add_checkpoint(honest.request(9, 5))
    assert witness.wait() == -9

    witness.start()
    stands = 9 if when == "after" else 5
    newest = parse_checkpoint((await peer.newest(ORIGIN)).body)
    check_signed(newest, LOG.public)
    assert newest.head == honest.head(stands)
    # Whatever else it is shown, of the sizes it may have vouched for, it refuses.
    refused = await peer.add_checkpoint(other.request(stands, 0))
    assert refused == Answer(409, b"%d\n" % stands)
    assert (await peer.add_checkpoint(other.request(12, 0))).status == 409
    assert (await peer.add_checkpoint(other.request(12, stands))).status == 422
    grown = await peer.add_checkpoint(honest.request(9, stands))
    cosignature_in(grown.body, LOG.sign(honest.head(9)), key)
    witness.stop()
    assert _evidence(witness) == {honest.head(stands), other.head(stands)}


async def test_a_log_goes_on_while_witnesses_are_killed_and_come_back(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    all_of_them = {
        name: WitnessProcess(tmp_path, name, [str(LOG.public)]) for name in ("w1", "w2", "w3", "w4")
    }
    policy = policy_of({name: VerifierKey.parse(one.vkey) for name, one in all_of_them.items()})
    store, files = FakeLogStore(), FakeFiles()
    await store.begin(ORIGIN)

    async def grow(sequencer: Sequencer, leaf: bytes) -> None:
        await store.offer([Waiting(leaf_id(leaf), leaf)])
        await sequencer.step()

    try:
        for one in all_of_them.values():
            one.start()
        peers = {name: HttpWitness(one.url, client) for name, one in all_of_them.items()}
        sequencer = Sequencer(
            store=store,
            files=files,
            key=LOG,
            cosigners=Quorum(policy, peers),
            clock=SystemClock(),
        )
        assert await witnessed(LOG.public, policy, peers) == {}
        await grow(sequencer, b"all are there")
        all_of_them["w1"].kill()
        await grow(sequencer, b"one is gone")
        all_of_them["w2"].kill()
        with pytest.raises(NoQuorumError, match="2 of 4"):
            await grow(sequencer, b"two are gone")
        assert store.now is not None
        assert (store.now.size, store.now.published) == (3, 2)
        all_of_them["w1"].start()
        await sequencer.step()
        assert store.now.published == 3
        policy.check(parse_checkpoint(store.now.checkpoint))
        all_of_them["w2"].start()
        await grow(sequencer, b"all are back")
        heads = await witnessed(LOG.public, policy, peers)
        assert {head.size for head in heads.values()} <= {1, 2, 3, 4}
        assert sum(head.size == 4 for head in heads.values()) >= 3
    finally:
        for one in all_of_them.values():
            one.kill()


def _evidence(witness: WitnessProcess) -> set[Head]:
    """What `halfdoor witness evidence` writes out: heads that the log signed, two of one size."""
    import subprocess

    out = witness.data.with_name("evidence")
    place = ("--key", str(witness.key), "--data", str(witness.data), "--out", str(out))
    run = subprocess.run([HALFDOOR, "witness", "evidence", *place], check=False)
    assert run.returncode == 1
    heads = set()
    for file in out.iterdir():
        checkpoint = parse_checkpoint(file.read_bytes())
        check_signed(checkpoint, LOG.public)
        heads.add(checkpoint.head)
    return heads
