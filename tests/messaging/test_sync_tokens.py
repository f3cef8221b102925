"""Sync tokens: good for ever, moved on by whatever is told, and never believed blindly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies, timeline
from tests.messaging.whole_house import V3, WholeHouse, whole_house

from halfdoor.messaging.errors import InvalidParameterError
from halfdoor.messaging.sync_token import SyncToken, parse_token


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


async def pair(house: LittleHouse) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    return ada, ben, conv


@pytest.mark.parametrize(
    "text",
    ["", "x", "a.example.1", "a.example.1.boot", "a.example.-1.boot.0", "a.example.1.boot.x",
     "a.example.\u0661.boot.0", "a.example." + "9" * 20 + ".boot.0", "a.example.1.boot.0x1"],
)  # fmt: skip
def test_what_no_server_of_ours_wrote_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterError):
        parse_token(text)


async def test_a_malformed_token_is_answered_with_400(whole: WholeHouse) -> None:
    ada = await whole.person("ada")
    for given in ("", "nonsense", "s72594_4483", "default.1.x"):
        status, answer = await ada.any_status("GET", f"{V3}/sync?since={quote(given)}")
        assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")


async def test_a_token_of_another_entity_begins_anew(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    await ada.say(conv, "hello")
    await ada.sync()
    other = SyncToken("b.example", parse_token(ada.token or "").pos, "boot1", 0)
    section = (await ada.sync(since=str(other)))["rooms"]["join"][conv]
    assert section["timeline"]["limited"] is True
    assert {one["type"] for one in section["state"]["events"]} >= {"m.room.create"} or {
        one["type"] for one in section["timeline"]["events"]
    } >= {"m.room.create"}


async def test_a_position_that_was_never_given_out_begins_anew(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    await ada.sync()
    token = parse_token(ada.token or "")
    ahead = SyncToken(token.entity, token.pos + 1, token.boot, token.typing)
    answer = await ada.sync(since=str(ahead))
    assert conv in answer["rooms"]["join"]
    assert parse_token(answer["next_batch"]).pos == token.pos


async def test_an_old_token_may_be_used_again_for_ever(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ben.sync()
    old = ben.token
    for text in ("one", "two", "three"):
        await ada.say(conv, text)
        await ben.sync()
    again = await ben.sync(since=old)
    assert bodies(timeline(again, conv)) == ["one", "two", "three"]
    assert again["rooms"]["join"][conv]["timeline"]["limited"] is False
    house.start()
    assert bodies(timeline(await ben.sync(since=old), conv)) == ["one", "two", "three"]


async def test_one_token_twice_at_once_is_answered_twice(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ben.sync()
    since = ben.token
    polls = [asyncio.create_task(ben.sync(since=since, timeout_ms=20_000)) for _ in range(3)]
    await asyncio.sleep(0)
    await ada.say(conv, "for both")
    answers = await asyncio.gather(*polls)
    assert [bodies(timeline(one, conv)) for one in answers] == [["for both"]] * 3
    assert len({one["next_batch"] for one in answers}) == 1


async def test_timeout_nothing_answers_at_once_and_with_nothing(house: LittleHouse) -> None:
    ada, _ben, _conv = await pair(house)
    await ada.sync()
    before = ada.token
    answer = await asyncio.wait_for(ada.sync(), 5)
    assert answer == {"next_batch": before}


async def test_a_long_poll_that_hears_nothing_keeps_the_place(house: LittleHouse) -> None:
    ada, _ben, _conv = await pair(house)
    await ada.sync()
    before = parse_token(ada.token or "")
    answer = await ada.sync(timeout_ms=1)
    assert set(answer) == {"next_batch"}
    assert parse_token(answer["next_batch"]).pos >= before.pos


async def test_a_long_poll_wakes_for_each_stream(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    said = await ada.say(conv, "first")
    await ben.sync()
    await ada.sync()

    async def polled(act: Awaitable[object], who: Someone) -> set[str]:
        before = who.token
        answer, _ = await asyncio.gather(who.sync(timeout_ms=20_000), act)
        assert answer["next_batch"] != before
        section = answer.get("rooms", {}).get("join", {}).get(conv, {})
        kinds = {one["type"] for one in section.get("timeline", {}).get("events", [])}
        kinds |= {one["type"] for one in section.get("ephemeral", {}).get("events", [])}
        kinds |= {one["type"] for one in section.get("account_data", {}).get("events", [])}
        return kinds | {one["type"] for one in answer.get("account_data", {}).get("events", [])}

    assert await polled(ada.say(conv, "second"), ben) == {"m.room.message"}
    await ada.sync()
    assert await polled(ben.read(conv, said), ada) == {"m.receipt"}
    assert await polled(house.markers.typing(ben.reader, conv, 10_000), ada) == {"m.typing"}
    data = house.personal.put(ada.reader, "org.example.theme", {"dark": True})
    assert await polled(data, ada) == {"org.example.theme"}
    data = house.personal.put(ada.reader, "org.example.colour", {"c": 1}, conv)
    assert await polled(data, ada) == {"org.example.colour"}


async def test_next_batch_differs_whenever_something_was_returned(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    said = await ada.say(conv, "first")
    await ben.sync()
    for act in (
        lambda: ada.say(conv, "again"),
        lambda: ada.set_state(conv, "m.room.name", {"name": "x"}),
        lambda: ben.read(conv, said),
        lambda: house.markers.typing(ada.reader, conv, 10_000),
        lambda: house.markers.typing(ada.reader, conv, 0),
        lambda: ada.redact(conv, said),
    ):
        before = ben.token
        await act()
        answer = await ben.sync()
        assert len(answer) > 1
        assert answer["next_batch"] != before
        assert set(await ben.sync()) == {"next_batch"}


async def test_typing_of_an_earlier_process_is_void(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    for _ in range(3):
        await house.markers.typing(ada.reader, conv, 10_000)
        await house.markers.typing(ada.reader, conv, 0)
    await ben.sync()
    house.start()
    house.typing.boot = "boot2"
    await house.markers.typing(ada.reader, conv, 10_000)
    section = (await ben.sync())["rooms"]["join"][conv]
    assert section["ephemeral"]["events"] == [
        {"type": "m.typing", "content": {"user_ids": [ada.id]}}
    ]


async def test_a_receipt_that_was_overtaken_leaves_every_token_good(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    events = [await ada.say(conv, f"m{n}") for n in range(4)]
    await ben.sync()
    await ben.read(conv, events[3], "m.read.private")
    await ada.say(conv, "newer")
    await ben.sync()
    # The public receipt lags behind the private one: nothing is unread that was not before.
    await ben.read(conv, events[1])
    section = (await ben.sync())["rooms"]["join"][conv]
    assert section["timeline"] == {
        "events": [], "limited": False, "prev_batch": section["timeline"]["prev_batch"],
    }  # fmt: skip
    assert section["unread_notifications"]["notification_count"] == 1
    assert set(await ben.sync()) == {"next_batch"}


async def test_a_receipt_the_store_had_heard_of_already_does_not_begin_anew(
    whole: WholeHouse,
) -> None:
    ada, ben = await whole.person("ada"), await whole.person("ben")
    await whole.connect(ada, ben)
    room, elsewhere = await ada.create(ben), await ada.create(ben)
    await ben.join(room)
    await ben.join(elsewhere)
    said = await ada.say(room, "one")
    await ben.say(room, "mine")
    await ada.say(elsewhere, "other")
    since = (await ben.sync())["next_batch"]
    await ben.ask("POST", f"{V3}/rooms/{quote(room)}/receipt/m.read/{quote(said)}", {})
    answer = await ben.sync(since)
    assert list(answer["rooms"]["join"]) == [room]
    assert not {"rooms", "account_data"} & (await ben.sync(answer["next_batch"])).keys()
