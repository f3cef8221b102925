"""Two cases about the same become one to decide, and the evidence of both stays readable."""

import pytest
from msgspec.structs import replace
from tests.readers.review.desk_scene import (
    ANNA,
    BAD,
    BERT,
    CARA,
    MINUTE,
    PAL,
    T0,
    Scene,
    member,
    say,
)
from tests.readers.review_fakes import FakeDesk

from halfdoor.readers.review.errors import (
    HeldError,
    NotHeldError,
    ReviewError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.merging import check_mergeable, family
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.records import CaseKind, CaseState, ModerationEvent
from halfdoor.readers.review.replay import replay
from halfdoor.readers.review.store import DeskChange

BOTH = member("both", "reviewer", "child_safety")


async def test_who_does_not_hold_the_case_merges_nothing() -> None:
    scene = Scene()
    one, two = await scene.case(), await scene.case("spam.unwanted")
    with pytest.raises(NotHeldError):
        await scene.cases.merge(ANNA, one.id, two.id, "the same")
    await scene.cases.claim(BERT, two.id)
    await scene.cases.claim(ANNA, one.id)
    with pytest.raises(HeldError):
        await scene.cases.merge(ANNA, one.id, two.id, "the same")


async def test_only_what_is_about_one_person_is_merged() -> None:
    scene = Scene()
    one = await scene.case()
    wrong = [
        await scene.case(subject=PAL),
        await scene.case(kind=CaseKind.APPEAL, queue="appeals"),
        await scene.case(state=CaseState.SECOND),
        one,
    ]
    await scene.cases.claim(ANNA, one.id)
    for other in wrong:
        with pytest.raises(ReviewError):
            await scene.cases.merge(ANNA, one.id, other.id, "the same")
    for state in (CaseState.DECIDED, CaseState.CLOSED):
        over = await scene.case(state=state)
        with pytest.raises(StaleCaseError):
            await scene.cases.merge(ANNA, one.id, over.id, "the same")
    with pytest.raises(UnknownCaseError):
        await scene.cases.merge(ANNA, one.id, "case_none", "the same")
    assert (await scene.kept(one.id)).state is CaseState.CLAIMED


async def test_what_is_over_or_contested_is_merged_into_nothing() -> None:
    scene = Scene()
    into = await scene.case()
    appeal = await scene.case(kind=CaseKind.APPEAL, queue="appeals")
    await scene.cases.claim(ANNA, appeal.id)
    with pytest.raises(ReviewError):
        await scene.cases.merge(ANNA, appeal.id, into.id, "the same")
    for state in (CaseState.DECIDED, CaseState.CLOSED):
        over = await scene.case(state=state)
        with pytest.raises(StaleCaseError):
            check_mergeable(over, into)


async def test_nothing_leaves_the_vault_by_merging() -> None:
    scene = Scene()
    vault, plain = await scene.case("child_safety.grooming"), await scene.case()
    _, (item,) = await scene.report(vault, say("words of the vault"))
    await scene.cases.claim(BOTH, vault.id)
    with pytest.raises(ReviewError):
        await scene.cases.merge(BOTH, vault.id, plain.id, "the same")
    await scene.cases.claim(ANNA, plain.id)
    with pytest.raises(UnknownCaseError):
        await scene.cases.merge(ANNA, plain.id, vault.id, "the same")
    with pytest.raises(UnknownCaseError):
        await scene.reveals.reveal(ANNA, plain.id, item.id, "to see")
    # The other way round it goes: what is ordinary may come into the vault.
    await scene.cases.release(ANNA, plain.id)
    await scene.cases.claim(BOTH, plain.id)
    kept = await scene.cases.merge(BOTH, plain.id, vault.id, "the same")
    assert (kept.child_safety, kept.reports) == (True, 2)


async def test_what_is_merged_follows_into_the_vault() -> None:
    """Else its evidence would outlast the vault's hold, and be known outside of it."""
    scene = Scene()
    one, two = await scene.case(), await scene.case()
    _, (item,) = await scene.report(one, say("how old are you"))
    await scene.cases.claim(ANNA, one.id)
    await scene.cases.merge(ANNA, one.id, two.id, "the same")
    await scene.cases.claim(ANNA, two.id)
    await scene.cases.escalate(ANNA, two.id, "a child", to="child_safety")
    for case in (one, two):
        kept = await scene.kept(case.id)
        assert (kept.queue, kept.child_safety) == ("child_safety", True)
        with pytest.raises(UnknownCaseError):
            await scene.cases.view(ANNA, case.id)
    await scene.cases.claim(CARA, two.id)
    shown = await scene.reveals.reveal(CARA, two.id, item.id, "to judge")
    assert shown.content["body"] == "how old are you"
    # And what is merged into a case that lies there already.
    three = await scene.case()
    await scene.cases.release(CARA, two.id)
    both = replace(BOTH, roles=BOTH.roles | {"lead"})
    await scene.cases.claim(both, three.id)
    await scene.cases.merge(both, three.id, two.id, "the same")
    assert (await scene.kept(three.id)).child_safety


async def test_the_evidence_of_a_merged_case_opens_with_its_own_key() -> None:
    scene = Scene()
    one, two = await scene.case(), await scene.case("spam.unwanted", weight=0.5)
    _, (first,) = await scene.report(one, say("first words"))
    _, (second,) = await scene.report(two, say("second words", "$2"), reporter=PAL)
    claimed = await scene.cases.claim(ANNA, one.id)
    kept = await scene.cases.merge(ANNA, one.id, two.id, "the same chat")
    closed = await scene.kept(one.id)
    assert (closed.state, closed.merged_into, closed.holder) == (CaseState.CLOSED, two.id, None)
    assert (kept.reports, kept.weight, kept.rank, kept.due) == (2, 1.5, 2, claimed.due)
    assert closed.key_sealed != kept.key_sealed
    # Nobody holds the one that goes on yet, and the closed one opens nothing more.
    with pytest.raises(NotHeldError):
        await scene.reveals.reveal(ANNA, two.id, first.id, "to judge")
    with pytest.raises(StaleCaseError):
        await scene.reveals.reveal(ANNA, one.id, first.id, "to judge")
    await scene.cases.claim(BERT, two.id)
    for item, words in ((first, "first words"), (second, "second words")):
        shown = await scene.reveals.reveal(BERT, two.id, item.id, "to judge")
        assert shown.content["body"] == words
    view = await scene.cases.view(BERT, two.id)
    assert {line.id for line in view.evidence} == {first.id, second.id}
    assert view.merged == (one.id,)
    assert view.people == ("Person A", "Person B", "Person C")
    for case in (await scene.kept(one.id), await scene.kept(two.id)):
        assert replay(await scene.desk.events(case.id)).agrees_with(case)


async def test_what_was_merged_before_goes_along() -> None:
    scene = Scene()
    cases = [await scene.case() for _ in range(3)]
    items = [
        (await scene.report(case, say(f"words {n}", f"${n}")))[1][0] for n, case in enumerate(cases)
    ]
    for one, into in ((cases[0], cases[1]), (cases[1], cases[2])):
        await scene.cases.claim(ANNA, one.id)
        await scene.cases.merge(ANNA, one.id, into.id, "the same")
    last = await scene.cases.claim(ANNA, cases[2].id)
    assert {one.id for one in await family(scene.desk, last)} == {one.id for one in cases}
    for n, item in enumerate(items):
        shown = await scene.reveals.reveal(ANNA, last.id, item.id, "to judge")
        assert shown.content["body"] == f"words {n}"
    assert last.reports == 3


async def test_an_event_alone_makes_no_case_readable() -> None:
    """Both rows have to say so: who could write events still reads nothing of another case."""
    scene = Scene()
    mine, other = await scene.case(), await scene.case(subject=PAL)
    _, (item,) = await scene.report(other, say("not yours"))
    await scene.desk.commit(
        DeskChange(events=(happened(mine, T0, "merged", "anna", cases=[other.id]),))
    )
    await scene.cases.claim(ANNA, mine.id)
    with pytest.raises(UnknownCaseError):
        await scene.reveals.reveal(ANNA, mine.id, item.id, "to see")


async def test_the_case_that_goes_on_is_as_urgent_as_the_more_urgent_one() -> None:
    scene = Scene()
    spam = await scene.case("spam.unwanted", victims=(PAL,))
    threat = await scene.case("threat.life", minor=True)
    await scene.cases.claim(ANNA, threat.id)
    kept = await scene.cases.merge(ANNA, threat.id, spam.id, "the same")
    assert (kept.rank, kept.minor, kept.reason) == (0, True, "threat.life")
    assert kept.due <= T0 + 60 * MINUTE
    assert set(kept.victims) == {PAL, "@kid:a.example"}


class Joined(FakeDesk):
    """A desk at which a report joins a case just after somebody looked at it."""

    joins = ""

    async def events(self, case: str) -> list[ModerationEvent]:
        if case == self.joins:
            self.joins = ""
            grown = await self.case(case)
            assert grown is not None
            await self.commit(DeskChange(cases=(replace(grown, reports=5),)))
        return await super().events(case)


async def test_a_merge_and_a_report_at_once_lose_nothing() -> None:
    desk = Joined()
    scene = Scene(desk)
    one, two = await scene.case(), await scene.case()
    await scene.cases.claim(ANNA, one.id)

    desk.joins = two.id
    kept = await scene.cases.merge(ANNA, one.id, two.id, "the same")
    assert kept.reports == 6
    assert (await scene.kept(one.id)).merged_into == two.id


async def test_two_cases_are_not_merged_into_each_other() -> None:
    scene = Scene()
    one, two = await scene.case(subject=BAD), await scene.case(subject=BAD)
    await scene.cases.claim(ANNA, one.id)
    await scene.cases.claim(ANNA, two.id)
    await scene.cases.merge(ANNA, one.id, two.id, "the same")
    with pytest.raises(StaleCaseError):
        await scene.cases.merge(ANNA, two.id, one.id, "the same")


async def test_a_specialist_alone_merges_within_the_vault() -> None:
    scene = Scene()
    one, two = [await scene.case("child_safety.csam") for _ in range(2)]
    await scene.cases.claim(CARA, one.id)
    assert (await scene.cases.merge(CARA, one.id, two.id, "the same")).reports == 2
