"""A referral takes two people, opens nothing that nobody viewed, and leaves its trace first."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
import pytest
from msgspec.structs import replace
from tests.readers.review.vault_desk import (
    ANNA,
    CANARY,
    CARA,
    CARL,
    CASE,
    CHILD,
    ENTICEMENT,
    LEA,
    NOW,
    REVIEW,
    SUBJECT,
    VaultDesk,
    decided_event,
)
from tests.readers.review.xml_reading import read_xml

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.cyber_tip_schema import TipRefusedError
from halfdoor.readers.review.errors import (
    ConflictOfInterestError,
    RoleError,
    SecondPersonError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.exhibits import words_of
from halfdoor.readers.review.records import CaseState, ModerationEvent, StaffEntry
from halfdoor.readers.review.referral_events import ReferralRequest
from halfdoor.readers.review.sealed_files import Package, open_package
from halfdoor.readers.review.store import DeskChange
from halfdoor.readers.review.viewing import viewed
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import XWING, PrivateKey

LEAD_OF_ALL = replace(LEA, roles=frozenset({"lead", "reviewer", "auditor", "admin"}))


@pytest.fixture
def vault() -> VaultDesk:
    return VaultDesk()


async def made(vault: VaultDesk, request: ReferralRequest = ENTICEMENT) -> Package:
    """Propose, confirm and open what was made."""
    proposal = await vault.referrals.propose(CARA, CASE, request)
    await vault.referrals.confirm(CARL, CASE)
    sealed = vault.files.kept[proposal.id]
    return open_package(sealed, vault.key.key, CASE, proposal.id)


def report_of(package: Package) -> Element:
    return read_xml(package.report)


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("staff", [ANNA, LEA, LEAD_OF_ALL])
async def test_without_the_role_the_case_does_not_exist(
    vault: VaultDesk, staff: StaffMember
) -> None:
    await vault.open()
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    referrals = vault.referrals
    tries: list[Callable[[], Awaitable[object]]] = [
        lambda: referrals.of(staff, CASE),
        lambda: referrals.propose(staff, CASE, ENTICEMENT),
        lambda: referrals.confirm(staff, CASE),
        lambda: referrals.refuse(staff, CASE, "no"),
        lambda: referrals.export(staff, CASE, "ref_1", "to file"),
        lambda: referrals.filed(staff, CASE, "ref_1", 7),
    ]
    for one in tries:
        with pytest.raises(UnknownCaseError) as refused:
            await one()
        with pytest.raises(UnknownCaseError) as nowhere:
            await referrals.of(staff, "case_none")
        assert str(refused.value) == str(nowhere.value)


async def test_whoever_proposed_it_does_not_confirm_it(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    with pytest.raises(SecondPersonError):
        await vault.referrals.confirm(CARA, CASE)
    assert vault.files.kept == {}
    assert vault.opener.opened == []


async def test_nothing_is_confirmed_that_nobody_proposed(vault: VaultDesk) -> None:
    await vault.open()
    with pytest.raises(UnknownCaseError):
        await vault.referrals.confirm(CARL, CASE)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": CaseState.CLAIMED, "decided_at": None},
        {"state": CaseState.SECOND},
        {"decided_at": NOW + 55_000},
        {"key_sealed": b""},
    ],
)
async def test_a_case_that_is_not_decided_for_good_is_not_referred(
    vault: VaultDesk, changes: dict[str, Any]
) -> None:
    await vault.open(**changes)
    with pytest.raises(StaleCaseError):
        await vault.referrals.propose(CARA, CASE, ENTICEMENT)


@pytest.mark.parametrize(
    "event",
    [
        decided_event(id="dec_2", measures=()),
        ModerationEvent(
            case=CASE, n=0, at=NOW, kind="reversed", actor="carl", detail=b'{"id":"dec_1"}'
        ),
    ],
)
async def test_where_nothing_was_found_or_the_decision_fell_nobody_is_referred(
    vault: VaultDesk, event: ModerationEvent
) -> None:
    await vault.open()
    await vault.desk.commit(DeskChange(events=(event,)))
    with pytest.raises(StaleCaseError, match="No decision stands"):
        await vault.referrals.propose(CARA, CASE, ENTICEMENT)


@pytest.mark.parametrize("name", ["", "kim", "@kim", "kim@a.example", "@kim:a.example\n", "@a b:c"])
async def test_whoever_is_named_is_named_by_an_id(vault: VaultDesk, name: str) -> None:
    await vault.open()
    for request in (
        replace(ENTICEMENT, victims=(name,)),
        replace(ENTICEMENT, recipients=(CHILD, name)),
    ):
        with pytest.raises(TipRefusedError):
            await vault.referrals.propose(CARA, CASE, request)


async def test_a_case_that_was_reopened_meanwhile_is_not_confirmed(vault: VaultDesk) -> None:
    case = await vault.open()
    await vault.viewed("evd_1")
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    current = await vault.desk.case(CASE)
    assert current is not None
    assert current.revision == case.revision + 1
    await vault.desk.commit(DeskChange(cases=(replace(current, state=CaseState.OPEN),)))
    with pytest.raises(StaleCaseError):
        await vault.referrals.confirm(CARL, CASE)


async def test_only_cases_of_the_vault_are_referred(vault: VaultDesk) -> None:
    await vault.open(child_safety=False, queue="harassment")
    both = replace(CARA, roles=frozenset({"child_safety", "reviewer"}))
    with pytest.raises(RoleError):
        await vault.referrals.propose(both, CASE, ENTICEMENT)


@pytest.mark.parametrize("person", [SUBJECT, CHILD])
async def test_nobody_refers_a_case_of_their_own(vault: VaultDesk, person: str) -> None:
    await vault.open()
    with pytest.raises(ConflictOfInterestError):
        await vault.referrals.propose(replace(CARA, people=(person,)), CASE, ENTICEMENT)


async def test_a_known_recipient_without_a_victim_is_refused_and_nothing_is_kept(
    vault: VaultDesk,
) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await vault.referrals.propose(CARA, CASE, replace(ENTICEMENT, victims=()))
    with pytest.raises(TipRefusedError):
        await vault.referrals.confirm(CARL, CASE)
    assert vault.files.kept == {}
    # It can still be dropped, and be proposed as it should be.
    await vault.referrals.refuse(CARL, CASE, "the child is known")
    await made(vault)


async def test_a_second_proposal_waits_until_the_first_is_answered(vault: VaultDesk) -> None:
    await vault.open()
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    with pytest.raises(StaleCaseError):
        await vault.referrals.propose(CARL, CASE, ENTICEMENT)


async def test_of_two_who_confirm_at_once_one_makes_it(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    other = replace(CARL, id="cleo")
    answers = await asyncio.gather(
        vault.referrals.confirm(CARL, CASE),
        vault.referrals.confirm(other, CASE),
        return_exceptions=True,
    )
    assert sum(isinstance(one, UnknownCaseError) for one in answers) == 1
    assert vault.referrals.counted["made"] == 1


async def test_evidence_that_is_not_what_was_stored_refers_nobody(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    vault.opener.bad.add("evd_1")
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    with pytest.raises(Denied):
        await vault.referrals.confirm(CARL, CASE)
    assert vault.files.kept == {}


# --- what was viewed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        {"staff": ""},
        {"what": "unmask"},
        {"what": "refer"},
        {"what": "claim"},
        {"case": "case_two"},
        {"case": None},
        {"about": None},
        {"about": "evd_2"},
    ],
)
def test_no_other_line_proves_that_a_person_viewed_something(line: dict[str, str | None]) -> None:
    said = {"at": NOW, "staff": "cara", "what": "reveal", "case": CASE, "about": "evd_1", **line}
    assert "evd_1" not in viewed([CASE], [msgspec.convert(said, StaffEntry)])


def test_what_then_did_not_open_was_not_viewed() -> None:
    lines = [
        StaffEntry(at=NOW, staff="cara", what=what, case=CASE, about="evd_1")
        for what in ("reveal", "denied")
    ]
    assert viewed([CASE], lines[:1]) == {"evd_1"}
    assert viewed([CASE], lines) == frozenset()


async def test_only_what_a_person_viewed_is_opened_for_a_report(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_2")
    package = await made(vault)
    assert vault.opener.opened == ["evd_2"]
    content = report_of(package).findtext("internetDetails/chatImIncident/content") or ""
    assert f"{CANARY} 2" in content
    assert f"{CANARY} 1" not in package.report.decode()
    said = report_of(package).findtext("internetDetails/chatImIncident/additionalInfo") or ""
    assert "$1" in said
    assert "$3" in said
    (file,) = package.files
    assert (file.viewed, file.evidence) == (True, ("evd_2",))


async def test_a_report_by_words_of_the_child_alone_opens_nothing(vault: VaultDesk) -> None:
    await vault.open()
    package = await made(vault)
    assert vault.opener.opened == []
    assert package.files == ()
    assert "> he scares me" in (report_of(package).findtext("additionalInfo") or "")


# --- what is made -----------------------------------------------------------------------------


async def test_a_report_names_victim_recipient_and_subject(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    report = report_of(await made(vault))
    assert report.findtext("victim/espIdentifier") == CHILD
    assert report.findtext("intendedRecipient/espIdentifier") == CHILD
    assert report.findtext("personOrUserReported/espIdentifier") == SUBJECT
    assert report.findtext("internetDetails/chatImIncident/chatRoomName") == "!room:a.example"


async def test_nothing_readable_lies_in_the_folder_or_the_events(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1", "evd_2", "evd_3")
    await made(vault)
    (sealed,) = vault.files.kept.values()
    assert CANARY.encode() not in sealed
    assert b"<report" not in sealed
    events = msgspec.json.encode(await vault.desk.events(CASE))
    log = msgspec.json.encode(vault.desk.log)
    assert CANARY.encode() not in events + log


async def test_a_sealed_report_is_bound_to_its_case_and_key(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await made(vault)
    ((name, sealed),) = vault.files.kept.items()
    for case, referral in (("case_two", name), (CASE, "ref_other")):
        with pytest.raises(Denied):
            open_package(sealed, vault.key.key, case, referral)
    with pytest.raises(Denied):
        open_package(sealed, PrivateKey.generate(XWING), CASE, name)


async def test_nobody_exports_a_case_of_their_own(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await made(vault)
    (one,) = await vault.referrals.of(CARA, CASE)
    before = vault.key.opened
    with pytest.raises(ConflictOfInterestError):
        await vault.referrals.export(replace(CARA, people=(CHILD,)), CASE, one.id, "to look")
    assert vault.key.opened == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"body":"hello","formatted_body":"<i>meet me</i>"}', ["hello", "<i>meet me</i>"]),
        (b'{"body":7,"formatted_body":"only here"}', ["only here"]),
        (b'{"org.example.hidden":"meet me"}', ["org.example.hidden", "meet me"]),
        (b"[1]", ["1"]),
        (b"no json \xff", ["no json \ufffd"]),
    ],
)
def test_all_that_a_message_says_in_words_is_told(content: bytes, words: list[str]) -> None:
    assert all(word in words_of(content) for word in words)


async def test_an_export_is_logged_before_it_is_opened(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await made(vault)
    (one,) = await vault.referrals.of(CARA, CASE)
    before = vault.key.opened
    package = await vault.referrals.export(CARA, CASE, one.id, "to file it by hand")
    assert report_of(package).tag == "report"
    assert vault.key.opened == before + 1
    last = vault.desk.log[-1]
    assert (last.what, last.staff, last.about) == ("referral_exported", CARA.id, one.id)
    assert last.reason == "to file it by hand"


async def test_where_the_log_cannot_be_written_nothing_is_exported(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await made(vault)
    (one,) = await vault.referrals.of(CARA, CASE)
    before = vault.key.opened

    async def full(change: DeskChange) -> tuple[()]:
        raise OSError("disk full")

    vault.desk.commit = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="full"):
        await vault.referrals.export(CARA, CASE, one.id, "to file")
    assert vault.key.opened == before


async def test_what_is_filed_by_hand_is_noted_once(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await made(vault)
    (one,) = await vault.referrals.of(CARA, CASE)
    await vault.referrals.filed(CARA, CASE, one.id, 4711)
    with pytest.raises(StaleCaseError):
        await vault.referrals.filed(CARL, CASE, one.id, 4712)
    (one,) = await vault.referrals.of(CARA, CASE)
    assert (one.state, one.report) == ("filed", 4711)
    assert (one.proposed_by, one.confirmed_by) == (CARA.id, CARL.id)
    assert vault.referrals.counted == {"made": 1, "filed": 1}


async def test_nothing_is_to_be_sent_unless_the_configuration_says_so(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await made(vault)
    assert vault.desk.tasks == {}


async def test_where_it_is_to_be_sent_the_task_is_durable_with_the_report() -> None:
    vault = VaultDesk(send=True)
    await vault.open()
    await vault.viewed("evd_1")
    package = await made(vault)
    (task,) = vault.desk.tasks.values()
    assert task.queue == "refer"
    assert msgspec.json.decode(task.payload) == {"case": CASE, "referral": package.referral}


async def test_what_two_people_decided_to_refer_is_made_by_one_of_them(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await vault.decided_to_refer(CARL.id)
    one = await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    assert one.state == "made"
    assert list(vault.files.kept) == [one.id]


async def test_what_one_person_decided_to_refer_waits_for_another(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await vault.decided_to_refer(None)
    assert (await vault.referrals.propose(CARA, CASE, ENTICEMENT)).state == "proposed"


async def test_every_touch_stands_in_the_log(vault: VaultDesk) -> None:
    await vault.open()
    await vault.viewed("evd_1")
    await made(vault)
    assert vault.kinds() == ["reveal", "referral_proposed", "refer", "referral_made"]
    assert REVIEW.vault.media == "nobody"
