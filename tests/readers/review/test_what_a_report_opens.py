"""A report opens the chosen messages, for its case alone, and nothing beside them (SEALING §6)."""

import msgspec
import pytest
from msgspec.structs import replace
from tests.readers.review_house import ReviewHouse, opened

from halfdoor.readers.review.case_keys import new_case_key, private_key
from halfdoor.readers.review.errors import UnseenError
from halfdoor.readers.review.records import Evidence
from halfdoor.sealing.cases import seal_case
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import PrivateKey, PublicKey


@pytest.fixture
def desk() -> ReviewHouse:
    return ReviewHouse()


async def test_the_key_of_a_message_does_not_open_its_neighbour(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    before = await ben.say(room, "before")
    chosen = await ben.say(room, "you are a toad")
    filed = await desk.file(ada, room, chosen)
    case, (evidence,) = await desk.case_of(filed), await desk.evidence_of(filed)
    stored = await desk.house.store.event(room, before)
    assert stored is not None
    assert stored.body is not None
    neighbour = replace(
        evidence,
        event_id=before,
        fields=msgspec.json.encode(stored.fields),
        body=stored.body,
    )
    with pytest.raises(Denied):
        opened(case, neighbour)
    # Not even by somebody who has the bare key, and puts the neighbour's words in its place.
    fields = msgspec.json.decode(evidence.fields, type=EventFields)
    key = desk.house.keyring.cached("session-ada", evidence.hh)
    assert key is not None
    bare = key.opener.key(fields, evidence.body)
    sealed = seal_case(
        PublicKey.from_bytes(case.key_public),
        case.id,
        ada.id,
        evidence.hh,
        before,
        stored.body,
        bare,
    )
    with pytest.raises(Denied):
        opened(case, replace(neighbour, blob=sealed))
    assert opened(case, evidence) == "you are a toad"


async def test_what_was_not_chosen_is_not_handed_over(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    others = [await ben.say(room, f"word {n}") for n in range(4)]
    chosen, ticked = others[1], others[2]
    filed = await desk.file(ada, room, chosen, context=[ticked])
    case = await desk.case_of(filed)
    found = {one.event_id: one for one in await desk.evidence_of(filed)}
    assert set(found) == {chosen, ticked}
    assert [found[chosen].context, found[ticked].context] == [False, True]
    assert opened(case, found[ticked]) == "word 2"


async def test_evidence_of_one_case_does_not_open_in_another(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    chosen = await ben.say(room, "you are a toad")
    one = await desk.file(ada, room, chosen)
    other = await desk.file(ada, room, chosen, reason="scam.fraud")
    case, another = await desk.case_of(one), await desk.case_of(other)
    assert case.id != another.id
    (evidence,) = await desk.evidence_of(one)
    with pytest.raises(Denied):
        opened(another, evidence)
    # Nor with the right key under the name of another case, nor the other way round.
    with pytest.raises(Denied):
        opened(replace(case, id=another.id), evidence)
    with pytest.raises(Denied):
        opened(
            replace(another, id=case.id),
            evidence,
        )


async def test_evidence_of_one_reporter_does_not_open_as_anothers(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    filed = await desk.file(ada, room, await ben.say(room, "you are a toad"))
    case, (evidence,) = await desk.case_of(filed), await desk.evidence_of(filed)
    with pytest.raises(Denied):
        opened(case, replace(evidence, reporter="@cleo:a.example"))


@pytest.mark.parametrize(
    "change",
    [
        {"sender": "@ada:a.example"},
        {"ts": 1},
        {"device": "OTHER"},
        {"type": "m.room.topic"},
        {"event_id": "$" + "A" * 43},
        {"rel_type": "m.replace"},
    ],
)
async def test_who_when_and_what_cannot_be_changed_after_the_report(
    desk: ReviewHouse, change: dict[str, object]
) -> None:
    ada, ben, room = await desk.pair()
    filed = await desk.file(ada, room, await ben.say(room, "you are a toad"))
    case, (evidence,) = await desk.case_of(filed), await desk.evidence_of(filed)
    fields = replace(msgspec.json.decode(evidence.fields, type=EventFields), **change)
    with pytest.raises(Denied):
        opened(case, replace(evidence, fields=msgspec.json.encode(fields)))


async def test_a_forged_key_that_is_not_that_of_the_stored_body_opens_nothing(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    filed = await desk.file(ada, room, await ben.say(room, "you are a toad"))
    case, (evidence,) = await desk.case_of(filed), await desk.evidence_of(filed)
    for forged in (bytes(32), b"k" * 32, b"", bytes(31)):
        public = private_key(case).public
        blob = seal_case(
            public, case.id, ada.id, evidence.hh, evidence.event_id, evidence.body, forged
        )
        with pytest.raises(Denied):
            opened(case, replace(evidence, blob=blob))


@pytest.mark.parametrize("at", [0, 1, 20, 60, -1])
async def test_a_changed_body_is_not_sealed_and_does_not_open(desk: ReviewHouse, at: int) -> None:
    ada, ben, room = await desk.pair()
    filed = await desk.file(ada, room, await ben.say(room, "you are a toad"))
    case, (evidence,) = await desk.case_of(filed), await desk.evidence_of(filed)
    changed = bytearray(evidence.body)
    changed[at] ^= 1
    with pytest.raises(Denied):
        opened(case, replace(evidence, body=bytes(changed)))
    fields = msgspec.json.decode(evidence.fields, type=EventFields)
    if at < 49 and at >= 0:
        # Version, salt and commitment: the reporter's session would not hand over a key for it.
        with pytest.raises(Denied):
            desk.house.keyring.seal_for_case(
                "session-ada",
                ada.id,
                evidence.hh,
                fields,
                bytes(changed),
                case=case.id,
                public=private_key(case).public,
            )


async def test_a_session_that_has_not_the_epoch_open_hands_over_nothing(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    filed = await desk.file(ada, room, await ben.say(room, "you are a toad"))
    case, (evidence,) = await desk.case_of(filed), await desk.evidence_of(filed)
    fields = msgspec.json.decode(evidence.fields, type=EventFields)

    def hand_over(session: str, user: str) -> bytes:
        return desk.house.keyring.seal_for_case(
            session,
            user,
            evidence.hh,
            fields,
            evidence.body,
            case=case.id,
            public=private_key(case).public,
        )

    assert hand_over("session-ada", ada.id)
    for session, user in (
        ("session-cleo", cleo.id),
        ("session-cleo", ada.id),
        ("session-ada", ben.id),
        ("nobody", ada.id),
        ("", ada.id),
    ):
        with pytest.raises(Denied):
            hand_over(session, user)
    desk.house.keyring.forget("session-ada")
    with pytest.raises(Denied):
        hand_over("session-ada", ada.id)


async def test_nothing_that_is_kept_tells_what_was_said(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    chosen = await ben.say(room, "canary-7361")
    ticked = await ada.say(room, "canary-7362")
    await desk.file(ada, room, chosen, context=[ticked])
    kept = desk.desk.everything()
    assert b"canary" not in kept
    assert b"canary" not in repr(desk.desk.__dict__).encode()


async def test_the_keys_of_two_cases_are_strangers() -> None:
    (one, sealed), (other, _) = new_case_key(), new_case_key()
    assert one != other
    assert PrivateKey.from_bytes(sealed[0], sealed[1:]).public.to_bytes() == one


async def test_a_case_whose_key_was_destroyed_or_exchanged_opens_nothing(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    filed = await desk.file(ada, room, await ben.say(room, "you are a toad"))
    case, (evidence,) = await desk.case_of(filed), await desk.evidence_of(filed)
    _, other = new_case_key()
    for changed in (replace(case, key_sealed=b""), replace(case, key_sealed=other)):
        with pytest.raises(Denied):
            private_key(changed)
        with pytest.raises(Denied):
            opened(changed, evidence)


async def test_every_reporter_of_one_message_seals_for_themselves(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    for one in (ada, ben):
        desk.house.connect(one, cleo)
    await ada.invite(room, cleo)
    await cleo.join(room)
    chosen = await ben.say(room, "toads, all of you")
    first, second = await desk.file(ada, room, chosen), await desk.file(cleo, room, chosen)
    assert first.report.case == second.report.case
    case = await desk.case_of(second)
    found: list[Evidence] = await desk.desk.evidence(case.id)
    assert [one.reporter for one in found] == [ada.id, cleo.id]
    assert {opened(case, one) for one in found} == {"toads, all of you"}
    with pytest.raises(Denied):
        opened(case, replace(found[0], blob=found[1].blob))
    assert case.victims == (ada.id, cleo.id)
    assert case.reports == 2


async def test_a_report_without_a_keyring_is_refused_and_nothing_is_kept(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    chosen = await ben.say(room, "you are a toad")
    before = desk.desk.everything()
    desk.house.keyring.forget("session-ada")
    with pytest.raises(UnseenError):
        await desk.file(ada, room, chosen)
    assert desk.desk.everything() == before
