"""People: what the platform says of them, and who knows or blocks whom."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.changes import Changes
from halfdoor.accounts.recent import Recent
from halfdoor.accounts.records import Block, Connection, PersonRecord
from halfdoor.accounts.store import AccountStore, Change
from halfdoor.sealing.suites import PublicKey

DEVELOPMENT: Final = "development"


class Relation(msgspec.Struct, frozen=True):
    """What lies between a sender and a recipient: a connection, a block by the recipient."""

    connected: bool
    blocked: bool


class _Known(msgspec.Struct, frozen=True):
    """A public key as it is remembered; None for somebody without one."""

    public: PublicKey | None


@final
class People:
    """Facts, connections, blocks and public keys, remembered for *bound* people each.

    In *development* those who registered themselves are connected with one another.
    """

    def __init__(
        self,
        store: AccountStore,
        changes: Changes,
        *,
        development: bool = False,
        bound: int = 20_000,
        arrive: Callable[..., Awaitable[None]] | None = None,
    ) -> None:
        """*arrive* lets nothing be remembered of the users it is called with that is not so."""
        self._store = store
        self._arrive = arrive
        # Goes up with every fact, connection or block that changes, so that others can tell
        # whether what they concluded still stands.
        self.version = 0
        self._development = development
        self._persons: Recent[str, PersonRecord] = Recent(bound)
        self._connections: Recent[str, Mapping[str, str]] = Recent(bound)
        self._blocks: Recent[str, frozenset[str]] = Recent(bound)
        self._keys: Recent[str, _Known] = Recent(bound)
        changes.listen(self._hear)

    # --- facts ----------------------------------------------------------------------------------

    async def person(self, user: str) -> PersonRecord:
        """Return what is known of *user*; nothing is a record without facts."""
        return (await self.persons([user]))[user]

    def at_hand(self, user: str) -> PersonRecord | None:
        """Return what is known of *user* if no look-up is needed."""
        return self._persons.at_hand(user)

    async def persons(self, users: Iterable[str]) -> dict[str, PersonRecord]:
        """Return what is known of each of *users*."""
        found: dict[str, PersonRecord] = {}
        missing: list[str] = []
        for user in users:
            known = self._persons.at_hand(user)
            if known is None:
                missing.append(user)
            else:
                found[user] = known
        if missing:
            mark = self._persons.mark()
            stored = await self._store.persons(missing)
            for user in missing:
                found[user] = stored.get(user) or PersonRecord(user=user)
                self._persons.put_since(mark, user, found[user])
        return found

    async def look_anew(self, users: Iterable[str]) -> None:
        """Remember nothing of *users* that another process changed: a request about them begins.

        For requests of nobody who is signed in; the others begin in `Sessions`.
        """
        if self._arrive is not None:
            await self._arrive(*users)

    async def exists(self, user: str) -> bool:
        """Tell whether anybody of this name was made or signed in."""
        return await self._store.exists(user)

    async def erased(self, user: str) -> bool:
        """Tell whether the erasure of a person of this name was asked for: nobody takes it."""
        return await self._store.erased(user)

    async def put(self, persons: Sequence[PersonRecord]) -> None:
        """Write what the platform says of people; each record replaces the one before."""
        await self._store.put_persons(persons)
        for one in persons:
            self._persons.forget(one.user)
        self.version += 1

    async def claim(self, user: str, facts: Mapping[str, str]) -> None:
        """Take what a JWT says: the facts it names, the others stay."""
        await self.look_anew([user])
        before = await self.person(user)
        if replace(before, **facts) != before or not await self._store.exists(user):
            await self.change({user: facts})

    async def change(self, facts: Mapping[str, Mapping[str, object]]) -> None:
        """Change the named facts of each person, by the fields of `PersonRecord`, and no others.

        Two changes of one person at the same moment both happen: a suspension is never lost.
        """
        await self._store.change_persons(facts)
        for user in facts:
            self._persons.forget(user)
        self.version += 1

    async def suspend(self, user: str, *, suspended: bool) -> None:
        """Suspend *user*, or lift that."""
        await self.change({user: {"suspended": suspended}})

    async def is_ended(self, user: str, now: int) -> bool:
        """Tell whether a decision ended the account of *user*: it lets nobody in."""
        await self.look_anew([user])
        held = (await self.person(user)).measures
        return any(one.kind == "terminated" and one.holds(now) for one in held)

    async def choose_dm(self, user: str, *, choice: bool | None) -> None:
        """Note the person's own choice whether direct messages are on."""
        await self.change({user: {"dm_choice": choice}})

    # --- who knows whom -------------------------------------------------------------------------

    async def relation(self, sender: str, recipient: str) -> Relation:
        """Return what lies between two people, seen from the recipient."""
        return Relation(
            connected=await self.connected(recipient, sender),
            blocked=sender in await self.blocks(recipient),
        )

    async def connected(self, a: str, b: str) -> bool:
        """Tell whether two people are connected."""
        return await self.source(a, b) is not None

    async def source(self, a: str, b: str) -> str | None:
        """Return where the connection of two people comes from, None where there is none."""
        known = (await self._connected(a)).get(b)
        if known is not None or not self._development or a == b:
            return known
        both = await self.persons([a, b])
        ours = all(one.age_source == DEVELOPMENT for one in both.values())
        return DEVELOPMENT if ours else None

    async def connections(self, user: str) -> frozenset[str]:
        """Return with whom *user* is connected, by the platform or by accepting."""
        return frozenset(await self._connected(user))

    async def _connected(self, user: str) -> Mapping[str, str]:
        async def load() -> Mapping[str, str]:
            stored = await self._store.connections(user)
            return {peer: connection.source for peer, connection in stored.items()}

        return await self._connections.get(user, load)

    async def connect(self, a: str, b: str, source: str, now: int) -> None:
        """Connect two people; *source* is platform or accepted."""
        await self.connect_all([Connection(a=a, b=b, source=source, since=now)])

    async def connect_all(self, connections: Sequence[Connection]) -> None:
        """Connect people in bulk; nobody is connected with themselves."""
        between = [one for one in connections if one.a != one.b]
        await self._store.put_connections(between)
        for one in between:
            self._connections.forget(one.a)
            self._connections.forget(one.b)
        self.version += 1

    async def disconnect(self, a: str, b: str) -> None:
        """End a connection."""
        await self._store.drop_connection(a, b)
        self._connections.forget(a)
        self._connections.forget(b)
        self.version += 1

    async def blocks(self, user: str) -> frozenset[str]:
        """Return whom *user* blocks."""

        async def load() -> frozenset[str]:
            return frozenset(await self._store.blocks(user))

        return await self._blocks.get(user, load)

    def blocks_at_hand(self, user: str) -> frozenset[str] | None:
        """Return whom *user* blocks if it is remembered: the same object until it changes."""
        return self._blocks.at_hand(user)

    async def block(self, user: str, peer: str, now: int) -> None:
        """Let *user* see nothing more of *peer*, who is not told."""
        if user != peer:
            await self._store.put_block(Block(user=user, peer=peer, since=now))
            self._blocks.forget(user)
            self.version += 1

    async def unblock(self, user: str, peer: str) -> None:
        """Lift a block."""
        await self._store.drop_block(user, peer)
        self._blocks.forget(user)
        self.version += 1

    # --- keys -----------------------------------------------------------------------------------

    async def public_key(self, user: str) -> PublicKey | None:
        """Return the public key of *user*, None for one who never signed in."""
        return (await self.public_keys([user]))[user]

    async def public_keys(self, users: Iterable[str]) -> dict[str, PublicKey | None]:
        """Return the public keys of *users*; their rows were checked by mac."""
        found: dict[str, PublicKey | None] = {}
        missing: list[str] = []
        for user in users:
            known = self._keys.at_hand(user)
            if known is None:
                missing.append(user)
            else:
                found[user] = known.public
        if missing:
            mark = self._keys.mark()
            stored = await self._store.public_keys(missing)
            for user in missing:
                raw = stored.get(user)
                found[user] = PublicKey.from_bytes(raw) if raw is not None else None
                self._keys.put_since(mark, user, _Known(found[user]))
        return found

    def forget(self, user: str) -> None:
        """Read everything about *user* anew: another process wrote it."""
        for memory in (self._persons, self._connections, self._blocks, self._keys):
            memory.forget(user)
        self.version += 1

    def forget_key(self, user: str) -> None:
        """Read the public key of *user* anew next time."""
        self._keys.forget(user)

    def _hear(self, change: Change) -> None:
        user = change.account.user
        self._keys.forget(user)
        if change.person is not None:
            self._persons.forget(user)
            self.version += 1
