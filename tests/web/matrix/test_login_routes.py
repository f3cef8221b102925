"""Signing in: what is offered, who is refused, and that the refused learn nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.house_fixture import (
    HOUR,
    MINUTE,
    PASSWORD,
    SERVER,
    V1,
    V3,
    WholeHouse,
    by_password,
    good,
    refusal,
    whole_house,
)

WRONG = (403, "M_FORBIDDEN")
UNKNOWN = (401, "M_UNKNOWN_TOKEN")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        await house.person("alice")
        yield house


async def whoami(house: WholeHouse, token: str) -> Any:
    return await house.ask("GET", "/account/whoami", token=token)


async def refresh(house: WholeHouse, token: Any) -> Any:
    return await house.ask("POST", "/refresh", {"refresh_token": token})


# --- what is offered ------------------------------------------------------------------------------


async def test_the_flows_name_what_works(house: WholeHouse) -> None:
    flows = good(await house.ask("GET", "/login"))["flows"]
    assert flows == [
        {"type": "m.login.password"},
        {"type": "m.login.token", "get_login_token": True},
        {"type": "org.matrix.login.jwt"},
    ]


async def test_without_a_platform_no_jwt_is_offered_or_taken(tmp_path: Path) -> None:
    async with whole_house(tmp_path, with_jwt=False) as house:
        flows = good(await house.ask("GET", "/login"))["flows"]
        assert [one["type"] for one in flows] == ["m.login.password", "m.login.token"]
        body = {"type": "org.matrix.login.jwt", "token": house.platform.sign_in("alice")}
        assert refusal(await house.ask("POST", "/login", body)) == (400, "M_UNKNOWN")
        assert not await house.house.people.exists(f"@alice:{SERVER}")


@pytest.mark.parametrize(
    ("body", "status", "errcode"),
    [
        ({}, 400, "M_MISSING_PARAM"),
        ({"type": 7}, 400, "M_INVALID_PARAM"),
        ({"type": "m.login.dummy"}, 400, "M_UNKNOWN"),
        ({"type": "m.login.sso"}, 400, "M_UNKNOWN"),
        ({"type": "m.login.password"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "alice"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": 7, "password": PASSWORD}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "alice", "password": 7}, 400, "M_INVALID_PARAM"),
        ({"type": "m.login.token"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.token", "token": ""}, 403, "M_FORBIDDEN"),
        ({"type": "m.login.token", "token": "hdl1.x"}, 403, "M_FORBIDDEN"),
        ({"type": "org.matrix.login.jwt"}, 400, "M_MISSING_PARAM"),
        ({"type": "org.matrix.login.jwt", "token": 7}, 400, "M_INVALID_PARAM"),
        ({"type": "org.matrix.login.jwt", "token": "x"}, 403, "M_FORBIDDEN"),
    ],
)
async def test_a_login_that_makes_no_sense_is_refused(
    house: WholeHouse, body: dict[str, Any], status: int, errcode: str
) -> None:
    assert refusal(await house.ask("POST", "/login", body)) == (status, errcode)


async def test_single_sign_on_is_not_offered(house: WholeHouse) -> None:
    for path in ("/login/sso/redirect", "/login/sso/redirect/idp"):
        assert refusal(await house.ask("GET", path))[0] == 404


# --- passwords ------------------------------------------------------------------------------------


async def test_who_is_wrong_learns_not_whether_the_name_exists(house: WholeHouse) -> None:
    await house.told("PUT", "/people", {"people": [{"user": "made"}]})
    bodies = []
    for name, password in (
        ("alice", "wrong password"),
        ("alice", ""),
        ("nobody", PASSWORD),
        ("made", PASSWORD),
        ("@alice:b.example", PASSWORD),
        ("@", PASSWORD),
        ("a b", PASSWORD),
        ("", PASSWORD),
        ("alice", PASSWORD + "x" * 600),
        ("alice", "a\0b"),
    ):
        answer = await house.ask("POST", "/login", by_password(name, password))
        assert refusal(answer) == WRONG
        bodies.append(answer.json())
    assert all(one == bodies[0] for one in bodies)


@pytest.mark.parametrize("name", ["alice", "Alice", f"@alice:{SERVER}"])
async def test_a_name_may_be_typed_in_several_ways(house: WholeHouse, name: str) -> None:
    signed = await house.sign_in(name)
    assert signed["user_id"] == f"@alice:{SERVER}"
    assert signed["home_server"] == SERVER


async def test_the_old_field_for_the_name_is_read(house: WholeHouse) -> None:
    body = {"type": "m.login.password", "user": "alice", "password": PASSWORD}
    assert good(await house.ask("POST", "/login", body))["user_id"] == f"@alice:{SERVER}"


async def test_too_many_wrong_passwords_are_slowed_down_and_told_for_how_long(
    house: WholeHouse,
) -> None:
    answers = [
        await house.ask("POST", "/login", by_password("alice", f"wrong {number}"))
        for number in range(7)
    ]
    assert [one.status_code for one in answers] == [403] * 6 + [429]
    limited = answers[-1]
    assert refusal(limited) == (429, "M_LIMIT_EXCEEDED")
    assert limited.json()["retry_after_ms"] > 0
    wait = int(limited.headers["retry-after"])
    assert wait * 1000 >= limited.json()["retry_after_ms"]
    house.clock.now += wait * 1000
    await house.sign_in("alice")


async def test_a_device_that_signs_in_again_has_one_session(house: WholeHouse) -> None:
    first = await house.sign_in("alice", device_id="PHONE", initial_device_display_name="Mine")
    second = await house.sign_in("alice", device_id="PHONE", initial_device_display_name="Other")
    assert first["device_id"] == second["device_id"] == "PHONE"
    assert refusal(await whoami(house, first["access_token"])) == UNKNOWN
    found = good(await house.ask("GET", "/devices", token=second["access_token"]))["devices"]
    assert [(one["device_id"], one["display_name"]) for one in found] == [("PHONE", "Mine")]


# --- tokens ---------------------------------------------------------------------------------------


async def test_a_login_that_asks_for_no_refresh_gets_a_token_that_does_not_expire(
    house: WholeHouse,
) -> None:
    signed = await house.sign_in("alice")
    assert "refresh_token" not in signed
    assert "expires_in_ms" not in signed
    house.clock.now += 400 * 24 * HOUR
    good(await whoami(house, signed["access_token"]))


async def test_an_expired_token_is_a_soft_logout_and_a_refresh_helps(house: WholeHouse) -> None:
    signed = await house.sign_in("alice", refresh_token=True)
    assert signed["expires_in_ms"] == HOUR
    house.clock.now += HOUR - 1
    good(await whoami(house, signed["access_token"]))
    house.clock.now += 1
    for _ in range(2):
        answer = await whoami(house, signed["access_token"])
        assert refusal(answer) == UNKNOWN
        assert answer.json()["soft_logout"] is True
    pair = good(await refresh(house, signed["refresh_token"]))
    assert pair["expires_in_ms"] == HOUR
    me = good(await whoami(house, pair["access_token"]))
    assert me["device_id"] == signed["device_id"]


async def test_a_refresh_can_be_repeated_until_its_answer_was_used(house: WholeHouse) -> None:
    signed = await house.sign_in("alice", refresh_token=True)
    lost = good(await refresh(house, signed["refresh_token"]))
    kept = good(await refresh(house, signed["refresh_token"]))
    assert lost["access_token"] != kept["access_token"]
    # Nothing was used yet, so the old access token goes on.
    good(await whoami(house, signed["access_token"]))
    good(await whoami(house, kept["access_token"]))
    assert refusal(await refresh(house, signed["refresh_token"])) == UNKNOWN
    assert refusal(await refresh(house, lost["refresh_token"])) == UNKNOWN
    for gone in (signed, lost):
        assert refusal(await whoami(house, gone["access_token"])) == UNKNOWN
    good(await refresh(house, kept["refresh_token"]))


@pytest.mark.parametrize("token", ["", "x", "hdr1.", "hdr1." + "A" * 43, "hda1." + "A" * 43])
async def test_a_refresh_token_that_is_none_is_refused(house: WholeHouse, token: str) -> None:
    answer = await refresh(house, token)
    assert refusal(answer) == UNKNOWN
    assert answer.json()["soft_logout"] is False


async def test_a_refresh_needs_its_token(house: WholeHouse) -> None:
    assert refusal(await house.ask("POST", "/refresh", {})) == (400, "M_MISSING_PARAM")
    assert refusal(await refresh(house, 7)) == (400, "M_INVALID_PARAM")


async def test_one_kind_of_token_is_not_the_other(house: WholeHouse) -> None:
    signed = await house.sign_in("alice", refresh_token=True)
    access, renewal = signed["access_token"], signed["refresh_token"]
    assert refusal(await whoami(house, renewal)) == UNKNOWN
    assert refusal(await refresh(house, access)) == UNKNOWN
    turned = access.replace("hda1.", "hdr1."), renewal.replace("hdr1.", "hda1.")
    assert refusal(await refresh(house, turned[0])) == UNKNOWN
    assert refusal(await whoami(house, turned[1])) == UNKNOWN


async def test_a_token_that_was_changed_opens_nothing(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    forged = {token[:-1], token + "A", token.upper(), token[:20] + "AAAA" + token[24:], "x" * 9000}
    for other in forged - {token}:
        answer = await whoami(house, other)
        assert refusal(answer) == UNKNOWN
        assert answer.json()["soft_logout"] is False
    good(await whoami(house, token))


async def test_without_a_token_nothing_is_told(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    assert refusal(await house.ask("GET", "/account/whoami")) == (401, "M_MISSING_TOKEN")
    # In production a token in the address counts for nothing.
    answer = await house.ask("GET", "/account/whoami", access_token=token)
    assert refusal(answer) == (401, "M_MISSING_TOKEN")


async def test_logging_out_ends_both_tokens_and_the_device(house: WholeHouse) -> None:
    stays = await house.sign_in("alice")
    goes = await house.sign_in("alice", refresh_token=True)
    answer = await house.http.post(
        f"{V3}/logout", headers={"authorization": f"Bearer {goes['access_token']}"}
    )
    assert good(answer) == {}
    answer = await whoami(house, goes["access_token"])
    assert refusal(answer) == UNKNOWN
    assert answer.json()["soft_logout"] is False
    assert refusal(await refresh(house, goes["refresh_token"])) == UNKNOWN
    found = good(await house.ask("GET", "/devices", token=stays["access_token"]))["devices"]
    assert [one["device_id"] for one in found] == [stays["device_id"]]


async def test_logging_out_everywhere_ends_every_session(house: WholeHouse) -> None:
    signed = [await house.sign_in("alice", refresh_token=number > 0) for number in range(3)]
    other = await house.person("bob")
    bob = await house.sign_in(other)
    assert good(await house.ask("POST", "/logout/all", token=signed[0]["access_token"])) == {}
    for one in signed:
        assert refusal(await whoami(house, one["access_token"])) == UNKNOWN
    assert refusal(await refresh(house, signed[1]["refresh_token"])) == UNKNOWN
    good(await whoami(house, bob["access_token"]))


# --- login tokens ---------------------------------------------------------------------------------


async def test_a_login_token_signs_another_device_in_once_which_then_waits(
    house: WholeHouse,
) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    made = good(await house.proven("POST", f"{V1}/login/get_token", token))
    assert made["expires_in_ms"] == 2 * MINUTE
    body = {"type": "m.login.token", "token": made["login_token"]}
    signed = good(await house.ask("POST", "/login", body))
    # It is no password: the history opens when a live device says so.
    assert signed["org.halfdoor.pending"] is True
    assert refusal(await house.ask("POST", "/login", body)) == WRONG


async def test_a_login_token_does_not_last(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    made = good(await house.proven("POST", f"{V1}/login/get_token", token))
    house.clock.now += 2 * MINUTE
    body = {"type": "m.login.token", "token": made["login_token"]}
    assert refusal(await house.ask("POST", "/login", body)) == WRONG


# --- the same ids, two people ---------------------------------------------------------------------


async def test_the_same_device_id_and_transaction_id_of_two_people_are_two_events(
    house: WholeHouse,
) -> None:
    await house.person("bob")
    body = {"connections": [["alice", "bob"]]}
    good(await house.told("PUT", "/connections", body))
    alice = (await house.sign_in("alice", device_id="PHONE"))["access_token"]
    bob = (await house.sign_in("bob", device_id="PHONE"))["access_token"]
    invite = {"preset": "trusted_private_chat", "invite": [f"@bob:{SERVER}"], "is_direct": True}
    room = good(await house.ask("POST", "/createRoom", invite, token=alice))["room_id"]
    good(await house.ask("POST", f"/join/{room}", {}, token=bob))
    path = f"/rooms/{room}/send/m.room.message/txn1"
    said: dict[str, str] = {}
    for token, text in ((alice, "from alice"), (bob, "from bob")):
        words = {"msgtype": "m.text", "body": text}
        event = good(await house.ask("PUT", path, words, token=token))["event_id"]
        assert good(await house.ask("PUT", path, words, token=token))["event_id"] == event
        said[event] = text
    assert len(said) == 2
    for event, text in said.items():
        shown = good(await house.ask("GET", f"/rooms/{room}/event/{event}", token=alice))
        assert shown["content"]["body"] == text
        assert shown["sender"] == f"@{text.removeprefix('from ')}:{SERVER}"


async def test_neither_passwords_nor_tokens_are_in_the_log(house: WholeHouse) -> None:
    signed = await house.sign_in("alice", refresh_token=True)
    await house.ask("POST", "/login", by_password("alice", "a wrong canary password"))
    pair = good(await refresh(house, signed["refresh_token"]))
    log = house.log.getvalue()
    assert "/_matrix/client/v3/login" in log
    kinds = ("access_token", "refresh_token")
    secrets = [each[kind] for each in (signed, pair) for kind in kinds]
    for secret in (PASSWORD, "canary", *secrets):
        assert secret not in log
