"""What goes to other machines is sent at least once, in order, and holds up nothing at home."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from tests.readers.review.vault_desk import CARA, CARL, CASE, ENTICEMENT, VaultDesk
from tests.store.making import StoppedClock

from halfdoor.apps.announcing import QUEUE as WEBHOOK
from halfdoor.apps.announcing import Announcing, begin
from halfdoor.apps.referring import Referring
from halfdoor.apps.server import _tell_of_webhooks
from halfdoor.apps.work import Work
from halfdoor.ids import bucket
from halfdoor.readers.review.records import ModerationEvent
from halfdoor.readers.review.referrals import QUEUE as REFER
from halfdoor.readers.review.store import DeskChange
from halfdoor.store.jobs import Job, JobStore
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import Store, open_store
from halfdoor.web.logs import REMOVED, configure
from halfdoor.web.outbound.filing import FilingError, FilingRefusedError
from halfdoor.web.outbound.webhooks import DeliveryError


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    key = outer_key_file(tmp_path / "outer.key", tmp_path / "data", make=True)
    store = open_store(tmp_path / "data", key, clock=StoppedClock())
    yield store
    await store.close()


@dataclass
class Platform:
    """Takes webhooks, unless it is down for so many of them."""

    down: int = 0
    got: list[str] = field(default_factory=list)

    async def post(self, id: str, body: bytes, now_ms: int) -> None:
        if self.down:
            self.down -= 1
            raise DeliveryError("answered with 503")
        self.got.append(f"{id} {msgspec.json.decode(body)['type']}")


async def happen(vault: VaultDesk, *kinds: str, at: int) -> None:
    events = [ModerationEvent(case=CASE, n=0, at=at, kind=kind, actor="") for kind in kinds]
    await vault.desk.commit(DeskChange(events=tuple(events)))


async def go_on(work: Work, clock: StoppedClock, rounds: int = 20) -> list[str]:
    """Work until nothing more happens by itself; return what failed meanwhile."""
    failed = []
    for _ in range(rounds):
        try:
            await work.go_on(seconds=5)
        except (DeliveryError, FilingError) as error:
            failed.append(str(error))
        await work.rest()
        clock.now += 4_000
    return failed


async def test_nothing_from_before_is_told_and_everything_since_is_in_order(store: Store) -> None:
    vault, clock, platform = VaultDesk(), StoppedClock(), Platform()
    await vault.open(told=False)
    await happen(vault, "reported", "claimed", at=clock.now - 1)
    await begin(store.jobs, clock.now)
    work = Work(store.jobs, {WEBHOOK: Announcing(vault.desk, platform, store.jobs)}, clock)
    await go_on(work, clock, 3)
    assert platform.got == []
    await happen(vault, "claimed", "revealed", "proposed", "decided", "alarm", at=clock.now)
    await go_on(work, clock)
    assert platform.got == ["evt_5 case.proposed", "evt_6 case.decided", "evt_7 case.alarm"]


async def test_a_platform_that_was_down_misses_nothing_and_nothing_overtakes(store: Store) -> None:
    vault, clock, platform = VaultDesk(), StoppedClock(), Platform(down=3)
    await vault.open(told=False)
    await begin(store.jobs, clock.now)
    work = Work(store.jobs, {WEBHOOK: Announcing(vault.desk, platform, store.jobs)}, clock)
    await happen(vault, "reported", "alarm", "decided", at=clock.now)
    failed = await go_on(work, clock)
    assert len(failed) == 3
    assert platform.got == ["evt_1 case.reported", "evt_2 case.alarm", "evt_3 case.decided"]


async def test_a_platform_that_is_away_is_no_failure_here_and_is_told_once(store: Store) -> None:
    vault, clock, platform = VaultDesk(), StoppedClock(), Platform(down=3)
    await vault.open(told=False)
    await begin(store.jobs, clock.now)
    said: list[int] = []
    announcing = Announcing(
        vault.desk, platform, store.jobs, away=(DeliveryError,), tell=said.append
    )
    work = Work(store.jobs, {WEBHOOK: announcing}, clock)
    await happen(vault, "reported", "alarm", at=clock.now)
    assert await go_on(work, clock) == []
    assert platform.got == ["evt_1 case.reported", "evt_2 case.alarm"]
    assert said == [1, 2, 3, 0]


async def test_the_log_of_the_server_hears_of_it_once_and_of_the_end() -> None:
    stream = io.StringIO()
    log = configure("info", stream=stream, console=False)
    for missed in (1, 2, 3, 0):
        _tell_of_webhooks(log, missed)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["level"] for one in lines] == ["warning", "info", "info", "warning"]
    assert [one.get("count") for one in lines] == [None, 2, 3, None]
    assert REMOVED not in stream.getvalue()


async def test_pauses_grow_with_failures_and_not_with_quiet_days(store: Store) -> None:
    vault, clock, platform = VaultDesk(), StoppedClock(), Platform()
    await vault.open(told=False)
    await begin(store.jobs, clock.now)
    await begin(store.jobs, clock.now + 5)
    work = Work(store.jobs, {WEBHOOK: Announcing(vault.desk, platform, store.jobs)}, clock)
    await go_on(work, clock, 12)
    platform.down = 3
    await happen(vault, "alarm", at=clock.now)
    pauses = []
    while not platform.got:
        try:
            await work.go_on(seconds=5)
        except DeliveryError:
            job = await store.jobs.find(bucket("webhook"), "webhook")
            assert job is not None
            pauses.append(job.run_at - clock.now)
        clock.now += 60_000
    assert pauses[0] <= 4_000
    assert pauses[0] < pauses[1] < pauses[2]


async def test_more_events_than_one_page_are_all_looked_at(store: Store) -> None:
    vault, clock, platform = VaultDesk(), StoppedClock(), Platform()
    await vault.open(told=False)
    await begin(store.jobs, clock.now)
    work = Work(store.jobs, {WEBHOOK: Announcing(vault.desk, platform, store.jobs)}, clock)
    await happen(vault, *["claimed"] * 230, "decided", at=clock.now)
    await go_on(work, clock, 6)
    assert platform.got == ["evt_231 case.decided"]


# --- referrals --------------------------------------------------------------------------------


@dataclass
class Ncmec:
    """Takes reports. *fails* says how often each verb gets no answer, *refuses* how often a no."""

    fails: dict[str, int] = field(default_factory=dict)
    refuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    number: int = 7000

    def _ask(self, verb: str) -> None:
        self.asked.append(verb)
        if self.fails.get(verb, 0):
            self.fails[verb] -= 1
            raise FilingError("no answer")
        if self.refuses.get(verb, 0):
            self.refuses[verb] -= 1
            raise FilingRefusedError(4100)

    async def submit(self, report: bytes) -> int:
        assert b"<report" in report
        self._ask("submit")
        self.number += 1
        return self.number

    async def upload(self, report: int, name: str, content: bytes) -> str:
        assert (report, name) == (self.number, "messages.json")
        self._ask("upload")
        return "f-1"

    async def fileinfo(self, details: bytes) -> None:
        assert f"<reportId>{self.number}</reportId>".encode() in details
        self._ask("fileinfo")

    async def finish(self, report: int) -> int:
        assert report == self.number
        self._ask("finish")
        return report

    async def retract(self, report: int) -> None:
        self._ask("retract")


async def referred(store: JobStore, clock: StoppedClock) -> VaultDesk:
    """Make a referral that is to be sent, with its job."""
    vault = VaultDesk(send=True)
    await vault.open()
    await vault.viewed("evd_1")
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    await vault.referrals.confirm(CARL, CASE)
    (task,) = vault.desk.tasks.values()
    await store.add(Job(ub=1, id=task.id, queue=task.queue, run_at=clock.now, payload=task.payload))
    return vault


async def filed(store: Store, ncmec: Ncmec) -> VaultDesk:
    clock = StoppedClock()
    vault = await referred(store.jobs, clock)
    worker = Referring(vault.filing, ncmec, store.jobs)
    await go_on(Work(store.jobs, {REFER: worker}, clock, beside=[REFER]), clock)
    (task,) = vault.desk.tasks.values()
    assert await store.jobs.find(1, task.id) is None
    return vault


async def test_what_is_refused_is_not_sent_again_and_a_person_sees_it(store: Store) -> None:
    ncmec = Ncmec(refuses={"submit": 1})
    vault = await filed(store, ncmec)
    assert ncmec.asked == ["submit"]
    (one,) = await vault.referrals.of(CARA, CASE)
    assert (one.state, one.report) == ("failed", None)
    assert vault.filing.counted == {"referral_failed": 1}


async def test_a_refused_finish_files_no_second_report(store: Store) -> None:
    ncmec = Ncmec(refuses={"finish": 1})
    vault = await filed(store, ncmec)
    assert ncmec.asked.count("submit") == 1
    (one,) = await vault.referrals.of(CARA, CASE)
    assert one.state == "failed"


async def test_a_report_is_filed_once_and_its_number_noted(store: Store) -> None:
    ncmec = Ncmec()
    vault = await filed(store, ncmec)
    assert ncmec.asked == ["submit", "upload", "fileinfo", "finish"]
    (one,) = await vault.referrals.of(CARA, CASE)
    assert (one.state, one.report) == ("filed", 7001)
    # Each time the vault is opened for it, by the server, the log says so before.
    assert vault.kinds().count("referral_opened") == 4
    assert vault.kinds()[-1] == "referral_filed"


@pytest.mark.parametrize("verb", ["submit", "upload", "fileinfo", "finish"])
async def test_silence_at_any_step_is_waited_out_with_the_same_report(
    store: Store, verb: str
) -> None:
    ncmec = Ncmec(fails={verb: 2})
    vault = await filed(store, ncmec)
    (one,) = await vault.referrals.of(CARA, CASE)
    assert (one.state, one.report) == ("filed", 7001)
    assert "retract" not in ncmec.asked


async def test_a_report_that_was_given_up_there_is_begun_anew(store: Store) -> None:
    ncmec = Ncmec(refuses={"upload": 1, "retract": 1})
    vault = await filed(store, ncmec)
    assert ncmec.asked == ["submit", "upload", "retract", "submit", "upload", "fileinfo", "finish"]
    (one,) = await vault.referrals.of(CARA, CASE)
    assert (one.state, one.report) == ("filed", 7002)


async def test_beginning_anew_has_an_end(store: Store) -> None:
    ncmec = Ncmec(refuses={"upload": 99})
    vault = await filed(store, ncmec)
    assert ncmec.asked.count("submit") == 4
    (one,) = await vault.referrals.of(CARA, CASE)
    assert one.state == "failed"


async def test_what_was_filed_by_hand_meanwhile_is_not_sent(store: Store) -> None:
    clock, ncmec = StoppedClock(), Ncmec()
    vault = await referred(store.jobs, clock)
    (one,) = await vault.referrals.of(CARA, CASE)
    await vault.referrals.filed(CARA, CASE, one.id, 4711)
    worker = Referring(vault.filing, ncmec, store.jobs)
    await go_on(Work(store.jobs, {REFER: worker}, clock), clock, 3)
    assert ncmec.asked == []


# --- beside -----------------------------------------------------------------------------------


class Slow:
    """A worker whose other side answers only when it is told to."""

    def __init__(self, jobs: JobStore) -> None:
        self.jobs = jobs
        self.answered = asyncio.Event()

    async def step(self, job: Job, now: int) -> Job | None:
        await self.answered.wait()
        await self.jobs.end(job)
        return None


class Quick:
    """A worker that is done at once."""

    def __init__(self, jobs: JobStore) -> None:
        self.jobs = jobs
        self.done = 0

    async def step(self, job: Job, now: int) -> Job | None:
        await self.jobs.end(job)
        self.done += 1
        return None


async def test_whoever_waits_for_another_machine_holds_up_nobody(store: Store) -> None:
    clock = StoppedClock()
    slow, quick = Slow(store.jobs), Quick(store.jobs)
    work = Work(store.jobs, {"out": slow, "home": quick}, clock, beside=["out"])
    await store.jobs.add(Job(ub=1, id="out", queue="out", run_at=clock.now))
    await store.jobs.add(Job(ub=1, id="home", queue="home", run_at=clock.now + 1))
    clock.now += 2
    await work.go_on(seconds=5)
    assert quick.done == 1
    # Its lease keeps it: nobody begins it a second time.
    await work.go_on(seconds=5)
    assert len(work._waiting) == 1
    slow.answered.set()
    await work.rest()
    assert await store.jobs.find(1, "out") is None


async def test_what_waits_when_the_server_stops_is_done_by_the_next_one(store: Store) -> None:
    clock, slow = StoppedClock(), Slow(store.jobs)
    work = Work(store.jobs, {"out": slow}, clock, beside=["out"])
    await store.jobs.add(Job(ub=1, id="out", queue="out", run_at=clock.now))
    await work.go_on(seconds=5)
    await work.close()
    assert not work._waiting
    assert await store.jobs.find(1, "out") is not None
