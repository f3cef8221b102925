"""Franking proves what a sender committed to, and nothing that is altered (SEALING §8, 30)."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.readers.review.encrypted_pair import EncryptedPair, words
from tests.readers.review.franking_client import COMMITMENT, FrankedMessage, b64, commit

from halfdoor.e2ee.franking_marks import KEPT_DAYS
from halfdoor.readers.review.disclosures import Franking
from halfdoor.readers.review.errors import ReportRefusedError
from halfdoor.readers.review.franked import opened_by_franking
from halfdoor.readers.review.megolm_evidence import Proof
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.franking import frank_commit
from halfdoor.sealing.labels import Denied, unb64

DAY_MS = 86_400_000
CONTENT = {"msgtype": "m.text", "body": "you are a toad"}


class Scene:
    """Ben sent one franked message, and Ada holds what she needs to report it."""

    pair: EncryptedPair
    message: FrankedMessage
    event: str
    fields: EventFields
    evidence: Franking

    @classmethod
    async def play(cls) -> "Scene":
        scene = cls()
        scene.pair = pair = await EncryptedPair.meet()
        scene.message = FrankedMessage(pair.talk, pair.ben.id, CONTENT)
        scene.event = await pair.send(scene.message.event)
        stored = await pair.review.house.store.event(pair.room, scene.event)
        assert stored is not None
        scene.fields = stored.fields
        scene.evidence = await scene.franking(scene.event, scene.message)
        return scene

    async def franking(self, event: str, message: FrankedMessage) -> Franking:
        """Return the evidence of *event*, with the mark that its recipients were shown."""
        stored = await self.pair.review.house.store.event(self.pair.room, event)
        assert stored is not None
        content = json.dumps(message.event).encode()
        mark = await self.pair.marks.mark(self.pair.room, stored.fields, content)
        assert mark is not None
        assert mark.commitment == b64(message.c)
        return Franking(message.kf, "m.room.message", message.content, mark.key_id, unb64(mark.tag))

    async def key(self) -> bytes:
        key = await self.pair.marks.key(self.evidence.key_id)
        assert key is not None
        return key

    async def refused(self, evidence: Franking) -> None:
        with pytest.raises(ReportRefusedError, match="does not belong to that message"):
            await self.pair.report(self.event, evidence)

    async def denied(self, **facts: Any) -> None:
        """Check that the mark does not hold under other facts than those that were stored."""
        content = {**self.message.event, **facts.pop("content", {})}
        room = facts.pop("room", self.pair.room)
        with pytest.raises(Denied):
            opened_by_franking(
                json.dumps(content).encode(),
                room,
                replace(self.fields, **facts),
                self.evidence,
                await self.key(),
            )


@pytest.fixture
async def scene() -> Scene:
    return await Scene.play()


@pytest.mark.parametrize(
    "content",
    [
        {**CONTENT, "body": "you are a frog"},
        {**CONTENT, "more": 1},
        {"msgtype": "m.text"},
        {},
        {**CONTENT, "score": 1.0},
        {**CONTENT, "body": "\ud800"},
    ],
)
async def test_another_content_is_refused(scene: Scene, content: dict[str, Any]) -> None:
    await scene.refused(replace(scene.evidence, content=content))


async def test_another_type_is_refused(scene: Scene) -> None:
    await scene.refused(replace(scene.evidence, type="m.room.name"))


async def test_another_sender_is_refused(scene: Scene) -> None:
    await scene.denied(sender=scene.pair.ada.id)


async def test_another_room_is_refused(scene: Scene) -> None:
    await scene.denied(room="!other:a.example")


async def test_another_event_id_is_refused(scene: Scene) -> None:
    await scene.denied(event_id="$" + "A" * 43)
    # Nor does what proves one message prove another of the same words.
    again = FrankedMessage(scene.pair.talk, scene.pair.ben.id, CONTENT, scene.message.kf)
    other = await scene.pair.send(again.event)
    with pytest.raises(ReportRefusedError):
        await scene.pair.report(other, scene.evidence)


@pytest.mark.parametrize("later", [1, -1, 1_000])
async def test_another_time_is_refused(scene: Scene, later: int) -> None:
    await scene.denied(ts=scene.fields.ts + later)


async def test_another_device_is_refused(scene: Scene) -> None:
    await scene.denied(device="OTHER")


@pytest.mark.parametrize("key_id", ["2020-01", "2999-01", "", "../2026-11", "2026-1"])
async def test_another_key_id_is_refused(scene: Scene, key_id: str) -> None:
    await scene.refused(replace(scene.evidence, key_id=key_id))


async def test_another_ciphertext_is_refused(scene: Scene) -> None:
    other = scene.pair.talk.say("something else")["ciphertext"]
    await scene.denied(content={"ciphertext": other})


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
async def test_a_key_of_another_length_is_refused(scene: Scene, length: int) -> None:
    """HMAC pads with zeros: a shorter key with the same padding would make the same commitment."""
    await scene.refused(replace(scene.evidence, key=scene.message.kf.ljust(64, b"\0")[:length]))


async def test_another_key_is_refused(scene: Scene) -> None:
    await scene.refused(replace(scene.evidence, key=bytes(32)))


@pytest.mark.parametrize("tag", [b"", bytes(32), b"t" * 31])
async def test_another_mark_is_refused(scene: Scene, tag: bytes) -> None:
    await scene.refused(replace(scene.evidence, tag=tag))


async def test_a_commitment_that_the_event_did_not_carry_is_refused(scene: Scene) -> None:
    """Whoever holds the month's key can mark anything: what is stored has the last word."""
    await scene.denied(content={COMMITMENT: b64(bytes(32))})
    bare = {name: one for name, one in scene.message.event.items() if name != COMMITMENT}
    with pytest.raises(Denied):
        opened_by_franking(
            json.dumps(bare).encode(),
            scene.pair.room,
            scene.fields,
            scene.evidence,
            await scene.key(),
        )


async def test_what_was_committed_to_is_proven(scene: Scene) -> None:
    filed = await scene.pair.report(scene.event, scene.evidence)
    assert not filed.report.unverified
    (shown,) = await scene.pair.revealed(filed)
    assert (words(shown), shown.proof, shown.loose) == ("you are a toad", Proof.FRANKING, "")


async def test_once_the_months_key_is_destroyed_the_stored_commitment_proves_it(
    scene: Scene,
) -> None:
    filed = await scene.pair.report(scene.event, scene.evidence)
    (evidence,) = await scene.pair.review.evidence_of(filed)
    clock = scene.pair.review.house.clock
    clock.now += (KEPT_DAYS + 40) * DAY_MS
    assert await scene.pair.marks.destroy(clock.now_ms()) == 1
    opened = await scene.pair.opener.open(evidence)
    assert (json.loads(opened.content), opened.proof) == (CONTENT, Proof.COMMITMENT)
    # And still nothing else than what the sender committed to.
    lied = replace(scene.evidence, content={**CONTENT, "body": "you are a frog"})
    with pytest.raises(Denied):
        opened_by_franking(
            json.dumps(scene.message.event).encode(), scene.pair.room, scene.fields, lied, None
        )


def test_the_clients_commitment_is_the_servers() -> None:
    content = {"body": "\N{SNOWMAN} é", "b": [1, True, None], "a": {"z": "", "y": {}}}
    ours = frank_commit(bytes(32), "@ben:a.example", "!r:a.example", "m.x", content)
    assert ours == commit(bytes(32), "@ben:a.example", "!r:a.example", "m.x", content)
