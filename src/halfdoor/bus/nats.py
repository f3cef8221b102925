"""Ids and positions between the processes of one entity, by NATS core (SCALE §4, decision 0013).

Everything here is a hint: a message that is lost costs time until the next poll, and nothing that
goes wrong is anybody's error. Each connection is a client of its own, to the servers that were
configured and no others: the library would also follow servers that it is told of.
"""

import asyncio
import contextlib
import logging
import random
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final, final

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from halfdoor.bus.place import BusPlace
from halfdoor.ids import bucket
from halfdoor.messaging.neighbours import Hears, Notice

_log: Final = logging.getLogger("halfdoor.bus")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WAKE, _TYPING = "wake", "typing"
# So many people in one message; a server takes a megabyte.
_AT_ONCE: Final = 1_000
# Beyond so many buckets one subscription to all of them is cheaper, for both sides.
_MOST_BUCKETS: Final = 512
_SECONDS: Final = 2
_END_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = (0.2, 1.0)

_encode: Final = msgspec.json.Encoder().encode
_people: Final = msgspec.json.Decoder(list[tuple[str, int]]).decode
_notice: Final = msgspec.json.Decoder(Notice).decode


@final
class NatsBus:
    """A `messaging.neighbours.Bus`: tells others from a queue, hears of buckets it listens to.

    `tell` and `type` never wait and never fail. While there is no server, what is said is dropped.
    """

    def __init__(self, place: BusPlace, entity: str) -> None:
        """*entity* keeps entities that share a server apart."""
        self._place = place
        token = entity if _TOKEN.fullmatch(entity) else sha256(entity.encode()).hexdigest()[:32]
        self._subject = f"halfdoor.{token}"
        self._hears: Hears | None = None
        self._client: Client | None = None
        self._wanted: set[int] = set()
        self._subscriptions: list[Subscription] = []
        self._one_by_one = asyncio.Lock()
        self._moved: dict[int, dict[tuple[str, int], None]] = {}
        self._typed: list[tuple[int, Notice]] = []
        self._filled = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # For metrics: what was dropped, what was heard and made no sense, and how often there was
        # no server that could be believed.
        self.dropped = 0
        self.failures = 0
        self.senseless = 0

    @property
    def is_connected(self) -> bool:
        """Whether hints travel now."""
        return self._client is not None and bool(self._client.is_connected)

    def attach(self, hears: Hears) -> None:
        """Connect in the background, for ever, and say everything that is heard to *hears*."""
        self._hears = hears
        self._tasks = [
            asyncio.create_task(self._keep_connected(), name="halfdoor-bus"),
            asyncio.create_task(self._send(), name="halfdoor-bus-send"),
        ]

    async def close(self) -> None:
        """Say what is left to be said, and go."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                await self._say_all(client)
            await _end(client)

    # -- saying --------------------------------------------------------------------------------

    def tell(self, people: Iterable[tuple[str, int]]) -> None:
        """Say that people's streams are at these positions; 0 that they themselves changed."""
        for user, position in people:
            self._moved.setdefault(bucket(user), {})[user, position] = None
        self._filled.set()

    def type(self, notice: Notice) -> None:
        """Say that somebody types, to those whose eyes it is for."""
        by_bucket: dict[int, list[str]] = {}
        for user in notice.tell:
            by_bucket.setdefault(bucket(user), []).append(user)
        for ub, users in by_bucket.items():
            self._typed.append((ub, msgspec.structs.replace(notice, tell=users)))
        self._filled.set()

    async def _send(self) -> None:
        """Say what gathered since the last time, one message for each bucket."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            client = self._client
            if client is None or not client.is_connected:
                self.dropped += len(self._moved) + len(self._typed)
                self._moved, self._typed = {}, []
                continue
            try:
                await self._say_all(client)
            except (NatsError, OSError, TimeoutError):
                self.dropped += 1

    async def _say_all(self, client: Client) -> None:
        moved, self._moved = self._moved, {}
        typed, self._typed = self._typed, []
        for ub, people in moved.items():
            listed = list(people)
            for at in range(0, len(listed), _AT_ONCE):
                payload = _encode(listed[at : at + _AT_ONCE])
                await client.publish(f"{self._subject}.{_WAKE}.{ub}", payload)
        for ub, notice in typed:
            await client.publish(f"{self._subject}.{_TYPING}.{ub}", _encode(notice))

    # -- hearing -------------------------------------------------------------------------------

    async def listen(self, ub: int) -> None:
        """Hear of the people of a bucket; returns once the server knows, or cannot be told."""
        async with self._one_by_one:
            if ub in self._wanted:
                return
            self._wanted.add(ub)
            if self._client is not None:
                with contextlib.suppress(NatsError, OSError, TimeoutError):
                    await self._subscribe(self._client, [ub])

    async def _subscribe(self, client: Client, buckets: Iterable[int]) -> None:
        """Subscribe to *buckets*, or to all of them where they are many, and wait until it holds.

        One subscription for all that is said about a bucket.
        """
        if len(self._wanted) > _MOST_BUCKETS:
            if len(self._subscriptions) == 1:
                return
            before, names = self._subscriptions, ["*"]
        else:
            before, names = [], [str(ub) for ub in buckets]
        made = [
            await client.subscribe(f"{self._subject}.*.{name}", cb=self._heard) for name in names
        ]
        for old in before:
            await old.unsubscribe()
        self._subscriptions = made if before else [*self._subscriptions, *made]
        await client.flush(timeout=_SECONDS)

    async def _heard(self, message: Msg) -> None:
        if self._hears is None:
            return
        try:
            if message.subject.split(".")[2] == _TYPING:
                self._hears.typed(_notice(message.data))
            else:
                self._hears.moved(_people(message.data))
        except msgspec.MsgspecError:
            self.senseless += 1

    # -- the connection ------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        told = False
        while True:
            gone = asyncio.Event()
            client = await self._connect(gone)
            if client is None:
                self.failures += 1
                if not told:
                    _log.warning(
                        "no server of the message bus answers: messages are delivered by the poll,"
                        " seconds later"
                    )
                told = True
                await asyncio.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311
                continue
            _log.info("the message bus is connected")
            told = False
            await gone.wait()
            self._client = None
            _log.warning("the message bus is gone: messages are delivered by the poll meanwhile")
            told = True
            await _end(client)

    async def _connect(self, gone: asyncio.Event) -> Client | None:
        """Return a connection that hears what is wanted, None where there is none to be had.

        *gone* is set when it ends.
        """

        async def closed() -> None:
            gone.set()

        servers = list(self._place.servers)
        random.shuffle(servers)
        for server in servers:
            client = Client()
            try:
                options = self._options() | {"closed_cb": closed}
                async with asyncio.timeout(_SECONDS * 2):
                    await client.connect(server, **options)
                async with self._one_by_one:
                    self._subscriptions = []
                    await self._subscribe(client, sorted(self._wanted))
                    self._client = client
            except Exception as error:  # noqa: BLE001 - whatever a stranger answers, we go on
                # Its words may hold the server's, and those ours.
                _log.debug("no message bus at %s: %s", server, type(error).__name__)
                await _end(client)
                gone.clear()
                continue
            if self._hears is not None:
                self._hears.reconnected()
            return client
        return None

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "name": "halfdoor",
            "no_echo": True,
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0,
            "connect_timeout": _SECONDS,
            "ping_interval": 10,
            "max_outstanding_pings": 2,
            "flush_timeout": _SECONDS,
            "error_cb": _nothing,
        }
        if self._place.tls is not None:
            # TLS before the first word: nobody in between can say that there is none.
            options |= {"tls": self._place.tls, "tls_handshake_first": True}
        if self._place.credentials is not None:
            options |= self._place.credentials.options
        return options

    def __repr__(self) -> str:
        return f"NatsBus({self._subject!r}, connected={self.is_connected})"


async def _nothing(_error: Exception) -> None:
    """Let errors of the connection be: whoever needs to know is told in other ways."""


async def _end(client: Client) -> None:
    # After a failed TLS handshake the library waits for an end that was already.
    with contextlib.suppress(NatsError, OSError, TimeoutError):
        await asyncio.wait_for(client.close(), _END_SECONDS)
