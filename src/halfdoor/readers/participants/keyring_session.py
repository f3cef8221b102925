"""What the keyring holds for one session."""

from collections import OrderedDict
from typing import final

from halfdoor.readers.participants.keyring_epochs import EpochKeys
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import PrivateKey


@final
class Held:
    """Keys of one session: its user key, earlier ones, a pending secret, and open epochs.

    `kid` names the user key that seals and wraps; `in_flight` counts requests and `last` is when
    the newest one ended, in seconds of the keyring's clock.
    """

    __slots__ = ("epochs", "in_flight", "keys", "kid", "last", "pending", "user")

    def __init__(self, last: float) -> None:
        self.user: str | None = None
        self.kid: bytes | None = None
        self.keys: dict[bytes, PrivateKey] = {}
        self.pending: bytes | None = None
        self.epochs: OrderedDict[bytes, EpochKeys] = OrderedDict()
        self.in_flight = 0
        self.last = last

    @property
    def empty(self) -> bool:
        """Whether there is nothing here that would have to be wiped."""
        return not (self.keys or self.epochs or self.pending)

    def belongs_to(self, user: str) -> None:
        """Take *user* as the owner; `Denied` if the session is another's."""
        if self.user is None:
            self.user = user
        elif self.user != user:
            raise Denied

    def user_key(self, user: str) -> PrivateKey:
        """Return the user key that is in force for *user*, else `Denied`."""
        if self.kid is None or self.user != user:
            raise Denied
        return self.keys[self.kid]

    def put(self, key: PrivateKey) -> None:
        """Take *key* as the user key in force."""
        self.keys[key.kid] = key
        self.kid = key.kid

    def wipe(self) -> None:
        """Let go of everything; what CPython keeps of it afterwards, THREATS.md says."""
        for epoch in self.epochs.values():
            epoch.wipe()
        self.epochs.clear()
        self.keys.clear()
        self.kid = None
        self.pending = None

    def __repr__(self) -> str:
        return f"Held(keys={len(self.keys)}, epochs={len(self.epochs)}, in_flight={self.in_flight})"
