"""What a conversation no longer keeps is gone for everybody, and never looks like a hole."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from tests.messaging.little_house import DAY_MS
from tests.messaging.whole_house import V3, Client, WholeHouse, whole_house

from halfdoor.policy.load import load
from halfdoor.policy.model import Policy, Retention

MONTH_MS = 31 * DAY_MS


def policy(default: Any = "unlimited", longest: Any = "unlimited", shortest: int = 2) -> Policy:
    return replace(
        load(None),
        retention=Retention(default_days=default, longest_days=longest, shortest_days=shortest),
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path, policy=policy(30)) as one:
        yield one


async def pair(house: WholeHouse, **more: Any) -> tuple[Client, Client, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    await house.connect(ada, ben)
    room = await ada.create(ben, **more)
    await ben.join(room)
    return ada, ben, room


async def texts(client: Client, room: str, query: str = "dir=b") -> list[str]:
    path = f"{V3}/rooms/{quote(room)}/messages?{query}&limit=100"
    chunk = (await client.ask("GET", path))["chunk"]
    return [one["content"]["body"] for one in chunk if one["type"] == "m.room.message"]


async def later(house: WholeHouse, days: int) -> None:
    house.clock.now += days * DAY_MS
    await house.house.sweep_seldom()


async def test_nothing_ends_where_nothing_was_chosen(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada, ben, room = await pair(house)
        await ada.say(room, "for ever")
        await later(house, 3000)
        assert await texts(ben, room) == ["for ever"]


async def test_messages_end_after_their_days_and_not_before(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    await ada.say(room, "first")
    house.clock.now += DAY_MS
    await ben.say(room, "second")
    await later(house, 29)
    assert await texts(ben, room) == ["second", "first"]
    await later(house, 1)
    assert await texts(ben, room) == ["second"]
    await later(house, 1)
    assert await texts(ben, room) == []
    await ada.say(room, "third")
    assert await texts(ben, room) == ["third"]


async def test_an_old_event_answers_like_the_end_of_history(house: WholeHouse) -> None:
    ada, ben, room = await pair(house, name="Us")
    old = await ada.say(room, "old")
    at = f"{V3}/rooms/{quote(room)}"
    token = (await ada.ask("GET", f"{at}/messages?dir=b&limit=2"))["end"]
    start = (await ada.ask("GET", f"{at}/messages?dir=f&limit=1"))["start"]
    house.clock.now += 20 * DAY_MS
    new = await ben.say(room, "new")
    await later(house, 15)
    for path in (f"event/{old}", f"context/{old}", f"relations/{old}"):
        version = V3.replace("v3", "v1") if path.startswith("relations") else V3
        whole = f"{version}/rooms/{quote(room)}/{path}"
        status, answer = await ada.any_status("GET", whole)
        assert (status, answer["errcode"]) == (404, "M_NOT_FOUND"), path
    status, answer = await ada.any_status("POST", f"{at}/receipt/m.read/{old}", {})
    assert status == 404
    assert await texts(ada, room, f"dir=b&from={token}") == []
    answer = await ada.ask("GET", f"{at}/messages?dir=b&from={token}")
    assert "end" not in answer
    assert await texts(ada, room, f"dir=f&from={start}") == ["new"]
    context = await ada.ask("GET", f"{at}/context/{new}")
    assert context["events_before"] == []
    # State is state, whatever its day: it is read as such, and is no part of the history.
    state: Any = await ada.ask("GET", f"{at}/state")
    assert {one["type"] for one in state} >= {"m.room.create", "m.room.name", "m.room.member"}
    created = next(one for one in state if one["type"] == "m.room.create")
    await ada.ask("GET", f"{at}/event/{created['event_id']}")
    status, _ = await ada.any_status("GET", f"{at}/context/{created['event_id']}")
    assert status == 404
    name = await ada.ask("GET", f"{at}/state/m.room.name")
    assert name == {"name": "Us"}


async def test_an_old_sync_token_gets_what_is_left_and_no_hole(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    since = (await ben.sync())["next_batch"]
    await ada.say(room, "missed")
    house.clock.now += 20 * DAY_MS
    await ada.say(room, "read")
    await later(house, 15)
    answer = await ben.sync(since)
    timeline = answer["rooms"]["join"][room]["timeline"]
    assert timeline["limited"]
    assert [one["content"]["body"] for one in timeline["events"]] == ["read"]
    assert await texts(ben, room, f"dir=b&from={timeline['prev_batch']}") == []
    await later(house, 40)
    answer = await ben.sync(since)
    timeline = answer["rooms"]["join"][room]["timeline"]
    assert (timeline["events"], timeline["limited"]) == ([], True)
    first = await ben.sync()
    assert room in first["rooms"]["join"]


async def test_nothing_that_ended_counts_as_unread(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    await ada.say(room, "one")
    await ada.say(room, "two")
    house.clock.now += 20 * DAY_MS
    await ada.say(room, "three")
    since = await ben.sync()
    counts = since["rooms"]["join"][room]["unread_notifications"]
    assert counts["notification_count"] == 3
    await later(house, 15)
    told = await ben.sync(since["next_batch"])
    counts = told["rooms"]["join"][room]["unread_notifications"]
    assert counts["notification_count"] == 1
    await later(house, 30)
    first = await ben.sync()
    counts = first["rooms"]["join"][room]["unread_notifications"]
    assert counts["notification_count"] == 0


async def test_a_room_goes_on_when_all_that_was_said_has_ended(house: WholeHouse) -> None:
    ada, ben, room = await pair(house, name="Us")
    await ada.say(room, "old")
    carl = await house.person("carl")
    await house.connect(ada, carl)
    await later(house, 200)
    at = f"{V3}/rooms/{quote(room)}"
    await ada.ask("POST", f"{at}/invite", {"user_id": carl.user})
    await carl.join(room)
    await carl.say(room, "hello")
    assert await texts(ben, room) == ["hello"]
    assert await ben.ask("GET", f"{at}/state/m.room.name") == {"name": "Us"}
    await ben.ask("PUT", f"{at}/state/m.room.topic", {"topic": "new"}, 200)
    await later(house, 200)
    assert await carl.ask("GET", f"{at}/state/m.room.topic") == {"topic": "new"}
    assert await carl.ask("GET", f"{at}/state/m.room.name") == {"name": "Us"}
    members = await ben.ask("GET", f"{at}/joined_members")
    assert len(members["joined"]) == 3


async def test_months_end_and_the_room_goes_on(house: WholeHouse) -> None:
    ada, ben, room = await pair(house, name="Us")
    keys = house.house.store.keys
    for month in range(5):
        await ada.say(room, f"month {month}")
        await later(house, 31)
        # The sweep that begins next knows how long the longest retention was.
        await later(house, 1)
    months = sorted(one for one in keys.outer.generations if one > 255)
    assert len(months) <= 3
    assert await texts(ben, room) == []
    await ben.say(room, "still here")
    assert await texts(ada, room) == ["still here"]
    assert await ada.ask("GET", f"{V3}/rooms/{quote(room)}/state/m.room.name") == {"name": "Us"}
    first = await (await house.device(ben.user)).sync()
    assert room in first["rooms"]["join"] or "join" in first["rooms"]


# -- what the members choose -------------------------------------------------------------------


async def choose(client: Client, room: str, content: dict[str, Any], status: int = 200) -> Any:
    path = f"{V3}/rooms/{quote(room)}/state/m.room.retention"
    return await client.ask("PUT", path, content, status)


CHOICES: list[tuple[dict[str, Any], int]] = [
    ({"max_lifetime": DAY_MS}, 403),
    ({"max_lifetime": 61 * DAY_MS}, 403),
    ({"max_lifetime": 5 * DAY_MS, "min_lifetime": 6 * DAY_MS}, 403),
    ({"min_lifetime": 31 * DAY_MS}, 403),
    ({"max_lifetime": "a week"}, 400),
    ({"max_lifetime": -1}, 400),
    ({"max_lifetime": True}, 400),
    ({"max_lifetime": 5 * DAY_MS, "note": "words"}, 400),
    ({"max_lifetime": 2 * DAY_MS}, 200),
    ({"max_lifetime": 60 * DAY_MS, "min_lifetime": DAY_MS}, 200),
    ({"max_lifetime": None}, 200),
    ({}, 200),
]


async def test_a_choice_beyond_the_policy_is_refused(tmp_path: Path) -> None:
    async with whole_house(tmp_path, policy=policy(30, 60)) as house:
        ada, ben, room = await pair(house)
        for content, status in CHOICES:
            await choose(ada, room, content, status)
            state = [{"type": "m.room.retention", "content": content}]
            body = {"invite": [ben.user], "initial_state": state}
            await ada.ask("POST", f"{V3}/createRoom", body, status)


async def test_who_may_not_set_it_ends_nothing(tmp_path: Path) -> None:
    async with whole_house(tmp_path, policy=policy()) as house:
        ada, ben = await house.person("ada"), await house.person("ben")
        await house.connect(ada, ben)
        body = {"preset": "private_chat", "invite": [ben.user]}
        room = (await ada.ask("POST", f"{V3}/createRoom", body))["room_id"]
        await ben.join(room)
        await choose(ben, room, {"max_lifetime": 2 * DAY_MS}, 403)
        await ada.say(room, "stays")
        await later(house, 100)
        assert await texts(ben, room) == ["stays"]


async def test_members_choose_shorter_and_longer_within_the_bounds(tmp_path: Path) -> None:
    async with whole_house(tmp_path, policy=policy(30, 60)) as house:
        ada, ben, short = await pair(house)
        long, plain = await ada.create(ben), await ada.create(ben)
        await choose(ada, short, {"max_lifetime": 3 * DAY_MS - 1})
        await choose(ada, long, {"max_lifetime": 60 * DAY_MS})
        for room in (short, long, plain):
            await ada.say(room, "said")
        found: dict[int, list[int]] = {}
        for days in (3, 4, 30, 31, 60, 61):
            await later(house, days - max(found, default=0))
            found[days] = [len(await texts(ada, room)) for room in (short, plain, long)]
        assert found == {
            3: [1, 1, 1],
            4: [0, 1, 1],
            30: [0, 1, 1],
            31: [0, 0, 1],
            60: [0, 0, 1],
            61: [0, 0, 0],
        }


async def test_a_policy_that_grew_tighter_holds_for_choices_made_before(tmp_path: Path) -> None:
    async with whole_house(tmp_path, policy=policy()) as house:
        ada, _, room = await pair(house)
        await choose(ada, room, {"max_lifetime": 300 * DAY_MS})
        await ada.say(room, "said")
        await house.house.close()
        house.policy = policy(10, 20)
        house.open()
        ada = await house.device(ada.user)
        await later(house, 20)
        assert len(await _messages(house, room)) == 1
        await later(house, 1)
        assert await _messages(house, room) == []


async def _messages(house: WholeHouse, room: str) -> list[Any]:
    events = await house.house.store.conversations.events(
        room, after=0, before=99, limit=99, newest_first=True
    )
    return [one for one in events if one.fields.type == "m.room.message"]


async def test_a_sweep_that_is_cut_short_goes_on_where_it_stopped(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    others = [await ada.create(ben) for _ in range(4)]
    for one in (room, *others):
        await ada.say(one, "said")
    retention = house.house.store.retention
    real, left = retention.clear, 2

    async def cut(place: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError("the disk went away")
        return await real(place)

    retention.clear = cut  # type: ignore[method-assign]
    with pytest.raises(OSError, match="the disk"):
        await later(house, 40)
    retention.clear = real  # type: ignore[method-assign]
    await later(house, 0)
    for one in (room, *others):
        assert await texts(ben, one) == []
        assert await _messages(house, one) == []
    swept = await house.house.retention.run()
    assert swept.conversations == 0


async def test_who_was_away_for_months_begins_anew_and_misses_nothing(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    left, read = await ada.create(ben), await ada.create(ben)
    for one in (left, read):
        await ben.join(one)
    since = (await ben.sync())["next_batch"]
    await ada.say(room, "old")
    await ben.ask("POST", f"{V3}/rooms/{quote(left)}/leave", {})
    house.clock.now += 1
    # The inbox of those days is gone; that of the newest stays.
    for _ in range(3):
        await later(house, 31)
        await ada.say(room, "newer")
    assert await house.house.store.mailbox.horizon(ben.user) > int(since.split(".")[-3])
    # Without what this process remembers of the inbox.
    await house.house.close()
    house.open()
    ben = await house.device(ben.user)
    answer = await ben.sync(since)
    joined = answer["rooms"]["join"]
    assert set(joined) == {room, read}
    assert joined[room]["timeline"]["limited"]
    assert [one["content"]["body"] for one in joined[room]["timeline"]["events"]][-1] == "newer"
    assert left in answer["rooms"]["leave"]
    assert "rooms" not in await ben.sync(answer["next_batch"])
    # A page from the old token, either way, skips nothing.
    for query in (f"dir=b&from={since}", f"dir=f&from={since}"):
        assert "newer" in await texts(ben, room, query)


async def test_one_damaged_conversation_does_not_keep_the_others_waiting(
    house: WholeHouse,
) -> None:
    ada, ben, room = await pair(house)
    others = [await ada.create(ben) for _ in range(3)]
    for one in (room, *others):
        await ada.say(one, "said")
    await house.house.close()
    con = sqlite3.connect(house.folder / "data" / "halfdoor.db")
    changed = con.execute(
        "UPDATE event SET sealed = zeroblob(60) WHERE seq = 2 AND (cb, c) ="
        " (SELECT cb, c FROM conv WHERE conv_id = ?)",
        (room,),
    )
    assert changed.rowcount == 1
    con.commit()
    con.close()
    house.open()
    house.clock.now += 40 * DAY_MS
    swept = await house.house.retention.run()
    assert (swept.conversations, swept.ended, swept.damaged) == (4, 3, 1)
    for one in others:
        assert await _messages(house, one) == []


async def test_a_crash_after_a_key_was_destroyed_leaves_no_copy_of_it(house: WholeHouse) -> None:
    ada, _, room = await pair(house)
    await ada.say(room, "said")
    con = sqlite3.connect(house.folder / "data" / "halfdoor.db")
    ((month, wrapped),) = con.execute(
        "SELECT generation, wrapped FROM data_key WHERE generation > 255"
    )
    con.close()
    await later(house, 70)
    retention, real = house.house.store.retention, house.house.store.retention.wipe

    async def die() -> None:
        raise OSError("the process was killed")

    retention.wipe = die  # type: ignore[method-assign]
    with pytest.raises(OSError, match="killed"):
        await later(house, 31)
    retention.wipe = real  # type: ignore[method-assign]
    assert month not in house.house.store.keys.outer.generations
    await house.house.retention.run()
    raw = b"".join(path.read_bytes() for path in (house.folder / "data").glob("halfdoor.db*"))
    assert wrapped not in raw
