"""Registration is closed unless somebody opened it, and then asks for one empty stage."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.house_fixture import PASSWORD, SERVER, V3, WholeHouse, good, refusal, whole_house

DUMMY = {"type": "m.login.dummy"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        yield house


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path, development=True) as house:
        yield house


async def test_nobody_registers_in_production(house: WholeHouse) -> None:
    for body in (
        {},
        {"username": "alice", "password": PASSWORD},
        {"username": "alice", "password": PASSWORD, "auth": DUMMY},
    ):
        assert refusal(await house.ask("POST", "/register", body)) == (403, "M_FORBIDDEN")
    assert not await house.house.people.exists(f"@alice:{SERVER}")
    answer = await house.ask("GET", "/register/available", username="alice")
    assert refusal(answer) == (403, "M_FORBIDDEN")


async def test_nobody_is_a_guest(open_house: WholeHouse) -> None:
    answer = await open_house.ask("POST", "/register", {}, kind="guest")
    assert refusal(answer) == (403, "M_GUEST_ACCESS_FORBIDDEN")


async def test_the_first_answer_is_a_question_and_no_failure(open_house: WholeHouse) -> None:
    body = {"username": "alice", "password": PASSWORD}
    answer = await open_house.ask("POST", "/register", body)
    assert answer.status_code == 401
    question = answer.json()
    assert question.pop("session")
    assert question == {"flows": [{"stages": ["m.login.dummy"]}], "completed": [], "params": {}}


async def test_who_completes_the_stage_is_signed_in(open_house: WholeHouse) -> None:
    body: dict[str, Any] = {
        "username": "alice",
        "password": PASSWORD,
        "device_id": "PHONE",
        "initial_device_display_name": "Alice's phone",
    }
    asked = await open_house.ask("POST", "/register", body)
    auth = {**DUMMY, "session": asked.json()["session"]}
    made = good(await open_house.ask("POST", "/register", {**body, "auth": auth}))
    assert made["user_id"] == f"@alice:{SERVER}"
    assert (made["device_id"], made["home_server"]) == ("PHONE", SERVER)
    assert "refresh_token" not in made
    # A password is a way back: no recovery key is pressed on anybody.
    assert "org.halfdoor.recovery_key" not in made
    me = good(await open_house.ask("GET", "/account/whoami", token=made["access_token"]))
    assert me == {"user_id": f"@alice:{SERVER}", "device_id": "PHONE", "is_guest": False}


async def test_a_name_is_given_out_once(open_house: WholeHouse) -> None:
    body = {"username": "alice", "password": PASSWORD, "auth": DUMMY}
    good(await open_house.ask("GET", "/register/available", username="alice"))
    good(await open_house.ask("POST", "/register", body))
    assert refusal(await open_house.ask("POST", "/register", body)) == (400, "M_USER_IN_USE")
    answer = await open_house.ask("GET", "/register/available", username="alice")
    assert refusal(answer) == (400, "M_USER_IN_USE")


async def test_a_person_of_the_platform_keeps_their_name(open_house: WholeHouse) -> None:
    good(await open_house.told("PUT", "/people", {"people": [{"user": "alice"}]}))
    body = {"username": "alice", "password": PASSWORD, "auth": DUMMY}
    assert refusal(await open_house.ask("POST", "/register", body)) == (400, "M_USER_IN_USE")


@pytest.mark.parametrize("username", ["Alice", "a b", "", "_alice", "a" * 250, "@a:b", "é", "a\0"])
async def test_a_name_has_a_grammar(open_house: WholeHouse, username: str) -> None:
    body = {"username": username, "password": PASSWORD, "auth": DUMMY}
    answer = await open_house.ask("POST", "/register", body)
    assert refusal(answer) == (400, "M_INVALID_USERNAME")


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"username": 7}, "M_INVALID_PARAM"),
        ({"password": None}, "M_MISSING_PARAM"),
        ({"password": 7}, "M_INVALID_PARAM"),
        ({"password": "x" * 513}, "M_INVALID_PARAM"),
        ({"password": "a\0b"}, "M_INVALID_PARAM"),
        ({"auth": "yes"}, "M_INVALID_PARAM"),
        ({"device_id": 7}, "M_INVALID_PARAM"),
        ({"device_id": "a b"}, "M_INVALID_PARAM"),
        ({"device_id": "x" * 256}, "M_INVALID_PARAM"),
        ({"initial_device_display_name": []}, "M_INVALID_PARAM"),
        ({"initial_device_display_name": "a\0"}, "M_INVALID_PARAM"),
    ],
)
async def test_a_bad_field_makes_no_account(
    open_house: WholeHouse, change: dict[str, Any], errcode: str
) -> None:
    body = {"username": "alice", "password": PASSWORD, "auth": DUMMY, **change}
    assert refusal(await open_house.ask("POST", "/register", body)) == (400, errcode)
    assert not await open_house.house.people.exists(f"@alice:{SERVER}")


@pytest.mark.parametrize("stage", ["m.login.password", "m.login.recaptcha", "", None, 7, []])
async def test_another_stage_is_refused(open_house: WholeHouse, stage: Any) -> None:
    body = {"username": "alice", "password": PASSWORD, "auth": {"type": stage}}
    answer = await open_house.ask("POST", "/register", body)
    assert refusal(answer) == (401, "M_FORBIDDEN")
    assert answer.json()["flows"] == [{"stages": ["m.login.dummy"]}]


async def test_an_account_can_be_made_without_signing_in(open_house: WholeHouse) -> None:
    body = {"username": "alice", "password": PASSWORD, "auth": DUMMY, "inhibit_login": True}
    made = good(await open_house.ask("POST", "/register", body))
    assert made == {"user_id": f"@alice:{SERVER}", "home_server": SERVER}
    # It is an adult like every account of the development switch, and opens with its password.
    person = await open_house.house.people.person(f"@alice:{SERVER}")
    assert person.age_band == "adult"
    signed = await open_house.sign_in("alice")
    assert "org.halfdoor.pending" not in signed
    found = good(await open_house.ask("GET", "/devices", token=signed["access_token"]))
    assert [one["device_id"] for one in found["devices"]] == [signed["device_id"]]


async def test_a_server_finds_a_name_for_who_brings_none(open_house: WholeHouse) -> None:
    made = good(await open_house.ask("POST", "/register", {"password": PASSWORD, "auth": DUMMY}))
    assert made["user_id"].startswith("@user-")


async def test_a_weak_password_is_refused_where_people_register(tmp_path: Path) -> None:
    async with whole_house(tmp_path, registration=True) as house:
        for password in ("short", "9dK", "alicealice", "alice-a.example", "qwertyuiop123"):
            body = {"username": "alice", "password": password, "auth": DUMMY}
            answer = await house.ask("POST", "/register", body)
            assert refusal(answer) == (400, "M_WEAK_PASSWORD")
        assert not await house.house.people.exists(f"@alice:{SERVER}")
        body = {"username": "alice", "password": PASSWORD, "auth": DUMMY}
        good(await house.ask("POST", "/register", body))
        # Of somebody who registers in production nothing is known.
        person = await house.house.people.person(f"@alice:{SERVER}")
        assert (person.age_band, person.age_source) == (None, None)


@pytest.mark.parametrize(
    ("raw", "status", "errcode"),
    [
        (b"", 400, "M_NOT_JSON"),
        (b"{", 400, "M_NOT_JSON"),
        (b"[]", 400, "M_BAD_JSON"),
        (b'{"username":"\xff"}', 400, "M_NOT_JSON"),
        (b'{"username":"\\ud800"}', 400, "M_NOT_JSON"),
        (b'{"a":' * 50_000, 400, "M_BAD_JSON"),
        (b" " * (1 << 20) + b"{}", 413, "M_TOO_LARGE"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused(
    open_house: WholeHouse, raw: bytes, status: int, errcode: str
) -> None:
    for path in ("/register", "/login", "/refresh"):
        assert refusal(await open_house.ask("POST", path, raw=raw)) == (status, errcode)


async def test_the_old_version_of_the_path_is_the_same(open_house: WholeHouse) -> None:
    body = {"username": "alice", "password": PASSWORD, "auth": DUMMY}
    old = V3.replace("v3", "r0")
    good(await open_house.ask("POST", f"{old}/register", body))
    assert good(await open_house.ask("GET", f"{old}/login"))["flows"]
