"""Sessions that wait, and their ways out: approval by a live session, recovery (SEALING §2)."""

from typing import Final, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.approvals import approval_for
from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import ForbiddenError, NotFoundError, PendingError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.records import PendingRecord
from halfdoor.accounts.session import Session
from halfdoor.accounts.store import AccountState, AccountStore, Change
from halfdoor.sealing.labels import Denied

# Five groups of four digits: 66 bits of the kid, enough against a key made to look alike.
_GROUPS: Final = 5


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting session as its owner's other sessions see it; both screens show `code`."""

    session: str
    device: str
    display_name: str | None
    asked: int
    code: str


def short_code(kid: bytes) -> str:
    """Return the code that two screens show to compare: twenty digits of the pending key's kid."""
    number = int.from_bytes(kid[:16], "big") % 10 ** (4 * _GROUPS)
    digits = f"{number:0{4 * _GROUPS}}"
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def check_live(session: Session) -> None:
    """Refuse a session that waits for approval (`PendingError`)."""
    if session.pending:
        raise PendingError("this session waits for approval")


def check_writes(session: Session) -> None:
    """Refuse a session that waits, or whose key was replaced, where something is written."""
    check_live(session)
    if session.closed:
        raise ForbiddenError("this session may only read: the account was started over")


@final
class Pending:
    """Lists and approves waiting sessions of one's own account."""

    def __init__(self, store: AccountStore, changes: Changes, keyring: Keyring) -> None:
        self._store = store
        self._changes = changes
        self._keyring = keyring

    async def waiting(self, session: Session) -> list[Waiting]:
        """Return the sessions that wait, oldest first; a waiting one sees only itself."""
        state = await self._store.state(session.user)
        if state is None:
            return []
        return [
            _shown(state, one)
            for one in sorted(state.pending, key=lambda one: one.asked)
            if _waits(state, one) and (not session.pending or one.session == session.id)
        ]

    async def approve(self, session: Session, target: str, code: str) -> None:
        """Let the waiting session *target* in; *code* is what the person compared.

        *session* must be live and in a request (its user key is open). `NotFoundError` where
        nobody waits under that name, `ForbiddenError` where the code is another one.
        """
        check_writes(session)
        await self._changes.make(
            session.user, lambda state: (self._approval(state, session, target, code), None)
        )

    async def refuse(self, session: Session, target: str) -> str:
        """Log the waiting session *target* out; return its device."""
        check_writes(session)
        return await self._changes.make(session.user, lambda state: self._refusal(state, target))

    async def recover(self, session: Session, text: str) -> None:
        """Open a waiting session with the recovery key, as an approval by itself.

        For a live session: join the history of a former key whose recovery key *text* is.
        `ForbiddenError` where the key opens nothing.
        """
        await self._changes.make(
            session.user, lambda state: (self._recovery(state, session, text), None)
        )

    def _approval(
        self, state: AccountState, session: Session, target: str, code: str
    ) -> Change | None:
        waiting = state.waiting(target)
        kid = state.account.kid
        if waiting is None or kid is None or not _waits(state, waiting):
            raise NotFoundError("no session of that name waits")
        if session.kid != kid:
            raise ForbiddenError("this session may only read")
        # The person compared this code; a key that was put in its place has another.
        if "".join(code.split()) != "".join(short_code(waiting.kid).split()):
            raise ForbiddenError("the code is not the one of that session")
        blob = self._keyring.approve(session.id, session.user, target, waiting.public)
        return _approved(state, waiting, kid, blob)

    def _refusal(self, state: AccountState, target: str) -> tuple[Change, str]:
        waiting, record = state.waiting(target), state.session(target)
        if waiting is None or record is None or record.kid is not None:
            raise NotFoundError("no session of that name waits")
        change = replace(change_of(state), drop_sessions=(target,), drop_devices=(record.device,))
        return change, record.device

    def _recovery(self, state: AccountState, session: Session, text: str) -> Change | None:
        waiting, kid = state.waiting(session.id), state.account.kid
        if session.pending and waiting is not None and kid is not None:
            slot = state.slot("rec", kid)
            if slot is not None and self._opens(session, kid, slot.blob, text):
                blob = self._keyring.approve(session.id, session.user, session.id, waiting.public)
                return _approved(state, waiting, kid, blob)
        elif not session.pending and not session.closed and session.kid == kid:
            for former in state.former:
                slot = state.slot("rec", former.kid)
                if slot is None or former.blob is not None or former.next_kid != kid:
                    continue
                try:
                    blob = self._keyring.rejoin_former(
                        session.id, session.user, former.kid, former.next_kid, slot.blob, text
                    )
                except Denied:
                    continue
                return replace(change_of(state), put_former=(replace(former, blob=blob),))
        raise ForbiddenError("this recovery key does not open the account")

    def _opens(self, session: Session, kid: bytes, blob: bytes, text: str) -> bool:
        try:
            self._keyring.unlock_recovery(session.id, session.user, kid, blob, text)
        except Denied:
            return False
        return True


def _approved(state: AccountState, waiting: PendingRecord, kid: bytes, blob: bytes) -> Change:
    """Return the change that approves; whoever is let in has no need to start over."""
    wish = state.start_over
    return replace(
        change_of(state),
        put_pending=(replace(waiting, approval=blob, approved=kid),),
        drop_start_over=wish is not None and wish.session == waiting.session,
    )


def _waits(state: AccountState, waiting: PendingRecord) -> bool:
    """Tell whether a pending row still stands for a session that opens nothing."""
    record = state.session(waiting.session)
    return record is not None and record.kid is None and approval_for(state, record.id) is None


def _shown(state: AccountState, waiting: PendingRecord) -> Waiting:
    device = state.device(waiting.device)
    return Waiting(
        session=waiting.session,
        device=waiting.device,
        display_name=device.display_name if device is not None else None,
        asked=waiting.asked,
        code=short_code(waiting.kid),
    )
