"""Of a person who is erased the desk keeps what a case about them demands, and nothing else."""

import msgspec
import pytest
from msgspec.structs import replace
from tests.store.desk_making import (
    MALLORY,
    NOW,
    REPORTERS,
    case,
    did,
    evidence,
    happened,
    report,
    told,
    whole_change,
)
from tests.store.houses import House

from halfdoor.readers.review.records import Case, CaseKind, CaseState
from halfdoor.readers.review.store import DeskChange
from halfdoor.store.desk_erasing import Keeping, Left

KIM, LEE = REPORTERS[:2]


ALL = Keeping(preserved_since=NOW, contested_since=NOW)


async def erase(house: House, user: str, keeping: Keeping = ALL) -> Left:
    """Let the desk forget *user*, step by step."""
    for _ in range(99):
        left = await house.store.erasures.leave_desk(user, keeping)
        if left is not Left.MORE:
            return left
    raise AssertionError("the desk does not come to an end")


async def test_a_reporter_loses_name_and_words_and_the_case_goes_on(house: House) -> None:
    desk = house.store.desk
    said = msgspec.json.encode({"text": "words of Kim", "by": KIM, "people": [KIM, LEE], "n": 3})
    (before,) = await desk.commit(
        whole_change(
            cases=(case(victims=(KIM, LEE), state=CaseState.DECIDED, decided_at=NOW),),
            reports=(report(), report("rep_b", reporter=LEE)),
            events=(happened(detail=said), happened("noted", actor="staff_ann", detail=said)),
        )
    )
    complaint = case("case_c", kind=CaseKind.COMPLAINT, origin="case_a", state=CaseState.DECIDED)
    await desk.commit(
        DeskChange(
            cases=(complaint,),
            events=(happened("appealed", "case_c", detail=b'{"text":"words of Kim"}'),),
        )
    )
    assert await erase(house, KIM) is Left.NOTHING
    kept = await desk.case("case_a")
    assert kept is not None
    assert kept.victims == (LEE,)
    # Whoever looked before must look again, or would write the name back.
    assert kept.revision == before.revision + 1
    nameless, other = await desk.reports("case_a")
    assert nameless == report(reporter="", note="", receipt=b"")
    assert other == report("rep_b", reporter=LEE)
    assert await desk.evidence("case_a") == [replace(evidence(), reporter="")]
    for event in [*await desk.events("case_a"), *await desk.events("case_c")]:
        assert KIM not in (event.actor, event.detail.decode())
        assert KIM.encode() not in event.detail
    first, second = await desk.events("case_a")
    assert msgspec.json.decode(first.detail) == {"text": "", "by": "", "people": ["", LEE], "n": 3}
    # What staff wrote is theirs.
    assert msgspec.json.decode(second.detail)["text"] == "words of Kim"
    assert (await desk.events("case_c"))[0].detail == b'{"text":""}'
    assert await desk.reports_by(KIM, 0) == []
    assert await desk.notices(KIM, NOW) == []
    assert await desk.reporters_of(MALLORY, 0) == 2
    assert len(await desk.staff_log(0, 9)) == 1


async def test_of_many_reports_none_is_forgotten_to_be_forgotten(either: House) -> None:
    desk = either.store.desk
    numbers = range(55)
    await desk.commit(
        DeskChange(
            cases=tuple(
                case(f"case_{n}", subject=f"@some{n}:a.example", state=CaseState.CLOSED)
                for n in numbers
            ),
            reports=tuple(report(f"rep_{n}", f"case_{n}") for n in numbers),
        )
    )
    assert await erase(either, KIM) is Left.NOTHING
    assert await desk.reports_by(KIM, 0, 999) == []
    found = [(await desk.reports(f"case_{n}"))[0].reporter for n in numbers]
    assert found == [""] * 55


async def about_mallory(house: House, *cases: Case) -> None:
    """Keep cases about Mallory, each with something of everything."""
    for n, one in enumerate(cases):
        await house.store.desk.commit(
            DeskChange(
                cases=(one,),
                reports=(report(f"rep_{n}", one.id),),
                evidence=(evidence(f"evd_{n}", one.id),),
                events=(happened(case=one.id),),
                notices=(told(f"ntc_{n}", case=one.id), told(f"ntd_{n}", user=MALLORY)),
                log=(did(case=one.id),),
            )
        )


OVER = [CaseState.DECIDED, CaseState.CLOSED]
PENDING = [one for one in CaseState if one not in OVER]


@pytest.mark.parametrize("state", OVER)
async def test_a_case_about_them_that_is_over_goes_with_all_that_belongs_to_it(
    house: House, state: CaseState
) -> None:
    await about_mallory(house, case(state=state))
    assert await erase(house, MALLORY) is Left.NOTHING
    desk = house.store.desk
    assert await desk.case("case_a") is None
    assert [*await desk.reports("case_a"), *await desk.evidence("case_a")] == []
    assert [*await desk.events("case_a"), *await desk.notices(KIM, NOW)] == []
    assert await desk.notices(MALLORY, NOW) == []
    assert await desk.reports_by(KIM, 0) == []
    for table in ("case", "report", "evidence", "event", "notice"):
        assert await house.ask(f"SELECT 1 FROM desk_{table}", people=True) == []  # noqa: S608
    # The log stays whole, and the numbers of events go on.
    assert len(await desk.staff_log(0, 9)) == 1
    await desk.commit(DeskChange(cases=(case("case_z"),), events=(happened(case="case_z"),)))
    assert [event.number for event in await desk.events_after(0, 9)] == [2]


@pytest.mark.parametrize("state", PENDING)
async def test_a_case_about_them_that_is_to_be_decided_stays_until_it_is(
    either: House, state: CaseState
) -> None:
    await about_mallory(either, case(state=state))
    assert await erase(either, MALLORY) is Left.STAYS
    kept = await either.store.desk.case("case_a")
    assert kept is not None
    assert len(await either.store.desk.reports("case_a")) == 1
    assert await either.store.desk.notices(MALLORY, NOW) == []
    await either.store.desk.commit(DeskChange(cases=(replace(kept, state=CaseState.CLOSED),)))
    assert await erase(either, MALLORY) is Left.NOTHING
    assert await either.store.desk.case("case_a") is None


async def test_a_case_of_child_safety_stays_as_long_as_it_is_preserved(either: House) -> None:
    await about_mallory(either, case(state=CaseState.CLOSED, child_safety=True))
    assert await erase(either, MALLORY, Keeping(NOW - 1, NOW)) is Left.STAYS
    assert await either.store.desk.case("case_a") is not None
    assert await erase(either, MALLORY) is Left.NOTHING
    assert await either.store.desk.case("case_a") is None


async def test_what_an_open_appeal_is_about_stays_with_it(either: House) -> None:
    await about_mallory(
        either,
        case(state=CaseState.DECIDED),
        case("case_b", kind=CaseKind.APPEAL, origin="case_a"),
        case("case_c", state=CaseState.CLOSED),
    )
    assert await erase(either, MALLORY) is Left.STAYS
    left = await either.store.desk.cases_about(MALLORY)
    assert {one.id for one in left} == {"case_a", "case_b"}


async def test_of_many_cases_about_them_all_go(either: House) -> None:
    cases = [case(f"case_{n}", state=CaseState.CLOSED) for n in range(45)]
    await about_mallory(either, *cases)
    assert await erase(either, MALLORY) is Left.NOTHING
    assert await either.store.desk.cases_about(MALLORY) == []


async def test_others_are_left_alone(either: House) -> None:
    await either.store.desk.commit(whole_change())
    assert await erase(either, LEE) is Left.NOTHING
    assert await either.store.desk.case("case_a") == case(reports=1, revision=1)
    assert await either.store.desk.reports("case_a") == [report()]
    assert await either.store.desk.notices(KIM, NOW) == [told()]


async def test_an_appeal_that_is_over_keeps_nothing(either: House) -> None:
    await about_mallory(
        either,
        case(state=CaseState.DECIDED, decided_at=NOW + 5),
        case("case_b", kind=CaseKind.APPEAL, origin="case_a", state=CaseState.CLOSED),
    )
    assert await erase(either, MALLORY) is Left.NOTHING
    assert await either.store.desk.cases_about(MALLORY) == []


NEEDED: list[tuple[str, Keeping, list[Case]]] = [
    ("to be decided", ALL, [case()]),
    ("preserved", Keeping(NOW - 1, NOW), [case(state=CaseState.CLOSED, child_safety=True)]),
    ("contestable", Keeping(NOW, NOW - 1), [case(state=CaseState.DECIDED, decided_at=NOW)]),
    (
        "contested",
        ALL,
        [
            case(state=CaseState.DECIDED, decided_at=NOW),
            case("case_b", kind=CaseKind.APPEAL, origin="case_a"),
        ],
    ),
    (
        "merged into one that is to be decided",
        ALL,
        [
            case(state=CaseState.CLOSED, merged_into="case_b"),
            case("case_b", state=CaseState.CLOSED, merged_into="case_c"),
            case("case_c", subject="@other:a.example"),
        ],
    ),
    (
        "merged into one that is contested",
        ALL,
        [
            case(state=CaseState.CLOSED, merged_into="case_b"),
            case("case_b", state=CaseState.DECIDED),
            case("case_c", kind=CaseKind.APPEAL, origin="case_b"),
        ],
    ),
]


@pytest.mark.parametrize(("why", "keeping", "cases"), NEEDED)
async def test_evidence_still_opens_where_a_case_needs_it_though_its_reporter_was_erased(
    either: House, why: str, keeping: Keeping, cases: list[Case]
) -> None:
    desk = either.store.desk
    await desk.commit(
        DeskChange(
            cases=tuple(cases), reports=(report(),), evidence=(evidence(),), notices=(told(),)
        )
    )
    assert await erase(either, KIM, keeping) is Left.STAYS, why
    # With name and receipt: without them it would open to nobody.
    assert await desk.reports("case_a") == [report()]
    assert await desk.evidence("case_a") == [evidence()]
    assert await desk.notices(KIM, NOW) == []
    over = [
        replace(one, revision=1, state=CaseState.CLOSED, child_safety=False, decided_at=None)
        for one in cases
    ]
    await desk.commit(DeskChange(cases=tuple(over)))
    assert await erase(either, KIM) is Left.NOTHING
    assert await desk.reports("case_a") == [report(reporter="", note="", receipt=b"")]
