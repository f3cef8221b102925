"""Long work: what fails is tried again later and later, and holds up nothing else."""

import asyncio
from pathlib import Path

import pytest
from tests.store.making import StoppedClock

from halfdoor.apps.work import FIRST_LEASE_MS, LEASE_MS, Work
from halfdoor.store.errors import LostLeaseError
from halfdoor.store.jobs import Job
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import Store, open_store


class Falls:
    """A worker that fails so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.done: list[str] = []

    async def step(self, job: Job, now: int) -> Job | None:
        if self.times:
            self.times -= 1
            raise ArithmeticError(job.id)
        self.done.append(job.id)
        await self.store.jobs.end(job)
        return None

    store: Store


class Counts:
    """A worker that needs so many steps."""

    store: Store

    async def step(self, job: Job, now: int) -> Job | None:
        left = int(job.payload) - 1
        if left:
            return await self.store.jobs.save(job, str(left).encode(), now)
        await self.store.jobs.end(job)
        return None


class KilledError(BaseException):
    """The process ends here: nothing more is done, and nothing given back."""


class Dies:
    """A worker whose server is killed at its first step."""

    async def step(self, job: Job, now: int) -> Job | None:
        raise KilledError


@pytest.fixture
async def store(tmp_path: Path) -> Store:
    key = outer_key_file(tmp_path / "outer.key", tmp_path / "data", make=True)
    return open_store(tmp_path / "data", key, clock=StoppedClock())


async def test_what_fails_is_tried_again_after_longer_and_longer_pauses(store: Store) -> None:
    clock, worker = StoppedClock(), Falls(3)
    worker.store = store
    work = Work(store.jobs, {"falls": worker}, clock)
    await store.jobs.add(Job(ub=1, id="one", queue="falls", run_at=clock.now))
    pauses = []
    while not worker.done:
        try:
            await work.go_on(seconds=5)
        except ArithmeticError:
            job = await store.jobs.find(1, "one")
            assert job is not None
            assert job.lease_until == 0
            pauses.append(job.run_at - clock.now)
            clock.now = job.run_at
    assert pauses == [2000, 4000, 8000]
    assert await store.jobs.find(1, "one") is None
    await store.close()


async def test_a_job_that_fails_holds_up_no_other(store: Store) -> None:
    clock, falls, counts = StoppedClock(), Falls(99), Counts()
    falls.store = counts.store = store
    work = Work(store.jobs, {"falls": falls, "counts": counts}, clock)
    await store.jobs.add(Job(ub=1, id="bad", queue="falls", run_at=clock.now - 1))
    await store.jobs.add(Job(ub=2, id="good", queue="counts", run_at=clock.now, payload=b"5"))
    with pytest.raises(ArithmeticError):
        await work.go_on(seconds=5)
    await work.go_on(seconds=5)
    assert await store.jobs.find(2, "good") is None
    assert await store.jobs.find(1, "bad") is not None
    await store.close()


async def test_whoever_lost_the_lease_saves_nothing(store: Store) -> None:
    clock = StoppedClock()
    await store.jobs.add(Job(ub=1, id="one", queue="counts", run_at=clock.now, payload=b"5"))
    slow = await store.jobs.claim(clock.now, LEASE_MS)
    assert slow is not None
    clock.now += LEASE_MS + 1
    assert await store.jobs.claim(clock.now, LEASE_MS) is not None
    for late in (
        store.jobs.save(slow, b"1", clock.now),
        store.jobs.end(slow),
    ):
        with pytest.raises(LostLeaseError):
            await late
    await store.jobs.release(slow, 0)
    found = await store.jobs.find(1, "one")
    assert found is not None
    assert (found.payload, found.run_at) == (b"5", StoppedClock().now)
    await store.close()


async def test_what_a_killed_server_left_first_is_taken_up_within_seconds(store: Store) -> None:
    clock, quick = StoppedClock(), Falls(0)
    quick.store = store
    await store.jobs.add(Job(ub=1, id="decision", queue="quick", run_at=clock.now))
    dead = Work(store.jobs, {"quick": Dies()}, clock, first=("quick",))
    with pytest.raises(KilledError):
        await dead.go_on(seconds=5)
    alive = Work(store.jobs, {"quick": quick}, clock, first=("quick",))
    await alive.go_on(seconds=5)
    assert quick.done == []
    clock.now += FIRST_LEASE_MS + 1
    await alive.go_on(seconds=5)
    assert quick.done == ["decision"]
    await store.close()


async def test_two_workers_never_do_the_same_step(store: Store) -> None:
    clock, counts = StoppedClock(), Counts()
    counts.store = store
    for number in range(6):
        job = Job(ub=number, id=f"{number}", queue="counts", run_at=clock.now, payload=b"7")
        await store.jobs.add(job)
    works = [Work(store.jobs, {"counts": counts}, clock) for _ in range(3)]
    await asyncio.gather(*(work.go_on(seconds=30) for work in works))
    await asyncio.gather(*(work.go_on(seconds=30) for work in works))
    for number in range(6):
        assert await store.jobs.find(number, f"{number}") is None
    await store.close()


async def test_a_payload_lies_sealed(store: Store, tmp_path: Path) -> None:
    await store.jobs.add(Job(ub=1, id="x", queue="q", run_at=0, payload=b"canary-of-a-job-9b1e"))
    assert "canary" not in repr(await store.jobs.find(1, "x"))
    await store.close()
    files = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("*.db*"))
    assert b"canary-of-a-job-9b1e" not in files


async def test_what_is_due_at_once_ends_a_pause_and_what_was_due_before_it_too(
    store: Store,
) -> None:
    work = Work(store.jobs, {}, StoppedClock())
    async with asyncio.timeout(60):
        pause = asyncio.create_task(work.pause(3_600))
        await asyncio.sleep(0)
        work.hurry()
        await pause
        work.hurry(after_ms=1)
        await work.pause(3_600)
    # And by itself.
    await work.pause(0)
    await store.close()


async def test_what_must_hold_at_once_waits_for_no_other_work_and_no_slice(store: Store) -> None:
    clock, slow, quick = StoppedClock(), Counts(), Falls(0)
    slow.store = quick.store = store
    work = Work(store.jobs, {"slow": slow, "quick": quick}, clock, first=("quick",))
    names = [f"job {n}" for n in range(20)]
    for name in names:
        await store.jobs.add(
            Job(ub=1, id=f"slow {name}", queue="slow", run_at=clock.now - 9, payload=b"3")
        )
        await store.jobs.add(Job(ub=1, id=name, queue="quick", run_at=clock.now))
    # There is no time for anything else.
    await work.go_on(seconds=0)
    assert sorted(quick.done) == sorted(names)
    assert await store.jobs.find(1, "slow job 0") is not None
    await work.go_on(seconds=30)
    assert await store.jobs.claim(clock.now, LEASE_MS) is None
    await store.close()
