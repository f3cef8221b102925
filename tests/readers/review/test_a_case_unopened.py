"""What a reviewer sees of a case before anything is opened holds no name and no word of it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.readers.review.desk_scene import (
    ADAM,
    ANNA,
    AUDREY,
    BAD,
    BERT,
    CARA,
    KID,
    LEA,
    MINUTE,
    PAL,
    T0,
    Scene,
    say,
)

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.errors import (
    ConflictOfInterestError,
    ReviewError,
    RoleError,
    SecondPersonError,
    UnknownCaseError,
)
from halfdoor.readers.review.notice_body import body_of
from halfdoor.readers.review.person_labels import labels
from halfdoor.readers.review.records import Case, CaseKind, CaseState, Evidence, Report

CANARY = "words that stay unopened"


@pytest.mark.parametrize("who", [ADAM, AUDREY, CARA])
async def test_without_its_role_a_case_cannot_be_looked_at(who: StaffMember) -> None:
    scene = Scene()
    case = await scene.case()
    with pytest.raises(RoleError):
        await scene.cases.view(who, case.id)
    with pytest.raises(UnknownCaseError):
        await scene.cases.view(who, "case_none")


async def test_a_view_holds_no_name_no_word_and_no_key() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.report(case, say(CANARY), say(CANARY, "$2", KID), context=1, note=CANARY)
    await scene.report(case, say(CANARY, "$3"), reporter=PAL, weight=0.2)
    view = await scene.cases.view(ANNA, case.id)
    printed = repr(msgspec.to_builtins(view))
    for secret in (CANARY, BAD, KID, PAL, "@", "key_", "!room"):
        assert secret not in printed
    assert view.people == ("Person A", "Person B", "Person C")
    assert [(one.by, one.about, one.chosen, one.context) for one in view.reports] == [
        ("Person B", "Person A", 1, 1),
        ("Person C", "Person A", 1, 0),
    ]
    assert [one.has_note for one in view.reports] == [True, False]
    assert [one.weight for one in view.reports] == [1.0, 0.2]
    assert [(one.by, one.handed_over_by, one.context) for one in view.evidence] == [
        ("Person A", "Person B", False),
        ("Person B", "Person B", True),
        ("Person A", "Person C", False),
    ]
    assert (view.reporters, view.unverified) == (2, False)
    assert [(one.kind, one.by) for one in view.history] == [("reported", "Person B")]
    # To look is to open nothing: no line but of the vault, and nothing that changed.
    assert scene.logged() == []


async def test_a_view_says_how_much_time_is_left_and_who_has_it() -> None:
    scene = Scene()
    case = await scene.case("threat.life")
    scene.clock.pass_minutes(5)
    summary = (await scene.cases.view(ANNA, case.id)).summary
    assert (summary.left_ms, summary.stage, summary.held) == (10 * MINUTE, "claim", False)
    await scene.cases.claim(ANNA, case.id)
    mine, theirs = [(await scene.cases.view(who, case.id)).summary for who in (ANNA, BERT)]
    assert (mine.left_ms, mine.stage, mine.mine) == (60 * MINUTE, "decide", True)
    assert (theirs.held, theirs.mine) == (True, False)


async def test_a_view_tells_what_was_revealed_and_what_cannot_be_checked() -> None:
    scene = Scene()
    case = await scene.case()
    _, (first, _) = await scene.report(case, say("a"), say("b", "$2"))
    await scene.report(case, reporter=PAL, note="they wrote it elsewhere", unverified=True)
    await scene.cases.claim(ANNA, case.id)
    await scene.reveals.reveal(ANNA, case.id, first.id, "to judge")
    view = await scene.cases.view(ANNA, case.id)
    assert [one.revealed for one in view.evidence] == [True, False]
    assert (view.unverified, [one.unverified for one in view.reports]) == (True, [False, True])
    assert [one.kind for one in view.history] == ["reported", "claimed", "revealed"]


async def test_a_view_tells_of_other_cases_about_the_person_but_not_of_the_vaults() -> None:
    scene = Scene()
    old = await scene.case("spam.unwanted", state=CaseState.DECIDED, decided_at=T0)
    vault = await scene.case("child_safety.csam")
    case = await scene.case()
    assert [one.id for one in (await scene.cases.view(ANNA, case.id)).earlier] == [old.id]
    assert [one.id for one in (await scene.cases.view(LEA, case.id)).earlier] == [old.id]
    both = replace(CARA, roles=frozenset({"reviewer", "child_safety"}))
    known = {one.id for one in (await scene.cases.view(both, case.id)).earlier}
    assert known == {old.id, vault.id}


async def test_of_the_vault_each_look_is_logged_too() -> None:
    scene = Scene()
    case = await scene.case("child_safety.csam")
    await scene.cases.view(CARA, case.id)
    assert scene.logged() == [("cara", "view", case.id, None, "")]


async def test_an_unmasked_person_is_named_to_nobody_else() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.report(case, say("a"))
    await scene.cases.claim(ANNA, case.id)
    await scene.reveals.unmask(ANNA, case.id, "Person A", "to find the profile")
    mine, theirs = [await scene.cases.view(who, case.id) for who in (ANNA, BERT)]
    assert mine.unmasked == {"Person A": BAD}
    assert theirs.unmasked == {}


# --- labels ---------------------------------------------------------------------------------------


BARE = Case(
    id="c",
    kind=CaseKind.REPORT,
    subject=BAD,
    reason="r",
    queue="q",
    rank=0,
    state=CaseState.OPEN,
    opened=0,
    due=0,
)


def filed(number: int, reporter: str) -> Report:
    return Report(
        id=f"rep_{number:03}", case="c", reporter=reporter, subject=BAD, at=number, reason="r"
    )


def handed(number: int, sender: str) -> Evidence:
    return Evidence(
        id=f"evd_{number:03}",
        report=f"rep_{number:03}",
        case="c",
        reporter="@r:x",
        room="!r:x",
        event_id="$1",
        sender=sender,
        ts=0,
        seq=1,
        hh=b"",
        header=b"",
        fields=b"",
        body=b"",
        blob=b"",
    )


people = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("stuvw")), max_size=40)


@given(people, people)
def test_a_label_stays_with_its_person_when_more_reports_come(
    before: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    def named(all_of: list[tuple[str, str]]) -> dict[str, str]:
        return labels(
            BARE,
            [filed(n, f"@{one}:x") for n, (one, _) in enumerate(all_of)],
            [handed(n, f"@{two}:x") for n, (_, two) in enumerate(all_of)],
        )

    first, then = named(before), named(before + later)
    # Whoever is only named beside a report stands behind all others, so of those no letter is set.
    assert {user: then[user] for user in first if user != "@r:x"} == {
        user: label for user, label in first.items() if user != "@r:x"
    }
    assert first[BAD] == "Person A"
    assert len(set(then.values())) == len(then)


def test_letters_go_on_behind_z() -> None:
    names = list(labels(BARE, [filed(n, f"@u{n}:x") for n in range(30)], []).values())
    assert names[25:28] == ["Person Z", "Person AA", "Person AB"]


# --- more than was reported -----------------------------------------------------------------------


async def test_a_wish_to_see_more_opens_nothing_and_asks_nobody_yet() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.report(case, say("a"))
    await scene.cases.claim(ANNA, case.id)
    await scene.reveals.ask_for_more(ANNA, case.id, "the answer is missing")
    wish = await scene.reveals.asked_for_more(case.id)
    assert wish is not None
    assert (wish.by, wish.reason) == ("anna", "the answer is missing")
    assert await scene.desk.notices(KID, T0 * 2) == []
    assert len(await scene.desk.evidence(case.id)) == 1
    assert scene.logged()[-1] == ("anna", "ask_for_more", case.id, None, "the answer is missing")


async def test_another_person_with_a_leads_role_answers_the_wish() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.report(case, say("a"))
    lead = replace(ANNA, roles=frozenset({"reviewer", "lead"}))
    with pytest.raises(UnknownCaseError):
        await scene.reveals.answer_more(LEA, case.id, "yes", approve=True)
    await scene.cases.claim(lead, case.id)
    await scene.reveals.ask_for_more(lead, case.id, "the answer is missing")
    for who, refusal in (
        (lead, SecondPersonError),
        (BERT, RoleError),
        (ADAM, RoleError),
        (replace(LEA, people=(KID,)), ConflictOfInterestError),
    ):
        with pytest.raises(refusal):
            await scene.reveals.answer_more(who, case.id, "yes", approve=True)
    with pytest.raises(ReviewError):
        await scene.reveals.answer_more(LEA, case.id, "", approve=True)
    assert await scene.desk.notices(KID, T0 * 2) == []
    await scene.reveals.answer_more(LEA, case.id, "it is not whole", approve=True)
    (notice,) = await scene.desk.notices(KID, scene.clock.now)
    assert (notice.kind, notice.hidden) == ("question", False)
    assert "You do not have to." in " ".join(body_of(notice).text)
    assert len(scene.desk.tasks) == 1
    # It is answered once; a second answer finds nothing.
    assert await scene.reveals.asked_for_more(case.id) is None
    with pytest.raises(UnknownCaseError):
        await scene.reveals.answer_more(LEA, case.id, "it is not whole", approve=True)


async def test_the_question_follows_a_report_without_trace_into_hiding() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.report(case, say("a"), hidden=True)
    await scene.report(case, reporter="", note="from a school")
    await scene.cases.claim(ANNA, case.id)
    await scene.reveals.ask_for_more(ANNA, case.id, "the answer is missing")
    await scene.reveals.answer_more(LEA, case.id, "it is not whole", approve=True)
    (notice,) = await scene.desk.notices(KID, scene.clock.now)
    assert notice.hidden
    # It comes into no conversation that somebody else might see.
    assert scene.desk.tasks == {}
    assert await scene.desk.notices("", scene.clock.now) == []


async def test_a_wish_that_is_refused_asks_nobody() -> None:
    scene = Scene()
    case = await scene.case("child_safety.grooming")
    await scene.report(case, say("a"))
    await scene.cases.claim(CARA, case.id)
    await scene.reveals.ask_for_more(CARA, case.id, "the answer is missing")
    with pytest.raises(UnknownCaseError):
        await scene.reveals.answer_more(LEA, case.id, "no need", approve=False)
    other = replace(CARA, id="carl")
    await scene.reveals.answer_more(other, case.id, "no need", approve=False)
    assert await scene.desk.notices(KID, T0 * 2) == []
    assert await scene.reveals.asked_for_more(case.id) is None
