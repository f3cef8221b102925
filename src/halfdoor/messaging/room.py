"""A conversation as one process knows it: who is in it, its state at any point, where it stands.

Pure: made from what the store keeps, moved on by what the store says was kept.
"""

import bisect
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from halfdoor.messaging.ledger import (
    Committed,
    EpochStart,
    Head,
    Receipt,
    RoomRecord,
    SealedState,
    StoredEvent,
)
from halfdoor.messaging.powers import Powers
from halfdoor.messaging.redaction import redact_content
from halfdoor.sealing.epochs import Header, Posture, parse_header

StateKey = tuple[str, str]

# State that the server acts on stays clear; every other state event holds people's words, and is
# sealed like a message, with its current value sealed again for each epoch (SEALING §3).
CLEAR_STATE = frozenset(
    {
        "m.room.create",
        "m.room.member",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.history_visibility",
        "m.room.guest_access",
        "m.room.server_acl",
        "m.room.retention",
        # It says that there is nothing to read, and a client that could not see it would not
        # encrypt.
        "m.room.encryption",
        "org.halfdoor.posture",
        "org.halfdoor.new_key",
    }
)
# So many of the newest events are kept ready, sealed as they are, for the people who sync next.
_RECENT = 64
_CLEAR = 0


def clear_content(event: StoredEvent) -> dict[str, Any]:
    """Return the content of an event that is stored in clear; {} where there is none to read."""
    if event.body is None or event.body[0] != _CLEAR:
        return {}
    content: dict[str, Any] = msgspec.json.decode(event.body[1:])
    return content if event.redacted_by is None else redact_content(event.fields.type, content)


class Room:
    """One conversation. Everything here follows from the store's rows and can be thrown away."""

    def __init__(self, record: RoomRecord) -> None:
        """Build the room from what the store keeps."""
        self.conv = record.conv
        self.head: Head = record.head
        # The first event that retention has kept.
        self.begins = record.begins
        self._begin(record.header)
        self.log: list[StoredEvent] = []
        self._seqs: list[int] = []
        # By type and state key, the seqs of all events that said it, in order.
        self._past: dict[StateKey, list[int]] = {}
        self.state: dict[StateKey, StoredEvent] = {}
        self.members: dict[str, str] = {}
        self._contents: dict[StateKey, dict[str, Any]] = {}
        self.sealed_state: dict[StateKey, SealedState] = {
            (row.type, row.state_key): row for row in record.sealed_state
        }
        self.receipts: dict[tuple[str, str, str | None], Receipt] = {
            (r.user, r.kind, r.thread): r for r in record.receipts
        }
        self.recent: OrderedDict[int, StoredEvent] = OrderedDict()
        # Facts derived from the state, made again when it changes.
        self.derived: dict[str | tuple[str, str, str], Any] = {}
        for event in record.state_log:
            self.take_state(event)

    def __repr__(self) -> str:
        """Name the conversation, and nothing of what is in it."""
        return f"Room({self.conv!r}, seq={self.head.last_seq})"

    def _begin(self, header: bytes) -> None:
        """Let the epoch of *header* be the newest."""
        self.header: Header = parse_header(header)
        self.escrow_sets = [entry.set for entry in self.header.escrow]

    # -- state ---------------------------------------------------------------------------------

    def take_state(self, event: StoredEvent) -> None:
        """Let a state event, the newest, take the place of the one before it."""
        fields = event.fields
        assert fields.state_key is not None  # noqa: S101  # the log holds state events only
        key = (fields.type, fields.state_key)
        self.log.append(event)
        self._seqs.append(event.seq)
        self._past.setdefault(key, []).append(event.seq)
        self.state[key] = event
        self._contents.pop(key, None)
        self.derived.clear()
        if fields.type == "m.room.member":
            self.members[fields.state_key] = clear_content(event).get("membership", "leave")

    def content(self, event_type: str, state_key: str = "") -> dict[str, Any] | None:
        """Return the content of a clear state event in force, None where there is none."""
        key = (event_type, state_key)
        found = self._contents.get(key)
        if found is None:
            event = self.state.get(key)
            if event is None:
                return None
            found = self._contents[key] = clear_content(event)
        return found

    def state_at(self, seq: int) -> dict[StateKey, StoredEvent]:
        """Return the state just before event *seq*."""
        if not self._seqs or seq > self._seqs[-1]:
            return self.state
        state: dict[StateKey, StoredEvent] = {}
        for event in self.log[: bisect.bisect_left(self._seqs, seq)]:
            state[(event.fields.type, event.fields.state_key or "")] = event
        return state

    def state_between(self, after: int, before: int) -> list[StoredEvent]:
        """Return state events with after < seq < before, in order."""
        low = bisect.bisect_right(self._seqs, after)
        return self.log[low : bisect.bisect_left(self._seqs, before)]

    def replaced_by(self, event: StoredEvent) -> StoredEvent | None:
        """Return the state event that *event* took the place of."""
        past = self._past.get((event.fields.type, event.fields.state_key or ""), [])
        place = bisect.bisect_left(past, event.seq)
        if place == 0:
            return None
        return self.log[bisect.bisect_left(self._seqs, past[place - 1])]

    def memberships(self, user: str) -> list[tuple[int, str]]:
        """Return (seq, membership) of every membership event of *user*, in order."""
        return self.course("m.room.member", user, "membership")

    def course(self, event_type: str, state_key: str, name: str) -> list[tuple[int, str]]:
        """Return (seq, value of the field *name*) of every such state event, in order."""
        key = (event_type, state_key, name)
        found: list[tuple[int, str]] | None = self.derived.get(key)
        if found is None:
            found = self.derived[key] = [
                (event.seq, str(clear_content(event).get(name, "")))
                for event in self.log
                if event.fields.type == event_type and event.fields.state_key == state_key
            ]
        return found

    # -- derived facts -------------------------------------------------------------------------

    @property
    def creator(self) -> str:
        """The person who made the conversation."""
        return self.state[("m.room.create", "")].fields.sender

    @property
    def powers(self) -> Powers:
        """The power levels in force."""
        found: Powers | None = self.derived.get("powers")
        if found is None:
            found = Powers(self.content("m.room.power_levels"), self.creator)
            self.derived["powers"] = found
        return found

    @property
    def history_visibility(self) -> str:
        """The history visibility in force, `shared` where nothing is said."""
        return self._setting("m.room.history_visibility", "history_visibility", "shared")

    @property
    def join_rule(self) -> str:
        """The join rule in force."""
        return self._setting("m.room.join_rules", "join_rule", "invite")

    @property
    def posture(self) -> Posture:
        """Who can read: `standard` or `e2ee`, never changed after creation.

        The state event says it to people; the header of every epoch says it too, to whoever opens
        it, and the two agree (`Rooms`).
        """
        return self.header.posture

    @property
    def said_posture(self) -> str:
        """What the state event says of the posture."""
        return self._setting("org.halfdoor.posture", "posture", "standard")

    def _setting(self, event_type: str, name: str, default: str) -> str:
        value = (self.content(event_type) or {}).get(name, default)
        return value if isinstance(value, str) else default

    def with_membership(self, *memberships: str) -> list[str]:
        """Return the people with one of these memberships."""
        return [user for user, now in self.members.items() if now in memberships]

    @property
    def joined(self) -> list[str]:
        """The people in the conversation."""
        found: list[str] | None = self.derived.get("joined")
        if found is None:
            found = self.derived["joined"] = self.with_membership("join")
        return found

    @property
    def invited(self) -> list[str]:
        """The people who have not answered their invitation."""
        found: list[str] | None = self.derived.get("invited")
        if found is None:
            found = self.derived["invited"] = self.with_membership("invite")
        return found

    def readers(self) -> set[str]:
        """Return who belongs in the next epoch's header (SEALING §3, members)."""
        kinds = ("join",) if self.history_visibility == "joined" else ("join", "invite")
        return set(self.with_membership(*kinds))

    def name_of(self, user: str) -> str | None:
        """Return the display name of *user* in this conversation."""
        return (self.content("m.room.member", user) or {}).get("displayname")

    # -- moving on -----------------------------------------------------------------------------

    def apply(
        self, committed: Committed, start: EpochStart | None, sealed: Iterable[SealedState] = ()
    ) -> None:
        """Take over what the store kept; *sealed* are the new values of sealed state."""
        if committed.repeat or committed.head.last_seq <= self.head.last_seq:
            return
        self.head = committed.head
        if start is not None:
            self._begin(start.header)
            for row in start.sealed_state:
                self.sealed_state[(row.type, row.state_key)] = row
        for row in sealed:
            self.sealed_state[(row.type, row.state_key)] = row
        for event in committed.events:
            self.recent[event.seq] = event
            if event.fields.state_key is not None:
                self.take_state(event)
            elif event.fields.redacts is not None:
                self._mark_redacted(event)
        while len(self.recent) > _RECENT:
            self.recent.popitem(last=False)

    def _mark_redacted(self, redaction: StoredEvent) -> None:
        target = redaction.fields.redacts
        for seq, event in self.recent.items():
            if event.fields.event_id == target:
                self.recent[seq] = _redacted(event, redaction)
                break
        for place, event in enumerate(self.log):
            if event.fields.event_id == target:
                done = _redacted(event, redaction)
                self.log[place] = done
                key = (event.fields.type, event.fields.state_key or "")
                if self.state.get(key) is event:
                    self.state[key] = done
                    self._contents.pop(key, None)
                    self.sealed_state.pop(key, None)
                    self.derived.clear()

    def recent_between(self, after: int, before: int) -> Sequence[StoredEvent] | None:
        """Return events with after < seq < before if all of them are at hand, else None."""
        if not self.recent or next(iter(self.recent)) > after + 1:
            return None
        # The store may have kept more than was taken over here so far.
        if before > self.head.last_seq + 1:
            return None
        held = self.recent
        return [held[seq] for seq in range(after + 1, before) if seq in held]


def _redacted(event: StoredEvent, redaction: StoredEvent) -> StoredEvent:
    clear = event.body is not None and event.body[0] == _CLEAR
    return msgspec.structs.replace(
        event, body=event.body if clear else None, redacted_by=redaction.fields.event_id
    )
