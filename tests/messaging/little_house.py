"""The messaging room wired over a store in memory, with real sealing and a real keyring."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.messaging.fake_store import FakeStore
from tests.messaging.fake_to_device import FakeToDevice

from halfdoor.messaging.audience import Audience
from halfdoor.messaging.consequences import Consequences
from halfdoor.messaging.contacts import Contacts
from halfdoor.messaging.create import Creator
from halfdoor.messaging.filters import parse_event_filter, parse_filter
from halfdoor.messaging.hearing import Hearing
from halfdoor.messaging.history import History
from halfdoor.messaging.keep import Keeper
from halfdoor.messaging.markers import Markers
from halfdoor.messaging.media_naming import Naming
from halfdoor.messaging.moves import Moves
from halfdoor.messaging.personal import Personal
from halfdoor.messaging.presenting import Presenting
from halfdoor.messaging.reading import Reader, Reading
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.send import Sender
from halfdoor.messaging.sync import Syncer
from halfdoor.messaging.sync_rooms import SyncOptions, SyncRooms
from halfdoor.messaging.sync_to_device import DeviceSection
from halfdoor.messaging.sync_token import parse_token
from halfdoor.messaging.typing import Typing
from halfdoor.messaging.versions import Versions
from halfdoor.messaging.wake import Others, Wakeups
from halfdoor.messaging.wraps import Wraps
from halfdoor.policy.load import load
from halfdoor.readers.participants.keyring import Keyring
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import Person
from halfdoor.safety.measures import NONE, Limits
from halfdoor.sealing.labels import b64
from halfdoor.sealing.shares import EscrowSet
from halfdoor.sealing.suites import X25519, PrivateKey, PublicKey

DAY_MS = 86_400_000


@dataclass
class FixedClock:
    """A clock that moves when it is told to."""

    now: int = 20_780 * DAY_MS + 1_000

    def now_ms(self) -> int:
        return self.now


@dataclass
class FakePeople:
    """The facts about people, as the accounts room would tell them."""

    version: int = 0
    bands: dict[str, AgeBand] = field(default_factory=dict)
    keys: dict[str, PublicKey] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    connections: dict[frozenset[str], str] = field(default_factory=dict)
    blocked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    suspended_users: set[str] = field(default_factory=set)
    limited: dict[str, Limits] = field(default_factory=dict)
    chose_dm: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)
    _blocks: dict[str, frozenset[str]] = field(default_factory=dict)

    async def person(self, user: str) -> Person:
        band = self.bands.get(user, AgeBand.UNKNOWN)
        return Person(
            user_id=user,
            band=band,
            dm_choice=True if user in self.chose_dm else None,
            device_checks=user in self.checked,
        )

    async def suspended(self, user: str) -> bool:
        return user in self.suspended_users

    async def limits(self, user: str) -> Limits:
        held = self.limited.get(user, NONE)
        return replace(held, suspended=True) if user in self.suspended_users else held

    async def exists(self, user: str) -> bool:
        return user in self.accounts

    async def connection(self, one: str, other: str) -> str | None:
        return self.connections.get(frozenset({one, other}))

    async def blocks(self, user: str) -> frozenset[str]:
        return self.blocks_at_hand(user)

    def blocks_at_hand(self, user: str) -> frozenset[str]:
        held = self._blocks.get(user)
        if held is None or held != self.blocked[user]:
            held = self._blocks[user] = frozenset(self.blocked[user])
        return held

    async def connect(self, one: str, other: str, source: str) -> None:
        self.connections[frozenset({one, other})] = source
        self.version += 1

    async def public_key(self, user: str) -> PublicKey | None:
        return self.keys.get(user)

    async def member_content(self, user: str) -> dict[str, str]:
        return (
            {"displayname": user[1:].split(":", maxsplit=1)[0].title()}
            if user in self.accounts
            else {}
        )

    def forget_key(self, user: str) -> None:
        """Nothing is held ready here."""


class NobodyWaits:
    """No device waits for approval."""

    async def waiting(self, user: str) -> list[dict[str, Any]]:
        return []

    async def waits(self, user: str, session: str) -> bool:
        return False


def escrow_set() -> EscrowSet:
    """Return a 2-of-3 set of custodians."""
    custodians = [
        {
            "name": f"C{i}",
            "organisation": "O",
            "employer": "E",
            "hpke": b64(PrivateKey.generate(X25519).public.raw),
            "approval_key": "",
            "notice_url": f"https://c{i}.example/",
        }
        for i in range(3)
    ]
    return EscrowSet.from_document(
        {
            "v": 1,
            "entity": "a.example",
            "suite": 1,
            "groups": [{"k": 2, "custodians": custodians}],
            "open_until": 30_000,
        }
    )


class LittleHouse:
    """Everything between the web and the store."""

    # Where other processes write to the same store.
    others: Others | None = None
    versions: Versions | None = None

    def __init__(self, *, escrow: list[EscrowSet] | None = None) -> None:
        self.clock = FixedClock()
        self.store = FakeStore()
        self.people = FakePeople()
        self.keyring = Keyring()
        self.escrow = [escrow_set()] if escrow is None else escrow
        self.policy = load(None)
        self.start()

    def start(self) -> None:
        """Wire the rooms; again, as after a restart: only store and keyring are carried over."""
        store, people, clock = self.store, self.people, self.clock
        self.to_device = FakeToDevice(store)
        self.wakeups = Wakeups(store, self.others)
        self.rooms = self.make_rooms()
        self.audience = Audience(store, people)
        self.reading = Reading(store, self.keyring)
        self.typing = Typing("boot1", clock, self.wakeups.nudge)
        self.personal = Personal(store, self.keyring, self.audience, self.wakeups)
        self.keeper = Keeper(
            store=store,
            rooms=self.rooms,
            audience=self.audience,
            reading=self.reading,
            keys=people,
            wakeups=self.wakeups,
            escrow=self.escrow,
            entity="a.example",
            redaction_grace_ms=30 * DAY_MS,
            clock=clock,
            versions=self.versions,
            naming=self.make_naming(),
        )
        self.wraps = Wraps(
            store=store,
            rooms=self.rooms,
            reading=self.reading,
            keys=people,
            wakeups=self.wakeups,
            clock=clock,
        )
        self.contacts = Contacts(
            policy=self.policy, people=people, mailbox=store, audience=self.audience, clock=clock
        )
        self.moves = Moves(
            keeper=self.keeper,
            rooms=self.rooms,
            contacts=self.contacts,
            wraps=self.wraps,
            mailbox=store,
            profiles=people,
            people=people,
        )
        self.creator = Creator(
            keeper=self.keeper,
            store=store,
            reading=self.reading,
            contacts=self.contacts,
            moves=self.moves,
            profiles=people,
            server_name="a.example",
            clock=clock,
        )
        self.sender = Sender(
            keeper=self.keeper,
            store=store,
            rooms=self.rooms,
            contacts=self.contacts,
            k_id=bytes(32),
        )
        hearing = Hearing(self.audience, self.contacts)
        presenting = Presenting(store, self.reading, hearing, clock)
        self.history = History(store, store, self.rooms, presenting)
        self.markers = Markers(
            store=store,
            mailbox=store,
            rooms=self.rooms,
            personal=self.personal,
            hearing=hearing,
            wakeups=self.wakeups,
            typing=self.typing,
            clock=clock,
        )
        self.syncer = Syncer(
            entity="a.example",
            mailbox=store,
            rooms=self.rooms,
            sections=SyncRooms(store, presenting, self.typing),
            personal=self.personal,
            audience=self.audience,
            wakeups=self.wakeups,
            wraps=self.wraps,
            typing=self.typing,
            pending=NobodyWaits(),
            devices=DeviceSection(self.to_device, NobodyWaits()),
            acquaintances=self.contacts,
        )
        self.news = Consequences(
            store=store,
            mailbox=store,
            rooms=self.rooms,
            keeper=self.keeper,
            moves=self.moves,
            seals=self.keyring,
            audience=self.audience,
            wakeups=self.wakeups,
            keys=people,
        )

    def make_naming(self) -> Naming | None:
        """Return what gives files to readers; here there are none."""
        return None

    def make_rooms(self) -> Rooms:
        """Return the conversations at hand."""
        return Rooms(self.store)

    # -- people --------------------------------------------------------------------------------

    async def person(
        self, name: str, band: AgeBand = AgeBand.ADULT, *, signed_in: bool = True
    ) -> "Someone":
        """Make an account; with *signed_in* it has a key and a session."""
        user = f"@{name}:a.example"
        self.people.accounts.add(user)
        self.people.bands[user] = band
        someone = Someone(self, Reader(user, f"DEV{name.upper()}", f"session-{name}"))
        if signed_in:
            await someone.sign_in()
        return someone

    def connect(self, one: "Someone", other: "Someone") -> None:
        """Connect two people, as the platform says."""
        self.people.connections[frozenset({one.id, other.id})] = "platform"
        self.people.version += 1


class Someone:
    """A person at a client: what they do, and what their client was told."""

    def __init__(self, house: LittleHouse, reader: Reader) -> None:
        self.house = house
        self.reader = reader
        self.token: str | None = None
        self.sent = 0

    @property
    def id(self) -> str:
        return self.reader.user

    async def sign_in(self) -> None:
        """Make the user key and keep a request in flight for ever."""
        session = self.reader.session or ""
        self.house.keyring.start(session)
        self.house.people.keys[self.id] = self.house.keyring.create(session, self.id)
        await self.house.news.new_user_key(self.id, replaced=False)

    def another_device(self, name: str) -> "Someone":
        """Sign the same person in on another device, which gets the user key."""
        keyring, session = self.house.keyring, f"session-{name}"
        kek, slot = bytes(32), "pw"
        blob = keyring.wrap(self.reader.session or "", self.id, slot, kek)
        keyring.start(session)
        kid = self.house.people.keys[self.id].kid
        keyring.unlock(session, self.id, kid, slot, blob, kek)
        return Someone(self.house, Reader(self.id, name, session))

    async def create(self, *invite: "Someone", **request: Any) -> str:
        body = {"preset": "trusted_private_chat", "invite": [one.id for one in invite], **request}
        return await self.house.creator.create(self.reader, body)

    async def say(self, conv: str, text: str, *, txn: str | None = None, **content: Any) -> str:
        self.sent += 1
        return await self.house.sender.message(
            self.reader,
            conv,
            "m.room.message",
            {"msgtype": "m.text", "body": text, **content},
            txn or f"txn{self.sent}",
        )

    async def send(self, conv: str, kind: str, content: dict[str, Any]) -> str:
        self.sent += 1
        return await self.house.sender.message(self.reader, conv, kind, content, f"txn{self.sent}")

    async def edit(self, conv: str, event: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event}
        return await self.send(
            conv, "m.room.message", {**new, "m.new_content": new, "m.relates_to": relation}
        )

    async def react(self, conv: str, event: str, key: str = "+") -> str:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return await self.send(conv, "m.reaction", {"m.relates_to": relation})

    async def redact(self, conv: str, event: str, **content: Any) -> str:
        self.sent += 1
        return await self.house.sender.redact(
            self.reader, conv, event, content, f"txn{self.sent}", endpoint=f"redact/{event}"
        )

    async def set_state(
        self, conv: str, kind: str, content: dict[str, Any], state_key: str = ""
    ) -> str:
        return await self.house.sender.state(self.reader, conv, kind, state_key, content)

    async def invite(self, conv: str, who: "Someone", **extra: Any) -> None:
        await self.house.moves.invite(self.reader, conv, who.id, extra)

    async def kick(self, conv: str, who: "Someone", **extra: Any) -> None:
        await self.house.moves.kick(self.reader, conv, who.id, extra)

    async def read(
        self, conv: str, event: str, kind: str = "m.read", thread: str | None = None
    ) -> None:
        await self.house.markers.read(self.reader, conv, kind, event, thread)

    async def join(self, conv: str) -> None:
        await self.house.moves.join(self.reader, conv)

    async def leave(self, conv: str) -> None:
        await self.house.moves.leave(self.reader, conv)

    async def sync(
        self, *, since: str | None = None, limit: int = 10, timeout_ms: int = 0, **options: Any
    ) -> dict[str, Any]:
        """Sync from the last token (or *since*) and keep the new one."""
        wanted = parse_filter(msgspec.json.encode({"room": {"timeline": {"limit": limit}}}))
        start = since or self.token
        answer: dict[str, Any] = msgspec.json.decode(
            await self.house.syncer.sync(
                self.reader,
                parse_token(start) if start else None,
                timeout_ms,
                SyncOptions(wanted, **options),
            )
        )
        self.token = answer["next_batch"]
        return answer

    async def messages(self, conv: str, **options: Any) -> dict[str, Any]:
        defaults: dict[str, Any] = {
            "start": None,
            "end": None,
            "direction": "b",
            "limit": 100,
            "wanted": parse_event_filter("{}"),
        }
        answer = await self.house.history.messages(self.reader, conv, **{**defaults, **options})
        page: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(answer))
        return page


def bodies(events: list[dict[str, Any]]) -> list[str]:
    """Return the texts of the messages among *events*."""
    return [one["content"]["body"] for one in events if "body" in one["content"]]


def timeline(answer: dict[str, Any], conv: str) -> list[dict[str, Any]]:
    """Return the timeline of a joined room in a sync answer."""
    events: list[dict[str, Any]] = answer["rooms"]["join"][conv]["timeline"]["events"]
    return events
