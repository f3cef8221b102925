"""Whom the platform means by a name, and what it is told when a list names somebody wrongly."""

from collections.abc import Mapping

from halfdoor.accounts.errors import InvalidUsernameError
from halfdoor.accounts.names import check_localpart
from halfdoor.web.errors import ApiError
from halfdoor.web.request import Request


def own_user(name: str, server: str) -> str:
    """Return the user id of *name*, a local part or a user id of *server*.

    `InvalidUsernameError` (400) for anything else.
    """
    if not name.startswith("@"):
        return check_localpart(name, server)
    localpart, _, host = name[1:].partition(":")
    if host != server:
        raise InvalidUsernameError("the person belongs to another server")
    return check_localpart(localpart, server)


def named_user(request: Request, parameter: str, server: str) -> str:
    """Return the user id that a path parameter names; `InvalidUsernameError` (400)."""
    return own_user(request.params[parameter], server)


def refused_items(faults: Mapping[int, str]) -> ApiError:
    """Return the refusal of a whole list; *faults* says why, by the index of the item."""
    items = [{"index": index, "reason": faults[index]} for index in sorted(faults)]
    first = items[0]
    return ApiError(
        400,
        "M_INVALID_PARAM",
        f"Nothing was done: of the list, number {first['index']} (counted from 0) is refused:"
        f" {first['reason']}",
        **{"org.halfdoor.items": items},
    )
