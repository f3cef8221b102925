"""Words beside messages: names, reasons, topics, receipts, and what was written before one came."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.messaging.whole_house import V3, Client, whole_house

from halfdoor.ids import random_event_id
from halfdoor.messaging.errors import BadPushRuleError
from halfdoor.messaging.pushrules_edit import StoredRules, put_rule

WORDS = "planted words"


async def all_that_is_read(who: Client, room: str, since: str) -> str:
    """Read a room in every way there is."""
    here = f"{V3}/rooms/{quote(room)}"
    answers = [
        await who.sync(since),
        await who.sync(),
        await who.any_status("GET", f"{here}/messages?dir=b&limit=100"),
        await who.any_status("GET", f"{here}/state"),
        await who.any_status("GET", f"{here}/members"),
        await who.any_status("GET", f"{here}/joined_members"),
        await who.any_status("GET", f"{here}/state/m.room.topic"),
        await who.any_status("GET", f"{here}/state/m.room.name"),
    ]
    return json.dumps(answers)


async def speak_beside(who: Client, room: str) -> None:
    """Put words everywhere but into a message; what is refused is refused."""
    here, me = f"{V3}/rooms/{quote(room)}", quote(who.user)
    member = {"membership": "join", "displayname": WORDS, "reason": WORDS}
    await who.any_status("PUT", f"{here}/state/m.room.member/{me}", member)
    await who.any_status("PUT", f"{V3}/profile/{me}/displayname", {"displayname": WORDS})
    await who.any_status("PUT", f"{here}/state/m.room.topic/", {"topic": WORDS})
    await who.any_status("PUT", f"{here}/state/m.room.name/", {"name": WORDS})
    await who.any_status("PUT", f"{here}/state/org.example.note/", {"note": WORDS})
    await who.any_status("PUT", f"{here}/typing/{me}", {"typing": True, "timeout": 30_000})
    await who.any_status("POST", f"{here}/ban", {"user_id": "@nobody:localhost", "reason": WORDS})
    await who.any_status("POST", f"{here}/leave", {"reason": WORDS})


async def test_an_adult_who_is_no_longer_connected_says_nothing_to_a_child(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        adult, child = await house.person("adult"), await house.person("child", "16-17")
        await house.house.people.choose_dm(child.user, choice=True)
        await house.connect(adult, child)
        room = await adult.create(child)
        await child.join(room)
        event = await adult.say(room, "while we know each other")
        since = (await child.sync())["next_batch"]
        await house.house.people.disconnect(adult.user, child.user)
        path = f"{V3}/rooms/{quote(room)}/receipt/m.read/{quote(event)}"
        await adult.any_status("POST", path, {})
        await speak_beside(adult, room)
        shown = await all_that_is_read(child, room, since)
        assert WORDS not in shown
        assert "m.typing" not in shown or f'"user_ids": ["{adult.user}"]' not in shown
        assert f'"m.read": {{"{adult.user}"' not in shown
        assert "while we know each other" in shown


@pytest.mark.parametrize("kind", ["block", "ignore"])
async def test_whoever_is_blocked_says_nothing_beside_their_messages(
    tmp_path: Path, kind: str
) -> None:
    async with whole_house(tmp_path) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        await house.connect(alice, bob)
        room = await alice.create(bob)
        await bob.join(room)
        event = await alice.say(room, "before")
        since = (await alice.sync())["next_batch"]
        if kind == "block":
            await house.house.people.block(alice.user, bob.user, house.clock.now_ms())
        else:
            path = f"{V3}/user/{quote(alice.user)}/account_data/m.ignored_user_list"
            await alice.ask("PUT", path, {"ignored_users": {bob.user: {}}})
        path = f"{V3}/rooms/{quote(room)}/receipt/m.read/{quote(event)}"
        await bob.any_status("POST", path, {})
        await speak_beside(bob, room)
        shown = await all_that_is_read(alice, room, since)
        assert WORDS not in shown
        assert f'"m.read": {{"{bob.user}"' not in shown


async def test_a_newcomer_who_is_a_child_is_not_shown_what_an_adult_wrote_before(
    tmp_path: Path,
) -> None:
    async with whole_house(tmp_path) as house:
        teen, friend = await house.person("teen", "16-17"), await house.person("friend", "16-17")
        adult = await house.person("adult")
        for one, other in ((teen, friend), (friend, adult)):
            await house.connect(one, other)
        for one in (teen, friend):
            await house.house.people.choose_dm(one.user, choice=True)
        room = await friend.create(adult)
        await adult.join(room)
        await adult.say(room, WORDS)
        await friend.say(room, "from a friend")
        await speak_beside(adult, room)
        path = f"{V3}/rooms/{quote(room)}/invite"
        await friend.ask("POST", path, {"user_id": teen.user})
        await teen.join(room)
        shown = await all_that_is_read(teen, room, (await teen.sync())["next_batch"])
        assert WORDS not in shown
        assert "from a friend" in shown


async def test_a_thread_that_is_no_event_is_refused(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada = await house.person("ada")
        room = await ada.create()
        event = await ada.say(room, "hello")
        path = f"{V3}/rooms/{quote(room)}/receipt/m.read/{quote(event)}"
        await ada.ask("POST", path, {"thread_id": random_event_id(room)}, status=404)


async def test_state_and_patterns_have_an_end(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada = await house.person("ada")
        many = [
            {"type": "org.example.note", "state_key": str(n), "content": {}} for n in range(101)
        ]
        await ada.ask("POST", f"{V3}/createRoom", {"initial_state": many}, status=400)
    with pytest.raises(BadPushRuleError):
        put_rule(StoredRules(), "content", "long", {"pattern": "?" * 257, "actions": []})
