"""Whoever is blocked or ignored gets, in everything they can fetch, what they got without it."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.whole_house import NAME, V3, Client, WholeHouse, whole_house

_IDS = re.compile(r"[$!][A-Za-z0-9_-]{18,43}(?::localhost)?|default\.\d+\.[0-9a-f]{8}\.\d+")


def same_names(text: str, names: dict[str, str]) -> str:
    """Give every random id the name of its first appearance, so that two runs can be compared."""
    return _IDS.sub(lambda found: names.setdefault(found[0], f"id{len(names)}"), text)


async def block(house: WholeHouse, kind: str, who: Client, whom: Client) -> None:
    """Let *who* block or ignore *whom*, or do nothing."""
    if kind == "block":
        await house.house.people.block(who.user, whom.user, house.clock.now_ms())
    elif kind == "ignore":
        path = f"{V3}/user/{quote(who.user)}/account_data/m.ignored_user_list"
        await who.ask("PUT", path, {"ignored_users": {whom.user: {}}})


async def all_that_can_be_fetched(bob: Client, room: str, event: str) -> list[Any]:
    """Ask everything that a client can ask about a room and the person in it."""
    here = f"{V3}/rooms/{quote(room)}"
    alice = quote(f"@alice:{NAME}")
    asked = [
        ("GET", f"{V3}/sync", None),
        ("GET", f"{here}/messages?dir=b&limit=50", None),
        ("GET", f"{here}/messages?dir=f&limit=50", None),
        ("GET", f"{here}/state", None),
        ("GET", f"{here}/members", None),
        ("GET", f"{here}/joined_members", None),
        ("GET", f"{here}/context/{quote(event)}", None),
        ("GET", f"{here}/event/{quote(event)}", None),
        ("GET", f"/_matrix/client/v1/rooms/{quote(room)}/relations/{quote(event)}", None),
        ("GET", f"{V3}/profile/{alice}", None),
        ("GET", f"{V3}/joined_rooms", None),
        ("POST", f"{V3}/user_directory/search", {"search_term": "alice"}),
        ("PUT", f"{here}/typing/{quote(bob.user)}", {"typing": True, "timeout": 1000}),
        ("POST", f"{here}/receipt/m.read/{quote(event)}", {}),
        ("POST", f"{here}/invite", {"user_id": f"@alice:{NAME}"}),
    ]
    return [await bob.any_status(method, path, body) for method, path, body in asked]


async def the_course_of_things(folder: Path, kind: str) -> str:
    """Run the same story with or without a block, and return all that bob got to see."""
    names: dict[str, str] = {}
    async with whole_house(folder) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        stranger = await house.person("carol")
        await house.connect(alice, bob)
        seen: list[Any] = []
        # A conversation they already have.
        old = await bob.create(alice)
        await alice.join(old)
        await block(house, kind, alice, bob)
        await block(house, kind, stranger, bob)
        event = await bob.say(old, "are you there?")
        await bob.say(old, "hello?")
        seen += await all_that_can_be_fetched(bob, old, event)
        # A new one, and a request to somebody he does not know.
        new = await bob.create(alice)
        seen += await all_that_can_be_fetched(bob, new, await bob.say(new, "another try"))
        asked = await bob.create(stranger)
        event = await bob.say(asked, "may I?")
        seen += await all_that_can_be_fetched(bob, asked, event)
        path = f"{V3}/rooms/{quote(asked)}/send/m.room.message/again"
        seen.append(await bob.any_status("PUT", path, {"msgtype": "m.text", "body": "please"}))
        return same_names(json.dumps(seen), names)


@pytest.mark.parametrize("kind", ["block", "ignore"])
async def test_all_that_the_blocked_person_can_fetch_is_the_same(tmp_path: Path, kind: str) -> None:
    without = await the_course_of_things(tmp_path / "without", "nothing")
    with_it = await the_course_of_things(tmp_path / kind, kind)
    assert with_it == without


@pytest.mark.parametrize("kind", ["block", "ignore"])
async def test_who_blocks_is_shown_nothing_of_it(tmp_path: Path, kind: str) -> None:
    async with whole_house(tmp_path) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        await house.connect(alice, bob)
        old = await bob.create(alice)
        await alice.join(old)
        await bob.say(old, "before")
        await block(house, kind, alice, bob)
        since = (await alice.sync())["next_batch"]
        await bob.say(old, "hidden words")
        new = await bob.create(alice)
        await bob.say(new, "hidden as well")
        answers = [
            await alice.sync(since),
            await alice.sync(),
            await alice.history(old),
            await alice.any_status("GET", f"{V3}/rooms/{quote(new)}/messages?dir=b"),
        ]
        assert "hidden" not in json.dumps(answers)
        assert new not in json.dumps(answers)
        assert "before" in json.dumps(await alice.history(old))
