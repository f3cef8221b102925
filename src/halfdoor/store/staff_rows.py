"""Rows of staff accounts, whichever store they lie in. All stand in one bucket."""

from typing import Final, NamedTuple, final

import msgspec

from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken
from halfdoor.accounts.staff_store import StaffChange
from halfdoor.ids import bucket
from halfdoor.store.accounts_rows import AccountRows, RowKeys, SealedRow

# Some dozens of people: one bucket holds them all, and every statement names it.
STAFF_BUCKET: Final = bucket("staff")
STAFF: Final = "staff"
PASSKEY: Final = "staff_passkey"
TOKEN: Final = "staff_token"  # noqa: S105 - the name of a table

Sealed = tuple[bytes, bytes]
Values = tuple[object, ...]


class Prepared(NamedTuple):
    """A change as rows: what is sealed is sealed before the transaction."""

    staff: StaffRecord
    before: int
    member: Values
    passkeys: list[Values]
    removes: list[Values]
    takes: list[Values]
    ends: list[Values]
    adds: list[Values]


@final
class StaffRows:
    """Seals and opens the three kinds of rows; the errors of `AccountRows`."""

    def __init__(self, keys: RowKeys) -> None:
        self._rows = AccountRows(keys)

    def prepare(self, change: StaffChange) -> Prepared:
        """Return *change* as rows, its record with the next revision."""
        staff = msgspec.structs.replace(change.staff, revision=change.staff.revision + 1)
        sealed = self._rows.seal(STAFF, staff.id, (staff.id,), staff)
        return Prepared(
            staff=staff,
            before=change.staff.revision,
            member=(STAFF_BUCKET, staff.id, *_both(sealed)),
            passkeys=[self._passkey(one) for one in change.passkeys],
            removes=[(STAFF_BUCKET, lookup) for lookup in change.removes],
            takes=[(STAFF_BUCKET, kind, lookup) for kind, lookup in change.takes],
            ends=[(STAFF_BUCKET, staff.id, kind) for kind in change.ends],
            adds=[self._token(one) for one in change.adds],
        )

    def touched(self, token: StaffToken, now: int) -> Values:
        """Return the values that note a session's use."""
        later = msgspec.structs.replace(token, last_used=max(token.last_used, now))
        sealed = self._rows.seal(TOKEN, "", (later.kind, later.lookup), later)
        return (*_both(sealed), STAFF_BUCKET, later.kind, later.lookup)

    def member(self, id: str, row: Sealed) -> StaffRecord:
        """Open an account."""
        return self._rows.open(STAFF, id, (id,), row, StaffRecord)

    def passkey(self, lookup: bytes, row: Sealed) -> PasskeyRecord:
        """Open a passkey."""
        return self._rows.open(PASSKEY, "", (lookup,), row, PasskeyRecord)

    def token(self, kind: str, lookup: bytes, row: Sealed) -> StaffToken:
        """Open a token."""
        return self._rows.open(TOKEN, "", (kind, lookup), row, StaffToken)

    def _passkey(self, one: PasskeyRecord) -> Values:
        sealed = self._rows.seal(PASSKEY, "", (one.lookup,), one)
        return (STAFF_BUCKET, one.lookup, one.staff, *_both(sealed))

    def _token(self, one: StaffToken) -> Values:
        sealed = self._rows.seal(TOKEN, "", (one.kind, one.lookup), one)
        return (STAFF_BUCKET, one.kind, one.lookup, one.staff, one.expires, *_both(sealed))


def _both(row: SealedRow) -> Sealed:
    return row.sealed, row.mac
