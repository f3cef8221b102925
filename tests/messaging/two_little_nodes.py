"""Two little houses over one store in memory: two processes, with a memory of their own each."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.messaging.fake_store import FakeStore
from tests.messaging.little_house import LittleHouse, Someone

from halfdoor.messaging.ledger import (
    Append,
    Committed,
    Glance,
    Receipt,
    StaleError,
    Told,
)
from halfdoor.messaging.mailbox import AccountData, Standing
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.shared_rooms import SharedRooms
from halfdoor.messaging.versions import Versions

ACTS = (
    "create", "say", "send", "edit", "react", "redact", "set_state", "invite", "kick", "read",
    "join", "leave", "sync", "messages",
)  # fmt: skip


class SharedFakeStore(FakeStore):
    """A store that says where everything stands, and refuses what was decided on the past."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[str, int] = {}
        self.told: dict[str, int] = {}

    def change(self, *users: str) -> None:
        """Let others know that something about *users* is another now."""
        for user in users:
            self.versions[user] = self.versions.get(user, 0) + 1

    async def append(self, item: Append) -> Committed:
        kept = self.conversations.get(item.conv)
        known = {event.fields.event_id for event in kept.events} if kept is not None else set()
        if item.events[0].fields.event_id not in known:
            for user, version in item.versions:
                if self.versions.get(user, 0) != version:
                    raise StaleError
        return await super().append(item)

    async def set_receipt(
        self, conv: str, receipt: Receipt, tell: Sequence[str]
    ) -> tuple[Told, ...] | None:
        told = await super().set_receipt(conv, receipt, tell)
        if told is not None:
            self.told[conv] = self.told.get(conv, 0) + 1
        return told

    async def set_account_data(self, user: str, data: AccountData) -> Told:
        if not (data.sealed or data.room):
            self.change(user)
        return await super().set_account_data(user, data)

    async def glances(self, convs: Sequence[str]) -> dict[str, Glance]:
        return {
            conv: Glance(self.conversations[conv].head, self.told.get(conv, 0))
            for conv in convs
            if conv in self.conversations
        }

    async def receipts(self, conv: str) -> Sequence[Receipt]:
        return tuple(self.conversations[conv].receipts.values())

    async def standings(self, users: Sequence[str]) -> dict[str, Standing]:
        return {
            user: Standing(len(self.rows.get(user, [])), self.versions.get(user, 0))
            for user in users
            if user in self.rows or user in self.versions
        }


class NodeHouse(LittleHouse):
    """One node. `peers` are all nodes; what they are told passes *hints*, or is lost."""

    def __init__(self, store: SharedFakeStore, hints: Callable[[], bool]) -> None:
        self.shared = store
        self.peers: list[NodeHouse] = [self]
        self.turns = itertools.cycle([0])
        self.hints = hints
        super().__init__()

    def start(self) -> None:
        self.store = self.shared
        self.others = self
        self.versions = Versions(self.shared)
        super().start()
        self.versions.watch(forget=self.audience.forget, position=self.wakeups.learn)

    def make_rooms(self) -> Rooms:
        assert self.versions is not None
        return SharedRooms(self.shared, self.versions)

    async def listen(self, user: str) -> None:
        """All is heard always, as far as it is told."""

    def tell(self, people: Iterable[tuple[str, int]]) -> None:
        for peer in self.peers:
            if peer is not self and self.hints():
                for user, position in people:
                    peer.wakeups.learn(user, position)

    async def person(self, *args: Any, **options: Any) -> "Roaming":
        someone = await super().person(*args, **options)
        return Roaming(self, someone.reader)


def two_nodes(hints: Callable[[], bool] = lambda: True) -> NodeHouse:
    """Return the first of two nodes, which has everything in common with its peer but memory."""
    first = NodeHouse(SharedFakeStore(), hints)
    second = NodeHouse(first.shared, hints)
    for name in ("clock", "people", "keyring", "escrow", "policy"):
        setattr(second, name, getattr(first, name))
    second.start()
    first.peers = second.peers = [first, second]
    return first


class Roaming(Someone):
    """A device whose every request meets the node whose turn it is, as behind a balancer."""

    def another_device(self, name: str) -> "Roaming":
        return Roaming(self.house, super().another_device(name).reader)

    def at(self, node: LittleHouse) -> Someone:
        """Return the same device for one request at *node*."""
        self.sent += 1
        one = Someone(node, self.reader)
        one.token, one.sent = self.token, self.sent * 1_000
        return one


def _roaming(name: str) -> Callable[..., Any]:
    async def act(self: Roaming, *args: Any, **options: Any) -> Any:
        home = self.house
        assert isinstance(home, NodeHouse)
        node = home.peers[next(home.turns) % len(home.peers)]
        one = self.at(node)
        assert node.versions is not None
        # As the gate does, before a session is believed.
        await node.versions.arrive(self.reader.user)
        answer = await getattr(one, name)(*args, **options)
        if name == "sync":
            self.token = one.token
        return answer

    return act


for _name in ACTS:
    setattr(Roaming, _name, _roaming(_name))

__all__ = ["NodeHouse", "Reader", "Roaming", "SharedFakeStore", "two_nodes"]
