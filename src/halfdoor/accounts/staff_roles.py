"""What a record of staff may say: roles, names and places. Pure."""

import re
from collections.abc import Iterable
from typing import Final, get_args

from halfdoor.accounts.errors import InvalidParameterError
from halfdoor.accounts.staff_errors import RolesError
from halfdoor.ids import is_user_id
from halfdoor.policy.review import Role

ROLES: Final[frozenset[str]] = frozenset(get_args(Role))
# Who runs the server, and reads nothing that people wrote.
ADMIN: Final = "admin"
# At the machine itself, through the control socket.
OPERATOR: Final = "operator"
_PLACE: Final = re.compile(r"[A-Z]{2}")
_NAME_CHARS: Final = 60


def checked_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Return *roles* in order, each once; `RolesError` for none, unknown ones, or admin with any.

    An admin can make accounts and end them: with a role that reads, one person could do all alone.
    """
    found = frozenset(roles)
    if not found:
        raise RolesError("an account of staff needs a role")
    unknown = found - ROLES
    if unknown:
        raise RolesError(f"there is no such role; they are: {', '.join(sorted(ROLES))}")
    if ADMIN in found and len(found) > 1:
        raise RolesError("an admin holds no other role, since the others read what was reported")
    return tuple(sorted(found))


def check_record(name: str, place: str, people: Iterable[str]) -> None:
    """Refuse a pseudonym, a place or user ids that mean nothing; `InvalidParameterError`."""
    if not 0 < len(name) <= _NAME_CHARS or not name.isprintable() or name != name.strip():
        raise InvalidParameterError(f"a name is 1 to {_NAME_CHARS} characters that one can see")
    if not _PLACE.fullmatch(place):
        raise InvalidParameterError("a place is an ISO 3166-1 code of two capital letters")
    if not all(is_user_id(user) for user in people):
        raise InvalidParameterError("one of the people is no user id, as in @ada:example.org")
