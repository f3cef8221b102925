"""Taking an approval: a waiting session's slots come to hold the user key, one by one."""

from msgspec.structs import replace

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.pairs import still_waiting, tokens_of
from halfdoor.accounts.records import PendingRecord, TokenRecord
from halfdoor.accounts.store import AccountState, Change
from halfdoor.sealing.labels import Denied


def approval_for(state: AccountState, session: str) -> PendingRecord | None:
    """Return the pending row of *session* if it holds an approval that may be taken.

    That is one of the key in force, or of the key that another slot of the session holds already.
    """
    waiting, record = state.waiting(session), state.session(session)
    if waiting is None or record is None or waiting.approval is None:
        return None
    if waiting.approved is None or waiting.approved not in (state.account.kid, record.kid):
        return None
    return waiting


def open_approved(
    state: AccountState, row: TokenRecord, kek: bytes, keyring: Keyring
) -> bytes | None:
    """Open the user key of an approved session with its pending slot *row*; return the kid.

    None where there is no approval, or one that does not open (it was made for another session).
    """
    waiting = approval_for(state, row.session)
    if not row.pending or waiting is None or waiting.approval is None:
        return None
    kid, user = waiting.approved, state.account.user
    if kid is None:
        return None
    try:
        keyring.unlock_pending(row.session, user, row.kid, row.slot, row.blob, kek)
        keyring.take_approval(row.session, user, kid, waiting.approval)
    except Denied:
        return None
    return kid


def take_approval(
    state: AccountState, row: TokenRecord, kek: bytes, keyring: Keyring
) -> Change | None:
    """Return the change by which the slot *row* holds the user key from now on, if approved.

    The approval stays until the session's other slots hold it too (SEALING §2).
    """
    session = state.session(row.session)
    kid = open_approved(state, row, kek, keyring)
    if session is None or kid is None:
        return None
    opened = replace(row, kid=kid, pending=False)
    opened = replace(opened, blob=keyring.wrap(row.session, state.account.user, opened.slot, kek))
    others = [one for one in tokens_of(state, row.session) if one.lookup != row.lookup]
    return replace(
        change_of(state),
        put_tokens=(opened,),
        put_sessions=(replace(session, kid=kid),),
        drop_pending=() if still_waiting(others) else (row.session,),
        drop_start_over=state.start_over is not None and state.start_over.session == row.session,
    )
