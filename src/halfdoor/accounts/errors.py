"""What the accounts room refuses, each error named for the fact.

`web/errors.py` turns them into answers. No text here holds a password, a token or a key.
"""

from collections.abc import Mapping, Sequence


class AccountsError(Exception):
    """Something the accounts room refuses; the text is meant for the client's developer."""


class ForbiddenError(AccountsError):
    """It is not allowed: a wrong password, a JWT that fails a check (403 M_FORBIDDEN)."""


class UnknownTokenError(AccountsError):
    """The token opens no session (401 M_UNKNOWN_TOKEN).

    `soft_logout` is True where the session still stands and only its access token has expired.
    """

    def __init__(self, *, soft_logout: bool = False) -> None:
        super().__init__("unknown or expired token")
        self.soft_logout = soft_logout


class PendingError(AccountsError):
    """The session waits for approval and may not do this (403, `org.halfdoor.pending: true`)."""


class DeactivatedError(AccountsError):
    """The account was closed for good (403 M_USER_DEACTIVATED)."""


class UserInUseError(AccountsError):
    """The name is taken (400 M_USER_IN_USE)."""


class EndedError(DeactivatedError):
    """A decision of the review desk ended the account, which *user* may contest."""

    def __init__(self, user: str) -> None:
        super().__init__("This account was closed by a decision, which can be contested.")
        self.user = user


class ErasedError(DeactivatedError):
    """The person was erased: nobody takes their name, and nothing is kept about them."""

    def __init__(self) -> None:
        super().__init__("this person was erased")


class InvalidUsernameError(AccountsError):
    """The name is not one that a user may have here (400 M_INVALID_USERNAME)."""


class WeakPasswordError(AccountsError):
    """The password is short, known or easy to guess (400 M_WEAK_PASSWORD)."""


class InvalidParameterError(AccountsError):
    """A parameter is of the right type and still means nothing here (400 M_INVALID_PARAM)."""


class NotFoundError(AccountsError):
    """What was asked for is not there (404 M_NOT_FOUND)."""


class LimitedError(AccountsError):
    """Too many attempts (429 M_LIMIT_EXCEEDED); `retry_after_ms` says when to come back."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__("too many attempts; try again later")
        self.retry_after_ms = retry_after_ms


class ForeignRegionError(AccountsError):
    """The person belongs to another entity by the platform's claim (403 M_FORBIDDEN)."""


class KeysUnavailableError(AccountsError):
    """The platform's keys could not be read, so no JWT can be checked now (503)."""


class ConflictError(AccountsError):
    """The account moved on while the request decided; it is decided again, then given up."""


class UiaNeededError(AccountsError):
    """User-interactive authentication is not complete (401 with flows, session, params).

    `errcode` and `error` are set where a stage was tried and failed.
    """

    def __init__(
        self,
        *,
        session: str,
        flows: Sequence[Sequence[str]],
        completed: Sequence[str] = (),
        params: Mapping[str, object] | None = None,
        errcode: str | None = None,
        error: str | None = None,
    ) -> None:
        super().__init__("user-interactive authentication is needed")
        self.session = session
        self.flows = tuple(tuple(stages) for stages in flows)
        self.completed = tuple(completed)
        self.params = dict(params or {})
        self.errcode = errcode
        self.error = error
