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


class RotateKey(Asked, frozen=True, kw_only=True, tag="key.rotate"):
    """Replace the outer key, or finish a replacement that was begun; gives `KeyRotated`."""


class PrepareKey(Asked, frozen=True, kw_only=True, tag="key.prepare"):
    """Make the next outer key without using it, to be copied elsewhere; gives `KeyPrepared`."""


class RemoveFormerKeys(Asked, frozen=True, kw_only=True, tag="key.remove_former"):
    """Remove the outer keys that were replaced; gives `FormerKeysRemoved`."""


class ShowKey(Asked, frozen=True, kw_only=True, tag="key.show"):
    """Ask where the outer key lies, and what beside it; gives `KeyShown`."""


class RenewAccountKey(Asked, frozen=True, kw_only=True, tag="key.renew_account"):
    """Begin a new generation of the account key, unless one is under way; gives `Renewal`."""


class ContinueRenewal(Asked, frozen=True, kw_only=True, tag="key.continue_renewal"):
    """Seal some more rows under the new generation, if one is under way; gives `Renewal`."""


class BeginLog(Asked, frozen=True, kw_only=True, tag="log.begin"):
    """Begin the public log that is configured; gives `LogBegun`."""


class ShowLog(Asked, frozen=True, kw_only=True, tag="log.show"):
    """Ask how the public log is; gives `LogStatus`."""


Roles = Annotated[tuple[str, ...], Meta(max_length=8)]


class InviteStaff(Asked, frozen=True, kw_only=True, tag="staff.invite"):
    """Make an account of staff and the link of its first passkey; gives `StaffInvited`."""

    name: Name
    roles: Roles
    place: Name
    people: Annotated[tuple[Name, ...], Meta(max_length=32)] = ()


class InviteStaffAgain(Asked, frozen=True, kw_only=True, tag="staff.invite_again"):
    """Make another link for an account, in place of earlier ones; gives `StaffInvited`."""

    id: Name


class ListStaff(Asked, frozen=True, kw_only=True, tag="staff.list"):
    """Ask for all accounts of staff, with their passkeys; gives `StaffList`."""


class ChangeStaffRoles(Asked, frozen=True, kw_only=True, tag="staff.roles"):
    """Give an account of staff other roles; gives `StaffChanged`."""

    id: Name
    roles: Roles


class EndStaff(Asked, frozen=True, kw_only=True, tag="staff.end"):
    """End an account of staff for good, and its sessions at once; gives `StaffChanged`."""

    id: Name


class RemoveStaffPasskey(Asked, frozen=True, kw_only=True, tag="staff.remove_passkey"):
    """Remove one passkey of an account of staff, by its name; gives `StaffChanged`."""

    id: Name
    passkey: Name


StaffVerb = (
    InviteStaff | InviteStaffAgain | ListStaff | ChangeStaffRoles | EndStaff | RemoveStaffPasskey
)

LogVerb = BeginLog | ShowLog

HouseVerb = (
    CreateUser
    | ResetPassword
    | Suspend
    | Unsuspend
    | Deactivate
    | Connect
    | ShowUser
    | ListUsers
    | ExplainContact
    | RotateKey
    | PrepareKey
    | RemoveFormerKeys
    | ShowKey
    | RenewAccountKey
    | ContinueRenewal
)
Verb = HouseVerb | LogVerb | StaffVerb


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
    device_checks: bool
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


class KeyRotated(msgspec.Struct, frozen=True):
    """The outer key is another: where it lies, where its predecessor, how many keys lie under it.

    *nodes* says that other servers may have the same data open, and need the new file too.
    """

    key: str
    former: str
    data_keys: int
    nodes: bool


class KeyPrepared(msgspec.Struct, frozen=True):
    """Where the outer key lies that the next rotation will put in force."""

    key: str


class FormerKeysRemoved(msgspec.Struct, frozen=True):
    """The files that are gone."""

    files: tuple[str, ...]


class KeyShown(msgspec.Struct, frozen=True):
    """Where the outer key lies; *unfinished* if its successor does too; *former* ones kept."""

    key: str
    unfinished: bool
    former: tuple[str, ...]


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """How far a new generation of the account key has come.

    `generation` is the newest; `rows` were looked at and `renewed` sealed anew so far; `refused`
    bear no valid mac and were left as they are. `table` is the one at work, "" once all is done;
    `waits_until` is when the old generation may go (ms), 0 where nothing waits.
    """

    done: bool
    generation: int
    table: str = ""
    rows: int = 0
    renewed: int = 0
    refused: int = 0
    waits_until: int = 0


class StaffInvited(msgspec.Struct, frozen=True):
    """An invitation of staff: whose, the address to hand over, until when it is good (ms)."""

    id: str
    address: str
    expires: int

    def __repr__(self) -> str:
        return f"StaffInvited({self.id!r})"


class PasskeyFacts(msgspec.Struct, frozen=True):
    """A passkey by its name, when it was made and when it was last used (ms)."""

    name: str
    created: int
    last_used: int


class StaffFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a house knows of one of its staff; `state` is invited, active or ended."""

    id: str
    name: str
    roles: tuple[str, ...]
    place: str
    people: tuple[str, ...]
    state: str
    created: int
    passkeys: tuple[PasskeyFacts, ...]


class StaffList(msgspec.Struct, frozen=True):
    """All accounts of staff, ended ones too."""

    staff: tuple[StaffFacts, ...]


class StaffChanged(msgspec.Struct, frozen=True):
    """It is done, and durable; the account by its id."""

    id: str
