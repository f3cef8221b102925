"""Which posture a conversation gets, and who may be in an end-to-end encrypted one."""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import combinations
from typing import Final

from halfdoor.messaging.room import Room
from halfdoor.messaging.server_user import is_server_user
from halfdoor.messaging.standings import Facts, Standings
from halfdoor.policy.model import Policy
from halfdoor.safety.people import Person
from halfdoor.safety.postures import (
    E2EE,
    check_end_to_end,
    check_own_end_to_end,
    posture_for,
)
from halfdoor.sealing.epochs import Posture

_BOUND: Final = 20_000


class Postures:
    """Gathers the facts that `safety.postures` judges by."""

    def __init__(self, policy: Policy, people: Facts, standings: Standings) -> None:
        """Judge by *policy*; *standings* tells who knows whom."""
        self._policy = policy
        self._people = people
        self._standings = standings
        # In which end-to-end encrypted conversations a person was found to be rightly, and as of
        # when: the revision of the room and the version of what is known of people.
        self._found: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()

    @property
    def default(self) -> Posture:
        """The posture of a conversation whose creator asks for none."""
        return self._policy.posture.default

    async def choose(self, creator: str, invited: Iterable[str], asked: Posture | None) -> Posture:
        """Return the posture of a new conversation. Raises `ContactRefused`.

        Whether these people may have contact is decided before: what is said here of postures is
        for those who may.
        """
        people = [await self._people.person(user) for user in (creator, *invited)]
        known = {
            frozenset(pair): await self._standings.knows(*pair)
            for pair in combinations([one.user_id for one in people], 2)
        }
        return posture_for(
            self._policy,
            asked,
            people[0],
            people[1:],
            lambda one, other: known[frozenset((one, other))],
        )

    async def check_invite(self, room: Room, invitee: str) -> None:
        """Refuse to bring *invitee* into *room* where it may not have its posture with them.

        Raises `ContactRefused`.
        """
        if room.posture == E2EE:
            person = await self._people.person(invitee)
            for other, connected in await self._others(room, invitee):
                check_end_to_end(self._policy, other, person, connected=connected)

    async def check_own(self, room: Room, user: str) -> None:
        """Refuse *user* to come into *room*, or to write there, where policy has no such room.

        It is asked again whenever somebody comes or goes, or another fact about anybody is known:
        an age, a connection. Raises `ContactRefused`.
        """
        if room.posture != E2EE:
            return
        key = (room.conv, user)
        at = (room.head.revision, self._people.version)
        if self._found.get(key) == at:
            return
        person = await self._people.person(user)
        check_own_end_to_end(self._policy, person)
        # How the others stand with each other, they are asked themselves.
        for other, connected in await self._others(room, user):
            check_end_to_end(self._policy, person, other, connected=connected)
        self._found[key] = at
        while len(self._found) > _BOUND:
            self._found.popitem(last=False)

    async def _others(self, room: Room, user: str) -> list[tuple[Person, bool]]:
        """Return who else is in *room* or invited, each with whether they know *user*."""
        return [
            (await self._people.person(other), await self._standings.knows(user, other))
            for other in room.with_membership("join", "invite")
            if other != user and not is_server_user(other)
        ]
