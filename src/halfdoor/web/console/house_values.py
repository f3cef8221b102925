"""What an administrator sees of the house: policy, release, custodians, backups, doctor, accounts.

Nothing here can hold a word of a message, a case, or a name that a person chose. Times are int ms
since 1970.
"""

from typing import Literal

import msgspec


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the policy in force that another one has otherwise; both as a file spells them."""

    key: str
    here: str
    there: str


class PolicyState(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force. `own` are its rows that differ from the default's.

    `file` is where it was read from; `pending` are rows that are otherwise there by now, and wait
    for the next start. `refused` says why that file could not be put in force, "" where it could.
    """

    entity: str
    digest: str
    file: str | None = None
    own: tuple[PolicyRow, ...] = ()
    pending: tuple[PolicyRow, ...] = ()
    refused: str = ""


class ReleaseState(msgspec.Struct, frozen=True, kw_only=True):
    """What is installed; `changed` files are not as they were, None where that cannot be told."""

    version: str
    digest: str
    files: int
    changed: tuple[str, ...] | None = None


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """One custodian, as the public document names them; `inside` who works for the operator."""

    name: str
    organisation: str
    employer: str
    inside: bool


class Circle(msgspec.Struct, frozen=True, kw_only=True):
    """One group of an escrow set: `needed` of `holders` open together what a request names."""

    needed: int
    holders: tuple[Holder, ...]


class CustodyState(msgspec.Struct, frozen=True, kw_only=True):
    """One escrow set in force. `alone` is an employer whose people are enough by themselves.

    `open_until` is until when it takes new conversations, None for no end.
    """

    kind: Literal["escrow", "emergency"]
    digest: str
    circles: tuple[Circle, ...]
    open_until: int | None = None
    alone: str = ""


class BackupState(msgspec.Struct, frozen=True, kw_only=True):
    """The newest backup that `halfdoor backup` wrote down: where it lies, and what of."""

    folder: str
    number: int
    made: int
    store: str
    rows: int
    size: int


class DrillState(msgspec.Struct, frozen=True, kw_only=True):
    """That a backup was read whole, and whether it was."""

    at: int
    number: int | None
    whole: bool


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor."""

    title: str
    result: Literal["ok", "advice", "failed"]
    said: str
    todo: str = ""


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What the doctor found, when, and how many accounts there were then (`many`: or more)."""

    at: int
    findings: tuple[Finding, ...]
    accounts: int
    suspended: int
    limited: int
    many: bool = False


class HouseState(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `examined` is None until somebody asks the doctor after a start."""

    policy: PolicyState
    release: ReleaseState
    custody: tuple[CustodyState, ...] = ()
    backup: BackupState | None = None
    drills: tuple[DrillState, ...] = ()
    examined: Examination | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account, found by its whole id: how it stands, and nothing of what it did.

    `closed` is for good, `suspended` by the platform or an administrator; `limits` are what
    reviewers decided, in words, each with its end (None for none).
    """

    user: str
    known: bool = True
    created: int | None = None
    closed: bool = False
    suspended: bool = False
    limits: tuple[tuple[str, int | None], ...] = ()
    devices: int = 0
    waiting: int = 0

    @property
    def free(self) -> bool:
        """Whether nothing holds this account back."""
        return not (self.closed or self.suspended or self.limits)
