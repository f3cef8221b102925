"""The review desk's rows: written together or not at all, numbered without gaps, found again."""

import asyncio
import random

import pytest
from msgspec.structs import replace
from tests.readers.review_fakes import FakeDesk
from tests.store.desk_making import (
    MALLORY,
    NOW,
    REPORTERS,
    case,
    did,
    everything,
    evidence,
    happened,
    report,
    some_change,
    told,
    whole_change,
)
from tests.store.houses import House

from halfdoor.readers.review.errors import StaleCaseError, UnknownCaseError
from halfdoor.readers.review.records import Case, CaseState, Task
from halfdoor.readers.review.staff_log import START, link
from halfdoor.readers.review.store import DeskChange, QueuePage
from halfdoor.store.desk_rows import UB


async def rows(house: House) -> list[int]:
    """Return how many rows every table of the desk has, and the jobs."""
    tables = ("case", "report", "evidence", "event", "notice", "line", "head")
    names = [*(f"desk_{table}" for table in tables), "job"]
    return [
        (await house.ask(f"SELECT count(*) FROM {name}", people=True))[0][0]  # noqa: S608
        for name in names
    ]


async def test_whoever_decided_on_an_older_revision_is_refused_and_nothing_is_written(
    house: House,
) -> None:
    desk = house.store.desk
    (first,) = await desk.commit(whole_change())
    await desk.commit(DeskChange(cases=(replace(first, state=CaseState.CLAIMED),)))
    before = await rows(house)
    stale = replace(first, state=CaseState.DECIDED)
    with pytest.raises(StaleCaseError):
        await desk.commit(
            DeskChange(
                cases=(case("case_b"), stale),
                reports=(report("rep_b"),),
                evidence=(evidence("evd_b"),),
                events=(happened("decided"),),
                log=(did("decide"),),
                notices=(told("ntc_b"),),
                tasks=(Task(id="task_b", queue="enforce", run_at=NOW, payload=b""),),
            )
        )
    assert await rows(house) == before
    kept = await desk.case("case_a")
    assert kept is not None
    assert (kept.state, kept.revision) == (CaseState.CLAIMED, 2)


@pytest.mark.parametrize("revision", [1, 7])
async def test_a_case_that_nobody_made_has_no_revision(house: House, revision: int) -> None:
    with pytest.raises(StaleCaseError):
        await house.store.desk.commit(DeskChange(cases=(case(revision=revision),)))


async def test_a_case_is_made_once(house: House) -> None:
    await house.store.desk.commit(whole_change())
    with pytest.raises(StaleCaseError):
        await house.store.desk.commit(DeskChange(cases=(case(subject="@other:a.example"),)))


@pytest.mark.parametrize(
    "poison",
    [
        {"reports": (report(case="case_none"),)},
        {"evidence": (evidence(case="case_none"),)},
        {"events": (happened(), happened(case="case_none"))},
    ],
)
async def test_what_belongs_to_no_case_poisons_the_whole_change(
    house: House, poison: dict[str, object]
) -> None:
    with pytest.raises(UnknownCaseError):
        await house.store.desk.commit(whole_change(**poison))
    assert set(await rows(house)) == {0}


@pytest.mark.parametrize("id", ["case_\0", "case_\ud800", "fall_ä", "case_\n"])
async def test_an_id_that_cannot_be_kept_is_refused_and_asked_for_in_vain(
    house: House, id: str
) -> None:
    desk = house.store.desk
    with pytest.raises(ValueError, match="visible ASCII"):
        await desk.commit(DeskChange(cases=(case(id),)))
    assert await desk.case(id) is None
    assert await desk.report(id) is None
    assert await desk.notice(MALLORY, id) is None
    await desk.mark_read(MALLORY, id)
    assert [*await desk.reports(id), *await desk.evidence(id), *await desk.events(id)] == []
    assert await desk.queue(QueuePage(queues=("harassment",), after=id)) == []


async def test_a_change_names_each_case_once(house: House) -> None:
    with pytest.raises(ValueError, match="once"):
        await house.store.desk.commit(DeskChange(cases=(case(), case())))


async def test_of_two_who_decide_at_once_one_is_refused(house: House) -> None:
    desk = house.store.desk
    (before,) = await desk.commit(whole_change())
    changes = [
        DeskChange(
            cases=(replace(before, state=CaseState.DECIDED, decided_by=staff),),
            events=(happened("decided", actor=staff),),
            log=(did("decide", staff=staff),),
        )
        for staff in ("staff_ann", "staff_ben", "staff_cho", "staff_dee")
    ]
    done = await asyncio.gather(*map(desk.commit, changes), return_exceptions=True)
    refused = [one for one in done if isinstance(one, StaleCaseError)]
    assert len(refused) == 3
    kept = await desk.case("case_a")
    assert kept is not None
    assert kept.revision == 2
    assert [event.actor for event in await desk.events("case_a")][1:] == [kept.decided_by]
    assert [line.staff for line in await desk.staff_log(1, 9)] == [kept.decided_by]


async def test_of_two_who_make_a_case_at_once_one_is_refused(house: House) -> None:
    desk = house.store.desk
    done = await asyncio.gather(
        *(desk.commit(whole_change()) for _ in range(4)), return_exceptions=True
    )
    assert [type(one) for one in done].count(StaleCaseError) == 3
    assert await rows(house) == [1, 1, 1, 1, 1, 1, 2, 1]


async def test_what_many_write_at_once_is_numbered_without_gaps(house: House) -> None:
    desk = house.store.desk
    await desk.commit(whole_change())
    await asyncio.gather(
        *(
            desk.commit(
                DeskChange(
                    reports=(report(f"rep_{i}"),),
                    evidence=(evidence(f"evd_{i}"), evidence(f"evd_{i}x")),
                    events=(happened("noted"), happened("noted")),
                    log=(did(f"first {i}"), did(f"second {i}")),
                )
            )
            for i in range(12)
        )
    )
    events = await desk.events("case_a")
    assert [event.n for event in events] == list(range(1, 26))
    assert [event.number for event in await desk.events_after(0, 99)] == list(range(1, 26))
    assert len(await desk.evidence("case_a")) == 25
    assert len(await desk.reports("case_a")) == 13
    log = await desk.staff_log(0, 100)
    assert [line.n for line in log] == list(range(1, 26))
    chain = START
    for line in log:
        assert line.chain == link(chain, line)
        chain = line.chain
    # The two lines of one change stand together.
    for first, second in zip(log[1::2], log[2::2], strict=True):
        assert first.what.split() == ["first", second.what.split()[1]]


async def test_the_first_lines_of_the_staff_log_may_come_at_once(house: House) -> None:
    desk = house.store.desk
    await asyncio.gather(*(desk.commit(DeskChange(log=(did(str(i)),))) for i in range(6)))
    assert [line.n for line in await desk.staff_log(0, 100)] == list(range(1, 7))


async def test_what_is_there_already_stays_as_it_is(house: House) -> None:
    desk = house.store.desk
    await desk.commit(whole_change())
    again = DeskChange(
        reports=(report(note="another"),),
        evidence=(replace(evidence(), body=b"another"),),
        notices=(told(body=b"another"),),
        tasks=(Task(id="task_a", queue="other", run_at=0, payload=b"another"),),
    )
    await desk.commit(again)
    assert await desk.reports("case_a") == [report()]
    assert await desk.evidence("case_a") == [evidence()]
    assert await desk.notices(REPORTERS[0], NOW) == [told()]
    job = await house.store.jobs.find(UB, "task_a")
    assert job is not None
    assert (job.queue, job.payload, job.run_at) == ("enforce", b"what to do", NOW)


async def test_a_task_is_work_that_somebody_takes(house: House) -> None:
    await house.store.desk.commit(whole_change())
    assert await house.store.jobs.claim(NOW - 1, 1000) is None
    job = await house.store.jobs.claim(NOW, 1000)
    assert job is not None
    assert job.queue == "enforce"


async def test_work_of_one_kind_does_not_wait_behind_other_work(house: House) -> None:
    jobs = house.store.jobs
    tasks = [
        Task(id=f"task_{queue}_{n}", queue=queue, run_at=NOW + n, payload=b"")
        for queue in ("tell", "enforce")
        for n in (1, 2)
    ]
    await house.store.desk.commit(whole_change(tasks=tuple(tasks)))
    assert await jobs.claim(NOW + 9, 1000, "freeze") is None
    assert await jobs.claim(NOW, 1000, "enforce") is None
    taken = [await jobs.claim(NOW + 9, 1000, queue) for queue in ("enforce", "enforce", "enforce")]
    assert [job and job.id for job in taken] == ["task_enforce_1", "task_enforce_2", None]
    rest = [await jobs.claim(NOW + 9, 1000) for _ in range(3)]
    assert [job and job.id for job in rest] == ["task_tell_1", "task_tell_2", None]


async def test_all_of_it_is_there_after_a_restart(house: House) -> None:
    await house.store.desk.commit(whole_change())
    await house.reopen()
    desk = house.store.desk
    assert await desk.case("case_a") == case(reports=1, revision=1)
    assert await desk.reports("case_a") == [report()]
    assert await desk.report("rep_a") == report()
    assert await desk.evidence("case_a") == [evidence()]
    assert await desk.events("case_a") == [replace(happened(), n=1, number=1)]
    (line,) = await desk.staff_log(0, 9)
    assert replace(line, n=0, chain=b"") == did("file")


async def test_a_notice_is_read_by_its_own_reader_alone(house: House) -> None:
    desk = house.store.desk
    await desk.commit(whole_change())
    await desk.mark_read(MALLORY, "ntc_a")
    await desk.mark_read(REPORTERS[0], "ntc_none")
    assert await desk.notice(REPORTERS[0], "ntc_a") == told()
    assert await desk.notice(MALLORY, "ntc_a") is None
    await desk.mark_read(REPORTERS[0], "ntc_a")
    assert await desk.notices(REPORTERS[0], NOW) == [told(read=True)]
    assert await desk.notices(REPORTERS[0], NOW - 1) == []


async def test_pages_follow_each_other_without_gap_or_double(house: House) -> None:
    desk = house.store.desk
    cases = tuple(case(f"case_{i:03}", due=NOW + i % 7, minor=i % 3 == 0) for i in range(60))
    await desk.commit(DeskChange(cases=cases))
    for by_rank in (False, True):
        page = QueuePage(queues=("harassment",), limit=7, by_rank=by_rank)
        seen: list[Case] = []
        while found := await desk.queue(page):
            seen += found
            page = replace(page, after=found[-1].id)
        assert [one.id for one in seen] == [
            one.id for one in sorted(cases, key=lambda c: (c.due, not c.minor, c.id))
        ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_it_answers_every_question_as_the_plain_desk_does(house: House, seed: int) -> None:
    chance = random.Random(seed)
    plain, desk = FakeDesk(), house.store.desk
    known: dict[str, Case] = {}
    for number in range(25):
        change = some_change(chance, list(known.values()), number)
        written = await desk.commit(change)
        assert written == await plain.commit(change)
        known.update({one.id: one for one in written})
        if chance.random() < 0.5:
            user, notice = chance.choice(REPORTERS), f"ntc_{chance.randrange(9)}"
            await desk.mark_read(user, notice)
            await plain.mark_read(user, notice)
    after = sorted(known.values(), key=lambda one: one.id)
    found = await everything(desk, plain, after)
    assert len(after) > 20
    assert found == await everything(plain, plain, after)


async def test_what_is_destroyed_is_gone_and_the_rest_says_that_it_was(house: House) -> None:
    desk = house.store.desk
    (before,) = await desk.commit(whole_change())
    with pytest.raises(UnknownCaseError):
        await desk.commit(DeskChange(destroyed=("case_a", "case_none")))
    assert await desk.evidence("case_a") == [evidence()]
    await desk.commit(
        DeskChange(cases=(before,), events=(happened("destroyed"),), destroyed=("case_a",))
    )
    assert await desk.evidence("case_a") == []
    assert await desk.reports("case_a") == [report(note="")]
    assert [event.kind for event in await desk.events("case_a")] == ["reported", "destroyed"]
    # What comes later is numbered from the beginning and can be read.
    await desk.commit(DeskChange(evidence=(evidence("evd_b"),)))
    assert await desk.evidence("case_a") == [evidence("evd_b")]
