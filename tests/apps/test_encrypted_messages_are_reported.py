"""An encrypted message, reported by HTTP with evidence, and what the console shows of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import vodozemac
from tests.apps.encrypted_scene import REASON, Scene, message_key
from tests.readers.review.franking_client import FrankedMessage, b64, can_be_reported

TOAD = {"msgtype": "m.text", "body": "you are a canary-toad"}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    found = Scene(tmp_path)
    await found.begin()
    yield found
    await found.at.house.close()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "message_key"},
        {"kind": "message_key", "key": 7},
        {"kind": "message_key", "key": "not base64!"},
        {"kind": "other", "key": ""},
        {"kind": "message_key", "key": "", "more": 1},
        {"kind": "franking", "key": "", "type": "m", "content": [], "key_id": "", "tag": ""},
        {"kind": "file_hash", "sha256": None},
    ],
)
async def test_malformed_evidence_is_refused_by_name(scene: Scene, given: dict[str, Any]) -> None:
    event = await scene.send(scene.talk.say("x"))
    status, answer = await scene.report(event, {"event_id": event, **given})
    assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
    assert "org.halfdoor.evidence[0]" in answer["error"]
    assert await scene.at.house.desk.store.cases_about(scene.ben.user) == []


@pytest.mark.parametrize("evidence", [7, {"key": "x"}, ["x"], [None], [[]]])
async def test_evidence_that_is_no_list_of_objects_is_refused(scene: Scene, evidence: Any) -> None:
    event = await scene.send(scene.talk.say("x"))
    path = f"/rooms/{quote(scene.room)}/report/{quote(event)}"
    status, _ = await scene.ada.call("POST", path, {**REASON, "org.halfdoor.evidence": evidence})
    assert status == 400


@pytest.mark.parametrize("name", ["file", "image", "data", "url", "media", "thumbnail"])
async def test_a_picture_is_never_taken_with_a_report(scene: Scene, name: str) -> None:
    """Of anybody, so that nobody under age is ever asked for one."""
    event = await scene.send(scene.talk.say("a picture"))
    sent = {**message_key(event, scene.talk.key(0)), name: b64(b"\x89PNG" + bytes(99))}
    status, answer = await scene.report(event, sent)
    assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
    assert "Never send a picture" in answer["error"]


async def test_evidence_of_a_neighbour_is_refused_and_nothing_is_filed(scene: Scene) -> None:
    first, second = [await scene.send(scene.talk.say(f"word {n}")) for n in range(2)]
    status, answer = await scene.report(second, message_key(second, scene.talk.key(0)))
    assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
    assert "does not belong" in answer["error"]
    assert await scene.at.house.desk.store.cases_about(scene.ben.user) == []
    assert first != second


async def test_a_disclosed_key_shows_the_words_and_what_is_proven_of_them(scene: Scene) -> None:
    event = await scene.send(scene.talk.say(TOAD["body"]))
    status, _ = await scene.report(event, message_key(event, scene.talk.key(0)))
    assert status == 200
    page = await scene.page()
    assert TOAD["body"] in page
    assert "<strong>proven</strong>" in page
    assert "the key of this one message" in page
    assert "<strong>not proven</strong>" in page
    assert '{"type": "m.room' in page
    assert "who held the device" in page


async def test_a_ratchet_leaves_no_character_unproven_and_says_what_it_could_open(
    scene: Scene,
) -> None:
    event = await scene.send(scene.talk.say(TOAD["body"]))
    await scene.report(event, message_key(event, scene.talk.ratchet(0), "ratchet_key"))
    page = await scene.page()
    assert TOAD["body"] in page
    assert "every character of it is proven" in page
    assert "could open later messages" in page
    assert "could have chosen" not in page


async def test_without_evidence_the_page_says_that_nothing_can_be_checked(scene: Scene) -> None:
    event = await scene.send(scene.talk.say(TOAD["body"]))
    assert (await scene.report(event))[0] == 200
    page = await scene.page()
    assert TOAD["body"] not in page
    assert "cannot be checked" in page
    assert "nothing was handed over that opens it" in page
    assert scene.talk.sender.session_id not in page


async def test_a_hash_that_was_handed_over_is_shown_as_said_and_not_as_proven(scene: Scene) -> None:
    event = await scene.send(scene.talk.say("a picture"))
    digest = bytes(range(32))
    given = {"event_id": event, "kind": "file_hash", "sha256": b64(digest)}
    assert (await scene.report(event, given))[0] == 200
    page = await scene.page()
    assert digest.hex() in page
    assert "nobody checked" in page
    assert "cannot be checked" in page


async def test_a_commitment_is_marked_for_the_recipient_who_can_check_it(scene: Scene) -> None:
    message = FrankedMessage(scene.talk, scene.ben.user, TOAD)
    event = await scene.send(message.event)
    seen = await scene.seen(event)
    plain = json.loads(scene.talk.recipient.decrypt(_message(seen)).plaintext)
    assert can_be_reported(plain, seen, scene.ben.user, scene.room)
    # Also where a client drops what stands beside the ciphertext.
    bare = {**seen, "content": {"ciphertext": seen["content"]["ciphertext"]}}
    assert can_be_reported(plain, bare, scene.ben.user, scene.room)
    for lied in ({**plain, "content": {**TOAD, "body": "frog"}}, {**plain, "type": "m.x"}):
        assert not can_be_reported(lied, seen, scene.ben.user, scene.room)
    unmarked = await scene.seen(await scene.send(scene.talk.say("by an ordinary app")))
    assert "org.halfdoor.franking" not in unmarked["unsigned"]


async def test_a_franked_message_is_proven_by_the_mark_that_its_recipient_got(
    scene: Scene,
) -> None:
    message = FrankedMessage(scene.talk, scene.ben.user, TOAD)
    event = await scene.send(message.event)
    mark = (await scene.seen(event))["unsigned"]["org.halfdoor.franking"]
    given = {
        "event_id": event,
        "kind": "franking",
        "key": b64(message.kf),
        "type": "m.room.message",
        "content": TOAD,
        "key_id": mark["key_id"],
        "tag": mark["tag"],
    }
    lied = {**given, "content": {**TOAD, "body": "you are a frog"}}
    assert (await scene.report(event, lied))[0] == 400
    assert (await scene.report(event, given))[0] == 200
    page = await scene.page()
    assert TOAD["body"] in page
    assert "the sender's app committed to these words" in page


async def test_a_house_destroys_the_keys_of_old_marks_by_itself(scene: Scene) -> None:
    event = await scene.send(FrankedMessage(scene.talk, scene.ben.user, TOAD).event)
    month = (await scene.seen(event))["unsigned"]["org.halfdoor.franking"]["key_id"]
    house = scene.at.house
    assert await house.store.franking.franking_key(month) is not None
    scene.at.clock.now += 180 * 86_400_000
    await house.sweep_seldom()
    assert await house.store.franking.franking_key(month) is not None
    scene.at.clock.now += 32 * 86_400_000
    await house.sweep_seldom()
    assert await house.store.franking.franking_key(month) is None


async def test_what_was_redacted_carries_no_mark(scene: Scene) -> None:
    message = FrankedMessage(scene.talk, scene.ben.user, TOAD)
    event = await scene.send(message.event)
    await scene.ben.must("PUT", f"/rooms/{quote(scene.room)}/redact/{quote(event)}/r", {})
    seen = await scene.seen(event)
    assert "org.halfdoor.franking" not in seen["unsigned"]
    assert seen["content"] == {}


def _message(seen: dict[str, Any]) -> Any:
    return vodozemac.MegolmMessage.from_base64(seen["content"]["ciphertext"])
