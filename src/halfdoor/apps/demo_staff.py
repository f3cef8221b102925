"""Who works at the review desk of the demo, and the links by which they come in."""

from typing import Final

import msgspec

from halfdoor.accounts.staff_invitations import address
from halfdoor.accounts.staff_records import StaffRecord
from halfdoor.apps.house import House
from halfdoor.apps.setting import ConsolePlace

# Two for child safety, since what is severe there needs a second person.
STAFF: Final = (
    ("Robin", "reviewer", "looks at what was reported"),
    ("Lee", "lead", "answers what is escalated, and sees the board"),
    ("Sam", "child_safety", "works in the vault"),
    ("Kim", "child_safety", "works in the vault, and is somebody else than Sam"),
    ("Ann", "admin", "invites staff, and reads nothing that was reported"),
)
_PLACE: Final = "DE"


class StaffLink(msgspec.Struct, frozen=True):
    """A link that signs somebody in, once. `who` says what they do."""

    name: str
    role: str
    link: str
    who: str

    def __repr__(self) -> str:
        """Name them, without the link."""
        return f"StaffLink({self.name!r})"


async def staff_links(house: House, console: ConsolePlace) -> list[StaffLink]:
    """Make the staff of the demo where they are not there yet, and a fresh link for each."""
    there = await demo_staff(house)
    desk, now = house.desk.staff, house.clock.now_ms()
    links = []
    for name, role, who in STAFF:
        found = there.get(name)
        made = (
            await desk.invite(by=None, name=name, roles=(role,), place=_PLACE, now=now)
            if found is None
            else await desk.invite_again(by=None, id=found.id, now=now)
        )
        link = address(console.public_url, made.link, demo=console.demo)
        links.append(StaffLink(name, role, link, who))
    return links


async def demo_staff(house: House) -> dict[str, StaffRecord]:
    """Return who works at the desk, by name."""
    return {one.name: one for one in await house.desk.staff.members() if one.ended is None}
