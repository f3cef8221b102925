"""Policy, custodians and backups in the words of the admin page. Pure but for the policy file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from halfdoor.apps.backup_record import BackupRecord
from halfdoor.policy.errors import PolicyError
from halfdoor.policy.explain import rows
from halfdoor.policy.load import load
from halfdoor.policy.model import Policy
from halfdoor.sealing.shares import EscrowSet
from halfdoor.web.console.house_values import (
    BackupState,
    Circle,
    CustodyState,
    DrillState,
    Holder,
    PolicyRow,
    PolicyState,
)

_ABSENT: Final = "(not there)"
_SHOWN_DRILLS: Final = 5


def policy_state(policy: Policy, file: Path | None) -> PolicyState:
    """Return what *policy*, which is in force, says otherwise than the default, and than *file*.

    Reads *file*, as `halfdoor policy lint` does.
    """
    pending: tuple[PolicyRow, ...] = ()
    refused = ""
    try:
        pending = differing(policy, load(file))
    except PolicyError as error:
        refused = str(error)
    return PolicyState(
        entity=policy.entity.name,
        digest=policy.digest.hex(),
        file=None if file is None else str(file),
        own=differing(policy, load(None)),
        pending=pending,
        refused=refused,
    )


def differing(here: Policy, there: Policy) -> tuple[PolicyRow, ...]:
    """Return the rows in which two policies differ, in the order of the schema."""
    one = {row.key: row.value for row in rows(here)}
    other = {row.key: row.value for row in rows(there)}
    return tuple(
        PolicyRow(key=key, here=one.get(key, _ABSENT), there=other.get(key, _ABSENT))
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key)
    )


def custody_state(sets: Sequence[EscrowSet], entity: str) -> tuple[CustodyState, ...]:
    """Return the escrow sets in force: the first, and where there is one the emergency set.

    Who of the custodians works for the operator, *entity*, says their own entry `employer`.
    """
    return tuple(_custody(one, entity, first=number == 0) for number, one in enumerate(sets))


def _custody(found: EscrowSet, entity: str, *, first: bool) -> CustodyState:
    circles = []
    enough = {one.employer for one in found.custodians}
    for group, needed in enumerate(found.thresholds):
        holders = tuple(
            Holder(
                name=one.name,
                organisation=one.organisation,
                employer=one.employer,
                inside=one.employer.casefold() == entity.casefold(),
            )
            for one in found.group(group)
        )
        # Every group has to come to its number: one that an employer cannot fill protects all.
        count = Counter(one.employer for one in holders)
        enough = {employer for employer in enough if count[employer] >= needed}
        circles.append(Circle(needed=needed, holders=holders))
    return CustodyState(
        kind="escrow" if first else "emergency",
        digest=found.hash.hex(),
        circles=tuple(circles),
        open_until=found.open_until,
        alone=min(enough, default=""),
    )


def backup_state(record: BackupRecord | None) -> BackupState | None:
    """Return the newest backup that was written down; None where none was."""
    if record is None or record.last is None:
        return None
    last = record.last
    return BackupState(
        folder=last.folder,
        number=last.number,
        made=last.made,
        store=last.store,
        rows=last.rows,
        size=last.size,
    )


def drill_states(record: BackupRecord | None) -> tuple[DrillState, ...]:
    """Return the last readings of a backup, newest first."""
    drills = () if record is None else record.drills[:_SHOWN_DRILLS]
    return tuple(DrillState(at=one.at, number=one.number, whole=one.whole) for one in drills)
