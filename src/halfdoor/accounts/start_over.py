"""Starting over: a new user key for somebody who can open the old one no more (SEALING §2).

The history before is closed, never destroyed here, and never without giving the owner's other
sessions the time to object.
"""

from typing import final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import ForbiddenError, NotFoundError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.news import News
from halfdoor.accounts.pending import check_live
from halfdoor.accounts.records import SlotRecord, StartOverRecord
from halfdoor.accounts.session import Lifetimes, Session
from halfdoor.accounts.signin import recovery_slot
from halfdoor.accounts.start_over_effect import objectors, take_effect
from halfdoor.accounts.store import AccountState, AccountStore, Change
from halfdoor.accounts.uia import Proof


@final
class StartingOver(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the wish: when it takes effect, and the recovery key of the new user key.

    The key is shown once. It opens nothing before `due`, and nothing at all after a cancellation.
    """

    due: int
    now: bool
    recovery_key: str
    recovery_kit: dict[str, object]

    def __repr__(self) -> str:
        return f"StartingOver(due={self.due})"


@final
class StartOver:
    """Takes, announces and cancels wishes to start over."""

    def __init__(
        self,
        store: AccountStore,
        changes: Changes,
        keyring: Keyring,
        news: News,
        lifetimes: Lifetimes,
    ) -> None:
        self._store = store
        self._changes = changes
        self._keyring = keyring
        self._news = news
        self._lifetimes = lifetimes

    async def ask(self, session: Session, proof: Proof, now: int) -> StartingOver:
        """Ask to start over, from a session that waits and has just proved who it is.

        Takes effect at once only where no session with a slot was used in the last 30 days.
        `ForbiddenError` for a live session, and while another session's wish stands.
        """
        if not session.pending:
            raise ForbiddenError("only a session that waits can start over")
        # The new key is made in a place of its own: the waiting session holds nothing yet.
        place = f"{session.id} starts over"
        with self._keyring.request(place):
            try:
                answer, wish = await self._changes.make(
                    session.user, lambda state: self._decide(state, session, place, proof, now)
                )
            finally:
                self._keyring.forget(place)
        if answer.now:
            await self._news.new_user_key(session.user, replaced=True)
            await self._news.started_over(session.user)
        else:
            await self._news.start_over_asked(session.user, wish)
        return answer

    async def cancel(self, session: Session) -> None:
        """Cancel the wish: one tap of any live session, or of the one that asked."""
        await self._changes.make(
            session.user, lambda state: (self._cancellation(state, session), None)
        )
        await self._news.start_over_cancelled(session.user)

    async def standing(self, session: Session) -> StartOverRecord | None:
        """Return the wish that stands, for `org.halfdoor/pending`."""
        state = await self._store.state(session.user)
        return state.start_over if state is not None else None

    def _decide(
        self, state: AccountState, session: Session, place: str, proof: Proof, now: int
    ) -> tuple[Change, tuple[StartingOver, StartOverRecord]]:
        waiting, user = state.waiting(session.id), session.user
        if waiting is None or state.account.kid is None:
            raise ForbiddenError("this session does not wait")
        if state.start_over is not None and state.start_over.session != session.id:
            raise ForbiddenError("another session asked to start over already")
        # 1. Make the new user key, sealed to whoever will open it: session, recovery key, password.
        public = self._keyring.create(place, user)
        recovery = self._keyring.make_recovery(place, user)
        slots = [recovery_slot(recovery, public.kid)]
        if proof.secrets is not None and state.login is not None:
            blob = self._keyring.wrap(place, user, "pw", proof.secrets.kek)
            slots.append(SlotRecord(name="pw", kid=public.kid, blob=blob, salt=state.login.salt))
        asked_first = objectors(state, now, self._lifetimes.recently)
        wish = StartOverRecord(
            session=session.id,
            asked=now,
            due=now + (self._lifetimes.start_over_delay if asked_first else 0),
            kid=public.kid,
            public=public.to_bytes(),
            approval=self._keyring.approve(place, user, session.id, waiting.public),
            slots=tuple(slots),
        )
        answer = StartingOver(
            due=wish.due,
            now=not asked_first,
            recovery_key=recovery.text,
            recovery_kit=recovery.kit,
        )
        # 2. Wait for those who may object, or take effect where nobody can.
        change = replace(change_of(state), start_over=wish)
        if not asked_first:
            effect = take_effect(state, wish, now, self._lifetimes.former_key)
            if effect is None:
                raise ForbiddenError("this session does not wait")
            change = effect
        return change, (answer, wish)

    def _cancellation(self, state: AccountState, session: Session) -> Change:
        wish = state.start_over
        if wish is None:
            raise NotFoundError("nobody asked to start over")
        if session.pending and wish.session != session.id:
            check_live(session)
        return replace(change_of(state), drop_start_over=True)
