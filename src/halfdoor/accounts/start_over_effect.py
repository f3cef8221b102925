"""What starting over does when its time has come. Pure (SEALING §2)."""

from msgspec.structs import replace

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.records import FormerKey, StartOverRecord
from halfdoor.accounts.store import AccountState, Change


def take_effect(
    state: AccountState, wish: StartOverRecord, now: int, readable_ms: int
) -> Change | None:
    """Return the change that puts the wish's key in force; the old one is closed, not destroyed.

    Old slots stay: their sessions may read for *readable_ms* more, and whoever keeps the recovery
    key of the old history can have it back. None if the session no longer waits.
    """
    account, waiting = state.account, state.waiting(wish.session)
    if waiting is None or account.kid is None or account.public is None:
        return None
    closed = FormerKey(
        kid=account.kid,
        public=account.public,
        next_kid=wish.kid,
        closed=now,
        readable_until=now + readable_ms,
    )
    return replace(
        change_of(state),
        account=replace(account, kid=wish.kid, public=wish.public),
        put_former=(closed,),
        put_slots=wish.slots,
        put_pending=(replace(waiting, approval=wish.approval, approved=wish.kid),),
        drop_start_over=True,
    )


def objectors(state: AccountState, now: int, recently_ms: int) -> tuple[str, ...]:
    """Return the sessions with a slot that were used recently enough to be asked first."""
    holding = {one.session for one in state.tokens if one.blob and not one.pending}
    return tuple(
        one.id
        for one in state.sessions
        if one.id in holding
        and one.kid is not None
        and one.kid == state.account.kid
        and now - one.last_used <= recently_ms
    )
