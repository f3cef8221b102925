"""What the accounts room asks of the keyring. User keys stay in there; here are blobs and KEKs.

`readers/participants/keyring.py` implements it (ARCHITECTURE, "so strangers meet"). Whatever does
not open is `halfdoor.sealing.labels.Denied`. A method that makes or opens a key keeps it for the
session; it is gone soon after the session's last request.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from halfdoor.accounts.recovery_key import RecoveryKey
from halfdoor.sealing.suites import PublicKey


class Keyring(Protocol):
    """The user keys of sessions with a request in flight, or one that has just ended."""

    def request(self, session: str) -> AbstractContextManager[None]:
        """Count a request of *session* as in flight: its keys stay until the block is left."""
        ...

    def holds(self, session: str) -> bool:
        """Tell whether the session's user key is open."""
        ...

    def sessions(self, user: str) -> list[str]:
        """Return the sessions of *user* that hold something."""
        ...

    def unlock(
        self, session: str, user: str, kid: bytes, slot: str, blob: bytes, kek: bytes
    ) -> None:
        """Open the user key *kid* from a slot."""
        ...

    def create(self, session: str, user: str) -> PublicKey:
        """Make a user key; return its public part."""
        ...

    def replace(self, session: str, user: str) -> tuple[PublicKey, bytes]:
        """Make the user key that follows the open one; return it and the old one sealed to it."""
        ...

    def wrap(self, session: str, user: str, slot: str, kek: bytes) -> bytes:
        """Return the open user key wrapped for a slot."""
        ...

    def make_recovery(self, session: str, user: str) -> RecoveryKey:
        """Make a recovery key for the open user key."""
        ...

    def seal_recovery(self, session: str, user: str, recovery_public: bytes) -> bytes:
        """Return the open user key sealed to a recovery key whose public part is at hand."""
        ...

    def unlock_recovery(self, session: str, user: str, kid: bytes, blob: bytes, text: str) -> None:
        """Open the user key *kid* with the recovery key that the person typed."""
        ...

    def new_pending(self, session: str, user: str) -> PublicKey:
        """Make the pending key of a session that waits; return its public part."""
        ...

    def wrap_pending(self, session: str, user: str, slot: str, kek: bytes) -> bytes:
        """Return the secret of the pending key wrapped for a slot."""
        ...

    def unlock_pending(
        self, session: str, user: str, kid: bytes, slot: str, blob: bytes, kek: bytes
    ) -> None:
        """Open the pending key *kid* from a slot of the waiting session."""
        ...

    def approve(self, session: str, user: str, target: str, pending_public: bytes) -> bytes:
        """Return the open user key sealed to the waiting session *target*."""
        ...

    def take_approval(self, session: str, user: str, kid: bytes, approval: bytes) -> None:
        """Open the user key *kid* from an approval, with the session's pending key."""
        ...

    def unlock_former(
        self, session: str, user: str, kid: bytes, next_kid: bytes, blob: bytes
    ) -> None:
        """Open the former user key *kid* with its successor, which is open."""
        ...

    def rejoin_former(
        self, session: str, user: str, kid: bytes, next_kid: bytes, blob: bytes, text: str
    ) -> bytes:
        """Open the former key *kid* from its recovery slot; return it sealed to *next_kid*."""
        ...

    def forget(self, session: str) -> None:
        """Wipe what is held for a session, whatever is in flight."""
        ...
