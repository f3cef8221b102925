"""With whom somebody shares an end-to-end encrypted conversation, and may have to do with there.

Asked from the side of the conversations that the person knows of, never from the room list of the
other: an invitation that was hidden from somebody must not show in what their devices can be sent.
"""

import asyncio
from collections.abc import Collection
from typing import Final

from halfdoor.messaging.contacts import Contacts
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.server_user import is_server_user
from halfdoor.safety.contact import ContactRefused
from halfdoor.safety.postures import E2EE

_HERE: Final = ("join", "invite")


class EncryptedCompany:
    """Finds who may be reached by what only encrypted conversations need."""

    def __init__(self, rooms: Rooms, mailbox: MailboxStore, contacts: Contacts) -> None:
        """Take where conversations and people are found; *contacts* judges them."""
        self._rooms = rooms
        self._mailbox = mailbox
        self._contacts = contacts

    async def reached(self, user: str, others: Collection[str]) -> dict[str, str]:
        """Return those of *others* that *user* may reach, each with their membership there.

        Both are joined or invited in an encrypted conversation where *user* may speak, and are no
        adult and minor who are to be kept apart. "join" where one of several such conversations
        says so. Raises `SuspendedError`.
        """
        await self._contacts.check_active(user)
        wanted = {other for other in others if not is_server_user(other)}
        found: dict[str, str] = {}
        places = [one for one in await self._mailbox.places(user) if one.membership in _HERE]
        # Most write to whom they just spoke with: what is at hand is looked at first.
        places.sort(key=lambda place: self._rooms.at_hand(place.conv) is None)
        for place in places:
            if not wanted:
                break
            # A long list of rooms must not hold up everybody else.
            await asyncio.sleep(0)
            room = await self._encrypted(place.conv, user)
            here = {other for other in wanted if room and room.members.get(other) in _HERE}
            if room is None or not here or not await self._may_speak(room, user):
                continue
            for other in here - await self._contacts.apart(room, user):
                found[other] = room.members[other]
                if found[other] == "join":
                    wanted.discard(other)
        return found

    async def _encrypted(self, conv: str, user: str) -> Room | None:
        try:
            room = await self._rooms.for_member(conv, user, *_HERE)
        except UnknownRoomError:
            return None
        return room if room.posture == E2EE else None

    async def _may_speak(self, room: Room, user: str) -> bool:
        try:
            await self._contacts.check_presence(room, user)
            await self._contacts.postures.check_own(room, user)
        except ContactRefused:
            return False
        return True
