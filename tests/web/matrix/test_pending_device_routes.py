"""A device that waits starts normally, opens nothing, and gets in by its owner alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.house_fixture import (
    DAY,
    HOUR,
    OWN,
    PASSWORD,
    SERVER,
    WholeHouse,
    good,
    refusal,
    whole_house,
)

ALICE = f"@alice:{SERVER}"
BOB = f"@bob:{SERVER}"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        yield house


async def two(house: WholeHouse, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A live device of Alice, and one that waits."""
    live = await house.sign_in_by_jwt("alice", device_id="LIVE", **more)
    waiting = await house.sign_in_by_jwt("alice", device_id="WAITS", **more)
    assert waiting["org.halfdoor.pending"] is True
    return live, waiting


async def told_before(house: WholeHouse, live: dict[str, Any]) -> tuple[str, str]:
    """A conversation with Bob, and what he wrote in it before the second device came."""
    await house.sign_in_by_jwt("bob")
    good(await house.told("PUT", "/connections", {"connections": [["alice", "bob"]]}))
    body = {"preset": "trusted_private_chat", "invite": [BOB], "is_direct": True}
    room = good(await house.ask("POST", "/createRoom", body, token=live["access_token"]))["room_id"]
    said = {"msgtype": "m.text", "body": "before"}
    path = f"/rooms/{room}/send/m.room.message/t1"
    event = good(await house.ask("PUT", path, said, token=live["access_token"]))["event_id"]
    return room, event


async def codes(house: WholeHouse, token: str) -> Any:
    return good(await house.ask("GET", f"{OWN}/pending", token=token))


def is_pending(answer: Any) -> bool:
    """Whether a refusal is the one of a device that waits."""
    assert refusal(answer) == (403, "M_FORBIDDEN")
    return answer.json().get("org.halfdoor.pending") is True


async def check_reads(house: WholeHouse, token: str, room: str, event: str) -> None:
    shown = good(await house.ask("GET", f"/rooms/{room}/event/{event}", token=token))
    assert shown["content"]["body"] == "before"


async def test_rooms_sending_and_history_are_closed(house: WholeHouse) -> None:
    live, waiting = await two(house)
    room, event = await told_before(house, live)
    token = waiting["access_token"]
    for method, path in (
        ("POST", "/createRoom"),
        ("GET", "/joined_rooms"),
        ("POST", f"/join/{room}"),
        ("POST", f"/rooms/{room}/leave"),
        ("GET", f"/rooms/{room}/messages"),
        ("GET", f"/rooms/{room}/event/{event}"),
        ("GET", f"/rooms/{room}/state"),
        ("GET", f"/rooms/{room}/members"),
        ("PUT", f"/rooms/{room}/send/m.room.message/t2"),
        ("PUT", f"/user/{ALICE}/account_data/m.direct"),
        ("POST", "/logout/all"),
        ("POST", f"{OWN}/recovery_key"),
        ("POST", f"{OWN}/suspect_theft"),
        ("POST", "/_matrix/client/v1/login/get_token"),
    ):
        body: Any = None if method == "GET" else {}
        assert is_pending(await house.ask(method, path, body, token=token)), path


async def test_a_client_that_waits_starts_normally(house: WholeHouse) -> None:
    live, waiting = await two(house)
    room, _ = await told_before(house, live)
    token = waiting["access_token"]
    me = good(await house.ask("GET", "/account/whoami", token=token))
    assert me["org.halfdoor.pending"] is True
    for path in (
        "/_matrix/client/versions",
        "/capabilities",
        "/pushrules/",
        "/devices",
        f"/profile/{ALICE}",
    ):
        good(await house.ask("GET", path, token=token))
    good(await house.ask("POST", f"/user/{ALICE}/filter", {}, token=token))
    sync = good(await house.ask("GET", "/sync", token=token, timeout=0))
    assert sync["next_batch"]
    assert room not in str(sync)
    path = f"/user/{ALICE}/account_data/m.direct"
    good(await house.ask("PUT", path, {BOB: [room]}, token=live["access_token"]))
    assert refusal(await house.ask("GET", path, token=token)) == (404, "M_NOT_FOUND")


async def test_a_live_device_lets_it_in_with_the_code_on_both_screens(house: WholeHouse) -> None:
    live, waiting = await two(house)
    room, event = await told_before(house, live)
    (mine,) = (await codes(house, waiting["access_token"]))["pending"]
    (seen,) = (await codes(house, live["access_token"]))["pending"]
    assert mine == seen
    assert (seen["device_id"], len(seen["code"].split())) == ("WAITS", 5)
    before = good(await house.ask("GET", "/sync", token=waiting["access_token"], timeout=0))
    path = f"{OWN}/pending/{seen['session']}/approve"
    body = {"code": seen["code"]}
    assert good(await house.ask("POST", path, body, token=live["access_token"])) == {}
    me = good(await house.ask("GET", "/account/whoami", token=waiting["access_token"]))
    assert "org.halfdoor.pending" not in me
    await check_reads(house, waiting["access_token"], room, event)
    # Whatever it had synced before, this is its first real one.
    sync = good(
        await house.ask(
            "GET", "/sync", token=waiting["access_token"], since=before["next_batch"], timeout=0
        )
    )
    assert room in sync["rooms"]["join"]
    assert (await codes(house, live["access_token"]))["pending"] == []
    assert refusal(await house.ask("POST", path, body, token=live["access_token"]))[0] == 404


async def test_the_live_devices_hear_of_it_in_their_sync(house: WholeHouse) -> None:
    live = await house.sign_in_by_jwt("alice", device_id="LIVE")
    since = good(await house.ask("GET", "/sync", token=live["access_token"], timeout=0))
    await house.sign_in_by_jwt("alice", device_id="WAITS")
    sync = good(
        await house.ask(
            "GET", "/sync", token=live["access_token"], since=since["next_batch"], timeout=0
        )
    )
    (event,) = sync["to_device"]["events"]
    assert event["type"] == "org.halfdoor.pending"
    (listed,) = (await codes(house, live["access_token"]))["pending"]
    assert event["content"]["code"] == listed["code"]
    assert event["content"]["session"] == listed["session"]


@pytest.mark.parametrize("code", ["", "0000 0000 0000 0000 0000", "x" * 5000])
async def test_another_code_lets_nobody_in(house: WholeHouse, code: str) -> None:
    live, waiting = await two(house)
    (seen,) = (await codes(house, live["access_token"]))["pending"]
    path = f"{OWN}/pending/{seen['session']}/approve"
    answer = await house.ask("POST", path, {"code": code}, token=live["access_token"])
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert is_pending(await house.ask("GET", "/joined_rooms", token=waiting["access_token"]))


async def test_a_device_that_waits_lets_nobody_in_and_throws_nobody_out(house: WholeHouse) -> None:
    live, waiting = await two(house)
    (mine,) = (await codes(house, waiting["access_token"]))["pending"]
    token = waiting["access_token"]
    approve, refuse = (f"{OWN}/pending/{mine['session']}/{what}" for what in ("approve", "refuse"))
    assert is_pending(await house.ask("POST", approve, {"code": mine["code"]}, token=token))
    assert is_pending(await house.ask("POST", refuse, {}, token=token))
    proof = house.jwt_proof("alice")
    answer = await house.proven("DELETE", "/devices/LIVE", token, proof=proof)
    assert is_pending(answer)
    body = {"devices": ["LIVE", "WAITS"]}
    answer = await house.proven("POST", "/delete_devices", token, body, proof=proof)
    assert is_pending(answer)
    answer = await house.proven("POST", "/account/deactivate", token, proof=proof)
    assert is_pending(answer)
    good(await house.ask("GET", "/joined_rooms", token=live["access_token"]))


async def test_another_person_lets_nobody_in(house: WholeHouse) -> None:
    _, waiting = await two(house)
    bob = await house.sign_in_by_jwt("bob")
    (mine,) = (await codes(house, waiting["access_token"]))["pending"]
    assert (await codes(house, bob["access_token"]))["pending"] == []
    path = f"{OWN}/pending/{mine['session']}/approve"
    answer = await house.ask("POST", path, {"code": mine["code"]}, token=bob["access_token"])
    assert refusal(answer) == (404, "M_NOT_FOUND")


async def test_a_live_device_can_turn_it_away(house: WholeHouse) -> None:
    live, waiting = await two(house)
    (seen,) = (await codes(house, live["access_token"]))["pending"]
    path = f"{OWN}/pending/{seen['session']}/refuse"
    answer = good(await house.ask("POST", path, token=live["access_token"]))
    assert answer == {"device_id": "WAITS"}
    answer = await house.ask("GET", "/account/whoami", token=waiting["access_token"])
    assert refusal(answer) == (401, "M_UNKNOWN_TOKEN")


async def test_the_recovery_key_opens_a_device_that_waits(house: WholeHouse) -> None:
    live, waiting = await two(house)
    room, event = await told_before(house, live)
    token, path = waiting["access_token"], f"{OWN}/recover"
    for wrong in ("", "EsTC " * 12):
        answer = await house.ask("POST", path, {"recovery_key": wrong}, token=token)
        assert refusal(answer) == (403, "M_FORBIDDEN")
    assert refusal(await house.ask("POST", path, {}, token=token)) == (400, "M_MISSING_PARAM")
    key = live["org.halfdoor.recovery_key"]
    assert good(await house.ask("POST", path, {"recovery_key": key}, token=token)) == {}
    await check_reads(house, token, room, event)


async def test_a_new_recovery_key_ends_the_one_before(house: WholeHouse) -> None:
    live, waiting = await two(house)
    made = good(
        await house.proven(
            "POST", f"{OWN}/recovery_key", live["access_token"], proof=house.jwt_proof("alice")
        )
    )
    assert made["recovery_kit"]["user"] == ALICE
    path, token = f"{OWN}/recover", waiting["access_token"]
    old = {"recovery_key": live["org.halfdoor.recovery_key"]}
    assert refusal(await house.ask("POST", path, old, token=token)) == (403, "M_FORBIDDEN")
    new = {"recovery_key": made["recovery_key"]}
    good(await house.ask("POST", path, new, token=token))
    good(await house.ask("GET", "/joined_rooms", token=token))


async def test_a_device_that_waits_can_refresh_and_log_out(house: WholeHouse) -> None:
    live, waiting = await two(house, refresh_token=True)
    body = {"refresh_token": waiting["refresh_token"]}
    pair = good(await house.ask("POST", "/refresh", body))
    me = good(await house.ask("GET", "/account/whoami", token=pair["access_token"]))
    assert me["org.halfdoor.pending"] is True
    assert good(await house.ask("POST", "/logout", token=pair["access_token"])) == {}
    assert (await codes(house, live["access_token"]))["pending"] == []


# --- starting over --------------------------------------------------------------------------------


async def start_over(house: WholeHouse, token: str) -> Any:
    return good(
        await house.proven("POST", f"{OWN}/start_over", token, proof=house.jwt_proof("alice"))
    )


async def test_only_a_device_that_waits_starts_over_and_only_with_a_fresh_proof(
    house: WholeHouse,
) -> None:
    live, waiting = await two(house)
    answer = await house.proven(
        "POST", f"{OWN}/start_over", live["access_token"], proof=house.jwt_proof("alice")
    )
    assert refusal(answer) == (403, "M_FORBIDDEN")
    old = house.jwt_proof("alice")
    house.clock.now += 6 * 60_000
    for proof in (old, house.jwt_proof("bob"), {"type": "m.login.password", "password": PASSWORD}):
        answer = await house.proven(
            "POST", f"{OWN}/start_over", waiting["access_token"], proof=proof
        )
        assert refusal(answer) == (401, "M_FORBIDDEN")
    assert "start_over" not in await codes(house, live["access_token"])


async def test_starting_over_waits_for_those_who_may_object(house: WholeHouse) -> None:
    live, waiting = await two(house)
    room, event = await told_before(house, live)
    made = await start_over(house, waiting["access_token"])
    assert made["done"] is False
    assert made["due"] == house.clock.now + 72 * HOUR
    assert made["recovery_key"]
    wish = (await codes(house, live["access_token"]))["start_over"]
    assert wish["due"] == made["due"]
    house.clock.now += 72 * HOUR - 1
    assert is_pending(await house.ask("GET", "/joined_rooms", token=waiting["access_token"]))
    house.clock.now += 1
    # Due: the device is in, and the history before is closed to it.
    good(await house.ask("GET", "/joined_rooms", token=waiting["access_token"]))
    path = f"/rooms/{room}/event/{event}"
    answer = await house.ask("GET", path, token=waiting["access_token"])
    assert answer.status_code in {403, 404} or "body" not in answer.json().get("content", {})
    # The old device reads what it had, and writes nothing more.
    await check_reads(house, live["access_token"], room, event)
    send = f"/rooms/{room}/send/m.room.message/t9"
    words = {"msgtype": "m.text", "body": "after"}
    answer = await house.ask("PUT", send, words, token=live["access_token"])
    assert refusal(answer) == (403, "M_FORBIDDEN")
    house.clock.now += 31 * DAY
    answer = await house.ask("GET", path, token=live["access_token"])
    assert answer.status_code in {401, 403}


async def test_one_tap_of_the_owner_cancels_it(house: WholeHouse) -> None:
    live, waiting = await two(house)
    made = await start_over(house, waiting["access_token"])
    answer = await house.ask("DELETE", f"{OWN}/start_over", token=live["access_token"])
    assert good(answer) == {}
    house.clock.now += 73 * HOUR
    assert is_pending(await house.ask("GET", "/joined_rooms", token=waiting["access_token"]))
    # The key that was shown opens nothing.
    body = {"recovery_key": made["recovery_key"]}
    answer = await house.ask("POST", f"{OWN}/recover", body, token=waiting["access_token"])
    assert refusal(answer) == (403, "M_FORBIDDEN")
    answer = await house.ask("DELETE", f"{OWN}/start_over", token=live["access_token"])
    assert refusal(answer) == (404, "M_NOT_FOUND")


async def test_where_nobody_can_object_it_happens_at_once(house: WholeHouse) -> None:
    live, waiting = await two(house)
    good(await house.ask("POST", "/logout", token=live["access_token"]))
    made = await start_over(house, waiting["access_token"])
    assert made["done"] is True
    good(await house.ask("GET", "/joined_rooms", token=waiting["access_token"]))


# --- passwords ------------------------------------------------------------------------------------


async def test_an_administrators_password_reset_opens_nothing(house: WholeHouse) -> None:
    await house.person("alice")
    live = await house.sign_in("alice", device_id="LIVE")
    room, event = await told_before(house, live)
    other = "eleven brave otters sing"
    await house.house.password_change.reset(ALICE, other)
    answer = await house.ask(
        "POST",
        "/login",
        {"type": "m.login.password", "user": "alice", "password": PASSWORD},
    )
    assert refusal(answer) == (403, "M_FORBIDDEN")
    signed = await house.sign_in("alice", other)
    assert signed["org.halfdoor.pending"] is True
    path = f"/rooms/{room}/event/{event}"
    assert is_pending(await house.ask("GET", path, token=signed["access_token"]))
    # Not after a refresh, a second login or a change of the password by that device either.
    again = await house.sign_in("alice", other, refresh_token=True)
    pair = good(await house.ask("POST", "/refresh", {"refresh_token": again["refresh_token"]}))
    assert is_pending(await house.ask("GET", path, token=pair["access_token"]))
    new = {"new_password": "nine calm badgers dig", "logout_devices": False}
    proof = {"type": "m.login.password", "password": other}
    token = signed["access_token"]
    good(await house.proven("POST", "/account/password", token, new, proof=proof))
    assert is_pending(await house.ask("GET", path, token=token))
    third = await house.sign_in("alice", "nine calm badgers dig")
    assert is_pending(await house.ask("GET", path, token=third["access_token"]))
    await check_reads(house, live["access_token"], room, event)


async def test_a_password_opens_a_second_device_at_once(house: WholeHouse) -> None:
    await house.person("alice")
    live = await house.sign_in("alice")
    room, event = await told_before(house, live)
    second = await house.sign_in("alice")
    assert "org.halfdoor.pending" not in second
    await check_reads(house, second["access_token"], room, event)


# --- suspected theft ------------------------------------------------------------------------------


async def test_suspected_theft_leaves_one_session_with_new_tokens(house: WholeHouse) -> None:
    await house.person("alice")
    mine = await house.sign_in("alice", device_id="MINE")
    thief = await house.sign_in("alice", device_id="THIEF")
    room, event = await told_before(house, mine)
    answer = good(await house.proven("POST", f"{OWN}/suspect_theft", mine["access_token"]))
    assert (answer["user_id"], answer["device_id"]) == (ALICE, "MINE")
    for gone in (mine, thief):
        found = await house.ask("GET", "/account/whoami", token=gone["access_token"])
        assert refusal(found) == (401, "M_UNKNOWN_TOKEN")
    await check_reads(house, answer["access_token"], room, event)
    good(await house.ask("POST", "/refresh", {"refresh_token": answer["refresh_token"]}))
    # The password stays a way in.
    again = await house.sign_in("alice")
    await check_reads(house, again["access_token"], room, event)
