"""The public log of a house: begun by an administrator, kept as long as the house is served."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

import msgspec
from structlog.typing import FilteringBoundLogger

from halfdoor.apps.log import LogKeeper, Standing, standing_of
from halfdoor.apps.shown_checkpoints import ShownCheckpoints
from halfdoor.clock import Clock
from halfdoor.config.log import Log
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import Kind
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.trust_policy import TrustPolicy, parse_policy
from halfdoor.store.errors import NoteKeyError
from halfdoor.store.log_folder import FolderFiles
from halfdoor.store.note_key_file import check_apart, make_note_key, read_note_key
from halfdoor.transparency.errors import NoQuorumError, StoppedError
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import LogStore, Waiting
from halfdoor.transparency.peers import Peer
from halfdoor.transparency.quorum_rule import check_quorum
from halfdoor.transparency.starting import witnessed
from halfdoor.web.logs import describe

if TYPE_CHECKING:
    from halfdoor.apps.setting import Setting

# The policy file as it is served beside the log; whoever checks the log pins a copy.
_POLICY: Final = "policy"
_LOOK_SECONDS: Final = 30.0

Peers = Callable[[TrustPolicy], contextlib.AbstractAsyncContextManager[dict[str, Peer]]]


class LogError(Exception):
    """The log is not configured, or cannot begin; the text says what to do."""


class LogBegun(msgspec.Struct, frozen=True, kw_only=True):
    """The log has begun; its name, its public key, and who has to vouch."""

    origin: str
    vkey: str
    witnesses: int


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the log of a house is; *standing* is None before it began."""

    origin: str
    served: bool
    standing: Standing | None


class LogPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What the log of a house is made of, read and checked."""

    key: SigningKey
    policy: TrustPolicy
    policy_file: bytes
    folder: Path


def log_key(log: Log, data_dir: Path, *, make: bool) -> SigningKey:
    """Return the key of the configured log; with *make*, made where there is none yet.

    `LogError` where no log is configured, `NoteKeyError` where its key cannot be used.
    """
    if log.origin is None or log.key_file is None or log.folder is None:
        raise LogError("no log is configured: set origin, key_file, witnesses and folder in [log]")
    check_apart(log.key_file, log.folder)
    if make and not log.key_file.exists():
        return make_note_key(log.key_file, log.origin, Kind.ED25519, outside=data_dir)
    key = read_note_key(log.key_file, Kind.ED25519, outside=data_dir)
    if key.public.name != log.origin:
        raise NoteKeyError(f"{log.key_file} holds the key of another log ({key.public.name})")
    return key


def read_place(log: Log, data_dir: Path) -> LogPlace:
    """Return what *log* names; `LogError` or `NoteKeyError` says what is wrong with it."""
    key = log_key(log, data_dir, make=False)
    if log.witnesses is None or log.folder is None:
        raise LogError("no witnesses are configured: set witnesses in [log]")
    try:
        policy_file = log.witnesses.read_bytes()
        policy = parse_policy(policy_file)
        check_quorum(policy)
    except OSError as error:
        raise LogError(f"{log.witnesses} cannot be read: {error.strerror}") from None
    except RefusedError as error:
        raise LogError(f"{log.witnesses}: {error.why}") from None
    if all(one.key != key.public for one in policy.logs):
        raise LogError(f"{log.witnesses} does not name this log: it needs `log {key.public}`")
    without = [name for name, one in policy.witnesses.items() if one.url is None]
    if without:
        raise LogError(f"{log.witnesses} has no address for: {', '.join(without)}")
    return LogPlace(key=key, policy=policy, policy_file=policy_file, folder=log.folder)


@final
class HouseLog:
    """The log of one house, whoever opened it."""

    def __init__(
        self,
        store: LogStore,
        log: Log,
        data_dir: Path,
        clock: Clock,
        peers: Peers | None = None,
    ) -> None:
        """*log* are its settings; without them there is none, and only leaves are kept.

        *peers* give the way to witnesses, by HTTP if not otherwise.
        """
        self.store = store
        self._settings = log
        self._data_dir = data_dir
        self._clock = clock
        self._peers = peers or http_peers
        self._begun = asyncio.Event()
        self.keeper: LogKeeper | None = None

    @classmethod
    def of(cls, store: LogStore, setting: "Setting", clock: Clock) -> Self:
        """Return the log of a house that is built from *setting*."""
        return cls(store, setting.log, setting.data_dir, clock, setting.log_peers)

    async def offer(self, leaves: Sequence[bytes]) -> None:
        """Keep *leaves*, durably, until they have their places in the log."""
        await self.store.offer([Waiting(leaf_id(leaf), leaf) for leaf in leaves])
        if self.keeper is not None:
            self.keeper.hurry()

    async def begin(self) -> LogBegun:
        """Begin the configured log, once its witnesses say that they know none of this name.

        `LogError`, `NoteKeyError`. Where it was begun already nothing happens.
        """
        place = read_place(self._settings, self._data_dir)
        origin = place.key.public.name
        if await self.store.state() is None:
            async with self._peers(place.policy) as peers:
                try:
                    heads = await witnessed(place.key.public, place.policy, peers)
                except NoQuorumError as error:
                    raise LogError(str(error)) from None
            if heads:
                raise LogError(
                    f"witnesses know {origin} already: put this house back from its backup; a log "
                    "is never begun anew"
                )
        try:
            await self.store.begin(origin)
        except StoppedError as error:
            raise LogError(str(error)) from None
        self._begun.set()
        return LogBegun(
            origin=origin, vkey=str(place.key.public), witnesses=len(place.policy.witnesses)
        )

    async def status(self) -> LogStatus:
        """Tell how the log is; `LogError`, `NoteKeyError` where none is configured."""
        place = read_place(self._settings, self._data_dir)
        origin = place.key.public.name
        if self.keeper is not None:
            return LogStatus(origin=origin, served=True, standing=self.keeper.standing())
        state = await self.store.state()
        if state is None:
            return LogStatus(origin=origin, served=False, standing=None)
        standing = standing_of(state, place.policy, state="waiting", why="no server keeps it now")
        return LogStatus(origin=origin, served=False, standing=standing)

    async def run(self, log: FilteringBoundLogger) -> None:
        """Keep the log until this is cancelled; warn, and wait, where it has not begun."""
        if self._settings.origin is None:
            log.warning("this house has no public log: see halfdoor doctor")
            return
        try:
            await self._keep(log)
        except Exception as error:  # noqa: BLE001 - people's messages do not wait for the log
            log.error("the public log cannot be kept: halfdoor log status", **describe(error))

    async def _keep(self, log: FilteringBoundLogger) -> None:
        place = read_place(self._settings, self._data_dir)
        if await self._is_missing():
            log.warning("the public log was not begun: halfdoor log init")
            while await self._is_missing():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._begun.wait()
        files = FolderFiles(place.folder)
        await files.replace(_POLICY, place.policy_file)
        shown = ShownCheckpoints(self.store, files, self._clock)
        async with self._peers(place.policy) as peers:
            self.keeper = LogKeeper(
                store=self.store,
                files=files,
                show=shown.show,
                key=place.key,
                policy=place.policy,
                peers=peers,
                clock=self._clock,
                log=log,
            )
            await self.keeper.run()

    async def _is_missing(self) -> bool:
        return await self.store.state() is None


def log_gauges(log: HouseLog) -> list[tuple[str, str, Callable[[], float]]]:
    """Return what metrics show of *log*: name, meaning, and how it is read now."""

    def read(of: Callable[[Standing], float]) -> Callable[[], float]:
        return lambda: 0 if log.keeper is None else of(log.keeper.standing())

    return [
        ("log_kept", "1 while the public log goes on", read(lambda at: at.state == "keeping")),
        ("log_stopped", "1 where it must not go on", read(lambda at: at.state == "stopped")),
        ("log_leaves", "Leaves that have their place", read(lambda at: at.size)),
        ("log_published", "Leaves that a quorum vouched for", read(lambda at: at.published)),
        ("log_cosigned_at", "When it did so last (s since 1970)", read(_cosigned_at)),
    ]


def _cosigned_at(standing: Standing) -> float:
    return standing.cosigned_at or 0


@contextlib.asynccontextmanager
async def http_peers(policy: TrustPolicy) -> AsyncIterator[dict[str, Peer]]:
    """Give the way to each witness; `LogError` for an address where none may be asked."""
    # An HTTP client is a tenth of this process's memory; only houses with a log need this one.
    from halfdoor.web.outbound.addresses import AddressError  # noqa: PLC0415
    from halfdoor.web.outbound.witnesses import HttpWitness, witness_client  # noqa: PLC0415

    async with witness_client() as client:
        try:
            peers = {
                name: HttpWitness(one.url or "", client) for name, one in policy.witnesses.items()
            }
        except AddressError as error:
            raise LogError(str(error)) from None
        yield dict(peers)
