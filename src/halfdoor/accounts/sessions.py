"""Who asks: from an access token to a session with an open keyring, in a few microseconds."""

from collections.abc import Awaitable, Callable
from typing import Final, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.approvals import take_approval
from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import ConflictError, NotFoundError, UnknownTokenError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.news import News
from halfdoor.accounts.pairs import confirm, expire
from halfdoor.accounts.recent import Recent
from halfdoor.accounts.records import FormerKey, SessionRecord, TokenRecord
from halfdoor.accounts.session import Lifetimes, Session
from halfdoor.accounts.start_over_effect import take_effect
from halfdoor.accounts.store import AccountState, AccountStore, Change, Seen
from halfdoor.accounts.tokens import Mint, ReadToken
from halfdoor.sealing.labels import Denied

SEEN_MS: Final = 600_000
_FAR: Final = 2**62
# Confirm, start over, take the approval: and one more look.
_STEPS: Final = 6


@final
class _Seat(msgspec.Struct, frozen=True, gc=False):
    """A session as the cache has it: sealed blobs, and when to look at the store again."""

    session: Session
    token: TokenRecord
    former: tuple[FormerKey, ...]
    until: int


class _Step(msgspec.Struct, frozen=True):
    """One step of settling what the use of a token settles; `last` when nothing is left."""

    state: AccountState
    last: bool = True
    expired: bool = False
    started_over: bool = False


@final
class Sessions:
    """Authenticates requests.

    Sessions in use are remembered by a hash of their token, at most *bound* of them, and
    forgotten when their account changes. Whatever opens a user key happens in the keyring.
    """

    def __init__(
        self,
        store: AccountStore,
        changes: Changes,
        keyring: Keyring,
        mint: Mint,
        news: News,
        lifetimes: Lifetimes,
        *,
        bound: int = 20_000,
        arrive: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """*arrive* lets nothing be remembered of a user that another process changed."""
        self._store = store
        self._arrive = arrive
        self._changes = changes
        self._keyring = keyring
        self._mint = mint
        self._news = news
        self._lifetimes = lifetimes
        self._bound = bound
        self._seats: Recent[bytes, _Seat] = Recent(bound)
        self._by_user: Recent[str, set[bytes]] = Recent(bound)
        # When the account of a user changed last, in a count of all changes.
        self._changes_seen = 0
        self._changed: Recent[str, int] = Recent(bound)
        changes.listen(self._hear)

    async def authenticate(self, text: str, now: int, ip: str | None = None) -> Session:
        """Return the session of an access token, with its user key open in the keyring.

        `UnknownTokenError` says whether a refresh can help. Enter `keyring.request(session.id)`
        before the next await: from then on the key stays open until that block is left.
        """
        mark = self._mint.mark(text)
        known = self._seats.at_hand(mark)
        if known is not None and self._arrive is not None:
            await self._arrive(known.session.user)
            known = self._seats.at_hand(mark)
        fresh = known is None or now >= known.until
        if known is not None and not fresh and self._needs_nothing(known):
            # Nearly always; then the token itself need not even be read.
            return known.session
        token = self._mint.read(text, "acc")
        seat = await self._sit(token, mark, now, ip) if known is None or fresh else known
        if seat.session.pending:
            return seat.session
        # A key may be open already and its former ones not: the account changed meanwhile.
        if not self._keyring.holds(seat.session.id) or (fresh and seat.former):
            self._unlock(seat, token)
        return seat.session

    def _needs_nothing(self, seat: _Seat) -> bool:
        """Tell whether a request of this session can go on at once: its key is open, or none is."""
        return seat.session.pending or self._keyring.holds(seat.session.id)

    def forget(self, user: str) -> None:
        """Look at the store again for every session of *user*."""
        self._changes_seen += 1
        self._changed.put(user, self._changes_seen)
        for mark in self._by_user.at_hand(user) or ():
            self._seats.forget(mark)
        self._by_user.forget(user)

    async def changed_elsewhere(self, user: str) -> None:
        """Look at the store again for *user*, and wipe the keys of sessions that are gone there."""
        self.forget(user)
        held = self._keyring.sessions(user)
        if held:
            state = await self._store.state(user)
            for session in held:
                if state is None or state.session(session) is None:
                    self._keyring.forget(session)

    async def sweep(self, now: int) -> int:
        """Drop expired slots, and sessions whose former key may not be read any more; hourly."""
        users = await self._store.lapsed(now, 1000)
        for user in users:
            gone = await self._changes.make(user, lambda state: _lapse(state, now))
            if gone:
                await self._news.devices_gone(user, gone)
        return len(users)

    def _hear(self, change: Change) -> None:
        self.forget(change.account.user)
        for session in change.drop_sessions:
            self._keyring.forget(session)

    def _unlock(self, seat: _Seat, token: ReadToken) -> None:
        """Open the user key with the token, and the former keys behind it."""
        session, row = seat.session, seat.token
        try:
            self._keyring.unlock(session.id, session.user, row.kid, row.slot, row.blob, token.kek())
            for former in seat.former:
                self._keyring.unlock_former(
                    session.id, session.user, former.kid, former.next_kid, former.blob or b""
                )
        except Denied:
            # A slot that was moved here from another session or user: it opens nothing.
            self.forget(session.user)
            self._keyring.forget(session.id)
            raise UnknownTokenError from None

    async def _sit(self, token: ReadToken, mark: bytes, now: int, ip: str | None) -> _Seat:
        """Look the token up, settle what its use settles, and remember the session."""
        for _ in range(_STEPS):
            before = self._changes_seen
            user, state, row, record = await self._look(token, now, ip)
            if self._arrive is not None:
                await self._arrive(user)
            # A logout may have come between: what was read before it is not remembered.
            if (self._changed.at_hand(user) or 0) <= before:
                return self._remember(mark, state, row, record, now)
        raise ConflictError("the account is changing too fast; try again")

    async def _look(
        self, token: ReadToken, now: int, ip: str | None
    ) -> tuple[str, AccountState, TokenRecord, SessionRecord]:
        """Return whose token it is, the account once all is settled, token row and session."""
        found = await self._store.find_token(token.ub, token.lookup)
        if found is None:
            raise UnknownTokenError
        user, state = found
        # 1. The first use of a pair ends the pairs before it; a due wish to start over takes
        #    effect; an approval is taken. Nearly always there is nothing to do.
        row = _row_of(state, token)
        with self._keyring.request(row.session):
            for _ in range(_STEPS):
                if self._next(state, token, now)[0] is None:
                    break
                step = await self._settle(user, token, now)
                if step.started_over:
                    await self._news.new_user_key(user, replaced=True)
                    await self._news.started_over(user)
                found = await self._store.find_token(token.ub, token.lookup)
                if found is None:
                    raise UnknownTokenError
                state = found[1]
            row = _row_of(state, token)
            record = _session_of(state, row)
            if not row.blob:
                raise UnknownTokenError(soft_logout=True)
            # 2. Remember when it was used: it decides who may object to starting over.
            if now - record.last_used >= SEEN_MS:
                await self._store.seen(user, Seen(record.id, record.device, now, ip))
        return user, state, row, record

    async def _settle(self, user: str, token: ReadToken, now: int) -> _Step:
        try:
            return await self._changes.make(user, lambda state: self._next(state, token, now))
        except NotFoundError:
            raise UnknownTokenError from None

    def _next(self, state: AccountState, token: ReadToken, now: int) -> tuple[Change | None, _Step]:
        """Return the next change that this use of *token* makes, None when all is settled."""
        row = _row_of(state, token)
        session = _session_of(state, row)
        account, wish = state.account, state.start_over
        if account.deactivated or row.kind != "acc":
            raise UnknownTokenError
        if row.expires is not None and row.expires <= now:
            bare = expire(state, now)
            return replace(change_of(state), put_tokens=bare) if bare else None, _Step(state)
        if session.kid is not None and session.kid != account.kid:
            former = next((one for one in state.former if one.kid == session.kid), None)
            if former is None or former.readable_until <= now:
                raise UnknownTokenError
        change = confirm(state, row)
        if change is not None:
            return change, _Step(state)
        if wish is not None and wish.session == session.id and wish.due <= now:
            change = take_effect(state, wish, now, self._lifetimes.former_key)
            if change is not None:
                return change, _Step(state, started_over=True)
        return take_approval(state, row, token.kek(), self._keyring), _Step(state)

    def _remember(
        self, mark: bytes, state: AccountState, row: TokenRecord, record: SessionRecord, now: int
    ) -> _Seat:
        account, wish = state.account, state.start_over
        session = Session(
            id=record.id,
            user=account.user,
            device=record.device,
            kid=record.kid,
            pending=row.pending,
            closed=not row.pending and row.kid != account.kid,
        )
        times = [row.expires or _FAR, max(record.last_used, now) + SEEN_MS]
        if wish is not None and wish.session == record.id:
            times.append(wish.due)
        times += [one.readable_until for one in state.former if one.kid == row.kid]
        seat = _Seat(session, row, _chain(state, row.kid), min(times))
        self._seats.put(mark, seat)
        marks = self._by_user.at_hand(account.user) or set()
        marks.add(mark)
        self._by_user.put(account.user, marks)
        return seat


def _row_of(state: AccountState, token: ReadToken) -> TokenRecord:
    """Return the row of *token*, `UnknownTokenError` where it is gone."""
    for row in state.tokens:
        if row.lookup == token.lookup:
            return row
    raise UnknownTokenError


def _session_of(state: AccountState, row: TokenRecord) -> SessionRecord:
    """Return the session of a token's row; a token without one opens nothing."""
    session = state.session(row.session)
    if session is None:
        raise UnknownTokenError
    return session


def _chain(state: AccountState, kid: bytes) -> tuple[FormerKey, ...]:
    """Return the former keys that the key *kid* opens, one after the other."""
    chain: list[FormerKey] = []
    while True:
        before = next(
            (one for one in state.former if one.next_kid == kid and one.blob is not None), None
        )
        if before is None or before in chain:
            return tuple(chain)
        chain.append(before)
        kid = before.kid


def _lapse(state: AccountState, now: int) -> tuple[Change | None, tuple[str, ...]]:
    """Return what time alone changes: expired slots go, and sessions whose key is closed."""
    closed = [one for one in state.former if 0 < one.readable_until <= now]
    over = {one.kid for one in closed}
    gone = [one for one in state.sessions if one.kid in over and one.kid != state.account.kid]
    names = {one.id for one in gone}
    bare = tuple(one for one in expire(state, now) if one.session not in names)
    if not closed and not bare:
        return None, ()
    devices = tuple(one.device for one in gone)
    change = replace(
        change_of(state),
        put_tokens=bare,
        put_former=tuple(replace(one, readable_until=0) for one in closed),
        drop_sessions=tuple(names),
        drop_devices=devices,
    )
    return change, devices
