import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.web.house_fixture import WholeHouse, refusal, whole_house
from tests.web.serving import Bare, request, status, until, until_closed

from halfdoor.web.limits import Limits, Turnstile
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object
from halfdoor.web.router import Route

LIMITS = Limits(by_address={}, by_session={}, strays=None, max_writes=3)


@asynccontextmanager
async def stuck_writer(house: WholeHouse) -> AsyncIterator[None]:
    """The store's writer takes up one job and does not finish it: the disk hangs."""
    begun, free = threading.Event(), threading.Event()

    def hang(_connection: sqlite3.Connection, *_: Any) -> None:
        begun.set()
        free.wait(30)

    store: Any = house.house.store
    hung = asyncio.ensure_future(store.database.write(hang))
    await asyncio.to_thread(begun.wait, 10)
    try:
        yield
    finally:
        free.set()
        await hung


async def test_while_the_disk_hangs_writes_are_refused_at_once_and_reads_are_answered(
    tmp_path: Path,
) -> None:
    async with whole_house(tmp_path, development=True) as house:
        await house.person("ada")
        token = (await house.sign_in("ada"))["access_token"]
        room = (await house.ask("POST", "/createRoom", {}, token=token)).json()["room_id"]
        house.app.turnstile = Turnstile(LIMITS, lambda: house.house.store.waiting)

        def send(number: int) -> Any:
            path = f"/rooms/{room}/send/m.room.message/t{number}"
            return house.ask("PUT", path, {"msgtype": "m.text", "body": "x"}, token=token)

        async with stuck_writer(house):
            sending = []
            for number in range(3):
                sending.append(asyncio.ensure_future(send(number)))
                await until(lambda: house.house.store.waiting == len(sending))
            started = time.monotonic()
            refused = [await send(number) for number in range(3, 20)]
            read = await house.ask("GET", "/joined_rooms", token=token)
            synced = await house.ask("GET", "/sync", token=token, timeout=0)
            # Not a measure of speed: waiting for the disk would take until it is freed.
            assert time.monotonic() - started < 20
            assert not any(task.done() for task in sending)
        assert {refusal(each) for each in refused} == {(503, "M_LIMIT_EXCEEDED")}
        assert refused[0].json()["retry_after_ms"] == 1000
        assert refused[0].headers["retry-after"] == "1"
        assert (read.status_code, synced.status_code) == (200, 200)
        assert [(await task).status_code for task in sending] == [200, 200, 200]
        # Whoever was refused asks again, and is answered.
        assert [(await send(number)).status_code for number in range(3, 20)] == [200] * 17


async def test_over_sockets_the_rest_is_refused_and_afterwards_everybody_is_served(
    build: Callable[..., Any],
) -> None:
    inside, leave = 0, asyncio.Event()

    async def stay(_request: Request, _session: Any) -> Response:
        nonlocal inside
        inside += 1
        await leave.wait()
        return empty_object()

    house = build(
        [Route("GET", "/stay", stay, auth="none")],
        limits=Limits(by_address={}, by_session={}, strays=None, max_requests=5),
    )

    async def ask(server: Bare) -> bytes:
        reader, writer = await server.open()
        writer.write(request("GET /stay"))
        answer = await asyncio.wait_for(until_closed(reader), 10)
        writer.close()
        return answer

    async with Bare(house.app) as server:
        first = [asyncio.ensure_future(ask(server)) for _ in range(5)]
        await until(lambda: inside == 5)
        refused = await asyncio.gather(*(ask(server) for _ in range(100)))
        assert {status(each) for each in refused} == {503}
        assert all(b"\r\nretry-after: 1\r\n" in each for each in refused)
        assert not any(each.done() for each in first)
        leave.set()
        assert [status(await each) for each in first] == [200] * 5
        # Recovered at once: as many as there is room for.
        assert [
            status(each) for each in await asyncio.gather(*(ask(server) for _ in range(5)))
        ] == [200] * 5


async def test_places_of_long_polls_come_back_when_their_clients_hang_up(tmp_path: Path) -> None:
    async with whole_house(tmp_path, development=True) as house, Bare(house.app) as server:
        await house.person("ada")
        token = (await house.sign_in("ada"))["access_token"]
        since = (await house.ask("GET", "/sync", token=token)).json()["next_batch"]
        house.app.turnstile = turnstile = Turnstile(
            Limits(by_address={}, by_session={}, strays=None, max_polls_per_person=10)
        )
        poll = request(
            f"GET /_matrix/client/v3/sync?timeout=30000&since={since}",
            f"Authorization: Bearer {token}",
        )
        for _ in range(3):
            lines = [await server.open() for _ in range(10)]
            for _, writer in lines:
                writer.write(poll)
            await until(lambda: turnstile.polling == 10)
            reader, writer = await server.open()
            writer.write(poll)
            assert status(await asyncio.wait_for(until_closed(reader), 10)) == 429
            writer.close()
            for at, (_, each) in enumerate(lines):
                # Politely, or as when the network goes.
                each.transport.abort() if at % 2 else each.close()
            await until(lambda: turnstile.polling == 0)


async def test_nobody_is_woken_by_somebody_else_hanging_up(tmp_path: Path) -> None:
    async with whole_house(tmp_path, development=True) as house, Bare(house.app) as server:
        await house.person("ada")
        token = (await house.sign_in("ada"))["access_token"]
        since = (await house.ask("GET", "/sync", token=token)).json()["next_batch"]
        poll = request(
            f"GET /_matrix/client/v3/sync?timeout=30000&since={since}",
            f"Authorization: Bearer {token}",
        )
        stays, leaves = await server.open(), await server.open()
        for _, writer in (stays, leaves):
            writer.write(poll)
        await until(lambda: house.app.turnstile.polling == 2)
        leaves[1].close()
        await until(lambda: house.app.turnstile.polling == 1)
        answer = asyncio.ensure_future(until_closed(stays[0]))
        created = await house.ask("POST", "/createRoom", {}, token=token)
        assert created.json()["room_id"].encode() in await asyncio.wait_for(answer, 10)
        stays[1].close()
