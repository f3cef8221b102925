"""Whom the subject of a platform's JWT means here."""

from halfdoor.accounts.errors import ForbiddenError, InvalidUsernameError
from halfdoor.accounts.names import check_localpart


def subject_user(subject: str, server: str) -> str:
    """Return the user id of a JWT's subject: a local part, or a user id of this server."""
    if subject.startswith("@"):
        localpart, _, host = subject[1:].partition(":")
        if host != server:
            raise ForbiddenError("the JWT is about a person of another server")
    else:
        localpart = subject
    try:
        return check_localpart(localpart, server)
    except InvalidUsernameError:
        raise ForbiddenError("the JWT's subject is no user name") from None
