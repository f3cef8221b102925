"""PUT sendToDevice over a whole house: what passes, what is refused, what outlives a restart."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.encrypted_rooms import ENCRYPTION
from tests.messaging.whole_house import V3, Client, WholeHouse, whole_house

from halfdoor.policy.load import policy_from

OLM = "m.room.encrypted"
BOTH = policy_from({"posture": {"allowed": ["standard", "e2ee"]}}, "test")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path, policy=BOTH) as opened:
        yield opened


def path(txn: str = "t", type: str = OLM) -> str:
    return f"{V3}/sendToDevice/{quote(type)}/{quote(txn)}"


def body(to: Client, n: int = 0, device: str | None = None) -> dict[str, Any]:
    return {"messages": {to.user: {device or to.device: {"n": n}}}}


def numbers(answer: dict[str, Any]) -> list[int]:
    return [one["content"]["n"] for one in answer.get("to_device", {}).get("events", [])]


async def pair(house: WholeHouse) -> tuple[Client, Client]:
    ada, ben = await house.person("ada"), await house.person("ben")
    await house.connect(ada, ben)
    await ben.join(await ada.create(ben, initial_state=[ENCRYPTION]))
    return ada, ben


async def test_a_message_arrives_and_is_repeated_until_the_next_token(house: WholeHouse) -> None:
    ada, ben = await pair(house)
    since = (await ben.sync())["next_batch"]
    assert await ada.ask("PUT", path(), body(ben, 1)) == {}
    assert await ada.ask("PUT", path(), body(ben, 1)) == {}
    first = await ben.sync(since)
    assert first["to_device"]["events"] == [{"type": OLM, "sender": ada.user, "content": {"n": 1}}]
    await house.house.close()
    house.open()
    ben.caller, token = type(ben.caller)(house.app), ben.caller.token
    ben.caller.token = token
    assert numbers(await ben.sync(since)) == [1]
    assert "to_device" not in await ben.sync(first["next_batch"])
    assert "to_device" not in await ben.sync(since)


async def test_a_device_that_signed_out_gets_nothing_and_hinders_nobody(house: WholeHouse) -> None:
    ada, ben = await pair(house)
    await ada.ask("PUT", path("a"), body(ben, 1))
    old = ben.device
    await ben.ask("POST", f"{V3}/logout")
    again = await house.device(ben.user)
    await ada.ask("PUT", path("b"), {"messages": {ben.user: {"*": {"n": 2}, old: {"n": 3}}}})
    assert numbers(await again.sync()) == [2]


@pytest.mark.parametrize("type", ["m.room.message", "org.example.anything", "m.room_key.x"])
async def test_other_types_are_refused(house: WholeHouse, type: str) -> None:
    ada, ben = await pair(house)
    answer = await ada.ask("PUT", path(type=type), body(ben), 403)
    assert answer["errcode"] == "M_FORBIDDEN"
    assert numbers(await ben.sync()) == []


async def test_a_stranger_and_somebody_who_is_not_there_are_refused_alike(
    house: WholeHouse,
) -> None:
    _, ben = await pair(house)
    eve = await house.person("eve")
    nobody: dict[str, Any] = {"messages": {"@nobody:localhost": {"*": {}}}}
    first = await eve.ask("PUT", path("a"), body(ben), 403)
    assert first == await eve.ask("PUT", path("b"), nobody, 403)
    assert first["errcode"] == "M_FORBIDDEN"


@pytest.mark.parametrize(
    ("sent", "status", "errcode"),
    [
        ({}, 400, "M_BAD_JSON"),
        ({"messages": []}, 400, "M_BAD_JSON"),
        ({"messages": {"@ben:localhost": 5}}, 400, "M_BAD_JSON"),
        ({"messages": {"@ben:localhost": {"D": "text"}}}, 400, "M_BAD_JSON"),
        ({"messages": {"@ben:localhost": {"D": {"x": "y" * 66_000}}}}, 413, "M_TOO_LARGE"),
        (
            {"messages": {"@ben:localhost": {f"D{n}": {} for n in range(1_001)}}},
            413,
            "M_TOO_LARGE",
        ),
    ],
)
async def test_a_request_of_another_shape_is_refused(
    house: WholeHouse, sent: dict[str, Any], status: int, errcode: str
) -> None:
    ada = await house.person("ada")
    assert (await ada.ask("PUT", path(), sent, status))["errcode"] == errcode


async def test_a_transaction_id_that_is_too_long_is_refused(house: WholeHouse) -> None:
    ada = await house.person("ada")
    answer = await ada.ask("PUT", path("t" * 256), body(ada), 400)
    assert answer["errcode"] == "M_INVALID_PARAM"


async def test_the_body_goes_out_as_it_came_in_but_for_its_spelling(house: WholeHouse) -> None:
    ada, ben = await pair(house)
    content = {"ciphertext": {"k\u00e9y": {"type": 0, "body": "A\u0000\u2028"}}, "b": 2, "a": [1]}
    await ada.ask("PUT", path(), {"messages": {ben.user: {ben.device: content}}})
    assert (await ben.sync())["to_device"]["events"][0]["content"] == content
