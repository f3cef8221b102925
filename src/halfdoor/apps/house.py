"""The rooms of a running server, joined by hand: nothing else wires them."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from halfdoor.accounts.changes import Changes
from halfdoor.accounts.deactivate import Deactivate
from halfdoor.accounts.devices import Devices
from halfdoor.accounts.jwt import JwtSettings, KeySource, Platform
from halfdoor.accounts.login import Login
from halfdoor.accounts.login_tokens import LoginTokens
from halfdoor.accounts.password_change import PasswordChange
from halfdoor.accounts.passwords import Passwords
from halfdoor.accounts.pending import Pending, short_code
from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles
from halfdoor.accounts.recovery import Recovery
from halfdoor.accounts.refresh import Refresh
from halfdoor.accounts.register import Register
from halfdoor.accounts.session import Lifetimes
from halfdoor.accounts.sessions import Sessions
from halfdoor.accounts.signin import SignIn
from halfdoor.accounts.start_over import StartOver
from halfdoor.accounts.store import AccountStore
from halfdoor.accounts.theft import Theft
from halfdoor.accounts.throttle import Attempts
from halfdoor.accounts.tokens import Mint
from halfdoor.accounts.uia import Uia
from halfdoor.apps.stores import DatabasePlace, Opened, open_embedded, open_postgres
from halfdoor.clock import Clock, SystemClock
from halfdoor.messaging.audience import Audience
from halfdoor.messaging.consequences import Consequences
from halfdoor.messaging.contacts import Contacts
from halfdoor.messaging.create import Creator
from halfdoor.messaging.facts import Facts
from halfdoor.messaging.hearing import Hearing
from halfdoor.messaging.history import History
from halfdoor.messaging.keep import Keeper
from halfdoor.messaging.markers import Markers
from halfdoor.messaging.moves import Moves
from halfdoor.messaging.personal import Personal
from halfdoor.messaging.presenting import Presenting
from halfdoor.messaging.reading import Reading
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.send import Sender
from halfdoor.messaging.sync import Syncer
from halfdoor.messaging.sync_rooms import SyncRooms
from halfdoor.messaging.typing import Typing
from halfdoor.messaging.wake import Wakeups
from halfdoor.messaging.wraps import Wraps
from halfdoor.policy.model import Policy
from halfdoor.readers.participants.keyring import Keyring
from halfdoor.sealing.shares import EscrowSet
from halfdoor.store.outerkey import OuterKeyStore

_DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a house is built from: its name, its policy, who holds shares, whom it believes."""

    server_name: str
    policy: Policy
    escrow: Sequence[EscrowSet]
    data_dir: Path
    outer_key: OuterKeyStore
    access_token_ms: int = 3_600_000
    keyring_seconds: float = 30
    registration: bool = False
    development: bool = False
    jwt: JwtSettings | None = None
    key_source: KeySource | None = None
    two_files: bool = False
    database: DatabasePlace | None = None


class WaitingDevices:
    """What the syncs of a person's live devices say of those that wait for approval."""

    def __init__(self, store: AccountStore) -> None:
        """Read accounts from *store*."""
        self._store = store

    async def waiting(self, user: str) -> Sequence[Mapping[str, Any]]:
        """Return one content for each waiting device (SEALING §2, new device)."""
        state = await self._store.state(user)
        if state is None:
            return []
        return [
            {
                "session": one.session,
                "device_id": one.device,
                "asked": one.asked,
                "code": short_code(one.kid),
            }
            for one in state.pending
            if one.approval is None
        ]

    async def waits(self, user: str, session: str) -> bool:
        """Tell whether this session still waits."""
        state = await self._store.state(user)
        found = state.waiting(session) if state is not None else None
        return found is not None and found.approval is None


class House:
    """Everything between the web and the disk, made in the order in which it stands."""

    def __init__(
        self, setting: Setting, clock: Clock | None = None, opened: Opened | None = None
    ) -> None:
        """Join the rooms over the store that was *opened*, else over the embedded one."""
        self.setting = setting
        self.clock = clock or SystemClock()
        self._opened = opened or open_embedded(
            setting.data_dir, setting.outer_key, self.clock, two_files=setting.two_files
        )
        self.store = self._opened.store
        self.keyring = Keyring(seconds=setting.keyring_seconds)
        self._people()
        self._conversations()
        self._accounts()

    @classmethod
    async def open(cls, setting: Setting, clock: Clock | None = None) -> Self:
        """Open the store that *setting* names, and the house in it."""
        clock = clock or SystemClock()
        if setting.database is None:
            return cls(setting, clock)
        opened = await open_postgres(setting.database, setting.data_dir, setting.outer_key, clock)
        return cls(setting, clock, opened)

    def __repr__(self) -> str:
        """Name the house, and nothing that is in it."""
        return f"House({self.setting.server_name!r})"

    def _people(self) -> None:
        self.account_store = self._opened.accounts
        self.changes = Changes(self.account_store)
        self.people = People(self.account_store, self.changes, development=self.setting.development)
        self.profiles = Profiles(self.account_store)
        self.facts = Facts(self.people, self.profiles, self.clock)

    def _conversations(self) -> None:
        setting, facts, clock = self.setting, self.facts, self.clock
        conversations, mailbox = self.store.conversations, self.store.mailbox
        self.wakeups = Wakeups(mailbox)
        self.rooms = Rooms(conversations)
        self.audience = Audience(mailbox, facts)
        self.typing = Typing(secrets.token_hex(4), clock, self.wakeups.nudge)
        self.personal = Personal(mailbox, self.keyring, self.audience, self.wakeups)
        reading = Reading(conversations, self.keyring)
        self.keeper = Keeper(
            store=conversations,
            rooms=self.rooms,
            audience=self.audience,
            reading=reading,
            keys=facts,
            wakeups=self.wakeups,
            escrow=setting.escrow,
            entity=setting.policy.entity.name,
            redaction_grace_ms=setting.policy.redaction_grace_days * _DAY_MS,
            clock=clock,
        )
        self.wraps = Wraps(
            store=conversations,
            rooms=self.rooms,
            reading=reading,
            keys=facts,
            wakeups=self.wakeups,
            clock=clock,
        )
        self.contacts = Contacts(
            policy=setting.policy,
            people=facts,
            mailbox=mailbox,
            audience=self.audience,
            clock=clock,
        )
        self.moves = Moves(
            keeper=self.keeper,
            rooms=self.rooms,
            contacts=self.contacts,
            wraps=self.wraps,
            mailbox=mailbox,
            profiles=facts,
            people=facts,
        )
        self.creator = Creator(
            keeper=self.keeper,
            store=conversations,
            reading=reading,
            contacts=self.contacts,
            moves=self.moves,
            profiles=facts,
            server_name=setting.server_name,
            clock=clock,
        )
        self.sender = Sender(
            keeper=self.keeper,
            store=conversations,
            rooms=self.rooms,
            contacts=self.contacts,
            k_id=self.store.secrets().k_id,
        )
        hearing = Hearing(self.audience, self.contacts)
        self.presenting = Presenting(conversations, reading, hearing, clock)
        self.history = History(conversations, mailbox, self.rooms, self.presenting)
        self.markers = Markers(
            store=conversations,
            mailbox=mailbox,
            rooms=self.rooms,
            personal=self.personal,
            hearing=hearing,
            wakeups=self.wakeups,
            typing=self.typing,
            clock=clock,
        )
        self.syncer = Syncer(
            entity=setting.policy.entity.name,
            mailbox=mailbox,
            rooms=self.rooms,
            sections=SyncRooms(conversations, self.presenting, self.typing),
            personal=self.personal,
            audience=self.audience,
            hearing=hearing,
            wakeups=self.wakeups,
            wraps=self.wraps,
            typing=self.typing,
            pending=WaitingDevices(self.account_store),
            acquaintances=self.contacts,
        )
        self.news = Consequences(
            store=conversations,
            mailbox=mailbox,
            rooms=self.rooms,
            keeper=self.keeper,
            moves=self.moves,
            seals=self.keyring,
            audience=self.audience,
            wakeups=self.wakeups,
            keys=facts,
        )

    def _accounts(self) -> None:
        setting, store, changes = self.setting, self.account_store, self.changes
        keyring, news, development = self.keyring, self.news, self.setting.development
        lifetimes = Lifetimes(access_token=setting.access_token_ms)
        mint = Mint(self.store.secrets().k_lookup)
        passwords, attempts = Passwords(development=development), Attempts(off=development)
        platform = (
            Platform(setting.jwt, setting.key_source)
            if setting.jwt is not None and setting.key_source is not None
            else None
        )
        sign_in = SignIn(changes, keyring, mint, news, lifetimes)
        self.sessions = Sessions(store, changes, keyring, mint, news, lifetimes)
        self.login_tokens = LoginTokens(store, self.store.secrets().k_lookup, lifetimes)
        self.login = Login(
            store=store,
            sign_in=sign_in,
            passwords=passwords,
            attempts=attempts,
            people=self.people,
            profiles=self.profiles,
            tokens=self.login_tokens,
            server=setting.server_name,
            platform=platform,
            is_home_of=setting.policy.entity.is_home_of,
        )
        self.register = Register(
            store=store,
            changes=changes,
            sign_in=sign_in,
            passwords=passwords,
            server=setting.server_name,
            is_open=setting.registration or development,
            development=development,
        )
        self.uia = Uia(
            store=store,
            passwords=passwords,
            attempts=attempts,
            server=setting.server_name,
            platform=platform,
            lifetimes=lifetimes,
        )
        self.refresh = Refresh(store, changes, keyring, mint, lifetimes)
        self.devices = Devices(store, changes, news)
        self.password_change = PasswordChange(changes, keyring, passwords, news)
        self.deactivate = Deactivate(store, changes, news)
        self.pending = Pending(store, changes, keyring)
        self.start_over = StartOver(store, changes, keyring, news, lifetimes)
        self.recovery = Recovery(store, changes, keyring)
        self.theft = Theft(changes, keyring, mint, news, lifetimes)

    async def sweep_often(self) -> None:
        """Forget keys whose time is over, and typing notices; about once a second."""
        self.keyring.sweep(time.monotonic())
        for conv in self.typing.expire():
            room = self.rooms.at_hand(conv)
            if room is not None:
                self.wakeups.nudge(room.joined)

    async def sweep_seldom(self) -> None:
        """Drop expired slots, and overwrite what was held long enough; about once an hour."""
        now = self.clock.now_ms()
        await self.sessions.sweep(now)
        await self.store.destroy_held(now)

    async def close(self) -> None:
        """Make everything durable and let the data directory go."""
        await self._opened.close()
