"""The platform has somebody erased: it binds at once, and can be asked again and again."""

from typing import Any

import pytest
from tests.web.house_fixture import PLATFORM, SERVER, WholeHouse, good, refusal

ALICE = f"@alice:{SERVER}"


async def erase(house: WholeHouse, user: str = "alice", body: Any = None) -> Any:
    return await house.told("DELETE", f"/people/{user}", body)


async def put(house: WholeHouse, *people: Any) -> Any:
    return await house.told("PUT", "/people", {"people": people})


async def finish(house: WholeHouse) -> None:
    await house.house.work.go_on(seconds=30)


async def test_without_the_platforms_signature_nobody_is_erased(house: WholeHouse) -> None:
    good(await put(house, {"user": "alice"}))
    answer = await house.http.delete(f"{PLATFORM}/people/alice")
    assert refusal(answer) == (401, "M_MISSING_TOKEN")
    assert good(await house.told("GET", "/people/alice"))["user"] == ALICE


async def test_what_a_query_says_is_not_signed_and_changes_nothing(house: WholeHouse) -> None:
    good(await put(house, {"user": "alice"}))
    token = house.platform.sign_request("DELETE", f"{PLATFORM}/people/alice", b"")
    answer = await house.http.delete(
        f"{PLATFORM}/people/alice?messages=redact", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 202
    ((payload,),) = await house.house.store.database.read(
        lambda con: con.execute("SELECT id FROM job").fetchall()
    )
    job = await house.house.store.jobs.find(0, payload)
    assert job is None or b"redact" not in job.payload


@pytest.mark.parametrize(
    "body", [{"messages": "burn"}, {"messages": None}, {"message": "redact"}, [], "keep"]
)
async def test_a_wish_nobody_understands_is_refused_and_nothing_is_done(
    house: WholeHouse, body: Any
) -> None:
    good(await put(house, {"user": "alice"}))
    assert (await erase(house, body=body)).status_code == 400
    assert good(await house.told("GET", "/people/alice"))["user"] == ALICE


async def test_somebody_nobody_knows_is_not_found(house: WholeHouse) -> None:
    assert refusal(await erase(house, "nobody")) == (404, "M_NOT_FOUND")
    assert refusal(await erase(house, "@x:b.example")) == (400, "M_INVALID_USERNAME")
    # A name that was never anybody's is still free.
    good(await put(house, {"user": "nobody"}))


async def test_it_binds_the_next_request_and_ends(house: WholeHouse) -> None:
    good(await put(house, {"user": "alice", "age_band": "adult"}))
    token = (await house.sign_in_by_jwt("alice"))["access_token"]
    good(await house.ask("GET", "/account/whoami", token=token))
    first = await erase(house)
    assert first.status_code == 202
    assert first.json() == {
        "user": ALICE,
        "state": "running",
        "asked": house.clock.now,
        "done": None,
    }
    answer = await house.ask("GET", "/account/whoami", token=token)
    assert refusal(answer) == (401, "M_UNKNOWN_TOKEN")
    assert refusal(await house.told("GET", "/people/alice")) == (404, "M_NOT_FOUND")
    asked = house.clock.now
    house.clock.now += 5000
    again = await erase(house, ALICE)
    assert (again.status_code, again.json()) == (202, first.json())
    await finish(house)
    last = good(await erase(house))
    assert last == {"user": ALICE, "state": "done", "asked": asked, "done": house.clock.now}
    house.clock.now += 86_400_000
    assert good(await erase(house, body={"messages": "redact"})) == last


async def test_nobody_has_the_name_again(house: WholeHouse) -> None:
    good(await put(house, {"user": "alice"}))
    assert (await erase(house)).status_code == 202
    for _ in range(2):
        answer = await put(house, {"user": "bob"}, {"user": "alice", "age_band": "adult"})
        assert refusal(answer) == (400, "M_INVALID_PARAM")
        assert answer.json()["org.halfdoor.items"] == [
            {"index": 1, "reason": "the person was erased"}
        ]
        body = {"type": "org.matrix.login.jwt", "token": house.platform.sign_in("alice")}
        answer = await house.ask("POST", "/login", body)
        assert refusal(answer) == (403, "M_USER_DEACTIVATED")
        pairs = {"connections": [["alice", "alice2"]]}
        assert refusal(await house.told("PUT", "/connections", pairs))[0] == 400
        await finish(house)
    assert refusal(await house.told("GET", "/people/bob")) == (404, "M_NOT_FOUND")


async def test_what_somebody_wrote_stays_unless_its_end_is_asked_for(house: WholeHouse) -> None:
    people = [{"user": name, "age_band": "adult"} for name in ("alice", "anna", "bob")]
    good(await put(house, *people))
    pairs = [["alice", "bob"], ["anna", "bob"]]
    good(await house.told("PUT", "/connections", {"connections": pairs}))
    bob = (await house.sign_in_by_jwt("bob"))["access_token"]
    texts = []
    for name, wish in (("alice", None), ("anna", {"messages": "redact"})):
        token = (await house.sign_in_by_jwt(name))["access_token"]
        invite = {"preset": "trusted_private_chat", "invite": [f"@bob:{SERVER}"]}
        room = good(await house.ask("POST", "/createRoom", invite, token=token))["room_id"]
        good(await house.ask("POST", f"/rooms/{room}/join", {}, token=bob))
        path = f"/rooms/{room}/send/m.room.message/1"
        good(await house.ask("PUT", path, {"body": "hi", "msgtype": "m.text"}, token=token))
        assert (await erase(house, name, wish)).status_code == 202
        await finish(house)
        seen = good(await house.ask("GET", f"/rooms/{room}/messages", token=bob, dir="b"))
        texts += [
            one["content"].get("body") for one in seen["chunk"] if one["type"] == "m.room.message"
        ]
        members = good(await house.ask("GET", f"/rooms/{room}/joined_members", token=bob))
        assert list(members["joined"]) == [f"@bob:{SERVER}"]
    assert texts == ["hi", None]
