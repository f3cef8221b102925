"""Two unchanged matrix-nio clients talk, encrypted, through a server that relays what they need."""

import asyncio
from pathlib import Path
from typing import Any

import nio
from tests.journeys.house import House
from tests.journeys.pairs import PASSWORD, new_account

_ENCRYPTED = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}
_SECONDS = 30.0


class Encrypting:
    """A matrix-nio client that encrypts, and the texts it could read."""

    def __init__(self, house: House, user: str, store: Path) -> None:
        store.mkdir()
        self.texts: list[str] = []
        self.unread = 0
        self.client = nio.AsyncClient(
            house.base_url,
            user,
            ssl=house.tls_context(),
            store_path=str(store),
            config=nio.AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False),
        )
        self.client.add_event_callback(self._read, nio.RoomMessageText)
        self.client.add_event_callback(self._miss, nio.MegolmEvent)

    async def _read(self, _room: Any, event: Any) -> None:
        assert event.decrypted
        self.texts.append(event.body)

    async def _miss(self, _room: Any, _event: Any) -> None:
        self.unread += 1

    async def sign_in(self) -> None:
        granted = await self.client.login(PASSWORD, device_name="encrypting")
        assert isinstance(granted, nio.LoginResponse), granted
        await self.turn(full_state=True)

    async def turn(self, *, full_state: bool = False) -> None:
        """Do what `sync_forever` does once."""
        synced = await self.client.sync(timeout=0, full_state=full_state)
        assert isinstance(synced, nio.SyncResponse), synced
        await self.client.send_to_device_messages()
        if self.client.should_upload_keys:
            done = await self.client.keys_upload()
            assert isinstance(done, nio.KeysUploadResponse), done
        if self.client.should_query_keys:
            found = await self.client.keys_query()
            assert isinstance(found, nio.KeysQueryResponse), found
        if self.client.should_claim_keys:
            await self.client.keys_claim(self.client.get_users_for_key_claiming())

    async def say(self, room: str, text: str) -> None:
        content = {"msgtype": "m.text", "body": text}
        sent = await self.client.room_send(
            room, "m.room.message", content, ignore_unverified_devices=True
        )
        assert isinstance(sent, nio.RoomSendResponse), sent


async def heard(listener: Encrypting, *texts: str) -> None:
    """Sync until these texts were read, and no other."""
    async with asyncio.timeout(_SECONDS):
        while listener.texts != list(texts):
            assert not listener.unread
            await listener.turn()


async def test_an_encrypted_message_goes_both_ways_and_to_a_later_device(
    house: House, tmp_path: Path
) -> None:
    users = [await new_account(house) for _ in range(2)]
    ada, ben = (Encrypting(house, user, tmp_path / user[1:].split(":")[0]) for user in users)
    phone = Encrypting(house, users[1], tmp_path / "phone")
    try:
        for one in (ada, ben):
            await one.sign_in()
        made = await ada.client.room_create(
            invite=[users[1]],
            is_direct=True,
            preset=nio.RoomPreset.trusted_private_chat,
            initial_state=[_ENCRYPTED],
        )
        assert isinstance(made, nio.RoomCreateResponse), made
        room = made.room_id
        await ben.turn()
        joined = await ben.client.join(room)
        assert isinstance(joined, nio.JoinResponse), joined
        for _ in range(2):
            for one in (ada, ben):
                await one.turn()
        # nio hears its own messages as well, already in clear.
        await ada.say(room, "is this sealed?")
        await heard(ben, "is this sealed?")
        await ben.say(room, "it is")
        await heard(ada, "is this sealed?", "it is")
        # A device that comes later is told of, and gets what is said from then on.
        await phone.sign_in()
        assert (phone.texts, phone.unread) == ([], 2)
        phone.unread = 0
        await ada.turn()
        await ada.say(room, "and here?")
        await heard(phone, "and here?")
    finally:
        for one in (ada, ben, phone):
            await one.client.close()
