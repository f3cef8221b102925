"""Nobody judges themselves, their own report, somebody they know, or their own decision."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace
from tests.readers.review.desk_scene import ANNA, BAD, BERT, KID, LEA, PAL, T0, Scene, Town, say

from halfdoor.readers.review.cases import Cases
from halfdoor.readers.review.conflicts import Conflicts, OwnLife, conflict_of
from halfdoor.readers.review.errors import ConflictOfInterestError
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.records import Case, CaseKind, CaseState
from halfdoor.readers.review.staff_days import StaffDays
from halfdoor.readers.review.store import DeskChange


@pytest.mark.parametrize("own", [BAD, KID])
async def test_nobody_judges_themselves_or_their_own_report(own: str) -> None:
    scene = Scene()
    case = await scene.case(victims=())
    _, (item,) = await scene.report(case, say("hello"))
    close = replace(ANNA, people=(own,))
    for act in (scene.cases.claim, scene.cases.view):
        with pytest.raises(ConflictOfInterestError):
            await act(close, case.id)
    assert await scene.cases.next(close) is None
    assert await scene.cases.queue(close) == []
    assert (await scene.kept(case.id)).holder is None
    # And whoever turns out to be close later opens nothing more.
    await scene.cases.claim(ANNA, case.id)
    with pytest.raises(ConflictOfInterestError):
        await scene.reveals.reveal(close, case.id, item.id, "to see")
    with pytest.raises(ConflictOfInterestError):
        await scene.reveals.unmask(close, case.id, "Person A", "to see")


@pytest.mark.parametrize("known", [BAD, KID])
async def test_nobody_judges_somebody_they_know(known: str) -> None:
    scene = Scene()
    case = await scene.case(victims=())
    await scene.report(case, say("hello"))
    scene.town.known["@anna:a.example"] = frozenset({known})
    close = replace(ANNA, people=("@anna:a.example",))
    with pytest.raises(ConflictOfInterestError):
        await scene.cases.claim(close, case.id)
    assert await scene.cases.next(close) is None
    assert (await scene.cases.claim(replace(BERT, people=(PAL,)), case.id)).holder == "bert"


async def test_who_decided_does_not_decide_about_it_again() -> None:
    scene = Scene()
    first = await scene.case(state=CaseState.DECIDED, decided_by="anna")
    await scene.desk.commit(DeskChange(events=(happened(first, T0, "confirmed", "lea"),)))
    for kind in (CaseKind.APPEAL, CaseKind.COMPLAINT):
        appeal = await scene.case(kind=kind, queue="appeals", origin=first.id)
        for who in (ANNA, LEA):
            with pytest.raises(ConflictOfInterestError):
                await scene.cases.claim(who, appeal.id)
        assert (await scene.cases.claim(BERT, appeal.id)).holder == "bert"
        await scene.cases.release(BERT, appeal.id)


async def test_an_appeal_is_kept_from_who_reported_or_knows_the_one_that_it_contests() -> None:
    scene = Scene()
    first = await scene.case(state=CaseState.DECIDED, decided_by="lea", victims=())
    await scene.report(first, say("hello"))
    appeal = await scene.case(kind=CaseKind.APPEAL, queue="appeals", origin=first.id, victims=())
    with pytest.raises(ConflictOfInterestError):
        await scene.cases.claim(replace(ANNA, people=(KID,)), appeal.id)


async def test_a_conflict_with_a_merged_case_is_one_with_the_case_that_goes_on() -> None:
    scene = Scene()
    one, two = await scene.case(victims=()), await scene.case("spam.unwanted", victims=())
    await scene.report(one, say("hello"), reporter=PAL)
    await scene.cases.claim(BERT, one.id)
    await scene.cases.merge(BERT, one.id, two.id, "the same")
    with pytest.raises(ConflictOfInterestError):
        await scene.cases.claim(replace(ANNA, people=(PAL,)), two.id)


async def test_nobody_merges_into_a_case_they_are_too_close_to() -> None:
    scene = Scene()
    one, two = await scene.case(victims=()), await scene.case("spam.unwanted", victims=())
    await scene.report(two, say("hello"), reporter=PAL)
    close = replace(ANNA, people=(PAL,))
    await scene.cases.claim(close, one.id)
    with pytest.raises(ConflictOfInterestError):
        await scene.cases.merge(close, one.id, two.id, "the same")


def test_the_refusal_does_not_say_which_of_the_people_it_is() -> None:
    """Else a member of staff could find out that somebody reported them."""
    case = Case(
        id="c",
        kind=CaseKind.REPORT,
        subject=BAD,
        reason="spam.unwanted",
        queue="spam",
        rank=3,
        state=CaseState.OPEN,
        opened=0,
        due=0,
    )
    lives = [
        OwnLife(frozenset({BAD}), frozenset(), frozenset()),
        OwnLife(frozenset({KID}), frozenset(), frozenset()),
        OwnLife(frozenset(), frozenset({BAD}), frozenset()),
        OwnLife(frozenset(), frozenset({KID}), frozenset()),
        OwnLife(frozenset(), frozenset(), frozenset({"c"})),
    ]
    said = {conflict_of("anna", life, case, [KID], []) for life in lives}
    assert len(said) == 1
    assert None not in said
    stranger = OwnLife(frozenset({PAL}), frozenset(), frozenset())
    assert conflict_of("anna", stranger, case, [KID], []) is None


async def test_somebody_met_on_another_server_a_moment_ago_counts() -> None:
    class Far(Town):
        """What another server wrote is known here once somebody looks."""

        async def look_anew(self, users: Iterable[str]) -> None:
            self.known |= {user: frozenset({BAD}) for user in users}

    scene = Scene()
    case = await scene.case()
    cases = Cases(
        scene.desk,
        scene.review,
        scene.clock,
        Conflicts(scene.desk, Far()),
        StaffDays(scene.desk),
    )
    with pytest.raises(ConflictOfInterestError):
        await cases.claim(replace(ANNA, people=("@anna:a.example",)), case.id)
