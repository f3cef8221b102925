"""User names: which are given out, and whom a typed name means."""

import re
from typing import Final

from halfdoor.accounts.errors import ForbiddenError, InvalidUsernameError

# Matrix, "User identifiers": what a server may give out today.
_LOCALPART: Final = re.compile(r"[a-z0-9._=/+-]+")
_MAX_BYTES: Final = 255
# The server's own voice, from which notices come: no person has it, however they got their name.
SERVER_LOCALPART: Final = "notices"


def check_localpart(localpart: str, server: str) -> str:
    """Return the user id of a name that may be given out, else `InvalidUsernameError`."""
    user = f"@{localpart}:{server}"
    if _LOCALPART.fullmatch(localpart) is None or len(user.encode()) > _MAX_BYTES:
        raise InvalidUsernameError("a name has small letters, digits and ._=/+- only")
    # The specification keeps the leading underscore for application services; we have none.
    if localpart.startswith("_"):
        raise InvalidUsernameError("a name does not begin with an underscore")
    if localpart == SERVER_LOCALPART:
        raise InvalidUsernameError("this name is the server's own")
    return user


def typed_user(name: str, server: str) -> str:
    """Return whom a person means who typed *name*: an own user id, or its local part.

    Phones like to begin with a capital, so a bare name is read in small letters. A name that cannot
    exist is answered like a wrong password.
    """
    if name.startswith("@"):
        localpart, _, host = name[1:].partition(":")
        if host != server:
            raise ForbiddenError("wrong user name or password")
    else:
        localpart = name.lower()
    try:
        return check_localpart(localpart, server)
    except InvalidUsernameError:
        raise ForbiddenError("wrong user name or password") from None
