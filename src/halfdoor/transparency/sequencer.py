"""From leaves that wait to a checkpoint that a quorum cosigned: the one who gives them places.

Whatever step a crash ends, the next run of the same steps goes on from there (SCALE §6).
"""

from collections.abc import Sequence
from typing import Final, Protocol

from halfdoor.clock import Clock, day_of
from halfdoor.merkle.checkpoint import Checkpoint, Head
from halfdoor.merkle.frontier import Frontier
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tiles import check_tile
from halfdoor.merkle.tree import leaf_hash
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.log_store import LogFiles, LogState, LogStore
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.publishing import edges_of, files_of, first_needed

# Leaves that get their place in one transaction.
MOST_AT_ONCE: Final = 4096


class Cosigners(Protocol):
    """Those without whom a checkpoint does not count."""

    async def cosign(self, signed: Checkpoint, tree: PublishedTree) -> Checkpoint:
        """Return *signed* with the cosignatures of a quorum; `NoQuorumError` without one.

        *tree* is the tree it is the head of.
        """


class Sequencer:
    """Gives leaves their places and publishes. Several may run: the database lets one win."""

    def __init__(
        self,
        *,
        store: LogStore,
        files: LogFiles,
        key: SigningKey,
        cosigners: Cosigners,
        clock: Clock,
    ) -> None:
        """*key* signs the checkpoints of the log whose origin is its name."""
        self._store = store
        self._files = files
        self._key = key
        self._cosigners = cosigners
        self._clock = clock

    async def step(self, *, renew: bool = False) -> bool:
        """Place and publish what waits; False where nothing was to do.

        With *renew* the newest checkpoint is cosigned again though nothing was appended (SEALING
        §4). Raises `NoQuorumError` where too few witnesses answered: every leaf keeps its place,
        and the next step goes on. Raises `StoppedError` where files hold another tree.
        """
        # 1. Places, by compare-and-set on the head.
        state = await self._place()
        if state.published == state.size and state.checkpoint and not renew:
            return False
        # 2. Files, written once; those of a run that was cut short are the same.
        await write_files(self._store, self._files, state)
        # 3. The log's own signature: the same each time.
        head = Head(state.origin, state.size, Frontier(state.size, state.heads).root())
        signed = self._key.sign(head)
        # 4. Witnesses; without a quorum nothing is published.
        cosigned = await self._cosigners.cosign(signed, PublishedTree(self._files, state.size))
        # 5. The checkpoint, last.
        day = day_of(self._clock.now_ms())
        await self._store.publish(state.size, str(cosigned).encode(), day)
        return True

    async def _place(self) -> LogState:
        while True:
            state = await self._store.state()
            if state is None or state.origin != self._key.public.name:
                raise StoppedError("the log of this origin was not begun: `halfdoor log init`")
            waiting = await self._store.waiting(MOST_AT_ONCE)
            if not waiting:
                return state
            new = advanced(state, [one.leaf for one in waiting])
            # Where somebody else was faster, the leaves have their places by now.
            if await self._store.advance(state, new, waiting) and len(waiting) < MOST_AT_ONCE:
                return new


async def write_files(store: LogStore, files: LogFiles, state: LogState) -> None:
    """Write the files that the tree of *state* has beyond the published one.

    `StoppedError` where one is there with other bytes.
    """
    leaves = await store.leaves(first_needed(state.published), state.size)
    edges = {}
    for tile in edges_of(state.published):
        data = await files.read(tile.path)
        if data is None:
            raise StoppedError(f"{tile.path} is missing")
        edges[tile.level or 0] = check_tile(data, tile.width)
    for path, data in files_of(leaves, state.published, state.size, edges):
        await files.create(path, data)


def advanced(state: LogState, leaves: Sequence[bytes]) -> LogState:
    """Return where the log stands after *leaves*."""
    frontier = Frontier(state.size, state.heads)
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return LogState(
        origin=state.origin,
        size=frontier.size,
        heads=frontier.heads,
        published=state.published,
        checkpoint=state.checkpoint,
    )
