"""Transaction ids: one event for each, told to the device that sent it and to nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.whole_house import V3, Client, WholeHouse, whole_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


async def pair(house: WholeHouse) -> tuple[Client, Client, str]:
    """Two people who know each other, in a conversation both have joined."""
    ada, ben = await house.person("ada"), await house.person("ben")
    await house.connect(ada, ben)
    room = await ada.create(ben)
    await ben.join(room)
    return ada, ben, room


async def put(
    who: Client, room: str, txn: str, text: str = "hello", kind: str = "m.room.message"
) -> str:
    path = f"{V3}/rooms/{quote(room)}/send/{kind}/{txn}"
    event: str = (await who.ask("PUT", path, {"msgtype": "m.text", "body": text}))["event_id"]
    return event


async def redact(who: Client, room: str, event: str, txn: str) -> str:
    path = f"{V3}/rooms/{quote(room)}/redact/{quote(event)}/{txn}"
    done: str = (await who.ask("PUT", path, {}))["event_id"]
    return done


def transactions(events: list[dict[str, Any]]) -> dict[str, str]:
    """Return event id → transaction id as far as it is told."""
    return {
        one["event_id"]: one["unsigned"]["transaction_id"]
        for one in events
        if "transaction_id" in one["unsigned"]
    }


async def everywhere(who: Client, room: str, event: str) -> list[dict[str, str]]:
    """Return the transaction ids told by sync, messages, context and event."""
    here = f"{V3}/rooms/{quote(room)}"
    synced = (await who.sync())["rooms"]["join"][room]["timeline"]["events"]
    context = await who.ask("GET", f"{here}/context/{quote(event)}?limit=20")
    around = [context["event"], *context["events_before"], *context["events_after"]]
    alone = await who.ask("GET", f"{here}/event/{quote(event)}")
    paged = await who.history(room)
    return [transactions(one) for one in (synced, around, [alone], paged)]


async def test_another_device_of_the_sender_is_not_told_the_transaction(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    other = await house.device(ada.user)
    event = await put(ada, room, "x1")
    assert await everywhere(other, room, event) == [{}] * 4
    assert await everywhere(ben, room, event) == [{}] * 4
    assert await everywhere(ada, room, event) == [{event: "x1"}] * 4


async def test_a_repeat_gets_the_first_answer_and_writes_nothing(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    since = (await ben.sync())["next_batch"]
    first = await put(ada, room, "x1", "said once")
    assert await put(ada, room, "x1", "said once") == first
    # What the body says now does not matter: the transaction is the path.
    assert await put(ada, room, "x1", "said otherwise") == first
    section = (await ben.sync(since))["rooms"]["join"][room]
    said = section["timeline"]["events"]
    assert [one["content"]["body"] for one in said] == ["said once"]


async def test_a_repeat_after_a_restart_gets_the_first_answer(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada, _ben, room = await pair(house)
        first = await put(ada, room, "x1")
        await house.house.close()
        house.open()
        ada.caller.app = house.app
        assert await put(ada, room, "x1") == first
        assert len([one for one in await ada.history(room) if "body" in one["content"]]) == 1


async def test_a_repeat_gets_the_first_answer_even_if_it_would_be_refused_now(
    house: WholeHouse,
) -> None:
    _ada, ben, room = await pair(house)
    first = await put(ben, room, "x1")
    done = await redact(ben, room, first, "r1")
    await ben.ask("POST", f"{V3}/rooms/{quote(room)}/leave")
    assert await put(ben, room, "x1") == first
    assert await redact(ben, room, first, "r1") == done
    status, _ = await ben.any_status(
        "PUT", f"{V3}/rooms/{quote(room)}/send/m.room.message/x2", {"body": "x"}
    )
    assert status == 403


async def test_one_id_serves_each_path_by_itself(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    second = await ada.create(ben)
    target, other = await put(ada, room, "t1"), await put(ada, room, "t2")
    made = [
        await put(ada, room, "same"),
        await put(ada, room, "same", kind="org.example.note"),
        await put(ada, second, "same"),
        await redact(ada, room, target, "same"),
        await redact(ada, room, other, "same"),
    ]
    path = f"{V3}/rooms/{quote(room)}/send/m.room.redaction/same"
    made.append((await ada.ask("PUT", path, {"redacts": made[1]}))["event_id"])
    assert len(set(made)) == len(made)
    assert (await ada.ask("PUT", path, {"redacts": made[1]}))["event_id"] == made[-1]


async def test_two_people_with_one_device_id_and_one_transaction_are_two(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    ada = await house.device(ada.user, device_id="PHONE")
    ben = await house.device(ben.user, device_id="PHONE")
    hers, his = await put(ada, room, "x1", "hers"), await put(ben, room, "x1", "his")
    assert hers != his
    assert (await everywhere(ada, room, hers))[0] == {hers: "x1"}
    assert (await everywhere(ben, room, his))[0] == {his: "x1"}


async def test_two_devices_of_one_person_with_one_transaction_are_two(house: WholeHouse) -> None:
    ada, _ben, room = await pair(house)
    other = await house.device(ada.user)
    assert await put(ada, room, "x1") != await put(other, room, "x1")


async def test_a_refreshed_token_is_the_same_device(house: WholeHouse) -> None:
    ada, _ben, room = await pair(house)
    phone = await house.device(ada.user, refresh_token=True)
    first = await put(phone, room, "x1")
    body = {"refresh_token": phone.refresh_token}
    phone.caller.token = (await phone.ask("POST", f"{V3}/refresh", body))["access_token"]
    assert await put(phone, room, "x1") == first
    assert await everywhere(phone, room, first) == [{first: "x1"}] * 4


async def test_a_transaction_id_may_hold_any_text(house: WholeHouse) -> None:
    ada, _ben, room = await pair(house)
    strange = "a/b c\u00e4\U0001f600%2F"
    event = await put(ada, room, quote(strange, safe=""))
    assert await put(ada, room, quote(strange, safe="")) == event
    assert (await everywhere(ada, room, event))[1] == {event: strange}
    await ada.ask(
        "PUT", f"{V3}/rooms/{quote(room)}/send/m.room.message/{'x' * 256}", {}, status=400
    )
