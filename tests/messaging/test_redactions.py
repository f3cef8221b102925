"""Redaction: by those who may, for everybody, and for good."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies
from tests.messaging.slow_store import before_first
from tests.messaging.whole_house import V3, WholeHouse, whole_house

from halfdoor.messaging.errors import (
    ForbiddenError,
    UnknownEventError,
    UnknownRoomError,
)

Json = dict[str, Any]


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


async def pair(house: LittleHouse, **request: Any) -> tuple[Someone, Someone, str]:
    """Ada above Ben, both joined."""
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, **{"preset": "private_chat", **request})
    await ben.join(conv)
    return ada, ben, conv


async def event_of(who: Someone, conv: str, event: str) -> Json:
    found: Json = msgspec.json.decode(await who.house.history.event(who.reader, conv, event))
    return found


async def state_event(house: LittleHouse, conv: str, kind: str, key: str = "") -> str:
    return (await house.rooms.get(conv)).state[(kind, key)].fields.event_id


async def test_what_is_another_persons_needs_power(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    hers, his = await ada.say(conv, "hers"), await ben.say(conv, "his")
    with pytest.raises(ForbiddenError):
        await ben.redact(conv, hers)
    await ada.redact(conv, his)
    assert (await event_of(ben, conv, his))["content"] == {}
    assert (await event_of(ben, conv, hers))["content"]["body"] == "hers"


async def test_what_is_not_there_or_not_theirs_to_see_is_not_redacted(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    other = await ada.create()
    event = await ada.say(other, "elsewhere")
    with pytest.raises(UnknownEventError):
        await ada.redact(conv, event)
    with pytest.raises(UnknownEventError):
        await ada.redact(conv, "$nowhere")
    with pytest.raises(UnknownRoomError):
        await ben.redact(other, event)


async def test_what_makes_the_conversation_cannot_be_redacted(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    for kind in ("m.room.create", "org.halfdoor.posture"):
        with pytest.raises(ForbiddenError):
            await ada.redact(conv, await state_event(house, conv, kind))


async def test_everybody_is_told_why_and_by_whom(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    said = await ben.say(conv, "a slip")
    await ben.sync()
    done = await ada.redact(conv, said, reason="rude")
    told = (await ben.sync())["rooms"]["join"][conv]["timeline"]["events"]
    assert [(one["type"], one["redacts"], one["content"]) for one in told] == [
        ("m.room.redaction", said, {"redacts": said, "reason": "rude"})
    ]
    cut = await event_of(ben, conv, said)
    assert cut["content"] == {}
    because = cut["unsigned"]["redacted_because"]
    assert (because["event_id"], because["sender"]) == (done, ada.id)
    assert because["content"] == {"redacts": said, "reason": "rude"}
    assert "a slip" not in str(await ben.messages(conv))


async def test_twice_is_allowed_and_the_first_stands(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    said = await ben.say(conv, "a slip")
    first = await ada.redact(conv, said)
    await ben.redact(conv, said)
    cut = await event_of(ada, conv, said)
    assert cut["unsigned"]["redacted_because"]["event_id"] == first
    assert list(house.store.conversations[conv].held) == [said]


async def test_of_a_redaction_takes_its_reason_and_brings_nothing_back(
    house: LittleHouse,
) -> None:
    ada, _ben, conv = await pair(house)
    said = await ada.say(conv, "a slip")
    done = await ada.redact(conv, said, reason="words in a reason")
    await ada.redact(conv, done)
    cut = await event_of(ada, conv, done)
    assert cut["content"] == {"redacts": said}
    assert (await event_of(ada, conv, said))["content"] == {}
    assert "words in a reason" not in str(await ada.messages(conv))


@pytest.mark.parametrize(
    ("kind", "content", "left"),
    [
        ("m.room.power_levels", None, None),
        ("m.room.join_rules", {"join_rule": "invite", "x": 1}, {"join_rule": "invite"}),
        ("m.room.history_visibility", {"history_visibility": "invited", "x": 1},
         {"history_visibility": "invited"}),
        ("m.room.name", {"name": "bad words"}, {}),
        ("org.example.note", {"note": "bad words"}, {}),
    ],
)  # fmt: skip
async def test_state_keeps_what_the_server_acts_on(
    house: LittleHouse, kind: str, content: Json | None, left: Json | None
) -> None:
    ada, ben, conv = await pair(house)
    if content is None:
        held = (await house.rooms.get(conv)).content(kind) or {}
        content, left = {**held, "notifications": {"room": 50}}, held
    event = await ada.set_state(conv, kind, content)
    await ada.redact(conv, event)
    for restarted in (False, True):
        if restarted:
            house.start()
        assert (await event_of(ben, conv, event))["content"] == left
        ben.token = None
        section = (await ben.sync(limit=1))["rooms"]["join"][conv]
        state = {one["type"]: one["content"] for one in section["state"]["events"]}
        assert state[kind] == left
        await ada.say(conv, "the rules still hold")


async def test_a_redacted_membership_stays_one(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    content = {"membership": "join", "displayname": "bad words"}
    event = await house.moves.set_member(ben.reader, conv, ben.id, content)
    await ada.redact(conv, event)
    assert (await event_of(ada, conv, event))["content"] == {"membership": "join"}
    await ben.say(conv, "still here")
    found = await ada.messages(conv)
    assert "bad words" not in str(found)


@pytest.mark.parametrize("starts", ["day", "invitation"])
async def test_a_redacted_name_does_not_come_back_with_an_epoch(
    house: LittleHouse, starts: str
) -> None:
    ada, ben, conv = await pair(house, preset="trusted_private_chat")
    cleo = await house.person("cleo")
    house.connect(ben, cleo)
    house.connect(ada, cleo)
    event = await ada.set_state(conv, "m.room.name", {"name": "bad words"})
    before_first(house.store, "append", lambda: ada.redact(conv, event))
    if starts == "day":
        house.clock.now += 86_400_000
        await ben.say(conv, "good morning")
    else:
        await ben.invite(conv, cleo)
    assert house.store.conversations[conv].head.epoch > 1
    for _ in range(2):
        ben.token = None
        answers = [await ben.sync(limit=1), await ben.messages(conv), await cleo.sync()]
        assert "bad words" not in str(answers)
        house.start()
    assert house.store.conversations[conv].sealed_state == {}


async def test_a_newer_name_is_not_lost_with_an_older_one(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    old = await ada.set_state(conv, "m.room.name", {"name": "old"})
    await ada.set_state(conv, "m.room.name", {"name": "new"})
    await ada.redact(conv, old)
    house.start()
    ben.token = None
    section = (await ben.sync(limit=1))["rooms"]["join"][conv]
    names = [one["content"] for one in section["state"]["events"] if one["type"] == "m.room.name"]
    assert names == [{"name": "new"}]
    house.clock.now += 86_400_000
    await ben.say(conv, "good morning")
    assert ("m.room.name", "") in house.store.conversations[conv].sealed_state


async def test_an_edit_goes_with_its_own_redaction(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    said = await ada.say(conv, "first")
    edit = await ada.edit(conv, said, "second")
    assert "m.replace" in (await event_of(ben, conv, said))["unsigned"]["m.relations"]
    await ada.redact(conv, edit)
    found = await event_of(ben, conv, said)
    assert "m.relations" not in found["unsigned"]
    assert found["content"]["body"] == "first"
    assert "second" not in str(await ben.messages(conv))


async def test_by_send_and_by_redact_is_the_same(whole: WholeHouse) -> None:
    ada = await whole.person("ada")
    room = await ada.create()
    here = f"{V3}/rooms/{quote(room)}"
    for number, kind in enumerate(("send", "redact")):
        said = await ada.say(room, f"a slip {kind}")
        if kind == "send":
            path, body = f"{here}/send/m.room.redaction/r{number}", {"redacts": said, "reason": "r"}
        else:
            path, body = f"{here}/redact/{quote(said)}/r{number}", {"reason": "r"}
        done = (await ada.ask("PUT", path, body))["event_id"]
        assert (await ada.ask("PUT", path, body))["event_id"] == done
        cut = await ada.ask("GET", f"{here}/event/{quote(said)}")
        assert cut["content"] == {}
        assert cut["unsigned"]["redacted_because"]["event_id"] == done
        event = await ada.ask("GET", f"{here}/event/{quote(done)}")
        assert (event["redacts"], event["content"]) == (said, {"redacts": said, "reason": "r"})
    await ada.ask("PUT", f"{here}/send/m.room.redaction/r9", {}, status=400)


async def test_it_lasts_beyond_a_restart(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada = await house.person("ada")
        room = await ada.create(name="bad words")
        name = await ada.ask("GET", f"{V3}/rooms/{quote(room)}/state/m.room.name?format=event")
        said = await ada.say(room, "a slip")
        for number, event in enumerate((said, name["event_id"])):
            path = f"{V3}/rooms/{quote(room)}/redact/{quote(event)}/r{number}"
            await ada.ask("PUT", path, {})
        await house.house.close()
        house.open()
        ada.caller.app = house.app
        answers = [await ada.history(room), await ada.sync()]
        assert "a slip" not in str(answers)
        assert "bad words" not in str(answers)
        assert bodies(await ada.history(room)) == []
