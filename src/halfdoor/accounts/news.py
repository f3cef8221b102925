"""What the accounts room tells the rest of the house, after it became durable."""

from typing import Protocol

from halfdoor.accounts.records import PendingRecord, StartOverRecord


class News(Protocol):
    """Whoever must hear that an account changed; the app joins it to messaging.

    A lost call costs time, never safety: everything said here can be read from the store again.
    """

    async def new_user_key(self, user: str, *, replaced: bool) -> None:
        """The user key of *user* was made; wraps are owed. *replaced*: start new epochs at once."""
        ...

    async def started_over(self, user: str) -> None:
        """History before now is closed for *user*: members are told by a state event."""
        ...

    async def pending(self, user: str, waiting: PendingRecord) -> None:
        """A session waits for approval: tell the live ones (`org.halfdoor.pending`)."""
        ...

    async def start_over_asked(self, user: str, wish: StartOverRecord) -> None:
        """A waiting session wants to start over: announce it, one tap cancels it."""
        ...

    async def start_over_cancelled(self, user: str) -> None:
        """The wish to start over was cancelled or came to nothing."""
        ...

    async def devices_gone(self, user: str, devices: tuple[str, ...]) -> None:
        """These devices were logged out or deleted."""
        ...

    async def reseal_account_data(self, user: str, session: str) -> None:
        """The user key was replaced; *session* holds both: seal the account data again."""
        ...

    async def deactivated(self, user: str) -> None:
        """The account is closed: leave its rooms, drop its data."""
        ...
