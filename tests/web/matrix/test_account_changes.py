"""A password that changes, an account that closes: after a proof, and whole."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.house_fixture import (
    PASSWORD,
    SERVER,
    WholeHouse,
    by_password,
    good,
    refusal,
    whole_house,
)

UNKNOWN = (401, "M_UNKNOWN_TOKEN")
NEW = "nine calm badgers dig"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        await house.person("alice")
        yield house


async def change(house: WholeHouse, token: str, **body: Any) -> Any:
    return await house.proven("POST", "/account/password", token, {"new_password": NEW, **body})


async def test_a_password_change_needs_the_old_one(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    body = {"new_password": NEW}
    answer = await house.ask("POST", "/account/password", body, token=token)
    assert answer.status_code == 401
    assert "errcode" not in answer.json()
    for proof in (
        {"type": "m.login.password", "password": NEW},
        {"type": "m.login.dummy"},
        house.jwt_proof("alice"),
    ):
        answer = await house.proven("POST", "/account/password", token, body, proof=proof)
        assert refusal(answer) == (401, "M_FORBIDDEN")
    await house.sign_in("alice")


async def test_the_new_password_opens_and_the_old_one_does_not(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    room = good(await house.ask("POST", "/createRoom", {"name": "Mine"}, token=token))["room_id"]
    assert good(await change(house, token)) == {}
    old = await house.ask("POST", "/login", by_password("alice"))
    assert refusal(old) == (403, "M_FORBIDDEN")
    signed = await house.sign_in("alice", NEW)
    assert "org.halfdoor.pending" not in signed
    path = f"/rooms/{room}/state/m.room.name"
    shown = good(await house.ask("GET", path, token=signed["access_token"]))
    assert shown == {"name": "Mine"}
    # Who changed it stays signed in.
    good(await house.ask("GET", "/account/whoami", token=token))


async def test_the_other_devices_are_logged_out_unless_one_says_no(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    other = (await house.sign_in("alice"))["access_token"]
    good(await change(house, token, logout_devices=False))
    good(await house.ask("GET", "/account/whoami", token=other))
    proof = {"type": "m.login.password", "password": NEW}
    body = {"new_password": "ten grey geese glide"}
    good(await house.proven("POST", "/account/password", token, body, proof=proof))
    assert refusal(await house.ask("GET", "/account/whoami", token=other)) == UNKNOWN


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"new_password": None}, "M_MISSING_PARAM"),
        ({"new_password": 7}, "M_INVALID_PARAM"),
        ({"new_password": "short"}, "M_WEAK_PASSWORD"),
        ({"new_password": "password1234"}, "M_WEAK_PASSWORD"),
        ({"new_password": "x" * 513}, "M_INVALID_PARAM"),
        ({"logout_devices": "no"}, "M_INVALID_PARAM"),
    ],
)
async def test_a_password_that_will_not_do_changes_nothing(
    house: WholeHouse, body: dict[str, Any], errcode: str
) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    other = (await house.sign_in("alice"))["access_token"]
    assert refusal(await change(house, token, **body)) == (400, errcode)
    await house.sign_in("alice")
    good(await house.ask("GET", "/account/whoami", token=other))


async def test_who_has_no_password_can_set_one_after_a_fresh_jwt(house: WholeHouse) -> None:
    signed = await house.sign_in_by_jwt("carol")
    token = signed["access_token"]
    capabilities = good(await house.ask("GET", "/capabilities", token=token))["capabilities"]
    assert capabilities["m.change_password"] == {"enabled": False}
    body = {"new_password": NEW}
    proof = house.jwt_proof("carol")
    good(await house.proven("POST", "/account/password", token, body, proof=proof))
    again = await house.sign_in("carol", NEW)
    assert "org.halfdoor.pending" not in again
    capabilities = good(await house.ask("GET", "/capabilities", token=token))["capabilities"]
    assert capabilities["m.change_password"] == {"enabled": True}


async def test_a_closed_account_is_closed_for_everybody(house: WholeHouse) -> None:
    await house.person("bob")
    good(await house.told("PUT", "/connections", {"connections": [["alice", "bob"]]}))
    signed = await house.sign_in("alice", refresh_token=True)
    bob = (await house.sign_in("bob"))["access_token"]
    token = signed["access_token"]
    good(
        await house.ask(
            "PUT", f"/profile/@alice:{SERVER}/displayname", {"displayname": "Alice"}, token=token
        )
    )
    invite = {"preset": "trusted_private_chat", "invite": [f"@bob:{SERVER}"], "is_direct": True}
    room = good(await house.ask("POST", "/createRoom", invite, token=token))["room_id"]
    good(await house.ask("POST", f"/join/{room}", {}, token=bob))
    answer = good(await house.proven("POST", "/account/deactivate", token))
    assert answer == {"id_server_unbind_result": "no-support"}
    assert refusal(await house.ask("GET", "/account/whoami", token=token)) == UNKNOWN
    body = {"refresh_token": signed["refresh_token"]}
    assert refusal(await house.ask("POST", "/refresh", body)) == UNKNOWN
    assert refusal(await house.ask("POST", "/login", by_password("alice"))) == (403, "M_FORBIDDEN")
    # Nothing is left to be seen of it, and Bob is alone in the conversation.
    profile = good(await house.ask("GET", f"/profile/@alice:{SERVER}", token=bob))
    assert profile == {}
    members = good(await house.ask("GET", f"/rooms/{room}/joined_members", token=bob))
    assert set(members["joined"]) == {f"@bob:{SERVER}"}


async def test_an_account_is_not_closed_without_a_proof(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    for body in (None, {}, {"erase": True}, {"auth": {"type": "m.login.dummy"}}):
        answer = await house.ask("POST", "/account/deactivate", body, token=token)
        assert answer.status_code == 401
    await house.sign_in("alice")


async def test_a_name_that_was_closed_is_not_given_out_again(tmp_path: Path) -> None:
    async with whole_house(tmp_path, development=True) as house:
        body = {"username": "alice", "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        token = good(await house.ask("POST", "/register", body))["access_token"]
        good(await house.proven("POST", "/account/deactivate", token))
        assert refusal(await house.ask("POST", "/register", body)) == (400, "M_USER_IN_USE")


async def test_there_are_no_third_party_ids(house: WholeHouse) -> None:
    token = (await house.sign_in("alice"))["access_token"]
    assert good(await house.ask("GET", "/account/3pid", token=token)) == {"threepids": []}
    answer = await house.ask("POST", "/account/3pid/add", {}, token=token)
    assert refusal(answer)[0] in {403, 404, 405}
