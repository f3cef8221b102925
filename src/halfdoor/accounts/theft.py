"""Suspected theft: a new user key; all slots go but those whose secret is here (SEALING §2)."""

from typing import final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import ForbiddenError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.news import News
from halfdoor.accounts.pairs import new_pair
from halfdoor.accounts.pending import check_writes
from halfdoor.accounts.records import FormerKey, SlotRecord
from halfdoor.accounts.recovery_key import RecoveryKey
from halfdoor.accounts.session import Lifetimes, Session, SignedIn
from halfdoor.accounts.signin import recovery_slot
from halfdoor.accounts.store import AccountState, Change
from halfdoor.accounts.tokens import Mint
from halfdoor.accounts.uia import Proof


class _Done(msgspec.Struct, frozen=True):
    """What the change leaves to do."""

    answer: SignedIn
    devices: tuple[str, ...]


@final
class Theft:
    """Replaces the user key of somebody who thinks that it was stolen."""

    def __init__(
        self, changes: Changes, keyring: Keyring, mint: Mint, news: News, lifetimes: Lifetimes
    ) -> None:
        self._changes = changes
        self._keyring = keyring
        self._mint = mint
        self._news = news
        self._lifetimes = lifetimes

    async def suspect(self, session: Session, proof: Proof, now: int) -> SignedIn:
        """Replace the user key; only *session* stays, with a new pair of tokens.

        The old key stays readable to the new one. `rec` is sealed again to the recovery key that
        the person has; where there is none, and no password, a new one is in the answer.
        """
        check_writes(session)
        done = await self._changes.make(
            session.user, lambda state: self._decide(state, session, proof, now)
        )
        # The session holds the old and the new key until its request ends: now or never.
        await self._news.reseal_account_data(session.user, session.id)
        await self._news.new_user_key(session.user, replaced=True)
        if done.devices:
            await self._news.devices_gone(session.user, done.devices)
        return done.answer

    def _decide(
        self, state: AccountState, session: Session, proof: Proof, now: int
    ) -> tuple[Change, _Done]:
        account, user, record = state.account, session.user, state.session(session.id)
        if record is None or account.kid is None or account.public is None:
            raise ForbiddenError("this session is gone")
        if session.kid != account.kid:
            raise ForbiddenError("this session may only read: the account was started over")
        # 1. The new key, and the old one sealed to it.
        public, blob = self._keyring.replace(session.id, user)
        former = FormerKey(
            kid=account.kid,
            public=account.public,
            next_kid=public.kid,
            closed=now,
            readable_until=0,
            blob=blob,
        )
        # 2. Lasting slots: the password of this request, and the recovery key the person keeps.
        slots: list[SlotRecord] = []
        if proof.secrets is not None and state.login is not None:
            wrapped = self._keyring.wrap(session.id, user, "pw", proof.secrets.kek)
            slots.append(SlotRecord(name="pw", kid=public.kid, blob=wrapped, salt=state.login.salt))
        kept = state.slot("rec", account.kid)
        shown: RecoveryKey | None = None
        if kept is not None:
            sealed = self._keyring.seal_recovery(session.id, user, kept.public)
            slots.append(SlotRecord(name="rec", kid=public.kid, blob=sealed, public=kept.public))
        elif not slots:
            shown = self._keyring.make_recovery(session.id, user)
            slots.append(recovery_slot(shown, public.kid))
        # 3. A new pair for this session. Every other slot, session and token goes.
        access, renewal = self._mint.make("acc", user), self._mint.make("ref", user)
        wrap = self._keyring.wrap
        pair = new_pair(
            record,
            -1,
            (access, wrap(session.id, user, f"acc:{session.id}", access.kek)),
            (renewal, wrap(session.id, user, f"ref:{session.id}", renewal.kek)),
            kid=public.kid,
            pending=False,
            expires=now + self._lifetimes.access_token,
        )
        others = tuple(one for one in state.sessions if one.id != session.id)
        devices = tuple(one.device for one in others)
        change = replace(
            change_of(state),
            account=replace(account, kid=public.kid, public=public.to_bytes()),
            put_former=(former,),
            put_slots=tuple(slots),
            drop_slots=tuple((one.name, one.kid) for one in state.slots if one.kid == account.kid),
            put_sessions=(
                replace(
                    record,
                    kid=public.kid,
                    pairs=record.pairs + 1,
                    confirmed=record.pairs,
                    last_used=now,
                ),
            ),
            put_tokens=pair,
            drop_tokens=tuple(one.lookup for one in state.tokens if one.session == session.id),
            drop_sessions=tuple(one.id for one in others),
            drop_devices=devices,
            drop_start_over=state.start_over is not None,
        )
        answer = SignedIn(
            session=replace(session, kid=public.kid),
            access_token=access.text,
            refresh_token=renewal.text,
            expires_in_ms=self._lifetimes.access_token,
            recovery_key=shown.text if shown is not None else None,
            recovery_kit=shown.kit if shown is not None else None,
        )
        return change, _Done(answer, devices)
