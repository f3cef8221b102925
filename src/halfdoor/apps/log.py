"""Keeps the public log going: the question at the start, batches, renewal, patience."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Literal, final

import msgspec
from structlog.typing import FilteringBoundLogger

from halfdoor.clock import Clock
from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.transparency.cosigning import Quorum
from halfdoor.transparency.errors import NoQuorumError, StoppedError
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import LogFiles, LogState, LogStore, Waiting
from halfdoor.transparency.peers import Peer
from halfdoor.transparency.sequencer import Sequencer
from halfdoor.transparency.starting import catch_up, witnessed
from halfdoor.web.logs import describe

# Leaves that come within this time get their places together; it is how long one waits at most.
BATCH_SECONDS: Final = 0.25
# SEALING §4 asks for five minutes; what is left is for witnesses that are slow.
RENEW_SECONDS: Final = 240.0
_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0

State = Literal["starting", "keeping", "waiting", "stopped"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the log is: *why* it waits or stopped, and what single witnesses last failed with.

    `size` leaves have their place, `published` of them are covered by a checkpoint that a quorum
    cosigned at `cosigned_at` (s since 1970).
    """

    state: State
    size: int = 0
    published: int = 0
    cosigned_at: int | None = None
    why: str = ""
    troubles: Mapping[str, str] = {}


@final
class LogKeeper:
    """One log, its sequencer and its witnesses. It signs nothing before it asked them."""

    def __init__(
        self,
        *,
        store: LogStore,
        files: LogFiles,
        key: SigningKey,
        policy: TrustPolicy,
        peers: Mapping[str, Peer],
        clock: Clock,
        log: FilteringBoundLogger,
        show: Callable[[LogState], Awaitable[None]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """*peers* by the names *policy* gives them; *monotonic* and *sleep* are in seconds.

        *show* is told of every checkpoint once it is published.
        """
        self._store = store
        self._files = files
        self._key = key
        self._policy = policy
        self._peers = peers
        self._log = log
        self._show = show
        self._to_show = True
        self._monotonic = monotonic
        self._sleep = sleep
        self._quorum = Quorum(policy, peers)
        self._sequencer = Sequencer(
            store=store, files=files, key=key, cosigners=self._quorum, clock=clock
        )
        self._asked = asyncio.Event()
        self._state: State = "starting"
        self._why = ""
        self._known: LogState | None = None
        self._renew_at = monotonic()

    async def offer(self, leaves: Sequence[bytes]) -> None:
        """Keep *leaves*, durably, until they have their places; that is seen to at once."""
        await self._store.offer([Waiting(leaf_id(leaf), leaf) for leaf in leaves])
        self.hurry()

    def hurry(self) -> None:
        """Say that leaves wait, whoever offered them."""
        self._asked.set()

    async def run(self) -> None:
        """Keep the log until this is cancelled; returns where the log must not go on."""
        try:
            await self._until_done(self.start)
            while True:
                begun = self._monotonic()
                await self._until_done(self.step)
                await self._pause(begun)
        except (StoppedError, RefusedError) as error:
            # Files that are no tiles are as bad as other tiles: nothing is signed over them.
            self._state, self._why = "stopped", str(error)
            self._log.error("the public log stopped: halfdoor log status")

    async def start(self) -> None:
        """Ask the witnesses where the log stands, and make it stand there.

        `NoQuorumError` while too few answer; `StoppedError` where signing would fork the log.
        """
        heads = await witnessed(self._key.public, self._policy, self._peers)
        self._known = await catch_up(self._store, self._files, heads)

    async def step(self) -> None:
        """Place and publish what waits; cosign again what is published, when that is due."""
        due = self._monotonic() >= self._renew_at
        if await self._sequencer.step(renew=due):
            self._renew_at = self._monotonic() + RENEW_SECONDS
            self._known = await self._store.state()
            self._to_show = True
        if self._show is not None and self._to_show and self._known is not None:
            await self._show(self._known)
        self._to_show = False

    def standing(self) -> Standing:
        """Tell how the log is."""
        return standing_of(
            self._known,
            self._policy,
            state=self._state,
            why=self._why,
            troubles=dict(self._quorum.troubles),
        )

    async def _until_done(self, act: Callable[[], Awaitable[None]]) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                await act()
            except (StoppedError, RefusedError):
                raise
            except NoQuorumError as error:
                self._wait_for(str(error))
            except Exception as error:  # noqa: BLE001 - a disk that is full today is not tomorrow
                self._wait_for(type(error).__name__, **describe(error))
            else:
                self._go_on()
                return
            # Not all servers and logs at the same moment.
            await self._sleep(pause * (0.75 + secrets.randbelow(500) / 1000))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _wait_for(self, why: str, **more: object) -> None:
        if self._why != why:
            self._log.warning("the public log waits, and tries again", **more)
        if self._state == "keeping":
            self._state = "waiting"
        self._why = why

    def _go_on(self) -> None:
        if self._why:
            self._log.warning("the public log goes on")
        self._state, self._why = "keeping", ""

    async def _pause(self, begun: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BATCH_SECONDS):
                await self._asked.wait()
        # Whoever is first waits for the others of the same moment: each step writes files.
        left = begun + BATCH_SECONDS - self._monotonic()
        if left > 0:
            await self._sleep(left)
        self._asked.clear()

    def __repr__(self) -> str:
        return f"LogKeeper({self._key.public.name!r})"


def standing_of(
    known: LogState | None,
    policy: TrustPolicy,
    *,
    state: State,
    why: str = "",
    troubles: Mapping[str, str] | None = None,
) -> Standing:
    """Return how a log is, whose database stands at *known*."""
    if known is None:
        return Standing(state=state, why=why, troubles=troubles or {})
    return Standing(
        state=state,
        size=known.size,
        published=known.published,
        cosigned_at=_cosigned_at(known.checkpoint, policy),
        why=why,
        troubles=troubles or {},
    )


def _cosigned_at(checkpoint: bytes, policy: TrustPolicy) -> int | None:
    if not checkpoint:
        return None
    try:
        return policy.quorum_time(policy.check(parse_checkpoint(checkpoint)))
    except RefusedError:
        # The policy changed since: this one no longer has a quorum.
        return None
