"""Who asks: a session as the messaging room knows it, and what it may not do."""

from typing import Protocol

from halfdoor.messaging.powers import is_user_id
from halfdoor.messaging.reading import Reader
from halfdoor.web.errors import ApiError, InvalidParamError
from halfdoor.web.request import Request


class Asker(Protocol):
    """What these handlers need of a session (`accounts.session.Session` is one)."""

    @property
    def id(self) -> str:
        """The name of the session: its keyring goes by it."""

    @property
    def user(self) -> str:
        """The Matrix id of the person."""

    @property
    def device(self) -> str:
        """The device of that session."""

    @property
    def pending(self) -> bool:
        """True until the device was approved (SEALING §2)."""

    @property
    def closed(self) -> bool:
        """True where the session holds a former key: it may read old history and write nothing."""


def reader_of(session: Asker) -> Reader:
    """The session as somebody who reads."""
    return Reader(session.user, session.device, session.id)


def writer_of(session: Asker) -> Reader:
    """The session as somebody who writes; 403 M_FORBIDDEN where it holds a former key."""
    if session.closed:
        raise ApiError(
            403, "M_FORBIDDEN", "The account was started over: this session can only read."
        )
    return Reader(session.user, session.device, session.id)


def check_own(request: Request, session: Asker) -> None:
    """Refuse a path that names another person than the one who asks: 403 M_FORBIDDEN."""
    if request.params["userId"] != session.user:
        raise ApiError(403, "M_FORBIDDEN", "This belongs to another person.")


def check_user_id(name: str, user: str) -> None:
    """Refuse a *user* that is no user id: 400 M_INVALID_PARAM naming the parameter."""
    if not is_user_id(user):
        raise InvalidParamError(name, "is not a user id")
