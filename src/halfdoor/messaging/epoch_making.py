"""How an epoch is made: for whom, and under which custodians (SEALING §3)."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol, final

from halfdoor.clock import day_of
from halfdoor.messaging.ledger import EpochStart, SealedState
from halfdoor.messaging.reading import SLICE
from halfdoor.messaging.room import Room
from halfdoor.sealing.epochs import (
    Member,
    NewEpoch,
    Posture,
    member_wrap,
    unwrapped_epoch,
)
from halfdoor.sealing.shares import EscrowSet
from halfdoor.sealing.suites import PublicKey


class NoEscrowSetError(Exception):
    """No escrow set is configured, so no standard conversation can be sealed."""


class PublicKeys(Protocol):
    """Where people's public keys are found; rows are checked before they are used."""

    async def public_key(self, user: str) -> PublicKey | None:
        """Return the public key of *user*, None for one who never signed in."""


@final
class EpochMaking:
    """Makes epochs; only here is a conversation's key ever cut into shares."""

    def __init__(self, keys: PublicKeys, escrow: Sequence[EscrowSet], entity: str) -> None:
        """Wrap to the people of *keys*, and share *standard* conversations to *escrow*."""
        self._keys = keys
        self._escrow = tuple(escrow)
        self._sets = [one.hash for one in escrow]
        self._entity = entity

    def is_for_other_custodians(self, room: Room) -> bool:
        """Tell whether the newest epoch of *room* was made for other escrow sets than those now."""
        return room.escrow_sets != (self._sets if room.header.posture == "standard" else [])

    async def make(
        self,
        conv: str,
        epoch: int,
        prev: bytes,
        readers: Iterable[str],
        now: int,
        posture: Posture,
    ) -> NewEpoch:
        """Make an epoch of *conv* for *readers*; one that is end-to-end encrypted has no shares.

        Raises `NoEscrowSetError` where a standard one has no escrow set to go to.
        """
        escrow = self._escrow if posture == "standard" else ()
        if posture == "standard" and not escrow:
            raise NoEscrowSetError("no escrow set is configured: see `halfdoor custodian --help`")
        members = [Member(user, await self._keys.public_key(user)) for user in sorted(readers)]
        made = unwrapped_epoch(
            entity=self._entity,
            conv=conv,
            epoch=epoch,
            day=day_of(now),
            posture=posture,
            prev=prev,
            members=members,
            escrow=escrow,
        )
        for number, member in enumerate(members):
            if number % SLICE == 0 and len(members) > SLICE:
                # A large group must not hold up everybody else.
                await asyncio.sleep(0)
            if member.public is not None:
                made.wraps[member.user] = member_wrap(made, member.user, member.public)
        return made


def epoch_rows(made: NewEpoch, day: int, state: tuple[SealedState, ...] = ()) -> EpochStart:
    """Return the rows of a new epoch."""
    return EpochStart(
        epoch=made.header.epoch,
        hh=made.header.hh,
        day=day,
        header=made.header.bytes,
        wraps=made.wraps,
        shares=made.shares,
        sealed_state=state,
    )
