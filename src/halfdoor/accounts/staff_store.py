"""Where accounts of staff are kept: stated here, implemented in `store/`."""

from typing import Protocol

import msgspec

from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken, TokenKind


class StaffChange(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes durable together, or not at all.

    `staff` carries the revision it was read with (0: it is new); the store writes the next one.
    `passkeys` are written over what the same person has of their lookup: `SpentError` where
    another one has it. `takes` must be there and go,
    `adds` must not be there and come: `SpentError` otherwise. `ends` drops every token of the
    person of one of these kinds.
    """

    staff: StaffRecord
    passkeys: tuple[PasskeyRecord, ...] = ()
    removes: tuple[bytes, ...] = ()
    takes: tuple[tuple[TokenKind, bytes], ...] = ()
    adds: tuple[StaffToken, ...] = ()
    ends: tuple[TokenKind, ...] = ()


class StaffStore(Protocol):
    """Everything is durable before it returns. Changed rows are `RowMacError`, with an alarm."""

    async def commit(self, change: StaffChange) -> StaffRecord:
        """Write *change* and return the record with its new revision.

        `SpentError`, else `ConflictError` where it has another one by now; then nothing is written.
        """

    async def member(self, id: str) -> StaffRecord | None:
        """Return an account, None where there is none."""

    async def members(self) -> list[StaffRecord]:
        """Return all accounts, ended ones too, in order of their ids."""

    async def passkey(self, lookup: bytes) -> PasskeyRecord | None:
        """Return a passkey, None where there is none."""

    async def passkeys(self, staff: str) -> list[PasskeyRecord]:
        """Return the passkeys of a person, in order of their lookups."""

    async def token(self, kind: TokenKind, lookup: bytes) -> StaffToken | None:
        """Return a token, None where there is none; an expired one may still be there."""

    async def tokens(self, kind: TokenKind) -> list[StaffToken]:
        """Return all tokens of a kind, in order of their lookups; expired ones may be there."""

    async def touch(self, lookup: bytes, now: int) -> None:
        """Note that a session was used; nothing if it is gone."""

    async def drop(self, kind: TokenKind, lookup: bytes) -> None:
        """Remove a token; nothing if it is gone."""

    async def sweep(self, now: int) -> int:
        """Remove the tokens that expired before *now*; return how many there were."""


class StaffLog(Protocol):
    """The staff log, which the desk keeps. A line is durable before `note` returns."""

    async def note(
        self, staff: str, what: str, *, about: str | None = None, reason: str = "", now: int
    ) -> None:
        """Write a line: who did what, about whom, and why."""
