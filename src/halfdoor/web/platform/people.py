"""People by the platform's word: who they are, whether they may write (SAFETY §5.13)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, final

from msgspec import UNSET
from msgspec.structs import replace

from halfdoor.accounts.errors import InvalidParameterError, InvalidUsernameError, NotFoundError
from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles, check_field
from halfdoor.accounts.records import PersonRecord
from halfdoor.web.platform.naming import named_user, own_user, refused_items
from halfdoor.web.platform.operations import Operation
from halfdoor.web.platform.shapes import (
    PeopleResults,
    PersonFacts,
    PersonResult,
    PersonShown,
    PutPeople,
    Suspension,
)
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response

_SAID: Final = ("age_band", "age_source", "region", "dm_choice", "device_checks")
_NAME: Final = "displayname"


@final
class PlatformPeople:
    """Takes what the platform says of people; one request at a time reads and writes records."""

    def __init__(
        self,
        people: People,
        profiles: Profiles,
        *,
        server: str,
        is_home_of: Callable[[str | None], bool],
    ) -> None:
        """*is_home_of* says whether people of a region belong to this entity."""
        self._people = people
        self._profiles = profiles
        self._server = server
        self._is_home_of = is_home_of
        self._turn = asyncio.Lock()

    def operations(self) -> list[Operation]:
        """Return what the platform can ask about people."""
        nobody = "There is no such person."
        return [
            Operation(
                method="PUT",
                path="/people",
                summary="Create or update people, at most 1000 at once. All of them, or none.",
                handler=self.put_all,
                body=PutPeople,
                answer=PeopleResults,
                bulk=True,
            ),
            Operation(
                method="GET",
                path="/people/{user}",
                summary="What is known of a person.",
                handler=self.get,
                answer=PersonShown,
                missing=nobody,
            ),
            Operation(
                method="PUT",
                path="/people/{user}/suspension",
                summary="Suspend a person, or lift that; a decision of the review desk stands. It"
                " binds their next request.",
                handler=self.suspend,
                body=Suspension,
                missing=nobody,
            ),
        ]

    async def put_all(self, request: Request, _issuer: str) -> Response:
        """PUT /people."""
        facts = (await request.json_as(PutPeople)).people
        # 1. Read the whole list before anything is written.
        users = self._check_all(facts)
        gone = [index for index, user in enumerate(users) if await self._people.erased(user)]
        if gone:
            raise refused_items(dict.fromkeys(gone, "the person was erased"))
        async with self._turn:
            # 2. What changes, and for whom it is the first word.
            await self._people.look_anew(users)
            known = await self._people.persons(users)
            said_of = {user: self._facts(said) for user, said in zip(users, facts, strict=True)}
            after = [replace(known[user], **said) for user, said in said_of.items()]
            results = [await self._result(known[one.user], one) for one in after]
            # 3. What was said and nothing else: another process may be suspending one of them.
            changed = {one.user: said_of[one.user] for one in results if one.result != "unchanged"}
            if changed:
                await self._people.change(changed)
        # 4. Names are only a beginning: a repeated request finds those that are set.
        for user, said in zip(users, facts, strict=True):
            if said.display_name is not UNSET:
                await self._profiles.set_if_absent(user, _NAME, said.display_name)
        return json_response(PeopleResults(results=results))

    async def get(self, request: Request, _issuer: str) -> Response:
        """GET /people/{user}."""
        user = named_user(request, "user", self._server)
        await self._people.look_anew([user])
        if not await self._people.exists(user):
            raise NotFoundError("there is no such person")
        fields = await self._profiles.all(user)
        person, name = await self._people.person(user), fields.get(_NAME)
        return json_response(
            PersonShown(
                user=user,
                age_band=person.age_band,  # type: ignore[arg-type]  # checked where it came in
                age_source=person.age_source,
                guardian=person.guardian,
                guardian_allows=list(person.guardian_allows),
                region=person.region,
                dm_choice=person.dm_choice,
                device_checks=person.device_checks,
                suspended=person.suspended,
                display_name=name if isinstance(name, str) else None,
            )
        )

    async def suspend(self, request: Request, _issuer: str) -> Response:
        """PUT /people/{user}/suspension."""
        user = named_user(request, "user", self._server)
        body = await request.json_as(Suspension)
        async with self._turn:
            if not await self._people.exists(user):
                raise NotFoundError("there is no such person")
            await self._people.suspend(user, suspended=body.suspended)
        return empty_object()

    def _check_all(self, facts: Sequence[PersonFacts]) -> list[str]:
        """Return the user ids of *facts*, or refuse the whole list naming every fault."""
        users: list[str] = []
        faults: dict[int, str] = {}
        seen: set[str] = set()
        for index, said in enumerate(facts):
            try:
                user = self._check(said)
                if user in seen:
                    raise InvalidParameterError("the person is named twice in this list")
            except (InvalidUsernameError, InvalidParameterError) as error:
                faults[index] = str(error)
            else:
                seen.add(user)
                users.append(user)
        if faults:
            raise refused_items(faults)
        return users

    def _check(self, said: PersonFacts) -> str:
        user = own_user(said.user, self._server)
        if isinstance(said.region, str) and not self._is_home_of(said.region):
            raise InvalidParameterError("the person belongs to another entity by their region")
        if isinstance(said.guardian, str) and own_user(said.guardian, self._server) == user:
            raise InvalidParameterError("nobody is their own guardian")
        if said.guardian_allows is not UNSET:
            for one in said.guardian_allows:
                own_user(one, self._server)
        if said.display_name is not UNSET:
            check_field(_NAME, said.display_name)
            if not said.display_name.isprintable():
                raise InvalidParameterError("a display name has visible characters only")
        return user

    def _facts(self, said: PersonFacts) -> dict[str, Any]:
        """Return what was said, by the fields of `PersonRecord`."""
        facts: dict[str, Any] = {
            name: value for name in _SAID if (value := getattr(said, name)) is not UNSET
        }
        if said.guardian is not UNSET:
            facts["guardian"] = said.guardian and own_user(said.guardian, self._server)
        if said.guardian_allows is not UNSET:
            # In order and each once, so that the same list is the same record.
            allowed = {own_user(one, self._server) for one in said.guardian_allows}
            facts["guardian_allows"] = tuple(sorted(allowed))
        return facts

    async def _result(self, before: PersonRecord, after: PersonRecord) -> PersonResult:
        # Only a record without facts can belong to somebody whom nobody named yet.
        if before == PersonRecord(user=before.user) and not await self._people.exists(before.user):
            return PersonResult(user=after.user, result="created")
        return PersonResult(user=after.user, result="unchanged" if after == before else "updated")
