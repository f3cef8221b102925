"""What can go wrong with a database that is another program, and perhaps another machine."""

from halfdoor.store.errors import StoreError, StoreUnavailableError


class UnknownOutcomeError(StoreUnavailableError):
    """The connection ended while a commit was under way: it may be durable, or not.

    The request must not be answered as done or as refused. Sent again, its transaction id finds
    out which it was.
    """


class UnsafeConnectionError(StoreError):
    """The database is on another machine, and the connection to it would not be protected."""


class UnfitServerError(StoreError):
    """The database server cannot keep what the store promises; the message says what to set."""
