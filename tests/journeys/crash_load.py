"""Senders and readers of the crash runs; they do what real clients do when a server dies.

A sender repeats a request with the same transaction id until it is acknowledged. A reader keeps
one sync token through everything, and pages back through what a limited timeline leaves out.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.journeys.crash_line import Way
from tests.journeys.crash_verdict import Seen

V3 = "/_matrix/client/v3"
_POLL_MILLISECONDS = 8_000
# So few that a reader who comes late has gaps to fill.
_FILTER = {"room": {"timeline": {"limit": 4}}, "presence": {"types": []}}


@dataclass
class Ledger:
    """What the senders were told.

    `waiting` are the marks that nobody has answered yet, `torn` those of which a request was
    answered with an error or not at all.
    """

    by_room: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    total: int = 0
    waiting: set[str] = field(default_factory=set)
    torn: set[str] = field(default_factory=set)


class Sender:
    """Writes numbered texts into its rooms in turn, each until it is acknowledged."""

    def __init__(self, name: str, way: Way, rooms: Sequence[str], ledger: Ledger) -> None:
        self.name = name
        self.way = way
        self.rooms = list(rooms)
        self.answered = 0
        self._ledger = ledger
        self._number = 0
        self._mark = ""
        way.on_trouble = self._note_trouble

    async def run(self, enough: asyncio.Event) -> None:
        """Write until *enough* is set, and leave nothing unanswered."""
        while not enough.is_set():
            await self.write(self.rooms[self._number % len(self.rooms)])

    async def write(self, room: str) -> str:
        """Write the next text into *room* until it is acknowledged; return its mark."""
        mark = f"{self.name} {self._number}"
        self._number += 1
        self._ledger.by_room[room][mark] = await self.send(room, mark)
        self._ledger.total += 1
        self.answered += 1
        return mark

    async def send(self, room: str, mark: str) -> str:
        """Send the text *mark* under its own transaction id; return its event id."""
        path = f"{V3}/rooms/{quote(room)}/send/m.room.message/{mark.replace(' ', '-')}"
        self._mark = mark
        self._ledger.waiting.add(mark)
        try:
            answer = await self.way.must("PUT", path, {"msgtype": "m.text", "body": mark})
        finally:
            self._ledger.waiting.discard(mark)
        return str(answer["event_id"])

    def _note_trouble(self) -> None:
        self._ledger.torn.add(self._mark)


class Reader:
    """One device that follows its rooms; `seen` is in the order of arrival.

    `answered` counts the syncs taken in, `limited` the timelines that left something out.
    """

    def __init__(self, name: str, way: Way) -> None:
        self.name = name
        self.way = way
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.answered = 0
        self.limited = 0
        self.since: str | None = None

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            await self.sync(_POLL_MILLISECONDS)

    async def sync(self, milliseconds: int) -> None:
        """Take in one answer; the token moves on only when all of it was taken in."""
        asked = {"timeout": str(milliseconds), "filter": json.dumps(_FILTER)}
        if self.since is not None:
            asked["since"] = self.since
        answer = await self.way.must("GET", f"{V3}/sync?{urlencode(asked)}")
        taken = {
            room: await self._take_in(room, joined.get("timeline", {}))
            for room, joined in answer.get("rooms", {}).get("join", {}).items()
        }
        for room, texts in taken.items():
            self.seen[room] += texts
        self.since = answer["next_batch"]
        self.answered += 1

    async def _take_in(self, room: str, timeline: dict[str, Any]) -> list[Seen]:
        events: list[dict[str, Any]] = timeline.get("events", [])
        if not timeline.get("limited"):
            return texts(events)
        self.limited += 1
        # A limited timeline begins a client's picture anew; what it had already is no double.
        known = {seen.event_id for seen in self.seen[room]}
        gap: list[dict[str, Any]] = []
        start = timeline["prev_batch"]
        while start is not None:
            page = await _page(self.way, room, start)
            gap += page["chunk"]
            start = page.get("end")
            if any(event["event_id"] in known for event in page["chunk"]):
                break
        return [one for one in texts([*reversed(gap), *events]) if one.event_id not in known]


async def history(way: Way, room: str) -> list[Seen]:
    """Every text of *room* by `/messages` from its newest event, oldest first."""
    found: list[dict[str, Any]] = []
    start: str | None = ""
    while start is not None:
        page = await _page(way, room, start)
        found += page["chunk"]
        start = page.get("end")
    return texts(found[::-1])


def texts(events: Sequence[dict[str, Any]]) -> list[Seen]:
    """The texts among *events*, in their order."""
    return [
        Seen(str(event["event_id"]), str(event["content"].get("body")))
        for event in events
        if event["type"] == "m.room.message"
    ]


async def _page(way: Way, room: str, start: str) -> dict[str, Any]:
    asked = {"dir": "b", "limit": "100", **({"from": start} if start else {})}
    path = f"{V3}/rooms/{quote(room)}/messages?{urlencode(asked)}"
    page: dict[str, Any] = await way.must("GET", path)
    return page
