"""`halfdoor public`: a public log from its folder, in a process of its own that holds no key."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import uvloop
from structlog.typing import FilteringBoundLogger

from halfdoor.apps.hardening import harden
from halfdoor.config.errors import ConfigError
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.trust_policy import MOST_BYTES, TrustPolicy, parse_policy
from halfdoor.store.log_folder import FolderFiles
from halfdoor.transparency.source import Source, UnreachableError
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App
from halfdoor.web.console.assets import Assets
from halfdoor.web.errors import ErrorTable, MissingTokenError
from halfdoor.web.limits import Limits
from halfdoor.web.logs import configure, describe, loop_handler
from halfdoor.web.metrics import RequestNumbers
from halfdoor.web.publiclog.files import LogDoor
from halfdoor.web.publiclog.page import LogPage
from halfdoor.web.publiclog.reading import Reading
from halfdoor.web.request import BodyLimits
from halfdoor.web.router import Route
from halfdoor.web.serve import Listener, ListenError, serve

POLICY: Final = "policy"
_FAILED: Final = 1
_STATIC: Final = "halfdoor.web.publiclog"
_LOOK_S: Final = 5.0
# A check that failed reads the log from the start again: it may take a twentieth of the time.
_REST: Final = 20
_CONNECTIONS: Final = 5_000


class PublicPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown and where: a folder with a log's files, a tlog-policy file, an address.

    Without *policy* the folder's own `policy` is taken.
    """

    folder: Path
    policy: Path | None = None
    bind: str = "127.0.0.1"
    port: int = 8030
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    trusted_proxies: tuple[str, ...] = ()
    log_level: str = "info"


class _Nobody:
    """The gate of an app that knows no accounts."""

    async def admit(self, token: str, address: str) -> None:
        raise MissingTokenError

    def release(self, session: None) -> None:
        """There was nobody."""


def read_policy(data: bytes) -> TrustPolicy:
    """Return the policy of a file, which names a log; `ConfigError` where it is none."""
    try:
        policy = parse_policy(data)
    except RefusedError as error:
        raise ConfigError(POLICY, f"{error.why}.") from None
    if not policy.logs:
        raise ConfigError(POLICY, "it names no log.")
    return policy


def log_app(
    reading: Reading,
    policy: bytes,
    log: FilteringBoundLogger,
    *,
    now: Callable[[], int],
    addresses: ClientAddresses | None = None,
    limits: Limits | None = None,
    numbers: RequestNumbers | None = None,
) -> App:
    """Return the page and the files of the log that *reading* reads; *now* is in s since 1970."""
    routes: list[Route] = [
        *LogPage(reading, Assets(_STATIC)).routes(),
        *LogDoor(reading, policy=policy, now=now).routes(),
    ]
    return App(
        routes,
        sessions=_Nobody(),
        platform=None,
        errors=ErrorTable(),
        limits=limits or Limits(by_address={}, by_session={}, strays=None),
        bodies=BodyLimits(),
        addresses=addresses or ClientAddresses(()),
        numbers=numbers or RequestNumbers(),
        log=log,
    )


async def keep_reading(reading: Reading, log: FilteringBoundLogger) -> None:
    """Look at the log every few seconds, until this is cancelled."""
    while True:
        begun = time.monotonic()
        try:
            await reading.renew()
        except UnreachableError:
            log.warning("the public log cannot be read")
        except Exception as error:  # noqa: BLE001 - the page shows what was seen before
            log.error("reading the public log failed", **describe(error))
        await asyncio.sleep(max(_LOOK_S, _REST * (time.monotonic() - begun)))


def run_public(place: PublicPlace, ready: Callable[[str], None]) -> int:
    """Serve until SIGTERM, telling *ready* the address; return the exit code."""
    harden()
    log = configure(place.log_level)
    try:
        uvloop.run(_serve(place, ready, log))
    except (ConfigError, ListenError) as error:
        sys.stderr.write(f"halfdoor: {error}\n")
        return _FAILED
    return 0


async def _serve(
    place: PublicPlace, ready: Callable[[str], None], log: FilteringBoundLogger
) -> None:
    asyncio.get_running_loop().set_exception_handler(loop_handler(log))
    source = FolderFiles(place.folder)
    policy = await _policy_file(place, source)
    reading = Reading(source, read_policy(policy), _now)
    app = log_app(
        reading,
        policy,
        log,
        now=_now,
        addresses=ClientAddresses(place.trusted_proxies if place.behind_proxy else ()),
    )
    listener = Listener(
        app=app,
        bind=place.bind,
        port=place.port,
        tls_cert=place.tls_cert,
        tls_key=place.tls_key,
        behind_proxy=place.behind_proxy,
        trusted_proxies=place.trusted_proxies,
        connections=_CONNECTIONS,
    )
    task = asyncio.create_task(keep_reading(reading, log))
    try:
        await serve([listener], log=log, on_ready=ready)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _policy_file(place: PublicPlace, source: Source) -> bytes:
    """Return the tlog-policy file that is shown; `ConfigError` where there is none."""
    try:
        if place.policy is None:
            data = await source.get(POLICY)
        else:
            with place.policy.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
    except (OSError, RefusedError, UnreachableError) as error:
        raise ConfigError(POLICY, f"it cannot be read: {error}.") from None
    if data is None:
        raise ConfigError(POLICY, "the folder holds none; name the file with --policy.")
    return data


def _now() -> int:
    return int(time.time())
