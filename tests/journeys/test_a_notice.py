"""Somebody reports, and stock clients show the answer where the server speaks."""

from urllib.parse import quote

import httpx
import pytest
from tests.journeys.house import House
from tests.journeys.pairs import Pair
from tests.journeys.person import ClientError, Person, becomes, eventually, meet, sees

pytestmark = pytest.mark.asyncio(loop_scope="module")

V3 = "/_matrix/client/v3"
OWN = "/_matrix/client/unstable/org.halfdoor"


class Asking:
    """What a person's own client has no helper for, asked with its token."""

    def __init__(self, house: House, person: Person) -> None:
        self._house = house
        self._person = person

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        async with httpx.AsyncClient(
            base_url=self._house.base_url, verify=self._house.tls_context()
        ) as http:
            token = f"Bearer {self._person.access_token}"
            answer = await http.request(method, path, json=body, headers={"authorization": token})
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    async def rooms(self) -> set[str]:
        listed = (await self.ask("GET", f"{V3}/joined_rooms"))["joined_rooms"]
        assert isinstance(listed, list)
        return set(listed)


async def test_a_receipt_stands_in_the_conversation_of_notices(house: House, pair: Pair) -> None:
    room_id = await meet(pair.left, pair.right)
    event_id = await pair.right.send(room_id, "nobody likes you")
    await sees(pair.left, room_id, event_id)
    left, right = Asking(house, pair.left), Asking(house, pair.right)
    before, others = await left.rooms(), await right.rooms()
    # As a stock client reports: nothing but the message.
    path = f"{V3}/rooms/{quote(room_id)}/report/{quote(event_id)}"
    await left.ask("POST", path, {"reason": "mean"})

    after = await eventually(
        left.rooms,
        lambda rooms: len(rooms) > len(before),
        "the conversation of notices is there",
        explain=pair.left.explain,
    )
    (notices,) = after - before
    # The person's own client shows it, joined, without anything to accept.
    await becomes(pair.left, notices, "join")
    shown = await eventually(
        lambda: pair.left.timeline(notices),
        lambda messages: any("We got your report" in (one.body or "") for one in messages),
        "the receipt is shown",
        explain=pair.left.explain,
    )
    assert shown[-1].sender.startswith("@notices:")
    assert await pair.left.unread(notices) == 1
    await pair.left.read_up_to(notices, shown[-1].event_id)
    await eventually(
        lambda: pair.left.unread(notices),
        lambda unread: unread == 0,
        "it is read",
        explain=pair.left.explain,
    )
    tags = f"{V3}/user/{quote(pair.left.user_id)}/rooms/{quote(notices)}/tags"
    assert (await left.ask("GET", tags))["tags"] == {"m.server_notice": {}}
    with pytest.raises(ClientError) as refused:
        await pair.left.send(notices, "may I answer?")
    assert refused.value.errcode == "M_FORBIDDEN"
    # The other side has nothing new.
    assert await right.rooms() == others
    assert (await right.ask("GET", f"{OWN}/notices"))["notices"] == []
