"""The messaging routes behind the real front door, over a store in memory, asked by HTTP."""

import io
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.messaging.little_house import LittleHouse

from halfdoor.apps.house import House
from halfdoor.messaging.hearing import Hearing
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.presenting import Presenting
from halfdoor.safety.ages import AgeBand
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App, Session, SessionGate
from halfdoor.web.errors import ApiError, ErrorTable
from halfdoor.web.limits import Limits
from halfdoor.web.logs import configure
from halfdoor.web.matrix import (
    accountdata,
    directory,
    filters,
    members,
    membership,
    pushrules,
    receipts,
    relations,
    rooms,
    sending,
    state,
    syncing,
    tags,
    timeline,
)
from halfdoor.web.matrix.directory import Directory
from halfdoor.web.matrix.kept_filters import KeptFilters
from halfdoor.web.matrix.refusals import add_refusals
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.metrics import Metrics
from halfdoor.web.request import BodyLimits
from halfdoor.web.router import Route

V1 = "/_matrix/client/v1"
V3 = "/_matrix/client/v3"


@dataclass(frozen=True)
class Seat:
    """A session."""

    user: str
    device: str
    id: str
    pending: bool = False
    closed: bool = False

    @property
    def user_id(self) -> str:
        return self.user

    @property
    def device_id(self) -> str:
        return self.device


@dataclass
class Seats:
    """A gate that knows sessions by their tokens."""

    known: dict[str, Seat] = field(default_factory=dict)

    async def admit(self, token: str, _address: str) -> Session:
        if token not in self.known:
            raise ApiError(401, "M_UNKNOWN_TOKEN", "Unknown token.", soft_logout=False)
        return self.known[token]

    def release(self, session: Session) -> None:
        """Nothing is held."""


@dataclass
class FakeDirectory:
    """Finds everybody whose id holds the term."""

    house: LittleHouse

    async def search(self, user: str, term: str, limit: int) -> Sequence[Mapping[str, Any]]:
        people = sorted(self.house.people.accounts - {user})
        return [{"user_id": one} for one in people if term in one][:limit]


class Client:
    """One session of one person, with an HTTP client."""

    def __init__(self, world: "World", seat: Seat) -> None:
        self._world = world
        self.seat = seat
        self.sent = 0

    @property
    def id(self) -> str:
        return self.seat.user

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        **query: Any,
    ) -> httpx.Response:
        """Ask *path* under /_matrix/client/v3, or *path* itself where it begins with /_matrix."""
        return await self._world.http.request(
            method,
            path if path.startswith("/_matrix") else V3 + path,
            params=query or None,
            json=body if raw is None else None,
            content=raw,
            headers={"authorization": f"Bearer {self.seat.id}"},
        )

    async def get(self, path: str, **query: Any) -> Any:
        """Ask for *path* and expect 200; return the JSON."""
        return good(await self.ask("GET", path, **query))

    async def put(self, path: str, body: Any, **query: Any) -> Any:
        return good(await self.ask("PUT", path, body, **query))

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return good(await self.ask("POST", path, body, **query))

    async def create(self, *invite: "Client", **request: Any) -> str:
        body = {"preset": "trusted_private_chat", "invite": [one.id for one in invite], **request}
        room: str = (await self.post("/createRoom", body))["room_id"]
        return room

    async def say(self, room: str, text: str, txn: str | None = None, **content: Any) -> str:
        self.sent += 1
        sent = await self.put(
            f"/rooms/{room}/send/m.room.message/{txn or f'txn{self.sent}'}",
            {"msgtype": "m.text", "body": text, **content},
        )
        event: str = sent["event_id"]
        return event


class World:
    """App, services and clients."""

    def __init__(self, house: LittleHouse) -> None:
        self.house = house
        self.seats = Seats()
        hearing = Hearing(house.audience, house.contacts)
        presenting = Presenting(house.store, house.reading, hearing, house.clock)
        self.routes = every_route(house, house.store, presenting, FakeDirectory(house).search)
        self.app = front_door(self.routes, self.seats, io.StringIO())
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._answer), base_url="https://a.example"
        )

    async def _answer(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        async def heard() -> dict[str, Any]:
            return dict(await receive())

        await self.app(dict(scope), heard, send)

    async def person(self, name: str, band: AgeBand = AgeBand.ADULT) -> Client:
        """A person with an account, a key and one session."""
        someone = await self.house.person(name, band)
        reader = someone.reader
        return self.sit(Seat(reader.user, reader.device, str(reader.session)))

    def sit(self, seat: Seat) -> Client:
        """A client for *seat*; its token is the session's id."""
        self.seats.known[seat.id] = seat
        return Client(self, seat)

    def connect(self, one: Client, other: Client) -> None:
        """Connect two people, as the platform says."""
        self.house.people.connections[frozenset({one.id, other.id})] = "platform"
        self.house.people.version += 1

    async def pair(self) -> tuple[Client, Client, str]:
        """Ada and Ben, who know each other, in a conversation of the two."""
        ada, ben = await self.person("ada"), await self.person("ben")
        self.connect(ada, ben)
        room = await ada.create(ben, is_direct=True)
        await ben.post(f"/join/{room}")
        return ada, ben, room


def every_route(
    house: LittleHouse | House, mailbox: MailboxStore, presenting: Presenting, find: Directory
) -> list[Route]:
    """All routes of the messaging room, wired as the server wires them."""
    standing = Standing(house.rooms, mailbox, house.history)
    return [
        *rooms.routes(house.creator, house.moves, mailbox),
        *membership.routes(house.moves),
        *members.routes(house.rooms, standing, presenting),
        *sending.routes(house.sender),
        *state.routes(house.sender, house.moves, standing, presenting),
        *syncing.routes(house.syncer, KeptFilters(mailbox)),
        *filters.routes(mailbox),
        *timeline.routes(house.history, standing),
        *relations.routes(house.history, standing),
        *receipts.routes(house.markers),
        *accountdata.routes(house.personal, standing),
        *tags.routes(house.personal, standing),
        *pushrules.routes(house.personal),
        *directory.routes(find),
    ]


def front_door(routes: list[Route], sessions: SessionGate, log: io.StringIO) -> App:
    """The real front door before *routes*, without rates."""
    errors = ErrorTable()
    add_refusals(errors)
    return App(
        routes,
        sessions=sessions,
        platform=None,
        errors=errors,
        limits=Limits(by_address={}, by_session={}, strays=None),
        bodies=BodyLimits(),
        addresses=ClientAddresses([]),
        numbers=Metrics().requests,
        log=configure("debug", stream=log, console=False),
    )


def good(response: httpx.Response) -> Any:
    """The JSON of an answer that must be 200."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Everything, over a store in memory."""
    world = World(LittleHouse())
    async with world.http:
        yield world


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and errcode of a refusal; its body is in the standard form."""
    body = response.json()
    assert isinstance(body["error"], str)
    assert body["error"]
    return response.status_code, body["errcode"]
