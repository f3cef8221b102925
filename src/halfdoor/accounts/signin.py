"""Opening a session: device, session, slots and, the first time, the user key (SEALING §2)."""

from typing import Final, final

import msgspec
from msgspec.structs import replace

from halfdoor import ids
from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.crowding import crowded_out
from halfdoor.accounts.errors import DeactivatedError, ForbiddenError, InvalidParameterError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.news import News
from halfdoor.accounts.pairs import new_pair
from halfdoor.accounts.records import (
    AccountRecord,
    DeviceRecord,
    LoginRecord,
    PendingRecord,
    PersonRecord,
    SessionRecord,
    SlotRecord,
)
from halfdoor.accounts.recovery_key import RecoveryKey
from halfdoor.accounts.session import Lifetimes, LoginRequest, Session, SignedIn
from halfdoor.accounts.store import AccountState, Change
from halfdoor.accounts.tokens import Mint
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.slots import PasswordSecrets

_MAX_NAME: Final = 255


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a login brought along: a right password's `secrets`, and the login they belong to.

    `registers` carries the login and person of an account that is made by this request.
    """

    secrets: PasswordSecrets | None = None
    login: LoginRecord | None = None
    registers: bool = False
    person: PersonRecord | None = None

    def __repr__(self) -> str:
        return f"Given(password={self.secrets is not None})"


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """How the session got, or did not get, at the user key."""

    account: AccountRecord
    slots: tuple[SlotRecord, ...] = ()
    waiting: PendingRecord | None = None
    made: bool = False
    recovery: RecoveryKey | None = None
    # Devices whose sessions made way for this one.
    gone: tuple[str, ...] = ()


@final
class SignIn:
    """Opens sessions of people whom somebody else has recognised."""

    def __init__(
        self, changes: Changes, keyring: Keyring, mint: Mint, news: News, lifetimes: Lifetimes
    ) -> None:
        self._changes = changes
        self._keyring = keyring
        self._mint = mint
        self._news = news
        self._lifetimes = lifetimes

    async def open(self, user: str, request: LoginRequest, given: Given, now: int) -> SignedIn:
        """Open a session for *user*, who was recognised; an account without a key gets one.

        Raises `DeactivatedError`, and `ForbiddenError` for a wrong recovery key.
        """
        check_texts(request)
        session_id = ids.new_session_id()
        with self._keyring.request(session_id):
            try:
                answer, way = await self._changes.make_or_create(
                    user, lambda state: self._decide(state, session_id, request, given, now), now
                )
            except BaseException:
                self._keyring.forget(session_id)
                raise
            if way.made:
                await self._news.new_user_key(user, replaced=False)
            if way.waiting is not None:
                await self._news.pending(user, way.waiting)
            if way.gone:
                await self._news.devices_gone(user, way.gone)
        return answer

    def _decide(
        self,
        state: AccountState,
        session_id: str,
        request: LoginRequest,
        given: Given,
        now: int,
    ) -> tuple[Change, tuple[SignedIn, _Way]]:
        if state.account.deactivated:
            raise DeactivatedError("this account was closed")
        if given.registers and state.account.revision >= 0:
            raise ForbiddenError("this account exists")
        if not given.registers and given.login is not None and given.login != state.login:
            raise ForbiddenError("the password was changed a moment ago")
        # 1. Find the way to the user key: make it, open it, or wait for it.
        way = self._way(state, session_id, request, given)
        live = way.waiting is None
        device = self._device(state, session_id, request, now, live=live)
        if way.waiting is not None:
            way = replace(way, waiting=replace(way.waiting, device=device.id, asked=now))
        # 2. Make the tokens, and seal what each of them opens.
        kid = way.account.kid if live else way.waiting.kid if way.waiting else None
        assert kid is not None  # noqa: S101 - a way ends with a key or with a pending key
        user = state.account.user
        access = self._mint.make("acc", user)
        refresh = self._mint.make("ref", user) if request.refresh else None
        expires = now + self._lifetimes.access_token if refresh is not None else None
        record = SessionRecord(
            id=session_id,
            device=device.id,
            created=now,
            last_used=now,
            kid=kid if live else None,
            confirmed=0,
            pairs=0,
        )
        seal = self._keyring.wrap if live else self._keyring.wrap_pending
        before = "" if live else "pend-"
        tokens = new_pair(
            record,
            -1,
            (access, seal(session_id, user, f"{before}acc:{session_id}", access.kek)),
            (refresh, seal(session_id, user, f"{before}ref:{session_id}", refresh.kek))
            if refresh is not None
            else None,
            kid=kid,
            pending=not live,
            expires=expires,
        )
        # 3. One transaction: account, device, session, slots. The device's old session goes, and
        #    those that were used longest ago where there are too many.
        old = state.device(device.id)
        crowd = [one for one in crowded_out(state, live=live) if one.device != device.id]
        way = replace(way, gone=tuple(one.device for one in crowd))
        ended = [old.session] if old is not None else []
        change = replace(
            change_of(state),
            account=way.account,
            login=given.login if given.registers else None,
            person=given.person,
            put_slots=way.slots,
            put_devices=(device,),
            put_sessions=(replace(record, pairs=1),),
            put_tokens=tokens,
            put_pending=(way.waiting,) if way.waiting is not None else (),
            drop_sessions=(*ended, *(one.id for one in crowd)),
            drop_devices=way.gone,
        )
        session = Session(session_id, user, device.id, kid if live else None, not live)
        answer = SignedIn(
            session=session,
            access_token=access.text,
            refresh_token=refresh.text if refresh is not None else None,
            expires_in_ms=self._lifetimes.access_token if refresh is not None else None,
            recovery_key=way.recovery.text if way.recovery is not None else None,
            recovery_kit=way.recovery.kit if way.recovery is not None else None,
        )
        return change, (answer, way)

    def _way(self, state: AccountState, session: str, request: LoginRequest, given: Given) -> _Way:
        """Open or make the user key, or make a pending key."""
        account, user = state.account, state.account.user
        if account.kid is None:
            public = self._keyring.create(session, user)
            account = replace(account, kid=public.kid, public=public.to_bytes())
            return self._with_a_way_back(
                _Way(
                    account=account,
                    slots=self._password_slot(session, user, public.kid, given),
                    made=True,
                ),
                session,
                user,
            )
        password = state.slot("pw", account.kid)
        if request.recovery_key is not None:
            slot = state.slot("rec", account.kid)
            self._recover(session, user, account.kid, slot, request.recovery_key)
            # The password is at hand too: let it open the account next time.
            return _Way(
                account=account, slots=self._password_slot(session, user, account.kid, given)
            )
        if password is not None and self._opens(session, user, account.kid, password, given):
            return _Way(account=account)
        # A right password after an administrator's reset arrives here too: it opens no slot.
        public = self._keyring.new_pending(session, user)
        waiting = PendingRecord(
            session=session, device="", kid=public.kid, public=public.to_bytes(), asked=0
        )
        return _Way(account=account, waiting=waiting)

    def _opens(self, session: str, user: str, kid: bytes, slot: SlotRecord, given: Given) -> bool:
        """Open the user key from slot `pw`, if the password given is the one it was made for."""
        if given.secrets is None or given.login is None or slot.salt != given.login.salt:
            return False
        try:
            self._keyring.unlock(session, user, kid, "pw", slot.blob, given.secrets.kek)
        except Denied:
            return False
        return True

    def _with_a_way_back(self, way: _Way, session: str, user: str) -> _Way:
        """Add a recovery key where session slots would be the only ones."""
        if way.slots or way.account.kid is None:
            return way
        recovery = self._keyring.make_recovery(session, user)
        slot = recovery_slot(recovery, way.account.kid)
        return replace(way, slots=(slot,), recovery=recovery)

    def _password_slot(
        self, session: str, user: str, kid: bytes, given: Given
    ) -> tuple[SlotRecord, ...]:
        if given.secrets is None or given.login is None:
            return ()
        blob = self._keyring.wrap(session, user, "pw", given.secrets.kek)
        return (SlotRecord(name="pw", kid=kid, blob=blob, salt=given.login.salt),)

    def _recover(
        self, session: str, user: str, kid: bytes, slot: SlotRecord | None, text: str
    ) -> None:
        try:
            if slot is not None:
                self._keyring.unlock_recovery(session, user, kid, slot.blob, text)
                return
        except Denied:
            pass
        raise ForbiddenError("this recovery key does not open the account")

    def _device(
        self,
        state: AccountState,
        session: str,
        request: LoginRequest,
        now: int,
        *,
        live: bool,
    ) -> DeviceRecord:
        """Return the device of the new session."""
        known = state.device(request.device) if request.device is not None else None
        if known is not None and not live:
            owner = state.session(known.session)
            if owner is not None and owner.kid is not None:
                # A session that opens nothing must not push out one that does: whoever knows a
                # device id could else take the owner's slots away (SEALING §8 no. 53).
                known, request = None, replace(request, device=None)
        return DeviceRecord(
            id=known.id if known is not None else request.device or ids.new_device_id(),
            session=session,
            created=known.created if known is not None else now,
            display_name=known.display_name if known is not None else request.display_name,
            last_seen=now,
            last_ip=request.ip,
        )


def recovery_slot(recovery: RecoveryKey, kid: bytes) -> SlotRecord:
    """Return the slot of a recovery key that was just made."""
    return SlotRecord(name="rec", kid=kid, blob=recovery.blob, public=recovery.public)


def check_texts(request: LoginRequest) -> None:
    """Refuse device ids and names that no client needs (`InvalidParameterError`)."""
    device = request.device
    if device is not None and not (
        0 < len(device.encode(errors="replace")) <= _MAX_NAME
        and device.isprintable()
        and not any(one.isspace() for one in device)
    ):
        raise InvalidParameterError("a device id has 1 to 255 visible characters")
    check_display_name(request.display_name)


def check_display_name(name: str | None) -> None:
    """Refuse a device name that is too long or no text."""
    if name is not None and (len(name) > _MAX_NAME or not _is_text(name)):
        raise InvalidParameterError("a device name has at most 255 characters")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in name
