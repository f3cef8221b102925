"""The console behind a real socket on this machine, in a thread of its own, for a real browser."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from tests.web.console.conftest import console_app
from tests.web.console.console_fakes import FakeDesk, FakeGate

from halfdoor.web.connection import Connection
from halfdoor.web.reception import Patience, Reception


@dataclass
class Running:
    url: str
    desk: FakeDesk
    gate: FakeGate


@contextlib.contextmanager
def running(*, demo: bool = False) -> Iterator[Running]:
    """Serve a fresh desk until the block ends."""
    desk, gate = FakeDesk(), FakeGate()
    ready = threading.Event()
    found: list[str] = []
    loops: list[asyncio.AbstractEventLoop] = []
    stops: list[asyncio.Event] = []

    async def serve() -> None:
        app, _log = console_app(desk, gate, lambda: found[0], demo=demo)
        reception = Reception(app, Patience())
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(reception), "127.0.0.1", 0)
        found.append(f"http://localhost:{server.sockets[0].getsockname()[1]}")
        loops.append(loop)
        stops.append(asyncio.Event())
        ready.set()
        await stops[0].wait()
        server.close()
        reception.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield Running(found[0], desk, gate)
    finally:
        loops[0].call_soon_threadsafe(stops[0].set)
        thread.join(10)
