"""Who knows whom and who blocks whom, by the platform's word (SAFETY §5.13)."""

import asyncio
from typing import Final, final

from halfdoor.accounts.errors import (
    InvalidParameterError,
    InvalidUsernameError,
    NotFoundError,
)
from halfdoor.accounts.people import People
from halfdoor.accounts.records import Connection
from halfdoor.clock import Clock
from halfdoor.web.platform.naming import named_user, own_user, refused_items
from halfdoor.web.platform.operations import Operation
from halfdoor.web.platform.shapes import ConnectionResult, ConnectionResults, PutConnections
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response

PLATFORM: Final = "platform"
_NOBODY: Final = "there is no such person"


@final
class PlatformTies:
    """Connects and disconnects people, and blocks in somebody's name."""

    def __init__(self, people: People, *, server: str, clock: Clock) -> None:
        self._people = people
        self._server = server
        self._clock = clock
        self._turn = asyncio.Lock()

    def operations(self) -> list[Operation]:
        """Return what the platform can ask about connections and blocks."""
        return [
            Operation(
                method="PUT",
                path="/connections",
                summary="Connect pairs of people, at most 1000 at once. All of them, or none.",
                handler=self.connect_all,
                body=PutConnections,
                answer=ConnectionResults,
                bulk=True,
            ),
            Operation(
                method="DELETE",
                path="/connections/{a}/{b}",
                summary="End a connection, wherever it came from. One that is not there is ended.",
                handler=self.disconnect,
            ),
            Operation(
                method="PUT",
                path="/blocks/{user}/{peer}",
                summary="Let `user` see nothing more of `peer`, who is not told.",
                handler=self.block,
                missing="One of them does not exist.",
            ),
            Operation(
                method="DELETE",
                path="/blocks/{user}/{peer}",
                summary="Lift a block. One that is not there is lifted.",
                handler=self.unblock,
            ),
        ]

    async def connect_all(self, request: Request, _issuer: str) -> Response:
        """PUT /connections."""
        named = (await request.json_as(PutConnections)).connections
        async with self._turn:
            pairs = await self._check_all(named)
            await self._people.look_anew({user for pair in pairs for user in pair})
            now = self._clock.now_ms()
            new, results = [], []
            for a, b in pairs:
                known = await self._people.source(a, b) == PLATFORM
                if not known:
                    new.append(Connection(a=a, b=b, source=PLATFORM, since=now))
                results.append(
                    ConnectionResult(between=(a, b), result="unchanged" if known else "connected")
                )
            if new:
                await self._people.connect_all(new)
        return json_response(ConnectionResults(results=results))

    async def disconnect(self, request: Request, _issuer: str) -> Response:
        """DELETE /connections/{a}/{b}."""
        a, b = self._two(request, "a", "b")
        async with self._turn:
            await self._people.disconnect(a, b)
        return empty_object()

    async def block(self, request: Request, _issuer: str) -> Response:
        """PUT /blocks/{user}/{peer}."""
        user, peer = self._two(request, "user", "peer")
        for one in (user, peer):
            if not await self._people.exists(one):
                raise NotFoundError(_NOBODY)
        await self._people.block(user, peer, self._clock.now_ms())
        return empty_object()

    async def unblock(self, request: Request, _issuer: str) -> Response:
        """DELETE /blocks/{user}/{peer}."""
        await self._people.unblock(*self._two(request, "user", "peer"))
        return empty_object()

    def _two(self, request: Request, one: str, other: str) -> tuple[str, str]:
        """Return the two people of a path, who are not the same."""
        return _different(
            named_user(request, one, self._server), named_user(request, other, self._server)
        )

    async def _check_all(self, named: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the user ids of *named*, or refuse the whole list naming every fault."""
        pairs: list[tuple[str, str]] = []
        faults: dict[int, str] = {}
        exist: dict[str, bool] = {}
        for index, (one, other) in enumerate(named):
            try:
                pair = _different(own_user(one, self._server), own_user(other, self._server))
            except (InvalidUsernameError, InvalidParameterError) as error:
                faults[index] = str(error)
                continue
            for user in pair:
                if user not in exist:
                    exist[user] = await self._people.exists(user)
            if not all(exist[user] for user in pair):
                # A misspelt name would else be a connection of whoever takes it later.
                faults[index] = _NOBODY
            pairs.append(pair)
        if faults:
            raise refused_items(faults)
        return pairs


def _different(one: str, other: str) -> tuple[str, str]:
    if one == other:
        raise InvalidParameterError("two people are needed, not one twice")
    return one, other
