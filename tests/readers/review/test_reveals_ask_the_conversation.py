"""What was reported opens only while its conversation says the same of that place (SEALING §6)."""

import pytest
from msgspec.structs import replace
from tests.readers.review.desk_scene import ANNA, KID, SIGNER, Said, Scene, say
from tests.readers.review_house import FakeStored, ReviewHouse

from halfdoor.readers.review.evidence_opening import EvidenceOpener
from halfdoor.readers.review.records import Case, Evidence
from halfdoor.readers.review.reveal import Verdict
from halfdoor.sealing.labels import Denied

SAID = say("send me a picture")
REASON = "to judge the report"


async def held(scene: Scene, *said: Said) -> tuple[Case, Evidence]:
    """Put a reported message on the desk, in the hands of Anna."""
    case = await scene.case()
    _, (item, *_) = await scene.report(case, *said)
    return await scene.cases.claim(ANNA, case.id), item


def but(**other: object) -> Said:
    """Return the reported message with other fields, its body as it was."""
    return Said(replace(SAID.fields, **other), SAID.body, SAID.key)


@pytest.mark.parametrize(
    "other",
    [
        say("nothing at all"),
        say("nothing at all", "$2"),
        Said(say("", "$2").fields, SAID.body, SAID.key),
        but(ts=SAID.fields.ts + 1),
        but(sender=KID),
        but(device="E"),
        but(type="m.sticker"),
        but(rel_type="m.replace"),
        but(target="$2"),
        but(redacts="$2"),
        but(state_key=""),
    ],
    ids=[
        "another body",
        "another event",
        "another name",
        "another time",
        "another sender",
        "another device",
        "another type",
        "a relation",
        "a target",
        "a redaction",
        "a state",
    ],
)
async def test_another_message_in_that_place_is_refused_and_the_case_says_so(other: Said) -> None:
    """The evidence is whole, its receipt is signed, its key opens it: the place alone differs."""
    scene = Scene()
    case, item = await held(scene, SAID)
    scene.shelf.exchange(item.seq, other)
    with pytest.raises(Denied):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    event, detail = await scene.last(case.id)
    assert (event.kind, event.actor, detail) == ("denied", "anna", {"evidence": item.id})
    assert [line[1] for line in scene.logged()] == ["claim", "reveal", "denied"]
    opener = EvidenceOpener(scene.desk, SIGNER.public, scene.shelf)
    with pytest.raises(Denied):
        await opener.open_evidence(case, item)


async def test_a_place_of_another_epoch_is_refused() -> None:
    scene = Scene()
    case, item = await held(scene, SAID)
    scene.shelf.exchange(item.seq, SAID, hh=bytes(32))
    with pytest.raises(Denied):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)


async def test_a_message_one_place_further_is_refused() -> None:
    scene = Scene()
    case, item = await held(scene, SAID, say("why?", "$2", KID))
    scene.shelf.kept.reverse()
    with pytest.raises(Denied):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)


async def test_a_place_that_nobody_ended_and_where_nothing_is_is_refused() -> None:
    scene = Scene()
    case, item = await held(scene, SAID)
    scene.shelf.kept.clear()
    with pytest.raises(Denied):
        await scene.reveals.reveal(ANNA, case.id, item.id, REASON)


async def test_what_the_conversation_holds_is_genuine() -> None:
    scene = Scene()
    case, item = await held(scene, SAID, say("why?", "$2", KID))
    shown = await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    assert (shown.verdict, shown.content["body"]) == (Verdict.GENUINE, "send me a picture")


async def test_what_retention_has_ended_since_opens_by_its_receipt_alone() -> None:
    scene = Scene()
    case, item = await held(scene, SAID, say("why?", "$2", KID))
    scene.shelf.begins = item.seq + 1
    shown = await scene.reveals.reveal(ANNA, case.id, item.id, REASON)
    assert (shown.verdict, shown.content["body"]) == (Verdict.RECEIPT_ONLY, "send me a picture")
    opener = EvidenceOpener(scene.desk, SIGNER.public, scene.shelf)
    # For a referral it is proven all the same: the entity signed for it.
    assert (await opener.open_evidence(case, item))[1]
    assert "denied" not in await scene.kinds(case.id)


async def test_what_was_redacted_after_the_report_is_still_held_by_its_hashes() -> None:
    house = ReviewHouse()
    ada, ben, room = await house.pair()
    bad = await ben.say(room, "send me a picture")
    filed = await house.file(ada, room, bad)
    await ben.redact(room, bad)
    (item,) = await house.evidence_of(filed)
    stored = FakeStored(house.house)
    opener = EvidenceOpener(house.desk, house.signer.public, stored)
    assert (await opener.open(item)).stored
