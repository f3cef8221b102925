"""The keyring: user keys and epoch keys, held while a session's request runs and soon forgotten.

It implements the protocol `Keyring` of the accounts room and that of the messaging room. Nothing it
holds is ever written down, queued or printed (SEALING §2).
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import Final, final

from halfdoor.accounts.recovery_key import RecoveryKey
from halfdoor.readers.participants.keyring_epochs import EpochKeys, open_epoch
from halfdoor.readers.participants.keyring_media import MediaKey, of_uploader
from halfdoor.readers.participants.keyring_retention import InFlight, KeyringFullError, Retention
from halfdoor.readers.participants.keyring_session import Held
from halfdoor.sealing.cases import seal_case
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.epochs import Header, cek_commit
from halfdoor.sealing.labels import Denied, b64
from halfdoor.sealing.opening.user_keys import (
    open_account_data,
    open_approval,
    open_pending,
    open_previous,
    open_recovery,
    open_user_key,
)
from halfdoor.sealing.slots import (
    SECRET_BYTES,
    pending_private,
    read_recovery_text,
    recovery_private,
    recovery_text,
    seal_account_data,
    seal_approval,
    seal_previous,
    seal_recovery,
    wrap_pending_secret,
    wrap_user_key,
)
from halfdoor.sealing.suites import XWING, PrivateKey, PublicKey

__all__ = ["Keyring", "KeyringFullError"]

DEFAULT_SECONDS: Final = 30
DEFAULT_SESSIONS: Final = 10_000
DEFAULT_EPOCHS: Final = 256


@final
class Keyring:
    """Keys of sessions whose requests are in flight, and for *seconds* after the last one.

    *seconds* 0 means the request alone. At most *sessions* are held, each with at most *epochs*
    open epochs; *clock* counts seconds and never goes back.
    """

    def __init__(
        self,
        *,
        seconds: float = DEFAULT_SECONDS,
        sessions: int = DEFAULT_SESSIONS,
        epochs: int = DEFAULT_EPOCHS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = Retention(seconds=seconds, sessions=sessions, clock=clock)
        self._most_epochs = epochs

    # --- how long -------------------------------------------------------------------------------

    def request(self, session: str) -> InFlight:
        """Count a request of *session* as in flight until the block is left."""
        return InFlight(self._kept, session)

    def start(self, session: str) -> None:
        """Begin a request; `request` is the usual way."""
        self._kept.start(session)

    def end(self, session: str) -> None:
        """End a request that `start` began."""
        self._kept.end(session)

    def sweep(self, now: float) -> int:
        """Wipe every session whose time is over at *now* (of the keyring's clock); say how many."""
        return self._kept.sweep(now)

    def forget(self, session: str) -> None:
        """Wipe what is held for *session*, whatever is in flight: it was logged out."""
        self._kept.forget(session)

    def holds(self, session: str) -> bool:
        """Tell whether the user key of *session* is open."""
        held = self._kept.live(session)
        return held is not None and held.kid is not None

    def sessions(self, user: str) -> list[str]:
        """Return the sessions of *user* that something is held for."""
        return [name for name, held in self._kept.held.items() if held.user == user]

    # --- user keys ------------------------------------------------------------------------------

    def create(self, session: str, user: str) -> PublicKey:
        """Make the user key of *user*; return its public part."""
        key = PrivateKey.generate(XWING)
        self._owned(session, user).put(key)
        return key.public

    def unlock(
        self, session: str, user: str, kid: bytes, slot: str, blob: bytes, kek: bytes
    ) -> None:
        """Open the user key *kid* from a slot; `Denied` if it is another's or not that key."""
        key = open_user_key(kek, blob, user, kid, slot)
        self._owned(session, user).put(key)

    def wrap(self, session: str, user: str, slot: str, kek: bytes) -> bytes:
        """Return the user key in force, wrapped for *slot*."""
        return wrap_user_key(kek, self._user_key(session, user), user, slot)

    def replace(self, session: str, user: str) -> tuple[PublicKey, bytes]:
        """Make the key that follows the one in force; return it and the old one sealed to it.

        Both stay open: account data is opened with `account_data_open` under the old kid and
        sealed again under the new one in the same request.
        """
        old = self._user_key(session, user)
        key = PrivateKey.generate(XWING)
        blob = seal_previous(old, user, key.public)
        self._owned(session, user).put(key)
        return key.public, blob

    def unlock_former(
        self, session: str, user: str, kid: bytes, next_kid: bytes, blob: bytes
    ) -> None:
        """Open the former key *kid* with its successor *next_kid*, which must be open."""
        held = self._owned(session, user)
        successor = held.keys.get(next_kid)
        if successor is None:
            raise Denied
        held.keys[kid] = open_previous(successor, blob, user, kid)

    # --- recovery -------------------------------------------------------------------------------

    def make_recovery(self, session: str, user: str) -> RecoveryKey:
        """Make a recovery key for the user key in force, with its kit."""
        secret = os.urandom(SECRET_BYTES)
        public = recovery_private(secret).public
        key = self._user_key(session, user)
        blob = seal_recovery(key, user, public)
        kit: dict[str, object] = {"v": 1, "user": user, "kid": b64(key.kid), "rec": b64(blob)}
        return RecoveryKey(text=recovery_text(secret), public=public.to_bytes(), blob=blob, kit=kit)

    def seal_recovery(self, session: str, user: str, recovery_public: bytes) -> bytes:
        """Return the user key in force sealed to a recovery key that somebody holds."""
        public = PublicKey.from_bytes(recovery_public)
        return seal_recovery(self._user_key(session, user), user, public)

    def unlock_recovery(self, session: str, user: str, kid: bytes, blob: bytes, text: str) -> None:
        """Open the user key *kid* with the recovery key *text*."""
        key = open_recovery(recovery_private(read_recovery_text(text)), blob, user, kid)
        self._owned(session, user).put(key)

    def rejoin_former(
        self, session: str, user: str, kid: bytes, next_kid: bytes, blob: bytes, text: str
    ) -> bytes:
        """Open the former key *kid* with the recovery key *text*; return it sealed to *next_kid*.

        So a person who started over and then found the recovery key has the old history back.
        """
        held = self._owned(session, user)
        successor = held.keys.get(next_kid)
        if successor is None:
            raise Denied
        old = open_recovery(recovery_private(read_recovery_text(text)), blob, user, kid)
        held.keys[kid] = old
        return seal_previous(old, user, successor.public)

    # --- sessions that wait ---------------------------------------------------------------------

    def new_pending(self, session: str, user: str) -> PublicKey:
        """Make the secret of a session that waits; return the public part of its key."""
        secret = os.urandom(SECRET_BYTES)
        self._owned(session, user).pending = secret
        return pending_private(secret).public

    def wrap_pending(self, session: str, user: str, slot: str, kek: bytes) -> bytes:
        """Return the session's pending secret, wrapped for *slot*."""
        return wrap_pending_secret(kek, self._pending(session, user), user, slot)

    def unlock_pending(
        self, session: str, user: str, kid: bytes, slot: str, blob: bytes, kek: bytes
    ) -> None:
        """Open the pending secret of a session from a slot; *kid* is that of its pending key."""
        secret = open_pending(kek, blob, user, kid, slot)
        self._owned(session, user).pending = secret

    def approve(self, session: str, user: str, target: str, pending_public: bytes) -> bytes:
        """Return the user key in force, sealed to the session *target* that waits."""
        public = PublicKey.from_bytes(pending_public)
        return seal_approval(self._user_key(session, user), user, target, public)

    def take_approval(self, session: str, user: str, kid: bytes, approval: bytes) -> None:
        """Open the user key *kid* that a live session sealed to this one."""
        pending = pending_private(self._pending(session, user))
        key = open_approval(pending, approval, user, kid, session)
        self._owned(session, user).put(key)

    # --- account data ---------------------------------------------------------------------------

    def account_data_seal(self, session: str, user: str, type: str, room: str, pt: bytes) -> bytes:
        """Return account data sealed under the user key in force; *room* is "" for global."""
        return seal_account_data(self._user_key(session, user), user, type, room, pt)

    def account_data_open(
        self, session: str, user: str, type: str, room: str, blob: bytes
    ) -> bytes:
        """Return sealed account data, whichever of the session's keys it was sealed under."""
        current = self._user_key(session, user)
        others = [one for one in self._owned(session, user).keys.values() if one is not current]
        for key in (current, *others):
            try:
                return open_account_data(key, blob, user, type, room)
            except Denied:
                continue
        raise Denied

    # --- epochs ---------------------------------------------------------------------------------

    def cached(self, session: str, hh: bytes) -> EpochKeys | None:
        """Return the epoch *hh* if it is open for *session*."""
        held = self._kept.live(session)
        return held.epochs.get(hh) if held is not None else None

    def epoch(
        self,
        session: str,
        user: str,
        header: bytes,
        hh: bytes,
        *,
        wrap: bytes | None = None,
        records: Sequence[bytes] = (),
        late: bytes | None = None,
        late_index: int = -1,
    ) -> EpochKeys:
        """Open the epoch *hh* for *user* by the member wrap, or by the late wrap; else `Denied`.

        *records* are the epoch's reader records in order, *late_index* the user's own among them.
        """
        held = self._kept.live(session)
        if held is None or held.user != user:
            raise Denied
        found = held.epochs.get(hh)
        if found is None:
            found = open_epoch(
                held.keys,
                user,
                header,
                hh,
                wrap=wrap,
                records=records,
                late=late,
                late_index=late_index,
            )
            self._keep(held, hh, found)
        else:
            held.epochs.move_to_end(hh)
        return found

    def begin(self, session: str | None, header: Header, cek: bytes) -> EpochKeys:
        """Take the key of an epoch that this request makes; it is kept only for a session."""
        if cek_commit(cek) != header.cek_commit:
            raise Denied
        started = EpochKeys(header, cek)
        held = self._kept.live(session) if session is not None else None
        # Only for a member who could open it by a wrap: a writer need not be a reader.
        if held is not None and held.user is not None and header.kid_of(held.user) in held.keys:
            self._keep(held, header.hh, started)
        return started

    # --- reports --------------------------------------------------------------------------------

    def seal_for_case(
        self,
        session: str,
        user: str,
        hh: bytes,
        fields: EventFields,
        body: bytes,
        *,
        case: str,
        public: PublicKey,
    ) -> bytes:
        """Return the key of one event, sealed to the *case* that *user* reports it in (SEALING §6).

        `Denied` unless the session has the epoch *hh* open and its key is the one of *body*. The
        key itself leaves this room only sealed.
        """
        held = self._kept.live(session)
        epoch = held.epochs.get(hh) if held is not None and held.user == user else None
        if epoch is None:
            raise Denied
        key = epoch.opener.key(fields, body)
        return seal_case(public, case, user, hh, fields.event_id, body, key)

    def media_key(self, session: str, user: str, media_id: str, wrap: bytes) -> MediaKey:
        """Return the key of a file that *user* uploaded, by whichever of the session's keys."""
        self._user_key(session, user)
        return of_uploader(self._owned(session, user).keys.values(), media_id, user, wrap)

    def shown_key(self, media_id: str, key: bytes) -> MediaKey:
        """Return the key of a file that a profile shows, which the entity has."""
        return MediaKey(media_id, key)

    # --- inside ---------------------------------------------------------------------------------

    def _keep(self, held: Held, hh: bytes, epoch: EpochKeys) -> None:
        held.epochs[hh] = epoch
        while len(held.epochs) > self._most_epochs:
            # Not wiped: the request that opened it may still be reading with it.
            held.epochs.popitem(last=False)

    def _owned(self, session: str, user: str) -> Held:
        held = self._kept.owned(session)
        held.belongs_to(user)
        return held

    def _user_key(self, session: str, user: str) -> PrivateKey:
        held = self._kept.live(session)
        if held is None:
            raise Denied
        return held.user_key(user)

    def _pending(self, session: str, user: str) -> bytes:
        held = self._kept.live(session)
        if held is None or held.pending is None or held.user != user:
            raise Denied
        return held.pending

    def __len__(self) -> int:
        """Return how many sessions are held."""
        return len(self._kept.held)

    def __repr__(self) -> str:
        held = self._kept.held
        epochs = sum(len(one.epochs) for one in held.values())
        return f"Keyring(sessions={len(held)}, epochs={epochs})"
