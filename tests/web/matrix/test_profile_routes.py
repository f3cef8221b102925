"""What people show of themselves: theirs to change, and nobody else's."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.house_fixture import SERVER, WholeHouse, good, refusal, whole_house

ALICE = f"@alice:{SERVER}"
BOB = f"@bob:{SERVER}"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        for name in ("alice", "bob"):
            await house.person(name)
        yield house


@pytest.fixture
async def alice(house: WholeHouse) -> str:
    token: str = (await house.sign_in("alice"))["access_token"]
    return token


async def put(house: WholeHouse, token: str, field: str, value: Any, user: str = ALICE) -> Any:
    return await house.ask("PUT", f"/profile/{user}/{field}", {field: value}, token=token)


async def shown(house: WholeHouse, token: str, user: str = ALICE) -> Any:
    return good(await house.ask("GET", f"/profile/{user}", token=token))


async def test_a_profile_is_ones_own(house: WholeHouse, alice: str) -> None:
    for user in (BOB, "@nobody:a.example", "nobody", "@bob:b.example"):
        answer = await put(house, alice, "displayname", "Mine now", user)
        assert refusal(answer) == (403, "M_FORBIDDEN")
        answer = await house.ask("DELETE", f"/profile/{user}/displayname", token=alice)
        assert refusal(answer) == (403, "M_FORBIDDEN")
    assert await shown(house, alice, BOB) == {}


async def test_a_profile_is_for_those_who_are_signed_in(house: WholeHouse) -> None:
    for path in (f"/profile/{ALICE}", f"/profile/{ALICE}/displayname"):
        assert refusal(await house.ask("GET", path)) == (401, "M_MISSING_TOKEN")


async def test_fields_are_set_shown_and_taken_away(house: WholeHouse, alice: str) -> None:
    assert good(await put(house, alice, "displayname", "Alice")) == {}
    good(await put(house, alice, "avatar_url", "mxc://a.example/abc"))
    good(await put(house, alice, "m.tz", "Europe/Helsinki"))
    assert await shown(house, alice) == {
        "displayname": "Alice",
        "avatar_url": "mxc://a.example/abc",
        "m.tz": "Europe/Helsinki",
    }
    one = good(await house.ask("GET", f"/profile/{ALICE}/displayname", token=alice))
    assert one == {"displayname": "Alice"}
    good(await put(house, alice, "displayname", None))
    good(await house.ask("DELETE", f"/profile/{ALICE}/avatar_url", token=alice))
    good(await house.ask("DELETE", f"/profile/{ALICE}/avatar_url", token=alice))
    assert await shown(house, alice) == {"m.tz": "Europe/Helsinki"}
    answer = await house.ask("GET", f"/profile/{ALICE}/displayname", token=alice)
    assert refusal(answer) == (404, "M_NOT_FOUND")


async def test_nobody_has_no_profile(house: WholeHouse, alice: str) -> None:
    for user in ("@nobody:a.example", "@alice:b.example", "alice"):
        answer = await house.ask("GET", f"/profile/{user}", token=alice)
        assert refusal(answer) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("displayname", 7),
        ("displayname", []),
        ("displayname", "x" * 256),
        ("avatar_url", "https://a.example/x.png"),
        ("avatar_url", {}),
        ("x" * 256, "v"),
        ("org.example.long", "x" * 70_000),
    ],
)
async def test_a_value_that_will_not_do_changes_nothing(
    house: WholeHouse, alice: str, field: str, value: Any
) -> None:
    assert (await put(house, alice, field, value)).status_code == 400
    assert await shown(house, alice) == {}


async def test_a_field_is_named_in_the_body_too(house: WholeHouse, alice: str) -> None:
    path = f"/profile/{ALICE}/displayname"
    for body in ({}, {"avatar_url": "mxc://a/b"}):
        answer = await house.ask("PUT", path, body, token=alice)
        assert refusal(answer) == (400, "M_MISSING_PARAM")


async def test_many_fields_do_not_fill_the_disk(house: WholeHouse, alice: str) -> None:
    statuses = [
        (await put(house, alice, f"org.example.{number}", "x" * 15_000)).status_code
        for number in range(6)
    ]
    assert statuses == [200, 200, 200, 200, 400, 400]


async def test_a_new_name_is_seen_in_the_conversations(house: WholeHouse, alice: str) -> None:
    good(await house.told("PUT", "/connections", {"connections": [["alice", "bob"]]}))
    bob = (await house.sign_in("bob"))["access_token"]
    invite = {"preset": "trusted_private_chat", "invite": [BOB], "is_direct": True}
    room = good(await house.ask("POST", "/createRoom", invite, token=alice))["room_id"]
    good(await house.ask("POST", f"/join/{room}", {}, token=bob))
    good(await put(house, alice, "displayname", "Alice the second"))
    member = good(await house.ask("GET", f"/rooms/{room}/state/m.room.member/{ALICE}", token=bob))
    assert member["displayname"] == "Alice the second"
    good(await put(house, alice, "displayname", None))
    member = good(await house.ask("GET", f"/rooms/{room}/state/m.room.member/{ALICE}", token=bob))
    assert "displayname" not in member


async def test_a_suspended_person_shows_nothing_new(house: WholeHouse, alice: str) -> None:
    good(await house.ask("POST", "/createRoom", {}, token=alice))
    good(await house.told("PUT", "/people/alice/suspension", {"suspended": True}))
    answer = await put(house, alice, "displayname", "words that go round a suspension")
    assert refusal(answer) == (403, "M_USER_SUSPENDED")
    assert await shown(house, alice) == {}
