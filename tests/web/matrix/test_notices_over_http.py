"""Notices, statements, appeals and complaints by HTTP, for the person whom they are for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.decided_house import HARASSED, WORDS, decided, notices, signed_in
from tests.web.house_fixture import OWN, WholeHouse, good, refusal, whole_house

from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.records import CaseKind
from halfdoor.safety.measures import Kind


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


# --- refused ------------------------------------------------------------------------------------


async def test_without_a_token_nothing_is_shown(house: WholeHouse) -> None:
    for method, path in (
        ("GET", f"{OWN}/notices"),
        ("GET", f"{OWN}/notices/ntc_1"),
        ("GET", f"{OWN}/notices/ntc_1/statement"),
        ("POST", f"{OWN}/notices/ntc_1/appeal"),
        ("POST", f"{OWN}/reports/rep_1/complaint"),
    ):
        assert refusal(await house.ask(method, path, WORDS))[0] == 401, path


async def test_what_belongs_to_others_is_not_there(house: WholeHouse) -> None:
    ada, bob, report = await decided(house)
    stated = (await notices(house, bob))[0]["id"]
    for method, path, token in (
        ("GET", f"{OWN}/notices/{stated}", ada),
        ("GET", f"{OWN}/notices/{stated}/statement", ada),
        ("POST", f"{OWN}/notices/{stated}/appeal", ada),
        ("POST", f"{OWN}/reports/{report}/complaint", bob),
        ("GET", f"{OWN}/notices/ntc_none", bob),
        ("GET", f"{OWN}/notices/{(await notices(house, ada))[0]['id']}/statement", ada),
    ):
        answer = await house.ask(method, path, WORDS if method == "POST" else None, token=token)
        assert refusal(answer) == (404, "M_NOT_FOUND"), path


@pytest.mark.parametrize(
    ("body", "errcode"),
    [({}, "M_MISSING_PARAM"), ({"text": 7}, "M_BAD_JSON"), ({"text": "  "}, "M_INVALID_PARAM")],
)
async def test_an_appeal_without_words_is_refused(
    house: WholeHouse, body: dict[str, Any], errcode: str
) -> None:
    _, bob, _ = await decided(house)
    stated = (await notices(house, bob))[0]["id"]
    answer = await house.ask("POST", f"{OWN}/notices/{stated}/appeal", body, token=bob)
    assert refusal(answer) == (400, errcode)


async def test_a_second_appeal_is_a_conflict(house: WholeHouse) -> None:
    _, bob, _ = await decided(house)
    path = f"{OWN}/notices/{(await notices(house, bob))[0]['id']}/appeal"
    assert set(good(await house.ask("POST", path, WORDS, token=bob))) == {"answer_by"}
    assert refusal(await house.ask("POST", path, WORDS, token=bob)) == (409, "M_FORBIDDEN")


async def test_two_appeals_at_the_same_moment_open_one_case(house: WholeHouse) -> None:
    _, bob, _ = await decided(house)
    path = f"{OWN}/notices/{(await notices(house, bob))[0]['id']}/appeal"
    answers = await asyncio.gather(*(house.ask("POST", path, WORDS, token=bob) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    about = await house.house.desk.store.cases_about("@bob:a.example")
    assert len([one for one in about if one.kind is CaseKind.APPEAL]) == 1


@pytest.mark.parametrize("name", ["notices", "@notices:a.example"])
async def test_nobody_gets_the_servers_own_name(house: WholeHouse, name: str) -> None:
    told = await house.told("PUT", "/people", {"people": [{"user": name, "age_band": "adult"}]})
    assert refusal(told)[0] == 400
    body = {"type": "org.matrix.login.jwt", "token": house.platform.sign_in(name)}
    assert refusal(await house.ask("POST", "/login", body))[0] == 403


async def test_nobody_registers_the_servers_own_name(tmp_path: Path) -> None:
    async with whole_house(tmp_path, development=True) as house:
        body = {
            "username": "notices",
            "password": "seven quiet herons wade",
            "auth": {"type": "m.login.dummy"},
        }
        assert refusal(await house.ask("POST", "/register", body)) == (400, "M_INVALID_USERNAME")
        free = await house.ask("GET", "/register/available", username="notices")
        assert refusal(free) == (400, "M_INVALID_USERNAME")


# --- told ---------------------------------------------------------------------------------------


async def test_a_statement_is_a_file_to_keep(house: WholeHouse) -> None:
    _, bob, _ = await decided(house)
    stated = (await notices(house, bob))[0]
    answer = await house.ask("GET", f"{OWN}/notices/{stated['id']}/statement", token=bob)
    exported = good(answer)
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["cache-control"] == "no-store"
    assert exported["puid"] == stated["id"]
    assert exported["category"] == "STATEMENT_CATEGORY_CYBER_VIOLENCE"
    assert {"internal_until", "out_of_court", "court"} <= set(exported["redress"])
    assert "case_" not in answer.text + str(stated)
    assert "ada" not in answer.text + str(stated)


async def test_it_is_said_in_the_app_too(house: WholeHouse) -> None:
    _, bob, _ = await decided(house)
    joined = good(await house.ask("GET", "/sync", token=bob))["rooms"]["join"]
    (section,) = joined.values()
    said = [one for one in section["timeline"]["events"] if one["type"] == "m.room.message"]
    stated = (await notices(house, bob))[0]
    assert [one["content"]["org.halfdoor.notice"] for one in said] == [
        {"id": stated["id"], "kind": "statement"}
    ]
    assert stated["text"][0] in said[0]["content"]["body"]


async def test_a_suspended_person_reads_and_contests(house: WholeHouse) -> None:
    suspend = Choice(reason=HARASSED, actions=(Action(kind=Kind.SUSPENDED, days=7),))
    _, bob, _ = await decided(house, suspend)
    status, errcode = refusal(await house.ask("POST", "/createRoom", {}, token=bob))
    assert (status, errcode) == (403, "M_USER_SUSPENDED")
    stated = (await notices(house, bob))[0]
    assert good(await house.ask("GET", f"{OWN}/notices/{stated['id']}", token=bob))["read"]
    path = f"{OWN}/notices/{stated['id']}/appeal"
    good(await house.ask("POST", path, WORDS, token=bob))


async def test_a_hidden_report_is_told_of_where_one_asks_for_it(house: WholeHouse) -> None:
    ada = await signed_in(house, "ada")
    await house.person("bob")
    good(
        await house.ask(
            "POST",
            "/users/@bob:a.example/report",
            {"org.halfdoor.report": {"reason": HARASSED, "hidden": True}},
            token=ada,
        )
    )
    assert await notices(house, ada) == []
    away = good(await house.ask("GET", f"{OWN}/notices", token=ada, hidden="true"))["notices"]
    assert [one["kind"] for one in away] == ["receipt"]


async def test_a_reporter_complains(house: WholeHouse) -> None:
    ada, _, report = await decided(house, Choice())
    assert [one["kind"] for one in await notices(house, ada)] == ["outcome", "receipt"]
    good(await house.ask("POST", f"{OWN}/reports/{report}/complaint", WORDS, token=ada))
