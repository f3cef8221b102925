"""Before a log signs, it asks what witnesses know: it never goes back, and never begins anew."""

import copy

import pytest
from tests.transparency.log_fakes import (
    LOG,
    ORIGIN,
    POLICY,
    FakeFiles,
    FakeLogStore,
    NearWitness,
    StillClock,
    witnesses,
)

from halfdoor.merkle.checkpoint import Head
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tree import leaf_hash
from halfdoor.transparency.cosigning import Quorum
from halfdoor.transparency.errors import NoQuorumError, StoppedError
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import LogState, Waiting
from halfdoor.transparency.sequencer import Sequencer
from halfdoor.transparency.starting import catch_up, witnessed


class Log:
    def __init__(self) -> None:
        self.clock = StillClock()
        self.store = FakeLogStore()
        self.files = FakeFiles()
        self.witnesses: dict[str, NearWitness] = witnesses(self.clock)

    async def grow(self, numbers: range) -> None:
        await self.store.begin(ORIGIN)
        leaves = [b"leaf %d" % number for number in numbers]
        await self.store.offer([Waiting(leaf_id(leaf), leaf) for leaf in leaves])
        await Sequencer(
            store=self.store,
            files=self.files,
            key=LOG,
            cosigners=Quorum(POLICY, self.witnesses),
            clock=self.clock,
        ).step()

    async def start(self) -> LogState:
        heads = await witnessed(LOG.public, POLICY, self.witnesses)
        return await catch_up(self.store, self.files, heads)


async def test_a_head_that_fell_behind_is_rebuilt_from_files_and_the_log_goes_on() -> None:
    log = Log()
    await log.grow(range(300))
    backup = copy.deepcopy(log.store)
    await log.grow(range(300, 1300))
    newest = log.store.now
    log.store = backup
    state = await log.start()
    assert newest is not None
    assert (state.size, state.heads) == (newest.size, newest.heads)
    await log.grow(range(1300, 1310))
    assert log.store.now is not None
    assert log.store.now.published == 1310
    assert all(not one.store.evidence for one in log.witnesses.values())


async def test_a_head_that_fell_behind_and_has_no_files_stops() -> None:
    log = Log()
    await log.grow(range(30))
    backup = copy.deepcopy(log.store)
    await log.grow(range(30, 60))
    log.store, log.files = backup, FakeFiles()
    with pytest.raises(StoppedError, match="missing"):
        await log.start()


async def test_files_that_were_changed_are_not_what_is_rebuilt() -> None:
    log = Log()
    await log.grow(range(30))
    backup = copy.deepcopy(log.store)
    await log.grow(range(30, 60))
    log.store = backup
    path = "tile/entries/000.p/60"
    log.files.files[path] = log.files.files[path].replace(b"leaf 59", b"leaf 00")
    with pytest.raises(StoppedError, match="another tree"):
        await log.start()


async def test_another_tree_than_witnesses_know_stops_the_log() -> None:
    log = Log()
    await log.grow(range(30))
    known = log.witnesses
    other = Log()
    await other.grow(range(100, 130))
    other.witnesses = known
    with pytest.raises(StoppedError, match="another tree"):
        await other.start()


async def test_a_log_that_witnesses_know_is_not_begun_again() -> None:
    log = Log()
    with pytest.raises(StoppedError, match="log init"):
        await log.start()
    await log.grow(range(3))
    log.store = FakeLogStore()
    with pytest.raises(StoppedError, match="restore"):
        await log.start()


async def test_it_waits_while_those_who_are_silent_could_be_a_quorum() -> None:
    log = Log()
    await log.grow(range(3))
    for name in ("w1", "w2", "w3"):
        log.witnesses[name].away = True
    with pytest.raises(NoQuorumError, match="silent"):
        await log.start()
    log.witnesses["w1"].away = False
    assert (await log.start()).size == 3


async def test_a_witness_that_lies_counts_as_silent() -> None:
    log = Log()
    await log.grow(range(3))
    impostor = SigningKey.of_log(ORIGIN, b"\x08" * 32)
    lie = str(impostor.sign(Head(ORIGIN, 9, leaf_hash(b"lie")))).encode()
    for name in ("w1", "w2"):
        log.witnesses[name].store.kept[ORIGIN] = lie
    assert (await log.start()).size == 3
    log.witnesses["w3"].away = True
    with pytest.raises(NoQuorumError):
        await log.start()
