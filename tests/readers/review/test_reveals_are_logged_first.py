"""A message opens for whoever holds its case, after the log says so, if it is what was stored."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace
from tests.readers.review.desk_scene import (
    ADAM,
    ANNA,
    AUDREY,
    BAD,
    BERT,
    CARA,
    CEK,
    HEADER,
    KID,
    LEA,
    PAL,
    ROOM,
    SIGNER,
    T0,
    Said,
    Scene,
    header,
    say,
)
from tests.readers.review_fakes import FakeDesk

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.case_keys import new_case_key, public_key
from halfdoor.readers.review.errors import (
    HeldError,
    NotHeldError,
    ReviewError,
    RoleError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.evidence_opening import EvidenceOpener, Opened, opened
from halfdoor.readers.review.filing import Reportable
from halfdoor.readers.review.receipts import ReceiptSigner
from halfdoor.readers.review.records import Case, CaseKind, CaseState, Evidence, Report
from halfdoor.readers.review.reveal import NOTE, Revealed, Verdict
from halfdoor.readers.review.store import DeskChange
from halfdoor.sealing.cases import seal_case
from halfdoor.sealing.envelope import (
    NONCE,
    SEALED,
    EventFields,
    event_commit,
    event_ctx,
    event_head,
)
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.opening.events import EventOpener

CANARY = "canary words that nobody else may see"
REASON = "to judge the report"


async def held(scene: Scene, *said: Said, **report: Any) -> tuple[Case, list[Evidence]]:
    """Put a reported message on the desk, in the hands of Anna."""
    case = await scene.case()
    _, items = await scene.report(case, *(said or (say(CANARY),)), **report)
    return await scene.cases.claim(ANNA, case.id), items


class Watched(FakeDesk):
    """A desk whose log fails, or that notes the order of things."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.order: list[str] = []

    async def commit(self, change: DeskChange) -> tuple[Case, ...]:
        reveals = [line for line in change.log if line.what == "reveal"]
        if reveals and self.broken:
            raise OSError("no space left on device")
        written = await super().commit(change)
        self.order += ["logged" for _ in reveals]
        return written

    async def report(self, id: str) -> Report | None:
        self.order.append("opening")
        return await super().report(id)


# --- the log --------------------------------------------------------------------------------------


async def test_nothing_opens_where_the_log_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Watched()
    scene = Scene(desk)
    case, (item,) = await held(scene)
    desk.broken = True
    opened: list[object] = []
    monkeypatch.setattr(EvidenceOpener, "open", lambda *_: opened.append(1))
    with pytest.raises(OSError, match="no space"):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    assert opened == []
    assert "revealed" not in await scene.kinds(case.id)


async def test_the_line_is_durable_before_anything_opens() -> None:
    desk = Watched()
    scene = Scene(desk)
    case, (item,) = await held(scene)
    shown = await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    assert shown.content["body"] == CANARY
    assert desk.order == ["logged", "opening"]
    assert scene.logged()[-1] == ("anna", "reveal", case.id, item.id, REASON)
    event, detail = await scene.last(case.id)
    assert (event.kind, event.actor) == ("revealed", "anna")
    assert detail == {"evidence": item.id, "reason": REASON}


async def test_each_look_at_the_same_message_is_a_line() -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    for _ in range(3):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    assert [line[1] for line in scene.logged()].count("reveal") == 3


@pytest.mark.parametrize("reason", ["", " \t ", "two\nlines", "x" * 501])
async def test_without_a_reason_nothing_opens(reason: str) -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    before = scene.desk.everything()
    for act in (scene.reveals.reveal, scene.reveals.unmask):
        with pytest.raises(ReviewError):
            await act(ANNA, case.id, item.id, reason)
    with pytest.raises(ReviewError):
        await scene.reveals.ask_for_more(ANNA, case.id, reason)
    assert scene.desk.everything() == before


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (BERT, NotHeldError),
        (LEA, NotHeldError),
        (ADAM, RoleError),
        (AUDREY, RoleError),
        (CARA, RoleError),
    ],
)
async def test_nobody_but_the_holder_opens_anything(
    who: StaffMember, refusal: type[Exception]
) -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    before = scene.desk.everything()
    for act, what in (
        (scene.reveals.reveal, item.id),
        (scene.reveals.unmask, "Person A"),
    ):
        with pytest.raises(refusal):
            await act(who, case.id, what, REASON)
    with pytest.raises(refusal):
        await scene.reveals.ask_for_more(who, case.id, REASON)
    assert scene.desk.everything() == before


async def test_who_lost_their_role_opens_nothing_though_they_hold_the_case() -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    for roles in (frozenset(), frozenset({"admin"}), frozenset({"auditor"})):
        with pytest.raises(RoleError):
            await scene.reveals.reveal(replace(ANNA, roles=roles), case.id, item.id, REASON)


async def test_after_the_lease_nothing_opens() -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    scene.clock.pass_minutes(10)
    with pytest.raises(NotHeldError):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    with pytest.raises(NotHeldError):
        await scene.reveals.unmask(ANNA, case.id, "Person A", REASON)
    assert [line[1] for line in scene.logged()] == ["claim"]


async def test_nothing_opens_that_lost_the_case_between_look_and_line() -> None:
    """Somebody takes the case over while the request is under way."""

    class Taken(FakeDesk):
        thief: Any = None

        async def evidence(self, case: str) -> list[Evidence]:
            found = await super().evidence(case)
            if self.thief is not None:
                act, self.thief = self.thief, None
                await act()
            return found

    desk = Taken()
    scene = Scene(desk)
    case, (item,) = await held(scene)

    async def steal() -> None:
        scene.clock.pass_minutes(10)
        await scene.cases.claim(BERT, case.id)

    desk.thief = steal
    with pytest.raises(NotHeldError):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    assert "reveal" not in [line[1] for line in scene.logged()]


async def test_a_decided_case_opens_no_more() -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    await scene.desk.commit(DeskChange(cases=(replace(case, state=CaseState.DECIDED),)))
    with pytest.raises(StaleCaseError):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)


async def test_the_second_person_sees_what_the_first_one_saw() -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    await scene.desk.commit(DeskChange(cases=(replace(case, state=CaseState.SECOND, holder=None),)))
    with pytest.raises(NotHeldError):
        await scene.reveals.reveal(BERT, case.id, item.id, REASON)
    await scene.cases.claim(BERT, case.id)
    shown = await scene.reveals.reveal(BERT, case.id, item.id, REASON)
    assert shown.content["body"] == CANARY


async def test_where_the_law_lets_nobody_view_it_the_vault_stays_shut() -> None:
    review = Scene().review
    shut = replace(review, vault=replace(review.vault, text="nobody"))
    scene = Scene(review=shut)
    case = await scene.case("child_safety.grooming")
    _, (item,) = await scene.report(case, say(CANARY))
    await scene.cases.claim(CARA, case.id)
    with pytest.raises(RoleError):
        await scene.reveals.reveal(CARA, case.id, item.id, REASON)
    assert "reveal" not in [line[1] for line in scene.logged()]


# --- what -----------------------------------------------------------------------------------------


async def test_what_nobody_reported_is_not_there() -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    other = await scene.case(subject=PAL)
    _, (theirs,) = await scene.report(other, say("something else", "$2"))
    before = scene.desk.everything()
    for what in (theirs.id, "$1", "$2", "evd_none", other.id, "", item.report):
        with pytest.raises(UnknownCaseError):
            await scene.reveals.reveal(ANNA, case.id, what, REASON)
    with pytest.raises(NotHeldError):
        await scene.reveals.reveal(ANNA, other.id, theirs.id, REASON)
    assert scene.desk.everything() == before


async def test_a_message_opens_with_label_time_and_verdict() -> None:
    scene = Scene()
    said = say(CANARY), say("why are you asking", "$2", KID)
    case, (first, second) = await held(scene, *said, context=1)
    shown = await scene.reveals.reveal(ANNA, case.id, first.id, REASON)
    assert shown == Revealed(
        id=first.id,
        type="m.room.message",
        content={"msgtype": "m.text", "body": CANARY},
        by="Person A",
        at=T0 - 1000,
        verdict=Verdict.GENUINE,
    )
    around = await scene.reveals.reveal(ANNA, case.id, second.id, REASON)
    assert (around.by, around.context) == ("Person B", True)


async def test_a_deleted_message_opens_and_is_marked() -> None:
    scene = Scene()
    case = await scene.case()
    report, (item,) = scene.filed(case, say(CANARY))
    await scene.desk.commit(DeskChange(reports=(report,), evidence=(replace(item, redacted=True),)))
    await scene.cases.claim(ANNA, case.id)
    assert (await scene.reveals.reveal(ANNA, case.id, item.id, REASON)).redacted


async def test_what_a_reporter_typed_opens_like_a_message_and_proves_nothing() -> None:
    scene = Scene()
    case = await scene.case()
    report, _ = await scene.report(case, note=CANARY, unverified=True, events=("$9",))
    view_before = repr(await scene.cases.view(ANNA, case.id))
    assert CANARY not in view_before
    with pytest.raises(NotHeldError):
        await scene.reveals.reveal(ANNA, case.id, report.id, REASON)
    await scene.cases.claim(ANNA, case.id)
    shown = await scene.reveals.reveal(ANNA, case.id, report.id, REASON)
    assert (shown.type, shown.content, shown.by) == (NOTE, {"body": CANARY}, "Person B")
    assert shown.verdict is Verdict.UNVERIFIED
    assert scene.logged()[-1][1:4] == ("reveal", case.id, report.id)


async def test_an_appeal_is_judged_by_the_evidence_of_what_it_contests() -> None:
    scene = Scene()
    first = await scene.case(state=CaseState.DECIDED, decided_by="lea")
    _, (item,) = await scene.report(first, say(CANARY))
    appeal = await scene.case(kind=CaseKind.APPEAL, queue="appeals", origin=first.id)
    await scene.cases.claim(BERT, appeal.id)
    shown = await scene.reveals.reveal(BERT, appeal.id, item.id, REASON)
    assert shown.content["body"] == CANARY
    assert scene.logged()[-1][2] == appeal.id


# --- forged evidence ------------------------------------------------------------------------------

NEIGHBOUR = say("a neighbour that nobody reported", "$2")
Forgery = Callable[[Case, Report, Evidence], tuple[Case, Report, Evidence]]


def fields_of(item: Evidence) -> EventFields:
    return msgspec.json.decode(item.fields, type=EventFields)


def with_fields(item: Evidence, **other: Any) -> bytes:
    return msgspec.json.encode(replace(fields_of(item), **other))


def sealed_again(case: Case, item: Evidence, key: bytes, body: bytes | None = None) -> bytes:
    stored = item.body if body is None else body
    return seal_case(
        public_key(case), item.case, item.reporter, item.hh, item.event_id, stored, key
    )


def reworded(item: Evidence) -> tuple[bytes, bytes]:
    """Return key and body as somebody makes them who has both the key and the database."""
    fields = fields_of(item)
    key = EventOpener(CEK, item.hh).key(fields, item.body)
    salt = item.body[1:17]
    ctx = event_ctx(event_head(item.hh), fields, salt)
    other = msgspec.json.encode({"msgtype": "m.text", "body": "words nobody said"})
    sealed = AESGCM(key).encrypt(NONCE, other, ctx)
    return key, SEALED + salt + event_commit(key, ctx) + sealed


def in_words_of_an_owner_of_the_key(
    case: Case, report: Report, item: Evidence
) -> tuple[Case, Report, Evidence]:
    key, body = reworded(item)
    return case, report, replace(item, body=body, blob=sealed_again(case, item, key, body))


def with_another_case_key(
    case: Case, report: Report, item: Evidence
) -> tuple[Case, Report, Evidence]:
    _, private = new_case_key()
    return replace(case, key_sealed=private), report, item


def not_json(case: Case, report: Report, item: Evidence) -> tuple[Case, Report, Evidence]:
    fields = fields_of(item)
    key = EventOpener(CEK, item.hh).key(fields, item.body)
    ctx = event_ctx(event_head(item.hh), fields, item.body[1:17])
    body = item.body[:49] + AESGCM(key).encrypt(NONCE, b"no JSON", ctx)
    return case, report, replace(item, body=body, blob=sealed_again(case, item, key, body))


def with_a_receipt_of_another_report(
    case: Case, report: Report, item: Evidence
) -> tuple[Case, Report, Evidence]:
    """The receipt is genuine and lists the very message, but it was given to somebody else."""
    given = replace(report, id="rep_other", reporter=PAL)
    return case, replace(report, receipt=signed(given, item)), item


def with_a_header_of_another_conversation(
    case: Case, report: Report, item: Evidence
) -> tuple[Case, Report, Evidence]:
    """Evidence and receipt agree on a room that is not the one the header was made for."""
    moved = replace(item, room="!other:a.example")
    return case, replace(report, receipt=signed(report, moved)), moved


def signed(report: Report, item: Evidence) -> bytes:
    """Return a receipt of the entity for *report*, over *item* as it stands."""
    handed = Reportable(
        room=item.room,
        seq=item.seq,
        hh=item.hh,
        header=item.header,
        fields=fields_of(item),
        body=item.body,
    )
    return SIGNER.sign(report, [(handed, item.context)])


OTHER_SIGNER = ReceiptSigner(b"\x06" * 32, "a.example")
LATER_DAY = (b'"day":%d' % HEADER.day, b'"day":%d' % (HEADER.day + 1))
FORGERIES: dict[str, Forgery] = {
    "another reporter": lambda c, r, e: (c, replace(r, reporter=PAL), replace(e, reporter=PAL)),
    "another sender": lambda c, r, e: (
        c,
        r,
        replace(e, sender=PAL, fields=with_fields(e, sender=PAL)),
    ),
    "a sender beside the fields": lambda c, r, e: (c, r, replace(e, sender=PAL)),
    "another time": lambda c, r, e: (c, r, replace(e, ts=1, fields=with_fields(e, ts=1))),
    "a time beside the fields": lambda c, r, e: (c, r, replace(e, ts=1)),
    "another device": lambda c, r, e: (c, r, replace(e, fields=with_fields(e, device="E"))),
    "another type": lambda c, r, e: (c, r, replace(e, fields=with_fields(e, type="m.sticker"))),
    "a relation": lambda c, r, e: (c, r, replace(e, fields=with_fields(e, rel_type="m.replace"))),
    "the neighbour's body": lambda c, r, e: (c, r, replace(e, body=NEIGHBOUR.body)),
    "the neighbour's name": lambda c, r, e: (
        c,
        r,
        replace(e, event_id="$2", fields=with_fields(e, event_id="$2")),
    ),
    "the neighbour, whole": lambda c, r, e: (
        c,
        r,
        replace(
            e,
            event_id="$2",
            fields=msgspec.json.encode(NEIGHBOUR.fields),
            body=NEIGHBOUR.body,
        ),
    ),
    "the neighbour's key": lambda c, r, e: (
        c,
        r,
        replace(e, blob=sealed_again(c, e, NEIGHBOUR.key)),
    ),
    "the key of the whole epoch": lambda c, r, e: (c, r, replace(e, blob=sealed_again(c, e, CEK))),
    "a key of no length": lambda c, r, e: (c, r, replace(e, blob=sealed_again(c, e, b""))),
    "no key": lambda c, r, e: (c, r, replace(e, blob=b"")),
    "noise for a key": lambda c, r, e: (c, r, replace(e, blob=b"\x02" + bytes(1200))),
    "another suite": lambda c, r, e: (c, r, replace(e, blob=b"\x01" + e.blob[1:])),
    "one bit of the body": lambda c, r, e: (
        c,
        r,
        replace(e, body=e.body[:-1] + bytes([e.body[-1] ^ 1])),
    ),
    "no body": lambda c, r, e: (c, r, replace(e, body=b"")),
    "a body in clear": lambda c, r, e: (c, r, replace(e, body=b'\x00{"body":"words"}')),
    "another epoch": lambda c, r, e: (c, r, replace(e, hh=bytes(32))),
    "another header": lambda c, r, e: (c, r, replace(e, header=header("!other:a.example").bytes)),
    "header and epoch of another conversation": lambda c, r, e: (
        c,
        r,
        replace(e, header=header("!o:x").bytes, hh=header("!o:x").hh, room="!o:x"),
    ),
    "the header of another epoch": lambda c, r, e: (
        c,
        r,
        replace(e, header=HEADER.bytes.replace(*LATER_DAY)),
    ),
    "a room that the header is not of": with_a_header_of_another_conversation,
    "a receipt of another report": with_a_receipt_of_another_report,
    "no header": lambda c, r, e: (c, r, replace(e, header=b"")),
    "a header that nests without end": lambda c, r, e: (c, r, replace(e, header=b"[" * 99_999)),
    "another conversation": lambda c, r, e: (c, r, replace(e, room="!other:a.example")),
    "another place in the conversation": lambda c, r, e: (c, r, replace(e, seq=9)),
    "a chosen message as a neighbour": lambda c, r, e: (c, r, replace(e, context=True)),
    "fields that are none": lambda c, r, e: (c, r, replace(e, fields=b"\xff{")),
    "no receipt": lambda c, r, e: (c, replace(r, receipt=b""), e),
    "a receipt for nothing": lambda c, r, e: (c, replace(r, receipt=SIGNER.sign(r, [])), e),
    "a receipt of another key": lambda c, r, e: (
        c,
        replace(r, receipt=OTHER_SIGNER.sign(r, [])),
        e,
    ),
    "a receipt with one bit changed": lambda c, r, e: (
        c,
        replace(r, receipt=r.receipt.replace(b'"at":1', b'"at":2')),
        e,
    ),
    "other words by an owner of the key": in_words_of_an_owner_of_the_key,
    "a case key that is another": with_another_case_key,
    "a case key that was destroyed": lambda c, r, e: (replace(c, key_sealed=b""), r, e),
    "content that is no object": not_json,
    "evidence of a report that is gone": lambda c, r, e: (c, r, replace(e, report="rep_none")),
    "evidence of a report of another case": lambda c, r, e: (c, replace(r, case="case_none"), e),
}


async def ended(room: str, seq: int) -> None:
    """Stand for every conversation, all of whose days are over."""


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "ended"])
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_forged_evidence_is_refused_and_the_case_says_so(
    forgery: Forgery, *, kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """SEALING §8 no. 29, and whatever else of it could be exchanged in the database.

    Also where retention has ended the conversation, so that nothing else could contradict it.
    """
    caplog.set_level(logging.DEBUG)
    scene = Scene()
    if not kept:
        scene.shelf.witness = ended  # type: ignore[method-assign]
    case = await scene.case()
    report, (item,) = scene.filed(case, say(CANARY))
    forged_case, forged_report, forged = forgery(case, report, item)
    assert (forged_case, forged_report, forged) != (case, report, item)
    scene.desk._cases[case.id] = forged_case
    scene.desk._reports[report.id] = forged_report
    scene.desk._evidence[item.id] = forged
    await scene.cases.claim(ANNA, case.id)
    with pytest.raises(Denied) as caught:
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    assert (caught.value.args, caught.value.__cause__, caught.value.__context__) == ((), None, None)
    event, detail = await scene.last(case.id)
    assert (event.kind, event.actor, detail) == ("denied", "anna", {"evidence": item.id})
    assert [line[1] for line in scene.logged()] == ["claim", "reveal", "denied"]
    assert CANARY not in caplog.text
    # It stays refused, the case goes on, and its page tells which piece is wrong.
    with pytest.raises(Denied):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    view = await scene.cases.view(ANNA, case.id)
    assert [line.refused for line in view.evidence] == [True]


async def test_evidence_opens_in_no_other_case() -> None:
    """SEALING §8 no. 29: the same row, copied into a case of the thief's own."""
    scene = Scene()
    _, (item,) = await held(scene)
    mine = await scene.case(subject=PAL)
    report, (own,) = scene.filed(mine, say("hm", "$1"))
    thing = replace(item, id=own.id, case=mine.id, report=report.id)
    await scene.desk.commit(DeskChange(reports=(report,), evidence=(thing,)))
    await scene.cases.claim(BERT, mine.id)
    with pytest.raises(Denied):
        await scene.reveals.reveal(BERT, mine.id, thing.id, REASON)


async def test_a_row_that_names_another_case_or_report_opens_nothing() -> None:
    """Its key would open it: the rows alone say that it is not of this case."""
    scene = Scene()
    case, (item,) = await held(scene)
    report = await scene.desk.report(item.report)
    assert report is not None
    assert opened(case, report, item, SIGNER.public).type == "m.room.message"
    for that, this in (
        (report, replace(item, case="case_other")),
        (report, replace(item, report="rep_other")),
        (replace(report, case="case_other"), item),
    ):
        with pytest.raises(Denied):
            opened(case, that, this, SIGNER.public)


async def test_evidence_is_opened_with_the_key_of_its_own_case_alone() -> None:
    scene = Scene()
    case, (item,) = await held(scene)
    other = await scene.case(subject=PAL)
    opener = EvidenceOpener(scene.desk, SIGNER.public, scene.shelf)
    assert (await opener.open_evidence(case, item))[1]
    with pytest.raises(Denied):
        await opener.open_evidence(other, item)
    with pytest.raises(Denied):
        await opener.open(replace(item, case=other.id))
    with pytest.raises(Denied):
        await opener.open(replace(item, case="case_none"))


# --- nothing is printed ---------------------------------------------------------------------------


async def test_what_was_opened_cannot_be_printed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scene = Scene()
    case, (item,) = await held(scene)
    shown = await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    for text in (repr(shown), str(shown), f"{shown}", repr(Opened("m.x", CANARY.encode()))):
        assert CANARY not in text
    assert CANARY not in caplog.text
    # Nor is any of it kept: what the desk holds is as sealed as before.
    assert CANARY.encode() not in scene.desk.everything()


# --- who it is ------------------------------------------------------------------------------------


async def test_a_name_is_told_with_a_reason_and_a_line() -> None:
    scene = Scene()
    case, _ = await held(scene)
    assert await scene.reveals.unmask(ANNA, case.id, "Person A", REASON) == BAD
    assert scene.logged()[-1] == ("anna", "unmask", case.id, BAD, REASON)
    assert (await scene.last(case.id))[0].kind == "unmasked"
    with pytest.raises(UnknownCaseError):
        await scene.reveals.unmask(ANNA, case.id, "Person Q", REASON)


async def test_no_name_is_told_where_the_log_cannot_be_written() -> None:
    class Broken(FakeDesk):
        async def commit(self, change: DeskChange) -> tuple[Case, ...]:
            if any(line.what == "unmask" for line in change.log):
                raise OSError("no space left on device")
            return await super().commit(change)

    scene = Scene(Broken())
    case, _ = await held(scene)
    with pytest.raises(OSError, match="no space"):
        await scene.reveals.unmask(ANNA, case.id, "Person A", REASON)


async def test_a_held_case_is_not_taken_by_looking_at_it() -> None:
    scene = Scene()
    case, _ = await held(scene)
    view = await scene.cases.view(BERT, case.id)
    assert (view.summary.held, view.summary.mine) == (True, False)
    with pytest.raises(HeldError):
        await scene.cases.claim(BERT, case.id)


def test_the_scene_is_what_the_server_would_store() -> None:
    assert HEADER.conv == ROOM
