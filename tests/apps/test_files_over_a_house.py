"""Files over a real house and its stores: who has them, and what lies where they are kept."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.messaging.encrypted_rooms import BOTH, ENCRYPTION, ciphertext
from tests.messaging.whole_house import NAME, V3, Client, WholeHouse, whole_house

from halfdoor.messaging.media_names import facts_of
from halfdoor.policy.load import policy_from

CANARY = b"canary-of-a-picture"
DATA = CANARY * 10_000
POLICY = policy_from({"posture": {"allowed": list(BOTH)}}, "test")


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 70_000):
        yield data[at : at + 70_000]


class Friends:
    """A house, and two people in it who know each other."""

    def __init__(self, house: WholeHouse, ada: Client, ben: Client) -> None:
        self.house, self.ada, self.ben = house, ada, ben
        self.sent = 0

    async def upload(self, data: bytes = DATA, kind: str = "image/png") -> str:
        """Let ada upload a file; return its id."""
        uploads = self.house.house.media.uploads
        facts = facts_of(kind, "canary-of-a-name.png")
        return await uploads.take(self.ada.user, pieces(data), facts, announced=None)

    async def fetch(self, who: Client, media_id: str) -> tuple[int, bytes]:
        path = f"/_matrix/client/v1/media/download/{NAME}/{media_id}"
        return await who.caller.call("GET", path)

    async def send(self, room: str, kind: str, content: dict[str, Any]) -> str:
        self.sent += 1
        path = f"{V3}/rooms/{room}/send/{kind}/f{self.sent}"
        event: str = (await self.ada.ask("PUT", path, content))["event_id"]
        return event

    async def show(self, room: str, media_id: str) -> str:
        content = {"msgtype": "m.image", "body": "a.png", "url": f"mxc://{NAME}/{media_id}"}
        return await self.send(room, "m.room.message", content)


@pytest.fixture
async def friends(tmp_path: Path) -> AsyncIterator[Friends]:
    async with whole_house(tmp_path, policy=POLICY) as house:
        ada, ben = await house.person("ada"), await house.person("ben")
        await house.connect(ada, ben)
        yield Friends(house, ada, ben)


async def test_what_lies_on_the_disk_says_nothing_of_a_file(friends: Friends) -> None:
    room = await friends.ada.create(friends.ben)
    await friends.ben.join(room)
    await friends.show(room, await friends.upload(kind="image/x-canary"))
    await friends.house.house.close()
    files = [one for one in friends.house.folder.rglob("*") if one.is_file()]
    kept = {one.name: one.read_bytes() for one in files}
    friends.house.open()
    assert sum(len(one) for one in kept.values()) > len(DATA)
    assert not [name for name, data in kept.items() if b"canary" in data]


async def test_a_file_is_there_after_a_restart_for_who_could_have_it_before(
    friends: Friends,
) -> None:
    room = await friends.ada.create(friends.ben)
    await friends.ben.join(room)
    named, kept = await friends.upload(), await friends.upload()
    event = await friends.show(room, named)
    await friends.house.house.close()
    friends.house.open()
    for who in (friends.ada, friends.ben):
        who.caller.app = friends.house.app
    assert await friends.fetch(friends.ben, named) == (200, DATA)
    assert await friends.fetch(friends.ada, kept) == (200, DATA)
    assert (await friends.fetch(friends.ben, kept))[0] == 404
    await friends.ada.ask("PUT", f"{V3}/rooms/{room}/redact/{event}/r1", {})
    assert (await friends.fetch(friends.ben, named))[0] == 404
    assert await friends.fetch(friends.ada, named) == (200, DATA)


async def test_an_encrypted_conversation_has_the_files_that_were_uploaded_for_it(
    friends: Friends,
) -> None:
    room = await friends.ada.create(friends.ben, initial_state=[ENCRYPTION])
    opaque = "application/octet-stream"
    sent, later = await friends.upload(kind=opaque), await friends.upload(kind=opaque)
    await friends.send(room, "m.room.encrypted", ciphertext())
    status, _ = await friends.fetch(friends.ben, sent)
    assert status == 403
    await friends.ben.join(room)
    assert await friends.fetch(friends.ben, sent) == (200, DATA)
    assert await friends.fetch(friends.ben, later) == (200, DATA)
    unsent = await friends.upload(kind=opaque)
    assert (await friends.fetch(friends.ben, unsent))[0] == 404


async def test_another_device_of_the_same_person_has_their_files(friends: Friends) -> None:
    media_id = await friends.upload()
    phone = await friends.house.device(friends.ada.user)
    assert await friends.fetch(phone, media_id) == (200, DATA)


async def test_keys_of_files_are_gone_with_the_session(friends: Friends) -> None:
    media_id = await friends.upload()
    assert await friends.fetch(friends.ada, media_id) == (200, DATA)
    await friends.ada.ask("POST", f"{V3}/logout", {})
    assert (await friends.fetch(friends.ada, media_id))[0] == 401
    assert friends.house.house.keyring.sessions(friends.ada.user) == []
