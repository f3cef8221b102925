"""Evidence in a report from an encrypted conversation is checked against what is stored."""

import pytest
from msgspec.structs import replace
from tests.messaging.encrypted_rooms import ENCRYPTION
from tests.readers.review.encrypted_pair import EncryptedPair, words
from tests.readers.review.megolm import Talk

from halfdoor.readers.review.disclosures import (
    Disclosure,
    FileHash,
    MessageKey,
    RatchetKey,
    encode_disclosures,
)
from halfdoor.readers.review.errors import ReportRefusedError
from halfdoor.readers.review.evidence_opening import disclosures_of
from halfdoor.readers.review.megolm_evidence import Proof
from halfdoor.readers.review.receipts import read_receipt
from halfdoor.readers.review.reveal import Verdict
from halfdoor.sealing.cases import seal_case, seal_case_disclosure
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import PublicKey


@pytest.fixture
async def pair() -> EncryptedPair:
    return await EncryptedPair.meet()


async def refused(pair: EncryptedPair, event: str, *evidence: Disclosure) -> str:
    """Return why a report is refused, which leaves nothing behind."""
    before = pair.review.desk.everything()
    with pytest.raises(ReportRefusedError) as caught:
        await pair.report(event, *evidence)
    assert pair.review.desk.everything() == before
    return str(caught.value)


async def test_the_key_of_a_neighbour_proves_nothing(pair: EncryptedPair) -> None:
    said = [await pair.says(f"word {n}") for n in range(3)]
    for neighbour in (0, 2):
        why = await refused(pair, said[1], MessageKey(pair.talk.key(neighbour)))
        assert "does not belong to that message" in why
    with pytest.raises(ReportRefusedError):
        await pair.report(
            said[0],
            disclosures=[(said[0], MessageKey(pair.talk.key(1)))],
            context=[said[1]],
        )


async def test_evidence_of_a_message_that_is_not_reported_is_refused(pair: EncryptedPair) -> None:
    one, other = await pair.says("one"), await pair.says("other")
    with pytest.raises(ReportRefusedError, match="reported with it"):
        await pair.report(one, disclosures=[(other, MessageKey(pair.talk.key(1)))])


async def test_a_ciphertext_of_another_conversation_is_refused(pair: EncryptedPair) -> None:
    """Ben's own words, sent once more elsewhere, are not what he said here."""
    there = pair.room
    said = pair.talk.say("said there")
    pair.room = await pair.new_room()
    assert pair.room != there
    again = await pair.send(said)
    await refused(pair, again, MessageKey(pair.talk.key(0)))


async def test_two_pieces_of_evidence_for_one_message_are_refused(pair: EncryptedPair) -> None:
    said = await pair.says("once")
    key = MessageKey(pair.talk.key(0))
    await refused(pair, said, key, key)
    await refused(pair, said, key, RatchetKey(pair.talk.ratchet(0)))
    await refused(pair, said, FileHash(bytes(32)), FileHash(bytes(32)))
    await refused(pair, said, FileHash(bytes(31)))


@pytest.mark.parametrize("length", [0, 79, 81, 128])
async def test_a_key_of_another_length_is_refused(pair: EncryptedPair, length: int) -> None:
    said = await pair.says("once")
    await refused(pair, said, MessageKey(pair.talk.key(0).ljust(128, b"\0")[:length]))


async def test_evidence_for_a_standard_message_is_refused(pair: EncryptedPair) -> None:
    pair.room = await pair.ben.create(pair.ada)
    await pair.ada.join(pair.room)
    said = await pair.ben.say(pair.room, "clear")
    assert "not encrypted" in await refused(pair, said, MessageKey(bytes(80)))


async def test_a_disclosed_key_proves_what_was_said(pair: EncryptedPair) -> None:
    await pair.says("nobody reports this")
    said = await pair.says("you are a toad")
    filed = await pair.report(said, MessageKey(pair.talk.key(1)))
    assert not filed.report.unverified
    (shown,) = await pair.revealed(filed)
    assert (words(shown), shown.type) == ("you are a toad", "m.room.message")
    assert (shown.verdict, shown.proof) == (Verdict.GENUINE, Proof.MESSAGE_KEY)
    assert shown.loose == '{"type": "m.room'


async def test_a_disclosed_ratchet_proves_every_character(pair: EncryptedPair) -> None:
    said = await pair.says("you are a toad")
    filed = await pair.report(said, RatchetKey(pair.talk.ratchet(0)))
    (shown,) = await pair.revealed(filed)
    assert (words(shown), shown.proof, shown.loose) == ("you are a toad", Proof.RATCHET_KEY, "")


async def test_without_evidence_the_report_is_taken_and_says_so(pair: EncryptedPair) -> None:
    said = await pair.says("secret")
    filed = await pair.report(said, note="he wrote: secret")
    report = filed.report
    assert (report.unverified, report.events, report.note) == (True, (said,), "he wrote: secret")
    # The ciphertext is preserved all the same: proof may come later.
    receipt = read_receipt(report.receipt, pair.review.signer.public)
    assert [one.event_id for one in receipt.events] == [said]
    (shown,) = await pair.revealed(filed)
    assert (shown.verdict, shown.proof, shown.type) == (
        Verdict.ENCRYPTED,
        None,
        "m.room.encrypted",
    )
    assert "secret" not in str(shown.content)


async def test_a_reaction_is_clear_there_and_needs_no_evidence(pair: EncryptedPair) -> None:
    reaction = await pair.ben.react(pair.room, await pair.says("secret"), "\N{SKULL}")
    filed = await pair.report(reaction)
    assert not filed.report.unverified
    (shown,) = await pair.revealed(filed)
    assert (shown.verdict, shown.type, shown.proof) == (Verdict.GENUINE, "m.reaction", None)
    with pytest.raises(ReportRefusedError, match="not encrypted"):
        await pair.report(reaction, MessageKey(pair.talk.key(0)), reason="scam.fraud")


async def test_proof_that_comes_later_makes_another_report(pair: EncryptedPair) -> None:
    said = await pair.says("secret")
    first = await pair.report(said)
    second = await pair.report(said, MessageKey(pair.talk.key(0)))
    third = await pair.report(said)
    assert (second.repeat, third.repeat) == (False, True)
    assert second.report.case == first.report.case
    assert not second.report.unverified


async def test_a_hash_alone_is_kept_and_checked_by_nobody(pair: EncryptedPair) -> None:
    filed = await pair.report(await pair.says("a picture"), FileHash(b"h" * 32))
    assert filed.report.unverified
    (shown,) = await pair.revealed(filed)
    assert (shown.verdict, shown.hashes) == (Verdict.ENCRYPTED, (b"h" * 32,))


async def test_what_was_deleted_since_can_still_be_proven(pair: EncryptedPair) -> None:
    said = await pair.says("you are a toad")
    await pair.ben.redact(pair.room, said)
    filed = await pair.report(said, MessageKey(pair.talk.key(0)))
    (shown,) = await pair.revealed(filed)
    assert (words(shown), shown.redacted) == ("you are a toad", True)


async def test_a_strangers_first_message_is_reported_before_joining(pair: EncryptedPair) -> None:
    cleo = await pair.review.house.person("cleo")
    pair.room = await cleo.create(pair.ada, initial_state=[ENCRYPTION])
    pair.talk = Talk(pair.room)
    said = await pair.send(pair.talk.say("you are a toad"), cleo)
    filed = await pair.report(said, MessageKey(pair.talk.key(0)))
    (shown,) = await pair.revealed(filed)
    assert (words(shown), shown.proof) == ("you are a toad", Proof.MESSAGE_KEY)
    # Also after the request was turned down.
    await pair.ada.leave(pair.room)
    again = await pair.report(said, MessageKey(pair.talk.key(0)), reason="scam.fraud")
    assert not again.report.unverified


async def test_ticked_neighbours_bring_keys_of_their_own(pair: EncryptedPair) -> None:
    before, said = await pair.says("before"), await pair.says("you are a toad")
    filed = await pair.report(
        said,
        context=[before],
        disclosures=[
            (said, MessageKey(pair.talk.key(1))),
            (before, MessageKey(pair.talk.key(0))),
        ],
    )
    shown = {words(one): one.context for one in await pair.revealed(filed)}
    assert shown == {"you are a toad": False, "before": True}


async def test_evidence_of_one_case_or_reporter_or_message_opens_in_no_other(
    pair: EncryptedPair,
) -> None:
    said, other = await pair.says("you are a toad"), await pair.says("and a newt")
    first = await pair.report(said, MessageKey(pair.talk.key(0)))
    second = await pair.report(other, MessageKey(pair.talk.key(1)), reason="scam.fraud")
    (mine,), (another,) = [await pair.review.evidence_of(one) for one in (first, second)]
    case = await pair.review.case_of(first)
    assert disclosures_of(case, mine) == [MessageKey(pair.talk.key(0))]
    for replayed in (
        replace(mine, disclosed=another.disclosed),
        replace(mine, reporter="@cleo:a.example"),
        replace(mine, event_id=other),
        replace(mine, hh=bytes(32)),
        replace(mine, body=another.body),
    ):
        with pytest.raises(Denied):
            disclosures_of(case, replayed)
    with pytest.raises(Denied):
        disclosures_of(await pair.review.case_of(second), mine)


async def test_a_disclosure_that_was_exchanged_in_the_case_is_refused_when_it_is_revealed(
    pair: EncryptedPair,
) -> None:
    """Whoever has the database and the outer key can seal another key to the case: it must fit."""
    said, other = await pair.says("you are a toad"), await pair.says("and a newt")
    filed = await pair.report(said, MessageKey(pair.talk.key(0)))
    case, (mine,) = await pair.review.case_of(filed), await pair.review.evidence_of(filed)
    public = PublicKey.from_bytes(case.key_public)
    for key in (MessageKey(pair.talk.key(1)), MessageKey(bytes(80)), MessageKey(b"")):
        sealed = seal_case_disclosure(
            public, case.id, mine.reporter, mine.hh, said, mine.body, encode_disclosures([key])
        )
        with pytest.raises(Denied):
            await pair.opener.open(replace(mine, disclosed=sealed))
    noise = seal_case_disclosure(public, case.id, mine.reporter, mine.hh, said, mine.body, b"{")
    with pytest.raises(Denied):
        await pair.opener.open(replace(mine, disclosed=noise))
    assert (await pair.opener.open(mine)).proof is Proof.MESSAGE_KEY
    assert other != said


async def test_the_envelopes_key_does_not_pass_for_what_was_disclosed(pair: EncryptedPair) -> None:
    said = await pair.says("you are a toad")
    filed = await pair.report(said, MessageKey(pair.talk.key(0)))
    case, (mine,) = await pair.review.case_of(filed), await pair.review.evidence_of(filed)
    sealed = seal_case(
        PublicKey.from_bytes(case.key_public),
        case.id,
        mine.reporter,
        mine.hh,
        said,
        mine.body,
        encode_disclosures([MessageKey(pair.talk.key(0))]),
    )
    with pytest.raises(Denied):
        disclosures_of(case, replace(mine, disclosed=sealed))


async def test_nothing_that_is_kept_tells_key_or_words(pair: EncryptedPair) -> None:
    said = await pair.says("canary-5512")
    await pair.report(said, MessageKey(pair.talk.key(0)))
    kept = pair.review.desk.everything()
    assert b"canary" not in kept
    assert pair.talk.key(0)[:16] not in kept
    assert b"message_key" not in kept
