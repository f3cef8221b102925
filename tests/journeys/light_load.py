"""Senders and readers without an SDK, who live through the death of the server.

A sender repeats a request until it is answered, with the same transaction id. A reader keeps one
sync token through all crashes and fills what a limited sync leaves out by paging back.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
from tests.journeys.person import TooLateError
from tests.journeys.raw_client import RawClient

_PAUSE_SECONDS = 0.05
_POLL_MILLISECONDS = 5_000
_FILTER = '{"room":{"timeline":{"limit":30}},"presence":{"types":[]}}'
_REQUEST_SECONDS = 15.0
_LONGEST_OUTAGE_SECONDS = 60.0

Mark = tuple[str, int]


class LostSendError(AssertionError):
    """The server refused a send for good, or stayed away too long."""


@dataclass
class Acknowledged:
    """What all senders were told, and what they are still waiting for."""

    by_room: dict[str, dict[Mark, str]] = field(default_factory=lambda: defaultdict(dict))
    total: int = 0
    repeated: int = 0
    in_flight: set[Mark] = field(default_factory=set)
    broken: set[Mark] = field(default_factory=set)


class Sender:
    """Writes numbered messages into its rooms, one after another, each until it is answered."""

    def __init__(self, name: str, client: RawClient, rooms: list[str], told: Acknowledged) -> None:
        self.name = name
        self._client = client
        self._rooms = rooms
        self._told = told
        self._number = 0

    async def run(self, enough: asyncio.Event) -> None:
        """Write until *enough* is set; never leave a message unanswered."""
        while not enough.is_set():
            room_id = self._rooms[self._number % len(self._rooms)]
            mark = (self.name, self._number)
            event_id = await self.send(room_id, mark)
            self._told.by_room[room_id][mark] = event_id
            self._told.total += 1
            self._number += 1

    async def send(self, room_id: str, mark: Mark) -> str:
        """Send the message of that mark, with the mark's own transaction id; return its id."""
        name, number = mark
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/send/m.room.message/{name}-{number}"
        content = {"msgtype": "m.text", "body": f"{name} {number}"}
        give_up = time.monotonic() + _LONGEST_OUTAGE_SECONDS
        while time.monotonic() < give_up:
            self._told.in_flight.add(mark)
            try:
                answer = await self._client.http.put(
                    path, json=content, headers=self._client.headers(), timeout=_REQUEST_SECONDS
                )
            except httpx.TransportError:
                self._told.broken.add(mark)
            else:
                if answer.status_code == 200:
                    return str(answer.json()["event_id"])
                if answer.status_code != 429 and answer.status_code < 500:
                    raise LostSendError(f"{mark}: {answer.status_code} {answer.text}")
            finally:
                self._told.in_flight.discard(mark)
            self._told.repeated += 1
            await asyncio.sleep(_PAUSE_SECONDS)
        raise LostSendError(f"{mark}: no answer for {_LONGEST_OUTAGE_SECONDS} s")


class Reader:
    """One device that follows its rooms with one sync token; `seen` is in the order of arrival."""

    def __init__(self, name: str, client: RawClient) -> None:
        self.name = name
        self.seen: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.limited = 0
        self._client = client
        self._since: str | None = None

    async def run(self) -> None:
        """Follow for ever; every failure is followed by the same request again."""
        while True:
            params = {"timeout": str(_POLL_MILLISECONDS), "filter": _FILTER}
            if self._since is not None:
                params["since"] = self._since
            answer = await self._get("/_matrix/client/v3/sync", params)
            joined = answer.get("rooms", {}).get("join", {})
            for room_id, room in joined.items():
                await self._take_in(room_id, room.get("timeline", {}))
            # Only now: had this process died above, it would have to ask for the same again.
            self._since = answer["next_batch"]

    async def _take_in(self, room_id: str, timeline: dict[str, Any]) -> None:
        events = list(timeline.get("events", []))
        if timeline.get("limited"):
            self.limited += 1
            events = await self._fill_gap(room_id, timeline["prev_batch"]) + events
        self.seen[room_id] += [_read(event) for event in events if _is_text(event)]

    async def _fill_gap(self, room_id: str, prev_batch: str) -> list[dict[str, Any]]:
        """Events between the newest known one and *prev_batch*, oldest first."""
        known = {event_id for event_id, _ in self.seen[room_id]}
        gap: list[dict[str, Any]] = []
        start: str | None = prev_batch
        while start is not None:
            path = f"/_matrix/client/v3/rooms/{quote(room_id)}/messages"
            page = await self._get(path, {"dir": "b", "from": start, "limit": "50"})
            for event in page["chunk"]:
                if event["event_id"] in known:
                    return gap[::-1]
                gap.append(event)
            start = page.get("end")
        return gap[::-1]

    async def _get(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        give_up = time.monotonic() + _LONGEST_OUTAGE_SECONDS
        while time.monotonic() < give_up:
            with contextlib.suppress(httpx.TransportError):
                answer = await self._client.http.get(
                    path, params=params, headers=self._client.headers(), timeout=_REQUEST_SECONDS
                )
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found
                if answer.status_code != 429 and answer.status_code < 500:
                    raise LostSendError(f"{self.name}: {answer.status_code} {answer.text}")
            await asyncio.sleep(_PAUSE_SECONDS)
        raise TooLateError(f"{self.name}: no answer for {_LONGEST_OUTAGE_SECONDS} s")


async def whole_room(client: RawClient, room_id: str) -> list[tuple[str, str]]:
    """Every text of a room by `/messages` from its newest event, oldest first."""
    found: list[tuple[str, str]] = []
    page = await client.messages(room_id, limit=100)
    while True:
        found += [_read(event) for event in page["chunk"] if _is_text(event)]
        if page.get("end") is None:
            return found[::-1]
        page = await client.messages(room_id, page["end"], limit=100)


async def until(
    right: Callable[[], bool], tasks: list[asyncio.Task[None]], what: str, seconds: float
) -> None:
    """Wait until *right*; a task that failed meanwhile is raised at once."""
    give_up = time.monotonic() + seconds
    while not right():
        for task in tasks:
            if task.done():
                task.result()
        if time.monotonic() > give_up:
            raise TooLateError(f"{what}: not in {seconds:.0f} s")
        await asyncio.sleep(0.005)


def _is_text(event: dict[str, Any]) -> bool:
    return bool(event["type"] == "m.room.message")


def _read(event: dict[str, Any]) -> tuple[str, str]:
    return str(event["event_id"]), str(event["content"]["body"])
