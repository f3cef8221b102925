"""The platform says who knows and who blocks whom; both bind the next request."""

from typing import Any

import pytest
from tests.web.house_fixture import SERVER, WholeHouse, good, refusal

ALICE, BOB, CAROL = (f"@{name}:{SERVER}" for name in ("alice", "bob", "carol"))


async def people(house: WholeHouse) -> None:
    body = {"people": [{"user": name} for name in ("alice", "bob", "carol")]}
    good(await house.told("PUT", "/people", body))


async def connect(house: WholeHouse, *pairs: tuple[str, str]) -> Any:
    return good(await house.told("PUT", "/connections", {"connections": pairs}))


@pytest.mark.parametrize(
    "pair",
    [
        ["alice", "alice"],
        ["alice", ALICE],
        ["alice", "nobody"],
        ["alice", "@bob:b.example"],
        ["alice", "Bob"],
        ["alice", ""],
        ["alice", 7],
        ["alice"],
        ["alice", "bob", "carol"],
        "alice bob",
        None,
    ],
)
async def test_one_bad_pair_refuses_the_whole_list(house: WholeHouse, pair: Any) -> None:
    await people(house)
    body = {"connections": [["alice", "bob"], pair, ["bob", "carol"]]}
    assert refusal(await house.told("PUT", "/connections", body))[0] == 400
    assert await house.house.people.connections(BOB) == frozenset()


async def test_every_bad_pair_is_named_with_its_index(house: WholeHouse) -> None:
    await people(house)
    pairs = [["alice", "nobody"], ["alice", "bob"], ["bob", "bob"], ["X", "bob"]]
    answer = await house.told("PUT", "/connections", {"connections": pairs})
    assert [one["index"] for one in answer.json()["org.halfdoor.items"]] == [0, 2, 3]


async def test_a_connection_holds_on_both_sides_until_it_ends(house: WholeHouse) -> None:
    await people(house)
    answer = await connect(house, ("alice", BOB), ("carol", "alice"))
    assert answer["results"] == [
        {"between": [ALICE, BOB], "result": "connected"},
        {"between": [CAROL, ALICE], "result": "connected"},
    ]
    known = house.house.people
    assert await known.connections(ALICE) == {BOB, CAROL}
    assert await known.connections(BOB) == {ALICE}
    again = await connect(house, ("bob", "alice"))
    assert again["results"][0]["result"] == "unchanged"
    for _ in range(2):
        assert good(await house.told("DELETE", f"/connections/bob/{ALICE}")) == {}
        assert not await known.connected(ALICE, BOB)
    assert await known.connected(ALICE, CAROL)


async def test_a_connection_that_grew_by_accepting_becomes_the_platforms(house: WholeHouse) -> None:
    await people(house)
    await house.house.people.connect(ALICE, BOB, "accepted", house.clock.now)
    assert (await connect(house, ("alice", "bob")))["results"][0]["result"] == "connected"
    assert await house.house.people.source(ALICE, BOB) == "platform"


async def test_a_pair_named_twice_is_one_connection(house: WholeHouse) -> None:
    await people(house)
    await connect(house, ("alice", "bob"), ("bob", "alice"))
    assert await house.house.people.connections(ALICE) == {BOB}


async def test_a_block_by_the_platform_hides_without_telling(house: WholeHouse) -> None:
    for name in ("alice", "bob"):
        await house.person(name)
    alice, bob = await house.sign_in("alice"), await house.sign_in("bob")
    await connect(house, ("alice", "bob"))
    invite = {"preset": "trusted_private_chat", "invite": [BOB], "is_direct": True}
    for _ in range(2):
        assert good(await house.told("PUT", "/blocks/bob/alice")) == {}
    answer = await house.ask("POST", "/createRoom", invite, token=alice["access_token"])
    assert answer.status_code == 200
    sync = good(await house.ask("GET", "/sync", token=bob["access_token"]))
    assert sync.get("rooms", {}).get("invite", {}) == {}
    assert good(await house.told("DELETE", "/blocks/bob/alice")) == {}
    good(await house.ask("POST", "/createRoom", invite, token=alice["access_token"]))
    sync = good(await house.ask("GET", "/sync", token=bob["access_token"]))
    assert len(sync["rooms"]["invite"]) >= 1


async def test_a_connection_decides_the_next_request(house: WholeHouse) -> None:
    kid = {"user": "kid", "age_band": "16-17", "dm_choice": True}
    facts = [{"user": "alice", "age_band": "adult"}, kid]
    good(await house.told("PUT", "/people", {"people": facts}))
    token = (await house.sign_in_by_jwt("alice"))["access_token"]
    await house.sign_in_by_jwt("kid")
    good(await house.told("PUT", "/people", {"people": facts}))
    invite = {"preset": "trusted_private_chat", "invite": [f"@kid:{SERVER}"], "is_direct": True}
    refused = await house.ask("POST", "/createRoom", invite, token=token)
    assert refusal(refused) == (403, "M_FORBIDDEN")
    await connect(house, ("alice", "kid"))
    good(await house.ask("POST", "/createRoom", invite, token=token))
    good(await house.told("DELETE", "/connections/alice/kid"))
    refused = await house.ask("POST", "/createRoom", invite, token=token)
    assert refusal(refused) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/blocks/alice/nobody", 404),
        ("/blocks/nobody/alice", 404),
        ("/blocks/alice/alice", 400),
        ("/blocks/alice/@x:b.example", 400),
        ("/blocks/alice/%20", 400),
    ],
)
async def test_a_block_needs_two_people(house: WholeHouse, path: str, status: int) -> None:
    await people(house)
    assert refusal(await house.told("PUT", path))[0] == status
    assert await house.house.people.blocks(ALICE) == frozenset()


async def test_a_connection_with_oneself_cannot_end(house: WholeHouse) -> None:
    answer = await house.told("DELETE", "/connections/alice/alice")
    assert refusal(answer) == (400, "M_INVALID_PARAM")
