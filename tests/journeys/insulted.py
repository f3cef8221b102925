"""Two people without an SDK, of whom one wrote to the other what the other may report."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.journeys.pairs import PASSWORD, new_name
from tests.journeys.raw_client import RawClient
from tests.journeys.reporter import V3, file
from tests.journeys.review_house import ReviewHouse
from tests.journeys.reviewer import RULE


@dataclass
class Insulted:
    """*ada* was written to by *ben*; his messages are *events*, with the words *said*."""

    ada: RawClient
    ben: RawClient
    room: str
    events: list[str]
    said: list[str]

    async def report(self, event: int = -1, **more: Any) -> Any:
        """Let ada report one message; return what she is told."""
        return await file(self.ada, self.room, self.events[event], {"reason": RULE, **more})

    async def try_to_begin(self, other: str) -> int:
        """Let ben begin a conversation with *other*; return the status he is answered with."""
        body = {"preset": "trusted_private_chat", "is_direct": True, "invite": [other]}
        answer = await self.ben.http.post(f"{V3}/createRoom", json=body, headers=self.ben.headers())
        return answer.status_code


@asynccontextmanager
async def insulted(house: ReviewHouse, *said: str) -> AsyncIterator[Insulted]:
    """Make two people and let one write *said* to the other."""
    async with house.client() as ada, house.client() as ben:
        await ada.register(new_name(), PASSWORD)
        await ben.register(new_name(), PASSWORD)
        room = await ben.create_dm(ada.user_id)
        await ada.join(room)
        events = [await ben.send(room, text) for text in said]
        yield Insulted(ada, ben, room, events, list(said))
