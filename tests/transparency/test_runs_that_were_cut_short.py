"""A run over a long log that was cut short goes on later, and misses nothing of what it read."""

import pytest
from tests.transparency.log_fakes import ORIGIN, POLICY
from tests.transparency.public_log import DIGEST, PublicLog, changed, failed

from halfdoor.merkle.bundles import bundle, check_bundle
from halfdoor.merkle.tree import leaf_hash
from halfdoor.sealing.labels import b64
from halfdoor.transparency.memory import Memory, read_memory, write_memory
from halfdoor.transparency.source import UnreachableError, day_path
from halfdoor.transparency.verifying import Verdict, Verifier

LAST = "tile/entries/002.p/"


@pytest.fixture
async def log() -> PublicLog:
    """A day, then hundreds of grants that no policy in force allows, then two days."""
    log = PublicLog()
    await log.append(log.policy())
    await log.night()
    grants = [log.grant(b64(n.to_bytes(32, "big")), drill=True) for n in range(600)]
    await log.append(*grants)
    await log.night()
    await log.night()
    return log


class Broken:
    """Shows the log but for the files that are away."""

    def __init__(self, log: PublicLog, *away: str) -> None:
        self.log = log
        self.away = away
        self.asked: list[str] = []

    async def get(self, path: str) -> bytes | None:
        self.asked.append(path)
        if path.startswith(self.away):
            raise UnreachableError(path)
        return await self.log.get(path)


async def run(
    source: Broken | PublicLog, kept: list[Memory], memory: Memory | None = None
) -> Verdict:
    clock = source.log.clock if isinstance(source, Broken) else source.clock
    return await Verifier(
        source,
        POLICY,
        memory or Memory(origin=ORIGIN),
        now=clock.now // 1000,
        keep=kept.append,
        part=256,
    ).run()


async def cut_short(log: PublicLog, *away: str) -> Memory | None:
    """What is kept of a run that cannot read all of it."""
    kept: list[Memory] = []
    with pytest.raises(UnreachableError):
        await run(Broken(log, *(away or (LAST,))), kept)
    return read_memory(write_memory(kept[-1])) if kept else None


async def test_the_next_run_reads_only_the_rest_and_finds_the_same(log: PublicLog) -> None:
    memory = await cut_short(log)
    assert memory is not None
    assert memory.size == 512
    rest = Broken(log, "tile/entries/000", "tile/entries/001")
    verdict = await run(rest, [], memory)
    whole = await log.verify()
    assert verdict.findings == whole.findings
    assert verdict.numbers == whole.numbers
    assert failed(verdict) == {"grant-policy"}
    assert len(verdict.findings) == 600


async def test_a_day_of_the_part_that_was_read_is_checked_later(log: PublicLog) -> None:
    memory = await cut_short(log)
    log.shown[day_path(min(log.store.days))] = b"other"
    assert "day-checkpoint" in failed(await run(log, [], memory))


async def test_a_part_with_a_fault_is_not_kept(log: PublicLog) -> None:
    await log.append(log.grant(DIGEST))
    path = "tile/entries/000"
    leaves = check_bundle(log.files.files[path], 256)
    leaves[9] = changed(leaves[9], ttl_h=71)
    log.shown[path] = bundle(leaves)
    log.shown["tile/0/000"] = b"".join(map(leaf_hash, leaves))
    kept: list[Memory] = []
    assert failed(await run(log, kept)) == {"consistency-proof"}
    assert kept == []


async def test_a_tile_that_is_missing_where_a_part_ends_is_named(log: PublicLog) -> None:
    for path in list(log.files.files):
        if path.startswith("tile/1/"):
            log.shown[path] = None
    kept: list[Memory] = []
    assert failed(await run(log, kept)) == {"tile-there"}
    assert kept == []


async def test_a_log_that_shrank_in_between_is_seen(log: PublicLog) -> None:
    memory = await cut_short(log)
    short = PublicLog()
    await short.append(short.policy())
    short.clock.now = log.clock.now
    await short.append(*[short.grant(b64(n.to_bytes(32, "big"))) for n in range(550)])
    assert failed(await run(short, [], memory)) == {"log-shrank"}


async def test_a_short_log_is_not_kept_in_parts(log: PublicLog) -> None:
    kept: list[Memory] = []
    await Verifier(
        log, POLICY, Memory(origin=ORIGIN), now=log.clock.now // 1000, keep=kept.append
    ).run()
    assert kept == []
