"""A person who uses matrix-nio."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import nio
from tests.journeys.person import ClientError, Message, eventually
from tests.journeys.seen_events import SeenRoom
from tests.journeys.served import Served

_TIMELINE_LIMIT = 20


class NioClient:
    """One matrix-nio client with its own sync loop.

    nio keeps no timeline, so `SeenRoom` keeps what its callbacks bring, exactly as it comes.
    """

    def __init__(self, house: Served) -> None:
        self._house = house
        self._client = nio.AsyncClient(
            house.base_url,
            ssl=house.tls_context(),
            config=nio.AsyncClientConfig(encryption_enabled=False, store_sync_tokens=False),
        )
        self._client.add_response_callback(self._take_in, nio.SyncResponse)
        self._client.add_response_callback(self._note_refusal, nio.SyncError)
        self._rooms: dict[str, SeenRoom] = {}
        self._syncs = 0
        self._poll_milliseconds = 30_000
        self._refusals: list[str] = []
        self._loop: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, house: Served) -> "NioClient":
        return cls(house)

    @property
    def user_id(self) -> str:
        return str(self._client.user_id)

    @property
    def device_id(self) -> str:
        return str(self._client.device_id)

    @property
    def access_token(self) -> str:
        return str(self._client.access_token)

    @property
    def explain(self) -> Callable[[], str]:
        return self._explain

    def _explain(self) -> str:
        heard = "\n".join(self._refusals[-5:])
        return f"--- refusals that matrix-nio met in /sync ---\n{heard}\n{self._house.explain()}"

    async def login_password(self, user: str, password: str, *, device_name: str) -> None:
        self._client.user = user
        _granted(await self._client.login(password, device_name=device_name), nio.LoginResponse)

    async def login_jwt(self, token: str) -> None:
        body = {"type": "org.matrix.login.jwt", "token": token}
        _granted(await self._client.login_raw(body), nio.LoginResponse)

    async def start(self, *, poll_milliseconds: int = 30_000) -> None:
        self._poll_milliseconds = poll_milliseconds
        await self.come_online()

    async def go_offline(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            self._loop = None

    async def come_online(self) -> None:
        before = self._syncs
        # nio pauses 5 s by itself after a refused request, but not between refused syncs:
        # loop_sleep_time keeps it from spinning.
        self._loop = asyncio.create_task(
            self._client.sync_forever(
                timeout=self._poll_milliseconds,
                sync_filter={"room": {"timeline": {"limit": _TIMELINE_LIMIT}}},
                full_state=self._client.next_batch in (None, ""),
                loop_sleep_time=20,
            )
        )
        await eventually(
            self._count_syncs,
            lambda syncs: syncs > before,
            f"{self.user_id} (nio) syncs",
            explain=self._explain,
        )

    async def _count_syncs(self) -> int:
        if self._loop is not None and self._loop.done():
            self._loop.result()
        return self._syncs

    async def _take_in(self, response: nio.SyncResponse) -> None:
        for room_id, joined in response.rooms.join.items():
            seen = self._rooms.setdefault(room_id, SeenRoom())
            seen.take_in(
                [event.source for event in joined.timeline.events],
                limited=joined.timeline.limited,
                prev_batch=joined.timeline.prev_batch,
            )
        self._syncs += 1

    async def _note_refusal(self, refusal: nio.SyncError) -> None:
        self._refusals.append(str(refusal))

    async def create_dm(self, invitee: str) -> str:
        answer = await self._client.room_create(
            is_direct=True, preset=nio.RoomPreset.trusted_private_chat, invite=[invitee]
        )
        return str(_granted(answer, nio.RoomCreateResponse).room_id)

    async def accept(self, room_id: str) -> None:
        _granted(await self._client.join(room_id), nio.JoinResponse)

    async def membership(self, room_id: str) -> str | None:
        if room_id in self._client.rooms:
            return "join"
        return "invite" if room_id in self._client.invited_rooms else None

    async def send(self, room_id: str, body: str) -> str:
        return await self._send(room_id, "m.room.message", {"msgtype": "m.text", "body": body})

    async def edit(self, room_id: str, event_id: str, body: str) -> str:
        content = {
            "msgtype": "m.text",
            "body": f"* {body}",
            "m.new_content": {"msgtype": "m.text", "body": body},
            "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
        }
        return await self._send(room_id, "m.room.message", content)

    async def react(self, room_id: str, event_id: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self._send(room_id, "m.reaction", {"m.relates_to": relation})

    async def _send(self, room_id: str, kind: str, content: dict[str, Any]) -> str:
        # nio repeats a request whose answer was lost, with the same transaction id.
        answer = await self._client.room_send(room_id, kind, content, tx_id=str(uuid.uuid4()))
        return str(_granted(answer, nio.RoomSendResponse).event_id)

    async def redact(self, room_id: str, event_id: str) -> str:
        answer = await self._client.room_redact(room_id, event_id)
        return str(_granted(answer, nio.RoomRedactResponse).event_id)

    async def report(self, room_id: str, event_id: str, reason: str) -> None:
        # nio has no method for it; its own request with its own session is what an app sends.
        answer = await self._client.send(
            "POST",
            f"/_matrix/client/v3/rooms/{quote(room_id)}/report/{quote(event_id)}",
            json.dumps({"reason": reason}),
            {"Authorization": f"Bearer {self.access_token}", "Content-Type": "application/json"},
        )
        assert answer.status == 200, f"{answer.status} {await answer.text()}\n{self._explain()}"

    async def read_up_to(self, room_id: str, event_id: str) -> None:
        answer = await self._client.room_read_markers(
            room_id, fully_read_event=event_id, read_event=event_id
        )
        _granted(answer, nio.RoomReadMarkersResponse)

    async def typing(self, room_id: str, *, is_typing: bool) -> None:
        answer = await self._client.room_typing(room_id, is_typing, timeout=20_000)
        _granted(answer, nio.RoomTypingResponse)

    async def typing_in(self, room_id: str) -> list[str]:
        return sorted(self._client.rooms[room_id].typing_users)

    async def read_by(self, room_id: str, user: str) -> str | None:
        receipt = self._client.rooms[room_id].read_receipts.get(user)
        return None if receipt is None else str(receipt.event_id)

    async def unread(self, room_id: str) -> int | None:
        return int(self._client.rooms[room_id].unread_notifications)

    async def message(self, room_id: str, event_id: str) -> Message | None:
        if room_id not in self._rooms:
            return None
        messages = self._rooms[room_id].messages()
        return next((one for one in messages if one.event_id == event_id), None)

    async def timeline(self, room_id: str) -> list[Message]:
        return self._rooms[room_id].messages()

    async def paginate_back(self, room_id: str, *, limit: int) -> bool:
        seen = self._rooms[room_id]
        if seen.older is None:
            return False
        answer = _granted(
            await self._client.room_messages(
                room_id, start=seen.older, direction=nio.MessageDirection.back, limit=limit
            ),
            nio.RoomMessagesResponse,
        )
        seen.add_older([event.source for event in answer.chunk], older=answer.end)
        return seen.older is not None

    async def close(self) -> None:
        await self.go_offline()
        await self._client.close()


def _granted(answer: Any, wanted: type) -> Any:
    """The answer itself, or what the server refused, as an exception."""
    if isinstance(answer, wanted):
        return answer
    status = getattr(getattr(answer, "transport_response", None), "status", None)
    raise ClientError(str(answer), getattr(answer, "status_code", None), status)
