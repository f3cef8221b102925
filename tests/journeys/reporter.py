"""Somebody who was written to and reports it, whichever client they use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from tests.journeys.person import Person, becomes, eventually, sees
from tests.journeys.raw_client import RawClient
from tests.journeys.review_house import ReviewHouse
from tests.journeys.reviewer import RULE

V3 = "/_matrix/client/v3"
OWN = "/_matrix/client/unstable/org.halfdoor"
EXTENSION = "org.halfdoor.report"


@dataclass(frozen=True)
class Chosen:
    """What is reported: one message of a room, with words of one's own, and what is ticked."""

    room: str
    event: str
    ticked: str
    note: str


class Reporter(Protocol):
    """What every reporter does."""

    @property
    def api(self) -> RawClient:
        """The same session without an SDK, for what no stock client asks."""

    async def accept(self, room: str, last: str) -> None:
        """Accept an invitation and see the message *last*."""

    async def report(self, chosen: Chosen) -> None:
        """Report, as this client can."""

    async def is_told(self, room: str) -> list[str]:
        """Return what this client shows of a conversation."""


class SdkReporter:
    """A stock client's report: one message and a few words."""

    def __init__(self, person: Person, api: RawClient) -> None:
        self.person = person
        self.api = api

    async def accept(self, room: str, last: str) -> None:
        await becomes(self.person, room, "invite")
        await self.person.accept(room)
        await becomes(self.person, room, "join")
        await sees(self.person, room, last)

    async def report(self, chosen: Chosen) -> None:
        await self.person.report(chosen.room, chosen.event, chosen.note)

    async def is_told(self, room: str) -> list[str]:
        await becomes(self.person, room, "join")
        return [one.body or "" for one in await self.person.timeline(room)]


class PlainReporter:
    """A client of ours: a reason from the list, and a message around it that was ticked."""

    def __init__(self, api: RawClient) -> None:
        self.api = api

    async def accept(self, room: str, last: str) -> None:
        await self.api.join(room)
        page = await self.api.messages(room)
        assert last in [one["event_id"] for one in page["chunk"]]

    async def report(self, chosen: Chosen) -> None:
        more = {"reason": RULE, "context": [chosen.ticked], "note": chosen.note}
        await file(self.api, chosen.room, chosen.event, more)

    async def is_told(self, room: str) -> list[str]:
        page = await self.api.messages(room)
        return [one["content"].get("body", "") for one in reversed(page["chunk"])]


def same_session(house: ReviewHouse, person: Person) -> RawClient:
    """Return the session of *person* without its SDK."""
    api = house.client()
    api.credentials = {"user_id": person.user_id, "access_token": person.access_token}
    return api


async def file(api: RawClient, room: str, event: str, more: dict[str, Any]) -> Any:
    """Report one message with our extension; return what is said of it."""
    path = f"{V3}/rooms/{quote(room)}/report/{quote(event)}"
    return (await api.ask("POST", path, {EXTENSION: more}))[EXTENSION]


async def reports_of(api: RawClient) -> list[dict[str, Any]]:
    """Return what was filed in one's name."""
    return list((await api.ask("GET", f"{OWN}/reports"))["reports"])


async def notices_of(api: RawClient) -> list[dict[str, Any]]:
    """Return what one is told."""
    return list((await api.ask("GET", f"{OWN}/notices"))["notices"])


async def notice(api: RawClient, kind: str) -> dict[str, Any]:
    """Wait for the one notice of *kind*."""
    found = await eventually(
        lambda: notices_of(api),
        lambda all_: any(one["kind"] == kind for one in all_),
        f"{api.user_id} is told: {kind}",
        explain=api.explain,
    )
    [one] = [one for one in found if one["kind"] == kind]
    return one


async def server_room(api: RawClient) -> str:
    """Return the one conversation in which the server speaks."""
    said = await api.sync()
    [room] = [
        name
        for name, joined in said["rooms"]["join"].items()
        if any(
            one["type"] == "m.tag" and "m.server_notice" in one["content"]["tags"]
            for one in joined["account_data"]["events"]
        )
    ]
    return str(room)


async def is_shown(reporter: Reporter, title: str, explain: Callable[[], str]) -> list[str]:
    """Wait until the reporter's own client shows a notice; return all of that conversation."""
    room = await server_room(reporter.api)
    return await eventually(
        lambda: reporter.is_told(room),
        lambda texts: any(title in one for one in texts),
        f"{reporter.api.user_id} reads: {title}",
        explain=explain,
    )
