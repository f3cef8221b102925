"""The rooms of a running server, joined by hand: nothing else wires them."""

import secrets
import time
from typing import TYPE_CHECKING, Self

from halfdoor.accounts.changes import Changes
from halfdoor.accounts.deactivate import Deactivate
from halfdoor.accounts.devices import Devices
from halfdoor.accounts.jwt import Platform
from halfdoor.accounts.login import Login
from halfdoor.accounts.login_tokens import LoginTokens
from halfdoor.accounts.password_change import PasswordChange
from halfdoor.accounts.passwords import Passwords
from halfdoor.accounts.pending import Pending
from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles
from halfdoor.accounts.recovery import Recovery
from halfdoor.accounts.refresh import Refresh
from halfdoor.accounts.register import Register
from halfdoor.accounts.session import Lifetimes
from halfdoor.accounts.sessions import Sessions
from halfdoor.accounts.signin import SignIn
from halfdoor.accounts.start_over import StartOver
from halfdoor.accounts.theft import Theft
from halfdoor.accounts.throttle import Attempts
from halfdoor.accounts.tokens import Mint
from halfdoor.accounts.uia import Uia
from halfdoor.apps.desk import Desk
from halfdoor.apps.e2ee_rooms import e2ee_in
from halfdoor.apps.house_log import HouseLog
from halfdoor.apps.key_work import KeyWork
from halfdoor.apps.long_work import erasing_in, work_in
from halfdoor.apps.media_rooms import media_in
from halfdoor.apps.outgoing import Outgoing
from halfdoor.apps.setting import Setting
from halfdoor.apps.stores import Opened, open_embedded, open_postgres
from halfdoor.apps.syncing import syncer_in
from halfdoor.clock import Clock, SystemClock
from halfdoor.e2ee.franking_marks import FrankingMarks
from halfdoor.messaging.audience import Audience
from halfdoor.messaging.consequences import Consequences
from halfdoor.messaging.contacts import Contacts
from halfdoor.messaging.create import Creator
from halfdoor.messaging.facts import Facts
from halfdoor.messaging.hearing import Hearing
from halfdoor.messaging.history import History
from halfdoor.messaging.keep import Keeper
from halfdoor.messaging.lifetimes import of_policy
from halfdoor.messaging.markers import Markers
from halfdoor.messaging.moves import Moves
from halfdoor.messaging.personal import Personal
from halfdoor.messaging.presenting import Presenting
from halfdoor.messaging.reading import Reading
from halfdoor.messaging.retention import RetentionSweep
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.send import Sender
from halfdoor.messaging.typing import Typing
from halfdoor.messaging.wake import Wakeups
from halfdoor.messaging.wraps import Wraps
from halfdoor.readers.participants.keyring import Keyring

if TYPE_CHECKING:
    from halfdoor.apps.nodes import Nodes

_DAY_MS = 86_400_000


class House:
    """Everything between the web and the disk, made in the order in which it stands."""

    def __init__(
        self,
        setting: Setting,
        clock: Clock | None = None,
        opened: Opened | None = None,
        nodes: "Nodes | None" = None,
    ) -> None:
        """Join the rooms over the store that was *opened*, else over the embedded one.

        *nodes* are the others on the same database.
        """
        self.setting = setting
        self.clock = clock or SystemClock()
        self._opened = opened or open_embedded(
            setting.data_dir, setting.outer_key, self.clock, two_files=setting.two_files
        )
        self.store = self._opened.store
        self.nodes = nodes
        self.used_names = nodes.used_names if nodes is not None else None
        self.keyring = Keyring(seconds=setting.keyring_seconds)
        self._people()
        self._conversations()
        self._accounts()
        self.e2ee = e2ee_in(self)
        self.key_work = KeyWork(self.store, setting.outer_key, setting.data_dir, self.clock)
        self.log = HouseLog.of(self.store.log, setting, self.clock)
        self.desk = Desk(self)
        self.outgoing = Outgoing(self)
        self.erasing = erasing_in(self)
        self.work = work_in(self)
        if nodes is not None:
            nodes.join(self)

    @classmethod
    async def open(cls, setting: Setting, clock: Clock | None = None) -> Self:
        """Open the store that *setting* names, and the house in it."""
        clock = clock or SystemClock()
        if setting.database is None:
            return cls(setting, clock)
        alone = setting.bus is None
        opened = await open_postgres(
            setting.database, setting.data_dir, setting.outer_key, clock, alone=alone
        )
        if setting.bus is None:
            return cls(setting, clock, opened)
        # One node alone needs no message bus in its memory.
        from halfdoor.apps.nodes import Nodes  # noqa: PLC0415

        nodes = Nodes(opened.store, setting.bus, setting.policy.entity.name)
        return cls(setting, clock, opened, nodes)

    def __repr__(self) -> str:
        """Name the house, and nothing that is in it."""
        return f"House({self.setting.server_name!r})"

    def _people(self) -> None:
        self.account_store = self._opened.accounts
        self.changes = Changes(self.account_store)
        self.people = People(
            self.account_store,
            self.changes,
            development=self.setting.development,
            arrive=self.nodes.versions.arrive if self.nodes is not None else None,
        )
        self.profiles = Profiles(self.account_store)
        self.facts = Facts(self.people, self.profiles, self.clock)

    def _conversations(self) -> None:
        setting, facts, clock = self.setting, self.facts, self.clock
        conversations, mailbox = self.store.conversations, self.store.mailbox
        mailbox.quota = setting.quota
        nodes = self.nodes
        others = nodes.neighbours if nodes is not None else None
        self.wakeups = Wakeups(mailbox, others)
        self.rooms = nodes.rooms if nodes is not None else Rooms(conversations)
        self.audience = Audience(mailbox, facts)
        self.typing = Typing(
            secrets.token_hex(4),
            clock,
            self.wakeups.nudge,
            others.type if others is not None else None,
        )
        self.personal = Personal(mailbox, self.keyring, self.audience, self.wakeups)
        self.reading = reading = Reading(conversations, self.keyring)
        self.media = media_in(self)
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
            versions=nodes.versions if nodes is not None else None,
            naming=self.media.naming,
        )
        self.wraps = Wraps(
            store=conversations, rooms=self.rooms, reading=reading, keys=facts,
            wakeups=self.wakeups, clock=clock,
        )  # fmt: skip
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
            lifetimes=of_policy(setting.policy.retention),
        )
        self.sender = Sender(
            keeper=self.keeper,
            store=conversations,
            rooms=self.rooms,
            contacts=self.contacts,
            k_id=self.store.secrets().k_id,
            lifetimes=of_policy(setting.policy.retention),
        )
        self.retention = RetentionSweep(
            store=self.store.retention,
            mailbox=mailbox,
            inboxes=mailbox,
            wakeups=self.wakeups,
            lifetimes=of_policy(setting.policy.retention),
            forget=self.rooms.drop,
            clock=clock,
        )
        hearing = Hearing(self.audience, self.contacts)
        self.marks = FrankingMarks(self.store.franking, clock)
        self.presenting = Presenting(conversations, reading, hearing, clock, self.marks)
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
        self.syncer = syncer_in(self)
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
        self.sessions = Sessions(
            store,
            changes,
            keyring,
            mint,
            news,
            lifetimes,
            arrive=self.nodes.versions.arrive if self.nodes is not None else None,
        )
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

    async def sweep_work(self) -> None:
        """Go on with what takes longer than a request; about once a second."""
        try:
            await self.store.tend()
        finally:
            # A server that lacks a new outer key goes on with what it has.
            await self.work.go_on()

    async def sweep_seldom(self) -> None:
        """Drop expired slots, and what was held or kept long enough; about once an hour."""
        now = self.clock.now_ms()
        await self.sessions.sweep(now)
        await self.store.destroy_held(now)
        await self.retention.run()
        await self.desk.sweep(now)
        await self.media.sweep.run()

    async def close(self) -> None:
        """Make everything durable and let the data directory go."""
        await self.work.close()
        await self.outgoing.close()
        await self.media.close()
        if self.nodes is not None:
            await self.nodes.close()
        await self._opened.close()
