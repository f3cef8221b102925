"""Several people and devices act at random; at the end each client shows the plain definition.

The definition: in history that is shared, whoever is in a conversation sees every event of it, in
order, once each; its state is the newest event of each kind; unread is what others said since one
last wrote or read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.messaging.client_view import View
from tests.messaging.little_house import DAY_MS, LittleHouse, Someone
from tests.messaging.slow_store import Slow

from halfdoor.messaging.errors import MessagingError
from halfdoor.messaging.keep import BusyError
from halfdoor.messaging.ledger import StoredEvent
from halfdoor.safety.contact import ContactRefused

NAMES = ("ada", "ben", "cleo")
# Each person's devices; the machine picks one of all five.
DEVICES = ("ada", "ada-phone", "ben", "ben-phone", "cleo")
ROOMS = 3
SLOWED = (
    "append", "events", "event", "room", "inbox", "places", "place", "position", "epochs",
    "newest_epochs", "add_readers", "set_receipt", "set_read",
)  # fmt: skip

devices = st.sampled_from(DEVICES)
names = st.sampled_from(NAMES)
rooms = st.integers(0, ROOMS - 1)
picks = st.integers(0, 1_000)
pauses = st.lists(st.integers(0, 4), min_size=4, max_size=24)


class Clients(RuleBasedStateMachine):
    """The house, the people in it, and what each device believes."""

    slowed: tuple[str, ...] = SLOWED

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.house = self.make_house()
        self.devices: dict[str, Someone] = {}
        self.views: dict[str, View] = {}
        self.rooms: list[str] = []
        self.sent: list[tuple[str, str, str, str, str]] = []
        self.number = 0

    def make_house(self) -> LittleHouse:
        return LittleHouse()

    def run(self, act: Awaitable[Any]) -> Any:
        async def acting() -> Any:
            return await act

        return self.loop.run_until_complete(acting())

    def try_(self, act: Awaitable[Any]) -> Any:
        """Do what the rules may refuse."""

        async def trying() -> Any:
            try:
                return await act
            except (MessagingError, ContactRefused, BusyError):
                return None

        return self.loop.run_until_complete(trying())

    # -- the beginning ---------------------------------------------------------------------------

    @initialize()
    def people_sign_in(self) -> None:
        async def begin() -> None:
            for name in NAMES:
                self.devices[name] = await self.house.person(name)
            for name in ("ada", "ben"):
                self.devices[f"{name}-phone"] = self.devices[name].another_device(f"{name}-phone")
            for one in NAMES:
                for other in NAMES:
                    if one != other:
                        self.house.connect(self.devices[one], self.devices[other])

        self.run(begin())
        self.views = {name: View(self._older(name)) for name in DEVICES}
        self.rooms.append(self.run(self.devices["ada"].create(self.devices["ben"])))

    def _older(self, device: str) -> Callable[[str, str], Awaitable[dict[str, Any]]]:
        async def older(conv: str, start: str) -> dict[str, Any]:
            return await self.devices[device].messages(conv, start=start, limit=3)

        return older

    def _room(self, pick: int) -> str:
        return self.rooms[pick % len(self.rooms)]

    def _events(self, conv: str) -> list[StoredEvent]:
        return self.house.store.conversations[conv].events

    def _event(self, conv: str, pick: int) -> str:
        events = self._events(conv)
        return events[pick % len(events)].fields.event_id

    # -- what people do --------------------------------------------------------------------------

    @precondition(lambda self: len(self.rooms) < ROOMS)
    @rule(device=devices, invited=st.sets(names, max_size=2))
    def create(self, device: str, invited: set[str]) -> None:
        who = self.devices[device]
        others = [self.devices[name] for name in sorted(invited) if self.devices[name].id != who.id]
        self.rooms.append(self.run(who.create(*others)))

    @rule(device=devices, name=names, room=rooms)
    def invite(self, device: str, name: str, room: int) -> None:
        self.try_(self.devices[device].invite(self._room(room), self.devices[name]))

    @rule(device=devices, room=rooms)
    def join(self, device: str, room: int) -> None:
        self.try_(self.devices[device].join(self._room(room)))

    @rule(device=devices, room=rooms)
    def leave(self, device: str, room: int) -> None:
        self.try_(self.devices[device].leave(self._room(room)))

    async def _say(self, device: str, conv: str) -> None:
        self.number += 1
        text, txn = f"m{self.number}", f"say{self.number}"
        event = await self.devices[device].say(conv, text, txn=txn)
        self.sent.append((device, conv, text, txn, event))

    @rule(device=devices, room=rooms, times=st.integers(1, 5))
    def say(self, device: str, room: int, times: int) -> None:
        for _ in range(times):
            self.try_(self._say(device, self._room(room)))

    @precondition(lambda self: self.sent)
    @rule(pick=picks)
    def repeat_after_a_lost_answer(self, pick: int) -> None:
        device, conv, text, txn, event = self.sent[pick % len(self.sent)]
        before = len(self._events(conv))
        assert self.run(self.devices[device].say(conv, text, txn=txn)) == event
        assert len(self._events(conv)) == before

    @precondition(lambda self: self.sent)
    @rule(device=devices, pick=picks, kind=st.sampled_from(["edit", "react", "redact"]))
    def relate(self, device: str, pick: int, kind: str) -> None:
        _, conv, _, _, event = self.sent[pick % len(self.sent)]
        who = self.devices[device]
        if kind == "edit":
            self.try_(who.edit(conv, event, "edited"))
        elif kind == "react":
            self.try_(who.react(conv, event))
        else:
            self.try_(who.redact(conv, event))

    @rule(device=devices, room=rooms, kind=st.sampled_from(["m.room.name", "m.room.topic"]))
    def set_state(self, device: str, room: int, kind: str) -> None:
        self.number += 1
        key = kind.rsplit(".", maxsplit=1)[1]
        content = {key: f"s{self.number}"}
        self.try_(self.devices[device].set_state(self._room(room), kind, content))

    @rule(
        device=devices,
        room=rooms,
        pick=picks,
        kind=st.sampled_from(["m.read", "m.read.private"]),
    )
    def read(self, device: str, room: int, pick: int, kind: str) -> None:
        conv = self._room(room)
        self.try_(self.devices[device].read(conv, self._event(conv, pick), kind))

    # -- what happens to everybody ---------------------------------------------------------------

    @rule(device=devices, limit=st.integers(1, 12))
    def sync(self, device: str, limit: int) -> None:
        self.run(self._sync(device, limit))

    async def _sync(self, device: str, limit: int) -> bool:
        before = self.devices[device].token or ""
        answer = await self.devices[device].sync(limit=limit)
        assert set(answer) == {"next_batch"} or answer["next_batch"] != before
        await self.views[device].fold(answer)
        return str(answer["next_batch"]) != before

    @rule(
        device=devices,
        other=devices,
        room=rooms,
        what=st.sampled_from(["say", "join", "leave", "invite", "read", "redact"]),
        limit=st.integers(1, 6),
        pauses=pauses,
    )
    def sync_while_somebody_acts(
        self, device: str, other: str, room: int, what: str, limit: int, pauses: list[int]
    ) -> None:
        """Let the two requests take turns at every call of the store."""
        who, conv = self.devices[other], self._room(room)
        event = self._event(conv, len(pauses))
        acts: dict[str, Callable[[], Awaitable[Any]]] = {
            "say": lambda: self._say(other, conv),
            "join": lambda: who.join(conv),
            "leave": lambda: who.leave(conv),
            "invite": lambda: who.invite(conv, self.devices[NAMES[len(pauses) % 3]]),
            "read": lambda: who.read(conv, event),
            "redact": lambda: who.redact(conv, event),
        }

        async def act() -> None:
            try:
                await acts[what]()
                await self._say(other, conv)
            except (MessagingError, ContactRefused, BusyError):
                return

        async def both() -> None:
            await asyncio.gather(self._sync(device, limit), act(), self._say_if_possible(conv))

        slow = Slow(self.house.store, self.slowed, pauses)
        try:
            self.run(both())
        finally:
            slow.undo()

    async def _say_if_possible(self, conv: str) -> None:
        try:
            await self._say("ada", conv)
        except (MessagingError, ContactRefused, BusyError):
            return

    @rule()
    def restart(self) -> None:
        self.house.start()

    @rule()
    def another_day(self) -> None:
        self.house.clock.now += DAY_MS

    @rule(device=devices)
    def forget_everything(self, device: str) -> None:
        """Let a client lose its store and begin anew."""
        self.devices[device].token = None
        self.views[device] = View(self._older(device))

    # -- the end ---------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if self.devices:
                for device in DEVICES:
                    self._check(device)
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def _check(self, device: str) -> None:
        who, view = self.devices[device], self.views[device]
        while self.run(self._sync(device, 2)):
            continue
        for conv in self.rooms:
            events = self._events(conv)
            course = [
                (event.seq, (event.body or b"")[1:])
                for event in events
                if event.fields.type == "m.room.member" and event.fields.state_key == who.id
            ]
            if not course or b'"join"' not in course[-1][1]:
                assert conv not in view.rooms or view.rooms[conv].membership != "join"
                if course and b'"leave"' in course[-1][1]:
                    self._check_left(who, conv, course)
                continue
            room = view.rooms[conv]
            assert room.membership == "join"
            assert [one["event_id"] for one in room.timeline] == _ids(events)
            paged = self.run(who.messages(conv, limit=100))["chunk"]
            assert [one["event_id"] for one in paged] == _ids(events)[::-1][:100]
            self._check_words(paged)
            state = {
                (event.fields.type, event.fields.state_key): event.fields.event_id
                for event in events
                if event.fields.state_key is not None
            }
            assert {key: one["event_id"] for key, one in room.state.items()} == state
            members = self.run(self.house.rooms.get(conv))
            assert room.summary["m.joined_member_count"] == len(members.joined)
            assert room.summary["m.invited_member_count"] == len(members.with_membership("invite"))
            assert room.unread == self._unread(who, conv, since=course[-1][0])

    def _check_left(self, who: Someone, conv: str, course: list[tuple[int, bytes]]) -> None:
        """Check that whoever left sees what there was until then."""
        joins = [at for at, (_, body) in enumerate(course) if b'"join"' in body]
        if not joins:
            return
        gone = course[joins[-1] + 1][0]
        paged = self.run(who.messages(conv, limit=100))["chunk"]
        seen = [event for event in self._events(conv) if event.seq <= gone]
        assert [one["event_id"] for one in paged] == _ids(seen)[::-1][:100]

    def _check_words(self, shown: list[dict[str, Any]]) -> None:
        texts = {event: text for _, _, text, _, event in self.sent}
        for one in shown:
            if one["event_id"] not in texts:
                continue
            if "redacted_because" in one["unsigned"]:
                assert one["content"] == {}
            else:
                assert one["content"]["body"] == texts[one["event_id"]]

    def _unread(self, who: Someone, conv: str, since: int) -> int:
        kept = self.house.store.conversations[conv]
        read = [receipt.seq for receipt in kept.receipts.values() if receipt.user == who.id]
        own = [event.seq for event in kept.events if event.fields.sender == who.id]
        behind = max([since, *read, *own])
        return sum(
            event.fields.type == "m.room.message" and event.fields.rel_type != "m.replace"
            for event in kept.events
            if event.seq > behind
        )


def _ids(events: list[StoredEvent]) -> list[str]:
    return [event.fields.event_id for event in events]


Clients.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestEveryClient = Clients.TestCase
