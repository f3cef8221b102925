"""Token pairs of a session: which stay and which go. Pure (SEALING §2)."""

from collections.abc import Iterable

from msgspec.structs import replace

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.records import SessionRecord, TokenRecord
from halfdoor.accounts.store import AccountState, Change
from halfdoor.accounts.tokens import NewToken

# Answers to a repeated refresh that may still be on their way.
_SIBLINGS = 3


def new_pair(
    session: SessionRecord,
    parent: int,
    access: tuple[NewToken, bytes],
    refresh: tuple[NewToken, bytes] | None,
    *,
    kid: bytes,
    pending: bool,
    expires: int | None,
) -> tuple[TokenRecord, ...]:
    """Return the rows of a new pair: each token with the blob that was sealed for its slot."""
    kinds = {"acc": access, **({"ref": refresh} if refresh is not None else {})}
    return tuple(
        TokenRecord(
            lookup=token.lookup,
            session=session.id,
            kind=kind,
            pair=session.pairs,
            parent=parent,
            kid=kid,
            blob=blob,
            pending=pending,
            expires=expires if kind == "acc" else None,
        )
        for kind, (token, blob) in kinds.items()
    )


def tokens_of(state: AccountState, session: str) -> tuple[TokenRecord, ...]:
    """Return the tokens of *session*."""
    return tuple(one for one in state.tokens if one.session == session)


def confirm(state: AccountState, token: TokenRecord) -> Change | None:
    """Return what the first use of *token*'s pair changes: the pairs before and beside it go.

    Pairs that its refresh token has made already may be in use in a moment, so they stay.
    """
    session = state.session(token.session)
    if session is None or session.confirmed == token.pair:
        return None
    gone = [
        one for one in tokens_of(state, token.session) if token.pair not in (one.pair, one.parent)
    ]
    return _without(state, replace(session, confirmed=token.pair), gone)


def crowded(state: AccountState, parent: TokenRecord) -> tuple[bytes, ...]:
    """Return the tokens that make way when *parent* is refreshed once more: the oldest children."""
    children = sorted(
        {one.pair for one in tokens_of(state, parent.session) if one.parent == parent.pair}
    )
    old = set(children[: max(0, len(children) + 1 - _SIBLINGS)])
    return tuple(one.lookup for one in tokens_of(state, parent.session) if one.pair in old)


def expire(state: AccountState, now: int) -> tuple[TokenRecord, ...]:
    """Return the expired access tokens without their blobs: the slots go, soft logout stays."""
    return tuple(
        replace(one, blob=b"")
        for one in state.tokens
        if one.blob and one.expires is not None and one.expires <= now
    )


def still_waiting(tokens: Iterable[TokenRecord]) -> bool:
    """Tell whether any of *tokens* holds the pending secret yet."""
    return any(one.pending for one in tokens)


def _without(state: AccountState, session: SessionRecord, gone: list[TokenRecord]) -> Change:
    """Return the change to *session* that drops the tokens *gone*, and a settled approval."""
    lookups = {one.lookup for one in gone}
    left = [one for one in tokens_of(state, session.id) if one.lookup not in lookups]
    settled = session.kid is not None and not still_waiting(left)
    return replace(
        change_of(state),
        put_sessions=(session,),
        drop_tokens=tuple(lookups),
        drop_pending=(session.id,) if settled and state.waiting(session.id) else (),
    )
