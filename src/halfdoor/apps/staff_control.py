"""What `halfdoor staff` does on a house, running or opened for it."""

from halfdoor.accounts.errors import InvalidParameterError
from halfdoor.accounts.staff_invitations import Invitation, address
from halfdoor.accounts.staff_records import StaffRecord
from halfdoor.apps.house import House
from halfdoor.apps.setting import ConsolePlace
from halfdoor.apps.verbs import (
    ChangeStaffRoles,
    EndStaff,
    InviteStaff,
    InviteStaffAgain,
    ListStaff,
    PasskeyFacts,
    RemoveStaffPasskey,
    StaffChanged,
    StaffFacts,
    StaffInvited,
    StaffList,
    StaffVerb,
)


async def perform_for_staff(
    house: House, verb: StaffVerb
) -> StaffInvited | StaffList | StaffChanged:
    """Do what *verb* says, as whoever sits at the machine; the errors of `accounts.staff`."""
    staff, now = house.desk.staff, house.clock.now_ms()
    match verb:
        case InviteStaff():
            place = _console(house)
            made = await staff.invite(
                by=None,
                name=verb.name,
                roles=verb.roles,
                place=verb.place,
                people=verb.people,
                now=now,
            )
            return _invited(place, made)
        case InviteStaffAgain():
            place = _console(house)
            return _invited(place, await staff.invite_again(by=None, id=verb.id, now=now))
        case ListStaff():
            return StaffList(tuple([await _facts(house, one) for one in await staff.members()]))
        case ChangeStaffRoles():
            await staff.change_roles(by=None, id=verb.id, roles=verb.roles, now=now)
        case EndStaff():
            await staff.end(by=None, id=verb.id, now=now)
        case RemoveStaffPasskey():
            await staff.remove_passkey(by=None, id=verb.id, passkey=verb.passkey, now=now)
    return StaffChanged(verb.id)


def _console(house: House) -> ConsolePlace:
    """Return where a link leads to; before an account is made that nobody could reach."""
    if house.setting.console is None:
        raise InvalidParameterError(
            "there is no console that a link could lead to: set console.public_url first"
        )
    return house.setting.console


def _invited(place: ConsolePlace, made: Invitation) -> StaffInvited:
    link = address(place.public_url, made.link, demo=place.demo)
    return StaffInvited(made.staff.id, link, made.expires)


async def _facts(house: House, record: StaffRecord) -> StaffFacts:
    passkeys = await house.desk.staff.passkeys(record.id)
    return StaffFacts(
        id=record.id,
        name=record.name,
        roles=record.roles,
        place=record.place,
        people=record.people,
        state=_state(record),
        created=record.created,
        passkeys=tuple(PasskeyFacts(one.name, one.created, one.last_used) for one in passkeys),
    )


def _state(record: StaffRecord) -> str:
    if record.ended is not None:
        return "ended"
    return "invited" if record.joined is None else "active"
