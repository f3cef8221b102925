"""Keys go up, are found by those who may, and are handed out once (MATRIX §2, items 10 and 11)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2ee.key_client import KeyedDevice
from tests.messaging.whole_house import WholeHouse, whole_house
from tests.web.matrix.key_house import KEYS, claim, friends, give_keys, keyed, query


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


async def refusal(client: Any, body: dict[str, Any], path: str = "upload") -> tuple[int, str]:
    status, answer = await client.any_status("POST", f"{KEYS}/{path}", body)
    return status, answer.get("errcode", "")


async def test_keys_for_another_person_or_device_are_refused(house: WholeHouse) -> None:
    ada = await house.person("ada")
    for user, device in (("@ben:localhost", ada.device), (ada.user, "OTHER")):
        body = {"device_keys": KeyedDevice(user, device).identity()}
        assert await refusal(ada, body) == (400, "M_INVALID_PARAM")
    assert (await query(ada, ada.user))["device_keys"] == {ada.user: {}}


async def test_keys_that_another_key_signed_are_refused(house: WholeHouse) -> None:
    ada = await house.person("ada")
    mine, other = (KeyedDevice(ada.user, ada.device) for _ in range(2))
    forged = {**mine.identity(), "signatures": other.identity()["signatures"]}
    assert await refusal(ada, {"device_keys": forged}) == (400, "M_INVALID_SIGNATURE")
    changed = {**mine.identity(), "algorithms": ["m.none"]}
    assert await refusal(ada, {"device_keys": changed}) == (400, "M_INVALID_SIGNATURE")
    unsigned = {**mine.identity(), "signatures": {}}
    assert await refusal(ada, {"device_keys": unsigned}) == (400, "M_INVALID_SIGNATURE")


@pytest.mark.parametrize(
    "bad",
    [
        {"device_keys": []},
        {"device_keys": {"user_id": 1}},
        {"device_keys": {"user_id": "@ada:localhost"}},
        {"one_time_keys": ["x"]},
    ],
)
async def test_what_is_no_key_is_refused(house: WholeHouse, bad: dict[str, Any]) -> None:
    ada, _ = await keyed(house, "ada")
    assert await refusal(ada, bad) == (400, "M_BAD_JSON")


async def test_malformed_one_time_keys_are_refused_and_none_is_kept(house: WholeHouse) -> None:
    ada, device = await keyed(house, "ada")
    good = device.one_time(2)
    for name, key, errcode in (
        ("curve25519:A", device.sign({"key": device.curve()}), "M_BAD_JSON"),
        ("signed_curve25519:", device.sign({"key": device.curve()}), "M_BAD_JSON"),
        ("signed_curve25519:A", "a text", "M_BAD_JSON"),
        ("signed_curve25519:A", device.sign({"key": "short"}), "M_BAD_JSON"),
        ("signed_curve25519:A", device.sign({"key": device.curve(), "n": 1.5}), "M_BAD_JSON"),
        ("signed_curve25519:A", {"key": device.curve(), "signatures": {}}, "M_INVALID_SIGNATURE"),
    ):
        assert await refusal(ada, {"one_time_keys": {**good, name: key}}) == (400, errcode)
    empty = await ada.ask("POST", f"{KEYS}/upload", {})
    assert empty == {"one_time_key_counts": {"signed_curve25519": 0}}


async def test_a_device_never_changes_its_keys(house: WholeHouse) -> None:
    ada, device = await keyed(house, "ada")
    other = KeyedDevice(ada.user, ada.device)
    assert await refusal(ada, {"device_keys": other.identity()}) == (400, "M_INVALID_PARAM")
    again = await ada.ask("POST", f"{KEYS}/upload", {"device_keys": device.identity()})
    assert again == {"one_time_key_counts": {"signed_curve25519": 0}}


async def test_one_time_keys_need_the_keys_of_their_device(house: WholeHouse) -> None:
    ada = await house.person("ada")
    device = KeyedDevice(ada.user, ada.device)
    assert await refusal(ada, {"one_time_keys": device.one_time(1)}) == (400, "M_MISSING_PARAM")


async def test_a_one_time_key_is_never_another_also_after_it_was_claimed(house: WholeHouse) -> None:
    ada, device = await keyed(house, "ada")
    [(name, key)] = device.one_time(1).items()
    for _ in range(2):
        same = await ada.ask("POST", f"{KEYS}/upload", {"one_time_keys": {name: key}})
        assert same["one_time_key_counts"] == {"signed_curve25519": 1}
    another = {name: device.sign({"key": KeyedDevice(ada.user, "X").curve()})}
    assert await refusal(ada, {"one_time_keys": another}) == (400, "M_INVALID_PARAM")
    assert await claim(ada, ada.user, ada.device) == {name: key}
    assert await refusal(ada, {"one_time_keys": another}) == (400, "M_INVALID_PARAM")
    replayed = await ada.ask("POST", f"{KEYS}/upload", {"one_time_keys": {name: key}})
    assert replayed["one_time_key_counts"] == {"signed_curve25519": 0}


async def test_people_who_share_no_room_have_no_devices_for_each_other(house: WholeHouse) -> None:
    ada, _ = await keyed(house, "ada", one_time=1)
    eve, _ = await keyed(house, "eve")
    seen = await query(eve, ada.user)
    nobody = await query(eve, "@nobody:localhost")
    assert seen["device_keys"] == nobody["device_keys"] == {}
    assert await claim(eve, ada.user, ada.device) == {}
    left = await ada.ask("POST", f"{KEYS}/upload", {})
    assert left == {"one_time_key_counts": {"signed_curve25519": 1}}


async def test_who_shares_a_room_finds_keys_as_they_were_signed(house: WholeHouse) -> None:
    (ada, _), (ben, device) = await keyed(house, "ada"), await keyed(house, "ben")
    room = await friends(house, ada, ben)
    assert (await query(ada, ben.user))["device_keys"] == {
        ben.user: {ben.device: device.identity()}
    }
    await ben.ask("POST", f"/_matrix/client/v3/rooms/{room}/leave")
    assert (await query(ada, ben.user))["device_keys"] == {}


async def test_who_is_invited_counts_as_in_the_room_on_both_sides(house: WholeHouse) -> None:
    (ada, _), (ben, _) = await keyed(house, "ada"), await keyed(house, "ben")
    await house.connect(ada, ben)
    await ada.create(ben)
    assert ben.device in (await query(ada, ben.user))["device_keys"][ben.user]
    assert ada.device in (await query(ben, ada.user))["device_keys"][ada.user]


async def test_only_devices_asked_for_are_shown_and_names_to_oneself_alone(
    house: WholeHouse,
) -> None:
    (ada, _), (ben, _) = await keyed(house, "ada"), await keyed(house, "ben")
    await friends(house, ada, ben)
    second = await house.device(ben.user, initial_device_display_name="Ben's phone")
    await give_keys(second)
    body = {"device_keys": {ben.user: [second.device, "NONE"]}}
    theirs = (await ada.ask("POST", f"{KEYS}/query", body))["device_keys"][ben.user]
    assert list(theirs) == [second.device]
    assert "unsigned" not in theirs[second.device]
    own = (await query(ben, ben.user))["device_keys"][ben.user]
    assert own[second.device]["unsigned"] == {"device_display_name": "Ben's phone"}


async def test_a_device_that_was_signed_out_has_no_keys_left(house: WholeHouse) -> None:
    (ada, _), (ben, _) = await keyed(house, "ada"), await keyed(house, "ben")
    await friends(house, ada, ben)
    second = await house.device(ben.user)
    await give_keys(second, one_time=2)
    await second.ask("POST", "/_matrix/client/v3/logout")
    assert list((await query(ada, ben.user))["device_keys"][ben.user]) == [ben.device]
    assert await claim(ada, ben.user, second.device) == {}


async def test_each_one_time_key_is_claimed_once_and_in_upload_order(house: WholeHouse) -> None:
    (ada, _), (ben, device) = await keyed(house, "ada"), await keyed(house, "ben")
    await friends(house, ada, ben)
    # Names that would sort otherwise than they were uploaded.
    keys = dict(reversed(device.one_time(6).items()))
    await ben.ask("POST", f"{KEYS}/upload", {"one_time_keys": keys})
    one_by_one = [await claim(ada, ben.user, ben.device) for _ in range(2)]
    assert [list(one) for one in one_by_one] == [[name] for name in list(keys)[:2]]
    at_once = await asyncio.gather(*[claim(ada, ben.user, ben.device) for _ in range(6)])
    assert sorted(name for one in at_once for name in one) == sorted(list(keys)[2:])


async def test_sync_says_each_time_how_many_keys_are_left_also_none(house: WholeHouse) -> None:
    ada = await house.person("ada")
    first = await ada.sync()
    nothing = {
        "device_one_time_keys_count": {"signed_curve25519": 0},
        "device_unused_fallback_key_types": [],
    }
    empty = await ada.sync(first["next_batch"])
    for answer in (first, empty):
        assert {name: answer[name] for name in nothing} == nothing


async def test_counts_follow_uploads_and_claims_under_both_names(house: WholeHouse) -> None:
    ada, device = await keyed(house, "ada")
    token = (await ada.sync())["next_batch"]
    body = {"one_time_keys": device.one_time(2), "fallback_keys": device.fallback()}
    up = await ada.ask("POST", f"{KEYS}/upload", body)
    assert up == {"one_time_key_counts": {"signed_curve25519": 2}}
    for left in (2, 1, 0):
        answer = await ada.sync(token)
        assert answer["device_one_time_keys_count"] == {"signed_curve25519": left}
        assert answer["device_unused_fallback_key_types"] == ["signed_curve25519"]
        await claim(ada, ada.user, ada.device)
    # The last of these claims found no one-time key.
    assert (await ada.sync(token))["device_unused_fallback_key_types"] == []


async def test_a_fallback_key_is_given_again_and_again_until_it_is_replaced(
    house: WholeHouse,
) -> None:
    ada, device = await keyed(house, "ada")
    for _ in range(2):
        key = device.fallback()
        await ada.ask("POST", f"{KEYS}/upload", {"fallback_keys": key})
        answer = await ada.sync()
        assert answer["device_unused_fallback_key_types"] == ["signed_curve25519"]
        assert [await claim(ada, ada.user, ada.device) for _ in range(2)] == [key, key]


async def test_nobody_uploads_keys_without_a_session(house: WholeHouse) -> None:
    ada = await house.person("ada")
    ada.caller.token = "nothing"
    assert await refusal(ada, {}) == (401, "M_UNKNOWN_TOKEN")
