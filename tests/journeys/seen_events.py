"""Events as they arrived from the server, and the messages a reader makes of them."""

from collections import defaultdict
from typing import Any

from tests.journeys.person import Message


class SeenRoom:
    """The newest unbroken stretch of one room's timeline that a client holds.

    Nothing is sorted and nothing is dropped as already known: a server that sends an event
    twice, or out of order, shows here.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.older: str | None = None
        self._started = False

    def take_in(
        self, events: list[dict[str, Any]], *, limited: bool, prev_batch: str | None
    ) -> None:
        """Append one sync's timeline; a limited one starts the stretch anew."""
        if limited or not self._started:
            self.events = []
            self.older = prev_batch
            self._started = True
        self.events.extend(events)

    def add_older(self, events: list[dict[str, Any]], *, older: str | None) -> None:
        """Prepend a page of `/messages` (newest first) and the token of the page before it."""
        self.events[:0] = reversed(events)
        self.older = older

    def messages(self) -> list[Message]:
        """All messages of the stretch, oldest first, with edits, reactions and redactions."""
        gone = {_redacted_by(event) for event in self.events if event["type"] == "m.room.redaction"}
        edits: dict[str, str] = {}
        reactions: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for event in self.events:
            relation = event["content"].get("m.relates_to", {})
            if event["event_id"] in gone or not relation:
                continue
            if event["type"] == "m.reaction":
                reactions[relation["event_id"]][relation["key"]].append(event["sender"])
            elif relation.get("rel_type") == "m.replace":
                edits[relation["event_id"]] = event["content"]["m.new_content"]["body"]
        return [
            self._view(event, gone, edits, reactions)
            for event in self.events
            if event["type"] == "m.room.message"
            and event["content"].get("m.relates_to", {}).get("rel_type") != "m.replace"
        ]

    @staticmethod
    def _view(
        event: dict[str, Any],
        gone: set[str | None],
        edits: dict[str, str],
        reactions: dict[str, dict[str, list[str]]],
    ) -> Message:
        event_id = str(event["event_id"])
        bundled = _bundled_edit(event)
        redacted = event_id in gone or "redacted_because" in event.get("unsigned", {})
        body = edits.get(event_id, bundled or event["content"].get("body"))
        return Message(
            event_id=event_id,
            sender=str(event["sender"]),
            body=None if redacted else body,
            edited=event_id in edits or bundled is not None,
            redacted=redacted,
            reactions={key: sorted(who) for key, who in reactions[event_id].items()}
            if event_id in reactions
            else {},
        )


def _redacted_by(event: dict[str, Any]) -> str | None:
    # Room version 11 has it in the content; servers repeat it on top for older clients.
    target: str | None = event["content"].get("redacts") or event.get("redacts")
    return target


def _bundled_edit(event: dict[str, Any]) -> str | None:
    edit = event.get("unsigned", {}).get("m.relations", {}).get("m.replace")
    if edit is None:
        return None
    return str(edit["content"]["m.new_content"]["body"])
