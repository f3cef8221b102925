"""`halfdoor witness`: a witness in its own process, with its own key and memory."""

import asyncio
import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, final

import msgspec
import uvloop
from structlog.typing import FilteringBoundLogger

from halfdoor.apps.hardening import harden
from halfdoor.clock import SystemClock
from halfdoor.config.errors import ConfigError
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import Kind, VerifierKey
from halfdoor.store.errors import StoreError, WitnessMemoryError
from halfdoor.store.note_key_file import make_note_key, read_note_key
from halfdoor.store.witness_memory import WitnessMemory
from halfdoor.transparency.witnessing import Witness, WitnessStore
from halfdoor.web.address import ClientAddresses
from halfdoor.web.errors import ErrorTable
from halfdoor.web.logs import configure, loop_handler
from halfdoor.web.serve import Listener, ListenError, serve
from halfdoor.web.witness.routes import witness_app

_FAILED: Final = 1
MEMORY: Final = "memory.db"
_CONNECTIONS: Final = 1000


class WitnessPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a witness is told: its key file, its folder, the logs it vouches for, where it listens.

    *logs* are vkeys.
    """

    key_file: Path
    data: Path
    logs: tuple[str, ...]
    bind: str = "127.0.0.1"
    port: int = 8020
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    trusted_proxies: tuple[str, ...] = ()
    log_level: str = "info"


@final
class LoudMemory:
    """A `WitnessStore` that says it loudly when a log shows two trees."""

    def __init__(self, memory: WitnessStore, log: FilteringBoundLogger) -> None:
        self._memory = memory
        self._log = log

    async def newest(self, origin: str) -> bytes | None:
        """Return what the memory holds."""
        return await self._memory.newest(origin)

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> bool:
        """Keep *new* if *old* is still the newest."""
        return await self._memory.replace(origin, old, new)

    async def keep_evidence(self, origin: str, ours: bytes, theirs: bytes) -> None:
        """Keep both heads, and say so."""
        await self._memory.keep_evidence(origin, ours, theirs)
        self._log.error("a log signed two trees of one size: halfdoor witness evidence")


def begin_witness(name: str, key_file: Path, data: Path) -> VerifierKey:
    """Make the key and the empty memory of the witness *name*, and return its public key.

    `NoteKeyError` or `WitnessMemoryError` where either is there already: neither is begun anew.
    """
    memory = data / MEMORY
    if memory.exists():
        raise WitnessMemoryError(f"{memory} is there already; a memory is never begun anew")
    key = make_note_key(key_file, name, Kind.COSIGNATURE, outside=data)
    WitnessMemory.create(memory, str(key.public))
    return key.public


def public_key(key_file: Path, data: Path) -> VerifierKey:
    """Return the public key of the witness whose key file this is; `NoteKeyError`."""
    return read_note_key(key_file, Kind.COSIGNATURE, outside=data).public


def evidence(key_file: Path, data: Path) -> list[tuple[str, bytes, bytes]]:
    """Return the forks that the witness met: origin, and two checkpoints signed by the log."""
    memory = WitnessMemory.open(data / MEMORY, str(public_key(key_file, data)))
    with contextlib.closing(memory):
        return asyncio.run(memory.evidence())


def logs_by_origin(vkeys: Iterable[str]) -> dict[str, VerifierKey]:
    """Return the keys of logs by their origins; `ConfigError` for one that is none, or is twice."""
    found: dict[str, VerifierKey] = {}
    for vkey in vkeys:
        try:
            key = VerifierKey.parse(vkey)
        except RefusedError as error:
            raise ConfigError("log", f"{vkey[:300]!r} is no vkey: {error.why}.") from None
        if key.kind is not Kind.ED25519:
            raise ConfigError("log", f"{key.name} is not the key of a log.")
        if key.name in found:
            raise ConfigError("log", f"{key.name} is named twice.")
        found[key.name] = key
    if not found:
        raise ConfigError("log", "name at least one log by its vkey.")
    return found


def run_witness(place: WitnessPlace) -> int:
    """Serve until SIGTERM; return the exit code."""
    harden()
    log = configure(place.log_level)
    try:
        uvloop.run(_serve(place, log))
    except (ConfigError, StoreError, ListenError) as error:
        # These texts are written for whoever runs the witness and hold no secret.
        sys.stderr.write(f"halfdoor: {error}\n")
        return _FAILED
    return 0


async def _serve(place: WitnessPlace, log: FilteringBoundLogger) -> None:
    asyncio.get_running_loop().set_exception_handler(loop_handler(log))
    logs = logs_by_origin(place.logs)
    key = read_note_key(place.key_file, Kind.COSIGNATURE, outside=place.data)
    memory = WitnessMemory.open(place.data / MEMORY, str(key.public))
    with contextlib.closing(memory):
        # A log that is no longer configured may come back: what was said of it stays known.
        witness = Witness(key, logs, LoudMemory(memory, log), SystemClock())
        app = witness_app(
            witness,
            logs,
            _errors(),
            ClientAddresses(place.trusted_proxies if place.behind_proxy else ()),
            log,
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
        await serve([listener], log=log)


def _errors() -> ErrorTable:
    errors = ErrorTable()
    errors.add(
        StoreError, 503, "M_UNKNOWN", "The witness cannot keep it now; ask again.", retry_after=5
    )
    return errors
