"""One's own devices: seen and renamed at once, ended only after a proof of who one is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.house_fixture import PASSWORD, SERVER, WholeHouse, good, refusal, whole_house

UNKNOWN = (401, "M_UNKNOWN_TOKEN")
FAILED = (401, "M_FORBIDDEN")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        await house.person("alice")
        yield house


async def devices(house: WholeHouse, token: str) -> dict[str, Any]:
    """The devices by their ids."""
    found = good(await house.ask("GET", "/devices", token=token))["devices"]
    return {one["device_id"]: one for one in found}


async def two(house: WholeHouse) -> tuple[str, str]:
    """Tokens of a phone and a tablet."""
    phone = await house.sign_in("alice", device_id="PHONE")
    tablet = await house.sign_in(
        "alice", device_id="TABLET", initial_device_display_name="My tablet"
    )
    return phone["access_token"], tablet["access_token"]


async def test_devices_are_listed_and_shown_one_by_one(house: WholeHouse) -> None:
    phone, _ = await two(house)
    found = await devices(house, phone)
    assert set(found) == {"PHONE", "TABLET"}
    assert found["TABLET"]["display_name"] == "My tablet"
    assert found["TABLET"]["last_seen_ts"] == house.clock.now
    assert "display_name" not in found["PHONE"]
    assert good(await house.ask("GET", "/devices/TABLET", token=phone)) == found["TABLET"]


async def test_another_persons_device_is_not_there(house: WholeHouse) -> None:
    phone, _ = await two(house)
    await house.person("bob")
    bob = (await house.sign_in("bob", device_id="BOBS"))["access_token"]
    assert set(await devices(house, bob)) == {"BOBS"}
    for device in ("BOBS", "NONE", "%00x", "x" * 300):
        answer = await house.ask("GET", f"/devices/{device}", token=phone)
        assert answer.status_code in {400, 404}
    answer = await house.ask("PUT", "/devices/BOBS", {"display_name": "mine"}, token=phone)
    assert refusal(answer) == (404, "M_NOT_FOUND")
    # To end it is to end nothing.
    good(await house.proven("DELETE", "/devices/BOBS", phone))
    good(await house.proven("POST", "/delete_devices", phone, {"devices": ["BOBS"]}))
    assert "display_name" not in (await devices(house, bob))["BOBS"]


async def test_a_device_gets_another_name(house: WholeHouse) -> None:
    phone, _ = await two(house)
    path = "/devices/TABLET"
    assert good(await house.ask("PUT", path, {"display_name": "Other"}, token=phone)) == {}
    assert (await devices(house, phone))["TABLET"]["display_name"] == "Other"
    assert good(await house.ask("PUT", path, {}, token=phone)) == {}
    assert (await devices(house, phone))["TABLET"]["display_name"] == "Other"
    assert refusal(await house.ask("PUT", "/devices/NONE", {}, token=phone))[0] == 404


@pytest.mark.parametrize("name", [7, [], {}, "x" * 256, "a\0b"])
async def test_a_name_is_a_short_text(house: WholeHouse, name: Any) -> None:
    phone, _ = await two(house)
    answer = await house.ask("PUT", "/devices/PHONE", {"display_name": name}, token=phone)
    assert refusal(answer) == (400, "M_INVALID_PARAM")


async def test_the_question_names_what_would_prove_it(house: WholeHouse) -> None:
    phone, _ = await two(house)
    bodies: list[Any] = [None, {}, {"auth": {}}]
    for body in bodies:
        answer = await house.ask("DELETE", "/devices/TABLET", body, token=phone)
        assert answer.status_code == 401
        question = answer.json()
        assert question.pop("session")
        assert question == {
            "flows": [{"stages": ["m.login.password"]}],
            "completed": [],
            "params": {},
        }
    assert set(await devices(house, phone)) == {"PHONE", "TABLET"}


WRONG_PROOFS: list[dict[str, Any]] = [
    {"type": "m.login.password", "password": "wrong"},
    {"type": "m.login.password", "password": ""},
    {"type": "m.login.password", "password": 7},
    {"type": "m.login.password"},
    {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "bob"},
        "password": PASSWORD,
    },
    {"type": "m.login.password", "user": "@alice:b.example", "password": PASSWORD},
    {"type": "m.login.dummy"},
    {"type": "org.matrix.login.jwt", "token": "x"},
    {"type": ["m.login.password"], "password": PASSWORD},
    {"type": None},
]


@pytest.mark.parametrize("proof", WRONG_PROOFS)
async def test_a_wrong_proof_is_told_and_the_session_goes_on(
    house: WholeHouse, proof: dict[str, Any]
) -> None:
    phone, tablet = await two(house)
    answer = await house.proven("DELETE", "/devices/TABLET", phone, proof=proof)
    assert refusal(answer) == FAILED
    told = answer.json()
    assert told["flows"] == [{"stages": ["m.login.password"]}]
    assert (told["completed"], told["params"]) == ([], {})
    good(await house.ask("GET", "/account/whoami", token=tablet))
    right = {"type": "m.login.password", "password": PASSWORD, "session": told["session"]}
    good(await house.ask("DELETE", "/devices/TABLET", {"auth": right}, token=phone))
    assert refusal(await house.ask("GET", "/account/whoami", token=tablet)) == UNKNOWN


async def test_a_session_begun_for_something_else_is_not_continued(house: WholeHouse) -> None:
    phone, _ = await two(house)
    begun = (await house.ask("POST", "/account/deactivate", {}, token=phone)).json()["session"]
    body = {"auth": {"session": begun}}
    answer = await house.ask("DELETE", "/devices/TABLET", body, token=phone)
    assert answer.status_code == 401
    assert answer.json()["session"] != begun
    # Nor is one of somebody else.
    await house.person("bob")
    bob = (await house.sign_in("bob"))["access_token"]
    mine = (await house.ask("DELETE", "/devices/TABLET", token=phone)).json()["session"]
    answer = await house.ask("DELETE", "/devices/TABLET", {"auth": {"session": mine}}, token=bob)
    assert answer.json()["session"] != mine


@pytest.mark.parametrize("auth", ["yes", 7, [], True])
async def test_an_auth_that_is_no_object_is_refused(house: WholeHouse, auth: Any) -> None:
    phone, _ = await two(house)
    answer = await house.ask("DELETE", "/devices/TABLET", {"auth": auth}, token=phone)
    assert refusal(answer) == (400, "M_INVALID_PARAM")


async def test_a_proof_in_the_first_request_is_enough(house: WholeHouse) -> None:
    phone, tablet = await two(house)
    auth = {"type": "m.login.password", "password": PASSWORD}
    assert good(await house.ask("DELETE", "/devices/TABLET", {"auth": auth}, token=phone)) == {}
    assert set(await devices(house, phone)) == {"PHONE"}
    assert refusal(await house.ask("GET", "/account/whoami", token=tablet)) == UNKNOWN


async def test_several_devices_end_together(house: WholeHouse) -> None:
    phone, tablet = await two(house)
    other = (await house.sign_in("alice", device_id="OTHER"))["access_token"]
    body = {"devices": ["TABLET", "OTHER", "NONE"]}
    assert good(await house.proven("POST", "/delete_devices", phone, body)) == {}
    for token in (tablet, other):
        assert refusal(await house.ask("GET", "/account/whoami", token=token)) == UNKNOWN
    assert set(await devices(house, phone)) == {"PHONE"}


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"devices": "PHONE"}, "M_INVALID_PARAM"),
        ({"devices": [7]}, "M_INVALID_PARAM"),
        ({"devices": {"PHONE": 1}}, "M_INVALID_PARAM"),
    ],
)
async def test_devices_are_named_in_a_list(
    house: WholeHouse, body: dict[str, Any], errcode: str
) -> None:
    phone, _ = await two(house)
    assert refusal(await house.ask("POST", "/delete_devices", body, token=phone)) == (400, errcode)


async def test_one_can_end_the_device_one_sits_at(house: WholeHouse) -> None:
    phone, _ = await two(house)
    good(await house.proven("DELETE", "/devices/PHONE", phone))
    assert refusal(await house.ask("GET", "/account/whoami", token=phone)) == UNKNOWN


async def test_without_a_password_a_fresh_jwt_is_the_proof(house: WholeHouse) -> None:
    first = await house.sign_in_by_jwt("carol", device_id="PHONE")
    await house.sign_in_by_jwt("carol", device_id="OLD")
    token = first["access_token"]
    asked = await house.ask("DELETE", "/devices/OLD", token=token)
    assert asked.json()["flows"] == [{"stages": ["org.matrix.login.jwt"]}]
    stale = house.jwt_proof("carol")
    house.clock.now += 6 * 60_000
    for proof in (stale, house.jwt_proof("alice"), house.jwt_proof("@carol:b.example")):
        answer = await house.proven("DELETE", "/devices/OLD", token, proof=proof)
        assert refusal(answer) == FAILED
    good(await house.proven("DELETE", "/devices/OLD", token, proof=house.jwt_proof("carol")))
    assert set(await devices(house, token)) == {"PHONE"}


async def test_too_many_wrong_proofs_are_slowed_down(house: WholeHouse) -> None:
    phone, _ = await two(house)
    auth = {"type": "m.login.password", "password": "wrong"}
    answers = [
        await house.ask("DELETE", "/devices/TABLET", {"auth": auth}, token=phone) for _ in range(7)
    ]
    assert [one.status_code for one in answers] == [401] * 6 + [429]
    assert answers[-1].headers["retry-after"]
    assert f"@alice:{SERVER}" not in answers[-1].text
