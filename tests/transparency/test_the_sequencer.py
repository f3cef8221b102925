"""Leaves get places, files and a cosigned head; killed at any step, the next run goes on."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transparency.log_fakes import (
    LOG,
    ORIGIN,
    POLICY,
    FakeFiles,
    FakeLogStore,
    Fate,
    Killed,
    NearWitness,
    StillClock,
    witnesses,
)

from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.proofs import check_consistency, check_inclusion
from halfdoor.merkle.tree import leaf_hash, root
from halfdoor.transparency.cosigning import Quorum
from halfdoor.transparency.errors import NoQuorumError, StoppedError
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import Waiting
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.sequencer import Sequencer


def waiting(*numbers: int) -> list[Waiting]:
    leaves = [b"leaf %d" % number for number in numbers]
    return [Waiting(leaf_id(leaf), leaf) for leaf in leaves]


class Log:
    """A log whose parts outlive its process."""

    def __init__(self) -> None:
        self.fate = Fate()
        self.clock = StillClock()
        self.store = FakeLogStore(self.fate)
        self.files = FakeFiles(self.fate)
        self.witnesses: dict[str, NearWitness] = witnesses(self.clock, self.fate)

    def start(self) -> Sequencer:
        return Sequencer(
            store=self.store,
            files=self.files,
            key=LOG,
            cosigners=Quorum(POLICY, self.witnesses, patience=5),
            clock=self.clock,
        )

    async def check_whole(self, leaves: list[bytes]) -> None:
        state = self.store.now
        assert state is not None
        checkpoint = parse_checkpoint(state.checkpoint)
        POLICY.check(checkpoint)
        assert checkpoint.head.size == len(leaves) == state.published
        assert checkpoint.head.root == root(leaves)
        tree = PublishedTree(self.files, len(leaves))
        assert await tree.entries(0) == leaves
        for index, leaf in enumerate(leaves[:3]):
            proof = await tree.inclusion(index)
            check_inclusion(leaf_hash(leaf), index, len(leaves), proof, checkpoint.head.root)


async def test_a_log_that_was_not_begun_or_is_anothers_signs_nothing() -> None:
    log = Log()
    with pytest.raises(StoppedError, match="log init"):
        await log.start().step()
    await log.store.begin("example.org/access")
    with pytest.raises(StoppedError, match="log init"):
        await log.start().step()
    assert all(one.asked == 0 for one in log.witnesses.values())


async def test_an_empty_log_is_published_once_and_then_left_alone() -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    assert await log.start().step()
    await log.check_whole([])
    assert not await log.start().step()


async def test_a_leaf_that_is_offered_twice_stands_once() -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    await log.store.offer(waiting(1, 2))
    await log.store.offer(waiting(2, 3))
    await log.start().step()
    await log.store.offer(waiting(1))
    await log.start().step()
    await log.check_whole([one.leaf for one in waiting(1, 2, 3)])


async def test_without_a_quorum_nothing_is_published_and_nothing_is_lost() -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    sequencer = log.start()
    await sequencer.step()
    log.witnesses["w1"].away = log.witnesses["w2"].away = True
    await log.store.offer(waiting(1))
    with pytest.raises(NoQuorumError, match="w1: nobody is there"):
        await sequencer.step()
    assert log.store.now is not None
    assert (log.store.now.size, log.store.now.published) == (1, 0)
    log.witnesses["w1"].away = False
    await log.store.offer(waiting(2))
    await sequencer.step()
    await log.check_whole([one.leaf for one in waiting(1, 2)])


async def test_a_witness_that_was_away_catches_up_by_itself() -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    sequencer = log.start()
    log.witnesses["w4"].away = True
    for number in range(3):
        await log.store.offer(waiting(number))
        await sequencer.step()
    log.witnesses["w4"].away = False
    log.witnesses["w1"].away = True
    await log.store.offer(waiting(3))
    await sequencer.step()
    await log.check_whole([one.leaf for one in waiting(0, 1, 2, 3)])


async def test_a_cosignature_is_renewed_though_nothing_was_appended() -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    sequencer = log.start()
    await sequencer.step()
    log.clock.now += 300_000
    assert await sequencer.step(renew=True)
    assert log.store.now is not None
    times = POLICY.check(parse_checkpoint(log.store.now.checkpoint))
    assert set(times.values()) == {1_700_000_300}


async def test_each_day_keeps_its_last_checkpoint() -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    sequencer = log.start()
    await log.store.offer(waiting(1))
    await sequencer.step()
    log.clock.now += 86_400_000
    await log.store.offer(waiting(2))
    await sequencer.step()
    today = log.clock.now // 86_400_000
    sizes = [parse_checkpoint(log.store.days[day]).head.size for day in (today - 1, today)]
    assert sizes == [1, 2]


async def test_files_with_other_bytes_stop_the_log() -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    log.files.files["tile/entries/000.p/1"] = b"\x00\x05forged"
    await log.store.offer(waiting(1))
    with pytest.raises(StoppedError, match="other bytes"):
        await log.start().step()


@pytest.mark.parametrize("before", [0, 255, 300])
async def test_killed_at_any_step_nothing_is_lost_doubled_or_signed_twice(before: int) -> None:
    first, more = waiting(*range(before)), waiting(*range(before, before + 5))
    untouched = Log()
    await grown(untouched, first)
    untouched.fate.acts = 0
    await untouched.store.offer(more)
    await untouched.start().step()
    leaves = [one.leaf for one in (*first, *more)]
    assert untouched.fate.acts >= 5
    for half_steps in range(1, untouched.fate.acts * 2 + 1):
        log = Log()
        await grown(log, first)
        log.fate.acts, log.fate.end = 0, half_steps / 2
        await log.store.offer(more)
        # One that ends with the last witness may not be noticed: a quorum has answered by then.
        with contextlib.suppress(Killed, NoQuorumError):
            await log.start().step()
        log.fate.end = None
        while await log.start().step():
            pass
        await log.check_whole(leaves)
        assert all(not one.store.evidence for one in log.witnesses.values())


async def grown(log: Log, leaves: list[Waiting]) -> None:
    await log.store.begin(ORIGIN)
    await log.store.offer(leaves)
    await log.start().step()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=5))
async def test_however_it_grows_every_head_goes_on_from_the_one_before(batches: list[int]) -> None:
    log = Log()
    await log.store.begin(ORIGIN)
    sequencer = log.start()
    count, heads = 0, []
    for batch in batches:
        await log.store.offer(waiting(*range(count, count + batch)))
        count += batch
        await sequencer.step()
        assert log.store.now is not None
        heads.append(parse_checkpoint(log.store.now.checkpoint).head)
    await log.check_whole([one.leaf for one in waiting(*range(count))])
    for old, new in pairwise(heads):
        proof = await PublishedTree(log.files, new.size).consistency(old.size)
        check_consistency(old.size, new.size, proof, old.root, new.root)
