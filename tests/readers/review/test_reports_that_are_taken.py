"""Reports of all that a person could see: kept whole, once, in one commit, with a receipt."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace
from tests.messaging.little_house import Someone
from tests.readers.review_house import DAY_MS, SEED, ReviewHouse, opened, reporter

from halfdoor.readers.review.case_names import CaseNames
from halfdoor.readers.review.errors import StaleCaseError
from halfdoor.readers.review.filing import Filing
from halfdoor.readers.review.freezing import freezing_of
from halfdoor.readers.review.own_reports import ToldOutcomes
from halfdoor.readers.review.receipts import ReceiptSigner, check_bodies, read_receipt
from halfdoor.readers.review.records import Case, CaseState, Notice
from halfdoor.readers.review.store import DeskChange
from halfdoor.safety.ages import AgeBand
from halfdoor.sealing.labels import H

HOUR_MS = 3_600_000


@pytest.fixture
def desk() -> ReviewHouse:
    return ReviewHouse()


async def stranger(
    desk: ReviewHouse, preset: str = "trusted_private_chat"
) -> tuple[Someone, Someone, str, str]:
    """Ben, a stranger, asks Ada and writes at once; she has not joined."""
    ada, ben = await desk.house.person("ada"), await desk.house.person("ben")
    room = await ben.create(ada, preset=preset)
    return ada, ben, room, await ben.say(room, "send me a photo")


async def text_of(desk: ReviewHouse, who: Someone, room: str, event: str) -> str:
    """Report one message and return what the reviewer's side reads."""
    filed = await desk.file(who, room, event)
    (evidence,) = await desk.evidence_of(filed)
    return opened(await desk.case_of(filed), evidence)


async def test_in_a_conversation_one_left(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "you are a toad")
    await ada.leave(room)
    assert await text_of(desk, ada, room, said) == "you are a toad"


async def test_a_strangers_first_message_before_joining(desk: ReviewHouse) -> None:
    ada, _ben, room, said = await stranger(desk)
    assert await text_of(desk, ada, room, said) == "send me a photo"


async def test_a_strangers_first_message_after_turning_the_request_down(desk: ReviewHouse) -> None:
    ada, _ben, room, said = await stranger(desk)
    await ada.leave(room)
    assert await text_of(desk, ada, room, said) == "send me a photo"


async def test_a_strangers_first_message_after_the_stranger_took_the_request_back(
    desk: ReviewHouse,
) -> None:
    ada, ben, room, said = await stranger(desk, preset="private_chat")
    await ben.kick(room, ada)
    assert await text_of(desk, ada, room, said) == "send me a photo"


async def test_what_was_deleted_before_it_was_reported(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "you are a toad")
    await ben.redact(room, said)
    desk.house.clock.now += 30 * DAY_MS - 1
    filed = await desk.file(ada, room, said)
    (evidence,) = await desk.evidence_of(filed)
    assert evidence.redacted
    assert opened(await desk.case_of(filed), evidence) == "you are a toad"


async def test_one_commit_holds_all_that_a_report_brings(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "you are a toad")
    changes: list[DeskChange] = []
    commit = desk.desk.commit

    async def kept(change: DeskChange) -> tuple[Case, ...]:
        changes.append(change)
        return await commit(change)

    desk.desk.commit = kept  # type: ignore[method-assign]
    filed = await desk.file(ada, room, said, note="he keeps on", language="en", block=True)
    (change,) = changes
    (report,), (case,), (evidence,) = change.reports, change.cases, change.evidence
    assert report == filed.report
    assert (report.note, report.language, report.blocked) == ("he keeps on", "en", True)
    assert (case.subject, case.queue, case.reports) == (ben.id, "harassment", 1)
    assert case.due == report.at + 1200 * 60_000
    assert (evidence.event_id, evidence.room, evidence.sender) == (said, room, ben.id)
    assert [one.kind for one in change.events] == ["reported"]
    assert {one.queue for one in change.tasks} == {"tell"}
    assert [one.user for one in change.notices] == [ada.id]
    assert ben.id in desk.house.people.blocked[ada.id]
    for task in change.tasks:
        assert b"toad" not in task.payload
        assert b"he keeps on" not in task.payload


async def test_the_receipt_lists_the_hash_of_each_body_and_names_no_case(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    said, near = await ben.say(room, "you are a toad"), await ben.say(room, "so there")
    filed = await desk.file(ada, room, said, context=[near])
    receipt = read_receipt(filed.report.receipt, ReceiptSigner(SEED, "a.example").public)
    assert (receipt.report, receipt.reporter, receipt.at) == (
        filed.report.id,
        ada.id,
        filed.report.at,
    )
    evidence = await desk.evidence_of(filed)
    assert [one.body_hash for one in receipt.events] == [H(one.body) for one in evidence]
    assert [one.context for one in receipt.events] == [False, True]
    check_bodies(receipt, [(one.event_id, one.body) for one in evidence])
    assert filed.report.case.encode() not in filed.report.receipt
    assert ben.id.encode() not in filed.report.receipt


async def test_the_same_report_again_gets_the_same_receipt_and_brings_nothing(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    one, other = await ben.say(room, "a"), await ben.say(room, "b")
    first = await desk.file(ada, room, one, other, note="he keeps on")
    before = desk.desk.everything()
    desk.house.clock.now += 24 * HOUR_MS - 1
    for again in (
        await desk.file(ada, room, one, other, note="he keeps on"),
        await desk.file(ada, room, other, one),
    ):
        assert again.repeat
        assert again.report == first.report
    assert desk.desk.everything() == before
    desk.house.clock.now += 2
    assert not (await desk.file(ada, room, one, other)).repeat


async def test_something_new_about_the_same_message_is_a_report_of_its_own(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "a")
    first = await desk.file(ada, room, said)
    for more in (
        {"note": "now he is at my door"},
        {"reason": "child_safety.grooming"},
        {"hidden": True},
        {"context": [await ben.say(room, "b")]},
    ):
        assert not (await desk.file(ada, room, said, **more)).repeat
    assert len(await desk.desk.reports(first.report.case)) == 4


async def test_the_same_report_sent_twice_at_once_is_one(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "a")
    filed = await asyncio.gather(*(desk.file(ada, room, said) for _ in range(5)))
    assert len({one.report.id for one in filed}) == 1
    assert [one.repeat for one in filed].count(False) == 1


async def test_two_people_who_report_one_at_once_share_a_case(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    filed = await asyncio.gather(
        desk.file(ada, room, await ben.say(room, "a")),
        desk.file(cleo, None, subject=ben.id),
        desk.file(cleo, None, subject=ben.id, note="again and again"),
    )
    (case,) = {one.report.case for one in filed}
    found = await desk.desk.case(case)
    assert found is not None
    assert found.reports == 3
    assert found.weight == 3.0
    assert [one.kind for one in await desk.desk.events(case)] == ["reported"] * 3


async def test_a_case_that_moved_on_meanwhile_is_looked_at_again(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    first = await desk.file(cleo, None, subject=ben.id)
    commit = desk.desk.commit
    moved: list[tuple[Case, ...]] = []

    async def claimed_first(change: DeskChange) -> tuple[Case, ...]:
        if not moved:
            case = await desk.case_of(first)
            held = replace(case, state=CaseState.CLAIMED, holder="sta_x", lease_until=2**50)
            moved.append(await commit(DeskChange(cases=(held,))))
        return await commit(change)

    desk.desk.commit = claimed_first  # type: ignore[method-assign]
    said = await ben.say(room, "you are a toad")
    filed = await desk.file(ada, room, said)
    case = await desk.case_of(filed)
    assert (case.state, case.holder, case.reports) == (CaseState.CLAIMED, "sta_x", 2)
    (evidence,) = await desk.evidence_of(filed)
    assert opened(case, evidence) == "you are a toad"


async def test_a_case_decided_meanwhile_is_not_opened_again(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    first = await desk.file(ada, room, await ben.say(room, "a"))
    case = await desk.case_of(first)
    await desk.desk.commit(DeskChange(cases=(replace(case, state=CaseState.DECIDED),)))
    second = await desk.file(ada, room, await ben.say(room, "b"))
    assert second.report.case != first.report.case


async def test_a_conversation_or_person_that_does_not_exist_is_answered_like_any_other(
    desk: ReviewHouse,
) -> None:
    _ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    theirs = await desk.file(cleo, room)
    nowhere = await desk.file(cleo, "!nowhere:a.example")
    nobody = await desk.file(cleo, None, subject="@nobody:a.example")
    assert [one.report.unverified for one in (theirs, nowhere, nobody)] == [True] * 3
    # Whose conversation it is that cleo is not in, nobody finds out by reporting it.
    assert (theirs.report.subject, nowhere.report.subject) == (room, "!nowhere:a.example")
    shown = await desk.reports.mine(cleo.id)
    first, second = (set(one) for one in shown if "room_id" in one)
    assert first == second
    assert ben.id not in str(shown)


async def test_a_conversation_as_such_is_about_the_other_person_in_it(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    assert (await desk.file(ada, room)).report.subject == ben.id
    (shown,) = await desk.reports.mine(ada.id)
    assert "user_id" not in shown
    assert (await desk.file(ben, room)).report.subject == ada.id
    for one in (ada, ben):
        desk.house.connect(one, cleo)
    await ben.invite(room, cleo)
    assert (await desk.file(cleo, room)).report.subject == ben.id
    assert (await desk.file(ben, room, note="again")).report.subject == ada.id
    await ben.leave(room)
    assert (await desk.file(ada, room, note="again")).report.subject in {ben.id, cleo.id}


async def test_a_child_safety_report_freezes_only_a_conversation_of_ones_own(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    grave = {"reason": "child_safety.grooming"}
    await desk.file(cleo, room, **grave)
    await desk.file(cleo, room, subject=ben.id, **grave)
    await desk.file(cleo, None, subject=ben.id, **grave)
    assert not [one for one in desk.desk.tasks.values() if one.queue == "freeze"]
    filed = await desk.file(ada, room, await ben.say(room, "a"), **grave)
    await desk.file(ada, room, note="all of it", **grave)
    (task,) = [one for one in desk.desk.tasks.values() if one.queue == "freeze"]
    asked = freezing_of(task.payload)
    assert (asked.room, asked.case) == (room, filed.report.case)
    assert asked.until == filed.report.at + 365 * DAY_MS
    case = await desk.case_of(filed)
    assert (case.queue, case.rank, case.child_safety) == ("child_safety", 0, True)
    assert case.due <= filed.report.at + 15 * 60_000


async def test_other_reports_freeze_nothing(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    await desk.file(ada, room, await ben.say(room, "a"))
    assert not [one for one in desk.desk.tasks.values() if one.queue == "freeze"]


@pytest.mark.parametrize(
    ("bands", "minor"),
    [
        ((AgeBand.ADULT, AgeBand.ADULT), False),
        ((AgeBand.FROM_13, AgeBand.ADULT), True),
        ((AgeBand.ADULT, AgeBand.FROM_16), True),
        ((AgeBand.UNKNOWN, AgeBand.UNKNOWN), False),
    ],
)
async def test_a_case_knows_whether_a_minor_is_concerned(
    desk: ReviewHouse, bands: tuple[AgeBand, AgeBand], minor: bool
) -> None:
    ada = await desk.house.person("ada", bands[0])
    ben = await desk.house.person("ben", bands[1])
    filed = await desk.file(ada, None, subject=ben.id)
    assert (await desk.case_of(filed)).minor is minor


async def test_a_note_keeps_its_markup_and_loses_what_nobody_can_read(desk: ReviewHouse) -> None:
    ada = await desk.house.person("ada")
    note = "  <script>alert(1)</script>\r\n\tb\x00\x1b[31m\u202egnp.exe \U0001f622  "
    filed = await desk.file(ada, None, subject="@ben:a.example", note=note)
    assert filed.report.note == (
        "<script>alert(1)</script>\n\tb\ufffd\ufffd[31m\ufffdgnp.exe \U0001f622"
    )


async def test_an_app_that_names_no_reason_is_heard(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "you are a toad")
    filing = Filing(room=room, events=(said,), note="rude")
    filed = await desk.reports.file(reporter(ada), filing)
    case = await desk.case_of(filed)
    assert (filed.report.reason, case.queue) == ("other.unsorted", "unsorted")
    assert not filed.report.unverified


async def test_a_report_that_leaves_no_trace_is_shown_only_to_who_knows_its_name(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "you are a toad")
    before = await desk.reports.mine(ada.id)
    hidden = await desk.file(ada, room, said, hidden=True)
    assert await desk.reports.mine(ada.id) == before == []
    found = await desk.reports.one(ada.id, hidden.report.id)
    assert found is not None
    assert found["id"] == hidden.report.id
    assert await desk.reports.one(ben.id, hidden.report.id) is None
    assert await desk.reports.one(ada.id, "rep_nothing") is None
    assert all(one.hidden for one in await desk.desk.notices(ada.id, 2**50))


async def test_a_report_tells_how_far_it_is_and_how_to_contest(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    filed = await desk.file(ada, room, await ben.say(room, "you are a toad"))
    (shown,) = await desk.reports.mine(ada.id)
    assert (shown["state"], shown["user_id"], shown["room_id"]) == ("received", ben.id, room)
    assert shown["reason_title"] == "Insults or threats"
    case = await desk.case_of(filed)
    (case,) = await desk.desk.commit(DeskChange(cases=(replace(case, state=CaseState.CLAIMED),)))
    assert (await desk.reports.mine(ada.id))[0]["state"] == "in_review"
    (case,) = await desk.desk.commit(DeskChange(cases=(replace(case, state=CaseState.DECIDED),)))
    # Nobody learns of a decision before they are told of it.
    assert (await desk.reports.mine(ada.id))[0]["state"] == "in_review"
    now = desk.house.clock.now
    await desk.desk.commit(DeskChange(notices=(_outcome(filed.report.id, ada.id, now, "acted"),)))
    (shown,) = await desk.reports.mine(ada.id)
    assert (shown["state"], shown["outcome"]) == ("decided", "acted")
    assert shown["contest"]["until"] == now + 183 * DAY_MS
    desk.house.clock.now += 184 * DAY_MS
    assert "contest" not in (await desk.reports.mine(ada.id))[0]
    for secret in (case.id, "weight", "queue"):
        assert secret not in str(shown)
    assert await desk.reports.mine(ben.id) == []


async def test_reports_that_did_not_hold_count_less_but_are_all_taken() -> None:
    desk = ReviewHouse({"intake": {"false_reports": 2, "least_weight_percent": 20}})
    ada = await desk.house.person("ada")
    weights = []
    for number in range(6):
        filed = await desk.file(ada, None, subject=f"@troll{number}:a.example")
        weights.append(filed.report.weight)
        desk.house.clock.now += HOUR_MS
        now = desk.house.clock.now
        await desk.desk.commit(
            DeskChange(notices=(_outcome(filed.report.id, ada.id, now, "nothing"),))
        )
    assert weights == [1.0, 1.0, 0.5, 0.25, 0.2, 0.2]
    warned = [one for one in await desk.desk.notices(ada.id, 2**50) if one.kind == "warning"]
    assert len(warned) == 4
    good = await desk.file(ada, None, subject="@real:a.example")
    await desk.desk.commit(
        DeskChange(notices=(_outcome(good.report.id, ada.id, desk.house.clock.now + 1, "acted"),))
    )
    desk.house.clock.now += 2
    assert (await desk.file(ada, None, subject="@next:a.example")).report.weight == 1.0


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        ("acted", "stays", True),
        ("acted", "changed", False),
        ("nothing", "stays", False),
        ("nothing", "changed", True),
    ],
)
async def test_a_second_look_decides_whether_a_report_held(
    desk: ReviewHouse, first: str, second: str, holds: bool
) -> None:
    ada = await desk.house.person("ada")
    filed = await desk.file(ada, None, subject="@ben:a.example")
    now = desk.house.clock.now
    told = _outcome(filed.report.id, ada.id, now, first)
    again = replace(
        _outcome(filed.report.id, ada.id, now + 1, second), id="ntc_again", kind="appeal_outcome"
    )
    await desk.desk.commit(DeskChange(notices=(again, told)))
    found = await ToldOutcomes(desk.desk).of(ada.id, now + 1)
    assert (found[filed.report.id].outcome, found[filed.report.id].held) == (second, holds)
    before = await ToldOutcomes(desk.desk).of(ada.id, now)
    assert before[filed.report.id].outcome == first


async def test_reports_are_named_in_no_printed_text(desk: ReviewHouse) -> None:
    ada = await desk.house.person("ada")
    filed = await desk.file(ada, None, subject="@ben:a.example", note="canary")
    assert "canary" not in repr(filed)
    assert "canary" not in repr(Filing(note="canary"))
    assert "canary" not in repr(desk.signer)


async def test_reasons_come_with_the_help_of_ones_own_country(desk: ReviewHouse) -> None:
    ada = await desk.house.person("ada")
    said = await desk.reports.reasons(ada.id)
    assert [one["key"] for one in said["reasons"]] == [one.key for one in desk.review.reasons]
    assert any("findahelpline" in one["contact"] for one in said["help"])
    assert said["limits"] == {"events": 50, "context": 5, "note_chars": 2000}


def _outcome(report: str, user: str, at: int, outcome: str) -> Notice:
    body = {
        "title": "t",
        "text": [],
        "reports": [report],
        "outcome": outcome,
        "contest_until": at + 183 * DAY_MS,
    }
    return Notice(
        id=f"ntc_{report}",
        user=user,
        case="case_x",
        kind="outcome",
        at=at,
        show_at=at,
        body=msgspec.json.encode(body),
    )


async def test_a_stale_case_is_no_error_to_the_reporter(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    commit = desk.desk.commit
    refused: list[DeskChange] = []

    async def stale_once(change: DeskChange) -> tuple[Case, ...]:
        if not refused:
            refused.append(change)
            raise StaleCaseError("moved")
        return await commit(change)

    desk.desk.commit = stale_once  # type: ignore[method-assign]
    filed = await desk.file(ada, room, await ben.say(room, "a"))
    assert len(await desk.desk.reports(filed.report.case)) == 1


async def test_state_that_the_server_reads_itself_is_reported_without_a_key(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    joined = (await desk.house.rooms.get(room)).state[("m.room.member", ben.id)]
    filed = await desk.file(ada, room, joined.fields.event_id)
    assert filed.report.events == (joined.fields.event_id,)
    assert filed.report.subject == ben.id
    assert filed.report.unverified
    assert await desk.evidence_of(filed) == []


async def test_to_block_a_conversation_that_nobody_knows_blocks_nobody(desk: ReviewHouse) -> None:
    cleo = await desk.house.person("cleo")
    await desk.file(cleo, "!nowhere:a.example", block=True)
    assert desk.house.people.blocked[cleo.id] == set()
    await desk.file(cleo, None, subject="@nobody:a.example", block=True)
    assert desk.house.people.blocked[cleo.id] == {"@nobody:a.example"}


async def test_two_nodes_that_open_a_case_at_once_open_one(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    commit = desk.desk.commit
    meanwhile: list[DeskChange] = []

    async def other_node_first(change: DeskChange) -> tuple[Case, ...]:
        if not meanwhile:
            meanwhile.append(change)
            # Another process, which shares nothing with this one but the store and its secrets.
            await ReviewHouse.beside(desk).file(cleo, None, subject=ben.id)
        return await commit(change)

    said = await ben.say(room, "you are a toad")
    desk.desk.commit = other_node_first  # type: ignore[method-assign]
    filed = await desk.file(ada, room, said)
    (case,) = await desk.desk.cases_about(ben.id)
    assert (case.reports, case.victims) == (2, (cleo.id, ada.id))
    (evidence,) = await desk.evidence_of(filed)
    assert opened(case, evidence) == "you are a toad"


async def test_a_case_that_was_moved_away_does_not_stop_the_next_one(desk: ReviewHouse) -> None:
    ada, ben, _room = await desk.pair()
    first = await desk.file(ada, None, subject=ben.id)
    case = await desk.case_of(first)
    # Escalated, and by a clock that went back not the newest any more.
    moved = replace(case, queue="child_safety", opened=case.opened - DAY_MS)
    await desk.desk.commit(DeskChange(cases=(moved,)))
    older = replace(case, id="case_older", opened=case.opened - 2 * DAY_MS, revision=0)
    await desk.desk.commit(DeskChange(cases=(replace(older, state=CaseState.CLOSED),)))
    names = {first.report.case}
    for number in range(3):
        filed = await desk.file(ada, None, subject=ben.id, note=f"again {number}")
        case = await desk.case_of(filed)
        assert case.id not in names
        names.add(case.id)
        gone = replace(case, state=CaseState.DECIDED, opened=case.opened - 3 * DAY_MS)
        await desk.desk.commit(DeskChange(cases=(gone,)))


def test_the_name_of_a_case_tells_nobody_whom_it_is_about() -> None:
    one, other = CaseNames(SEED), CaseNames(bytes(32))
    name = one.following("@ben:a.example", "spam", "")
    assert name != other.following("@ben:a.example", "spam", "")
    assert name == CaseNames(SEED).following("@ben:a.example", "spam", "")
    names = {
        one.following(subject, queue, newest)
        for subject in ("@ben:a.example", "@cleo:a.example")
        for queue in ("spam", "threats")
        for newest in ("", name)
    }
    assert len(names) == 8
    assert repr(one) == "CaseNames(…)"
