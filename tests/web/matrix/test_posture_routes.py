"""Postures by HTTP: what is offered, what is explained, what is given and what is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.encrypted_rooms import ENCRYPTION, ciphertext, wish
from tests.messaging.whole_house import V3, Client, WholeHouse, whole_house

from halfdoor.policy.load import policy_from

OWN = "/_matrix/client/unstable/org.halfdoor"
STANDARD_ALONE = policy_from({}, "test")
BOTH = policy_from({"posture": {"allowed": ["standard", "e2ee"]}}, "test")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path, policy=BOTH) as opened:
        yield opened


async def pair(house: WholeHouse) -> tuple[Client, Client]:
    ada, ben = await house.person("ada"), await house.person("ben")
    await house.connect(ada, ben)
    return ada, ben


def at(room: str, *path: str) -> str:
    return "/".join([f"{V3}/rooms", quote(room), *path])


async def test_where_nothing_else_is_offered_encryption_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    async with whole_house(tmp_path, policy=STANDARD_ALONE) as house:
        ada, ben = await pair(house)
        asked = {"invite": [ben.user], "initial_state": [ENCRYPTION]}
        refused = await ada.ask("POST", f"{V3}/createRoom", asked, 403)
        assert refused["errcode"] == "M_FORBIDDEN"
        assert refused["org.halfdoor.reason"] == "no_end_to_end"
        assert (await ada.ask("GET", f"{V3}/joined_rooms"))["joined_rooms"] == []
        about = await ada.ask("GET", "/.well-known/matrix/client")
        assert about["io.element.e2ee"] == {"default": False, "force_disable": True}


@pytest.mark.parametrize(
    ("band", "reason"),
    [("13-15", "not_reachable"), ("16-17", "not_end_to_end"), (None, "not_end_to_end")],
)
async def test_an_age_that_forbids_it_refuses_it(
    house: WholeHouse, band: str | None, reason: str
) -> None:
    ada, kid = await house.person("ada"), await house.person("kid", band)
    await house.connect(ada, kid)
    await house.house.people.choose_dm(kid.user, choice=True)
    asked = {"invite": [kid.user], "initial_state": [ENCRYPTION]}
    refused = await ada.ask("POST", f"{V3}/createRoom", asked, 403)
    assert refused["org.halfdoor.reason"] == reason


async def test_the_platforms_word_on_the_device_opens_it_to_sixteen(house: WholeHouse) -> None:
    ada, kid = await house.person("ada"), await house.person("kid", "16-17")
    await house.connect(ada, kid)
    await house.house.people.change({kid.user: {"dm_choice": True, "device_checks": True}})
    room = await ada.create(kid, initial_state=[ENCRYPTION])
    await kid.join(room)
    await kid.ask("PUT", at(room, "send", "m.room.encrypted", "t1"), ciphertext())


async def test_nobody_changes_what_a_conversation_is(house: WholeHouse) -> None:
    ada, ben = await pair(house)
    encrypted, clear = await ada.create(ben, initial_state=[ENCRYPTION]), await ada.create(ben)
    for room in (encrypted, clear):
        wishes: list[dict[str, Any]] = [wish("standard"), wish("e2ee"), ENCRYPTION]
        for kind, content in [(one["type"], one["content"]) for one in wishes]:
            for path in (at(room, "state", kind), at(room, "state", kind, "")):
                assert (await ada.ask("PUT", path, content, 403))["errcode"] == "M_FORBIDDEN"


async def test_each_takes_its_own_and_says_what_it_takes(house: WholeHouse) -> None:
    ada, ben = await pair(house)
    encrypted, clear = await ada.create(ben, initial_state=[ENCRYPTION]), await ada.create(ben)
    words = {"msgtype": "m.text", "body": "clear words"}
    refused = await ada.ask("PUT", at(encrypted, "send", "m.room.message", "t1"), words, 403)
    assert "end-to-end encrypted" in refused["error"]
    refused = await ada.ask("PUT", at(clear, "send", "m.room.encrypted", "t2"), ciphertext(), 403)
    assert "standard" in refused["error"]
    await ada.ask("PUT", at(encrypted, "send", "m.room.encrypted", "t3"), ciphertext("x"))
    await ada.ask("PUT", at(clear, "send", "m.room.message", "t4"), words)
    await ben.join(encrypted)
    assert [one["content"] for one in await ben.history(encrypted) if "state_key" not in one] == [
        ciphertext("x")
    ]


async def test_a_misspelt_wish_makes_no_conversation(house: WholeHouse) -> None:
    ada, _ben = await pair(house)
    for asked, status in (
        ([wish("secret")], 400),
        ([wish("standard"), ENCRYPTION], 403),
        ([{"type": "m.room.encryption", "content": {}}], 403),
        ([{**ENCRYPTION, "state_key": "x"}], 403),
        ([{"type": "m.room.encrypted", "content": ciphertext()}], 403),
    ):
        await ada.ask("POST", f"{V3}/createRoom", {"initial_state": asked}, status)
    assert (await ada.ask("GET", f"{V3}/joined_rooms"))["joined_rooms"] == []


async def test_what_is_offered_stands_where_clients_look(house: WholeHouse) -> None:
    ada, _ben = await pair(house)
    about = await ada.ask("GET", "/.well-known/matrix/client")
    assert about["io.element.e2ee"] == {"default": False}
    found = (await ada.ask("GET", f"{V3}/capabilities"))["capabilities"]
    assert found["org.halfdoor.postures"] == {
        "allowed": ["standard", "e2ee"],
        "default": "standard",
    }


async def test_both_are_explained_to_whoever_asks(house: WholeHouse) -> None:
    nobody = Client(house, "@nobody:localhost")
    said: dict[str, Any] = await nobody.ask("GET", f"{OWN}/postures")
    assert (said["allowed"], said["default"]) == (["standard", "e2ee"], "standard")
    assert said["custodians"] == [[{"needed": 2, "of": 3}]]
    assert said["keyring_seconds"] == 30
    assert set(said["postures"]) == {"standard", "e2ee"}
    for posture in said["postures"].values():
        assert len(posture["who_can_read"]) == 3
        assert all(one["grounds"] for one in posture["who_can_read"])
    assert len(said["postures"]["e2ee"]["attacks"]) == 3
    assert said["postures"]["e2ee"]["server_still_sees"]
    assert "server_still_sees" not in said["postures"]["standard"]
    assert said["claims"][0] == "A stored message can be opened in three ways only."
    assert said["not_claimed"].startswith("Whoever controls the running server")


async def test_an_encrypted_conversation_outlives_a_restart_as_what_it_is(tmp_path: Path) -> None:
    house = WholeHouse(tmp_path, policy=BOTH)
    ada, ben = await pair(house)
    room = await ada.create(ben, initial_state=[ENCRYPTION])
    await ben.join(room)
    await house.house.close()
    # The entity offers it no longer: what exists goes on, and nothing new begins.
    house.policy = STANDARD_ALONE
    house.open()
    ada.caller.app = ben.caller.app = house.app
    try:
        await ben.ask("PUT", at(room, "send", "m.room.encrypted", "t1"), ciphertext())
        await ada.ask("POST", f"{V3}/createRoom", {"initial_state": [ENCRYPTION]}, 403)
        label = await ada.ask("GET", at(room, "state", "org.halfdoor.posture"))
        assert label == {"posture": "e2ee"}
    finally:
        await house.house.close()
