"""What an administrator may ask of a house: a closed list of verbs, and what each gives back.

None of them carries a message, a name of a room or person, or account data, in either direction.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

PAGE: Final = 500

# A local part, or a whole user id.
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Password = Annotated[str, Meta(max_length=4096)]
Band = Literal["under13", "13-15", "16-17", "adult"]


class Asked(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="verb"
):
    """One request."""


class CreateUser(Asked, frozen=True, kw_only=True, tag="user.create"):
    """Make an account with a password; gives `Changed`. Without a band the age is unknown."""

    localpart: Name
    password: Password
    age_band: Band | None = None

    def __repr__(self) -> str:
        return f"CreateUser({self.localpart!r})"


class ResetPassword(Asked, frozen=True, kw_only=True, tag="user.reset_password"):
    """Give an account another password; gives `PasswordReset`."""

    user: Name
    password: Password

    def __repr__(self) -> str:
        return f"ResetPassword({self.user!r})"


class Suspend(Asked, frozen=True, kw_only=True, tag="user.suspend"):
    """Let somebody read and leave, and nothing else; gives `Changed`."""

    user: Name


class Unsuspend(Asked, frozen=True, kw_only=True, tag="user.unsuspend"):
    """Lift a suspension; gives `Changed`."""

    user: Name


class Deactivate(Asked, frozen=True, kw_only=True, tag="user.deactivate"):
    """Close an account for good; gives `Changed`."""

    user: Name


class Connect(Asked, frozen=True, kw_only=True, tag="user.connect"):
    """Connect two people, as the platform would; gives `Changed`.

    Who may be an adult and a minor are connected only where *sure*.
    """

    a: Name
    b: Name
    sure: bool = False


class ShowUser(Asked, frozen=True, kw_only=True, tag="user.show"):
    """Ask for the facts about one person; gives `UserFacts`."""

    user: Name


class ListUsers(Asked, frozen=True, kw_only=True, tag="user.list"):
    """Ask for the facts about everybody, in order of ids, after *after*; gives `UserPage`."""

    after: str = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = PAGE


class ExplainContact(Asked, frozen=True, kw_only=True, tag="policy.explain"):
    """Ask who of two people may write to whom; gives `Explained`."""

    a: Name
    b: Name


Verb = (
    CreateUser
    | ResetPassword
    | Suspend
    | Unsuspend
    | Deactivate
    | Connect
    | ShowUser
    | ListUsers
    | ExplainContact
)


class Changed(msgspec.Struct, frozen=True):
    """It is done, and durable; `users` are those it was about, by their whole ids."""

    users: tuple[str, ...]


class PasswordReset(msgspec.Struct, frozen=True):
    """The password is another one; `history_closed` where there is a key that it does not open."""

    user: str
    history_closed: bool


class UserFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a house knows of a person. `created` is ms since 1970, None without an account.

    `devices` counts all, `waiting` those among them that wait for approval; `way_back` says whether
    anything but a signed-in device opens the account (False before the first login).
    """

    user: str
    age_band: str | None
    age_source: str | None
    region: str | None
    guardian: str | None
    guardian_allows: int
    dm_choice: bool | None
    suspended: bool
    deactivated: bool
    created: int | None
    signed_in_once: bool
    password: bool
    devices: int
    waiting: int
    way_back: bool


class UserPage(msgspec.Struct, frozen=True):
    """Some people, in order of ids; *more* says that there are others after the last."""

    users: tuple[UserFacts, ...]
    more: bool


class Explained(msgspec.Struct, frozen=True):
    """Whether the first may write to the second, and all that follows from the policy."""

    allowed: bool
    sentences: tuple[str, ...]
