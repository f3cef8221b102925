"""Conversations, people and events for the tests of the store."""

import os
import secrets

from halfdoor.ids import new_room_id, random_event_id
from halfdoor.messaging.ledger import (
    Append,
    Committed,
    Delivery,
    EpochStart,
    MembershipChange,
    NewEvent,
    SealedState,
)
from halfdoor.messaging.mailbox import EVENT, INVITE
from halfdoor.sealing.envelope import EventFields, clear_body
from halfdoor.store.chain_walk import ChainReport
from halfdoor.store.postgres.audit import chains as postgres_chains
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.sqlite.audit import chains as sqlite_chains
from halfdoor.store.sqlite.opening import Store as SqliteStore

Store = SqliteStore | PostgresStore

ALICE = "@alice:a.example"
BOB = "@bob:a.example"
CAROL = "@carol:a.example"
SET = b"S" * 32


class StoppedClock:
    """A clock that shows what it was set to."""

    def __init__(self, now_ms: int = 1_790_000_000_000) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now


def sealed_body(marker: bytes = b"") -> bytes:
    """Return something that looks like a sealed body and can be found again in a file."""
    return b"\x01" + os.urandom(48) + marker + os.urandom(40)


def event(
    conv: str,
    sender: str,
    to: tuple[str, ...] = (),
    *,
    type: str = "m.room.message",
    body: bytes | None = None,
    state_key: str | None = None,
    notify: bool = True,
    highlight: bool = False,
    kind: int = EVENT,
    event_id: str | None = None,
    target: str | None = None,
    rel_type: str | None = None,
    redacts: str | None = None,
    destroy_after: int | None = None,
    membership: MembershipChange | None = None,
    sealed_state: SealedState | None = None,
    hidden_from: tuple[str, ...] = (),
) -> NewEvent:
    """Return an event that is told to its sender and to *to*."""
    fields = EventFields(
        event_id=event_id or random_event_id(conv),
        sender=sender,
        device="PHONE",
        ts=1_790_000_000_000,
        type=type,
        state_key=state_key,
        target=target,
        rel_type=rel_type,
        redacts=redacts,
    )
    others = tuple(Delivery(user, kind, notify, highlight) for user in to)
    return NewEvent(
        fields,
        sealed_body() if body is None else body,
        f"txn-{fields.event_id}",
        (Delivery(sender, EVENT), *others),
        hidden_from,
        membership,
        redacts,
        destroy_after,
        sealed_state,
    )


def member_event(
    conv: str, sender: str, user: str, membership: str, to: tuple[str, ...] = ()
) -> NewEvent:
    """Return a membership event, told to those whom it concerns."""
    return event(
        conv,
        sender,
        tuple(one for one in (user, *to) if one != sender),
        type="m.room.member",
        body=clear_body(f'{{"membership":"{membership}"}}'.encode()),
        state_key=user,
        notify=False,
        kind=INVITE if membership == "invite" else EVENT,
        membership=MembershipChange(user, membership),
    )


def epoch_start(
    number: int, *users: str, sealed_state: tuple[SealedState, ...] = (), day: int | None = None
) -> EpochStart:
    """Return an epoch with a wrap for each of *users* and shares for one set."""
    day = 20_000 + number if day is None else day
    return EpochStart(
        number,
        secrets.token_bytes(32),
        day,
        b'{"day":%d,"epoch":%d}' % (day, number),
        {user: f"wrap {number} {user}".encode() for user in users},
        [(SET, [b"share one", b"share two"])],
        sealed_state,
    )


def founding(conv: str, *users: str) -> Append:
    """Return the first append of a conversation that the first of *users* makes with the others."""
    first, *others = users
    create = event(conv, first, type="m.room.create", body=clear_body(b"{}"), state_key="")
    joined = member_event(conv, first, first, "join")
    invited = [member_event(conv, first, user, "invite") for user in others]
    return Append(
        conv,
        (None, 0),
        (create, joined, *invited),
        start=epoch_start(1, *users),
        creates=True,
    )


async def found(store: Store, *users: str) -> Committed:
    """Make a conversation of *users* and return what was committed."""
    return await store.conversations.append(founding(new_room_id("a.example"), *users))


async def say(store: Store, at: Committed, *events: NewEvent, **more: object) -> Committed:
    """Append *events* where the conversation stands after *at*."""
    return await store.conversations.append(saying(at, *events, **more))


def saying(at: Committed, *events: NewEvent, **more: object) -> Append:
    """Return the append of *events* where the conversation stands after *at*."""
    expects = (at.head.hh, at.head.revision)
    return Append(at.conv, expects, events, **more)  # type: ignore[arg-type]


async def chains(store: Store) -> list[ChainReport]:
    """Return what the store's own audit says of every conversation."""
    if isinstance(store, PostgresStore):
        return [report async for report in postgres_chains(store)]
    return list(sqlite_chains(store))
