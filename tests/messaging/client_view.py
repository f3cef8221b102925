"""A client that believes what it is told: it folds sync answers and closes gaps by paging back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
# conversation, token to go on from → the answer of /messages, going back
Older = Callable[[str, str], Awaitable[dict[str, Any]]]


@dataclass
class RoomView:
    """A conversation as a client shows it."""

    membership: str = "join"
    timeline: list[Event] = field(default_factory=list)
    state: dict[tuple[str, str], Event] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    unread: int = 0


class View:
    """Everything a client knows."""

    def __init__(self, older: Older) -> None:
        self._older = older
        self.rooms: dict[str, RoomView] = {}

    async def fold(self, answer: dict[str, Any]) -> None:
        """Take over what one sync answer says."""
        sections = answer.get("rooms", {})
        for conv, section in sections.get("join", {}).items():
            await self._take(conv, section, "join")
        for conv, section in sections.get("leave", {}).items():
            await self._take(conv, section, "leave")
        for conv in sections.get("invite", {}):
            self.rooms.setdefault(conv, RoomView()).membership = "invite"

    async def _take(self, conv: str, section: dict[str, Any], membership: str) -> None:
        room = self.rooms.setdefault(conv, RoomView())
        if room.membership != "join" and section["timeline"]["limited"]:
            # What was shown from outside is no beginning that pages could join on to.
            room.timeline = []
        room.membership = membership
        events = list(section["timeline"]["events"])
        known = {one["event_id"] for one in room.timeline}
        if section["timeline"]["limited"]:
            room.timeline = await self._across_the_gap(conv, section, room.timeline, events)
        else:
            again = [one for one in events if one["event_id"] in known]
            assert not again, f"told twice: {again}"
            room.timeline += events
        for one in (*section["state"]["events"], *events):
            if "state_key" in one:
                room.state[one["type"], one["state_key"]] = one
        room.summary.update(section.get("summary", {}))
        if "unread_notifications" in section:
            room.unread = section["unread_notifications"]["notification_count"]
        ids = [one["event_id"] for one in room.timeline]
        assert len(ids) == len(set(ids)), "an event stands in the timeline twice"

    async def _across_the_gap(
        self, conv: str, section: dict[str, Any], held: list[Event], events: list[Event]
    ) -> list[Event]:
        """Page back from the gap until something known, or the beginning."""
        known = {one["event_id"]: at for at, one in enumerate(held)}
        start: str | None = section["timeline"]["prev_batch"]
        while start is not None and not any(one["event_id"] in known for one in events):
            page = await self._older(conv, start)
            events = [*reversed(page["chunk"]), *events]
            start = page.get("end")
        for at, one in enumerate(events):
            if one["event_id"] in known:
                return held[: known[one["event_id"]]] + events[at:]
        return events
