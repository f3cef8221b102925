"""Copies a public log into a folder, so that anyone can check it there, also without a network."""

import hashlib
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final, final

from halfdoor.merkle.bundles import bundle
from halfdoor.merkle.checkpoint import Checkpoint, parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.proofs import check_consistency
from halfdoor.merkle.tiles import Tile, check_tile, tiles_of
from halfdoor.merkle.tree import leaf_hash
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.sealing.labels import b64
from halfdoor.store.log_folder import FolderFiles
from halfdoor.transparency.entries import HeartbeatEntry, PolicyEntry
from halfdoor.transparency.errors import EntryError
from halfdoor.transparency.leaf import parse_leaf
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.reading import stretches
from halfdoor.transparency.source import (
    CHECKPOINT,
    REPORT,
    Source,
    day_path,
    document,
    document_path,
)

# What may change from day to day, and is of use to people who look at the folder.
_BESIDE: Final = (REPORT, "schema.json", "policy")

Progress = Callable[[int, int], None]


@final
class Mirror:
    """A log's copy: what is there is never changed, and its newest checkpoint is written last."""

    def __init__(
        self, source: Source, folder: Path, policy: TrustPolicy | None, progress: Progress
    ) -> None:
        """With *policy* no checkpoint is copied but one that a quorum cosigned."""
        self._source = source
        self._files = FolderFiles(folder)
        self._near = _Near(self._files, source)
        self._policy = policy
        self._progress = progress

    async def run(self) -> int:
        """Copy what is new, and return how many entries the copy has.

        `RefusedError` names the check that failed, `StoppedError` a file that was another one
        before, `UnreachableError` what cannot be read now; the copy is as good as it was.
        """
        # The report first: it may be about less than the head, never about more.
        beside = {path: await self._source.get(path) for path in _BESIDE}
        data = await self._source.get(CHECKPOINT)
        if data is None:
            raise RefusedError("checkpoint", "it is missing")
        shown = parse_checkpoint(data)
        if self._policy is not None:
            self._policy.check(shown)
        known = await self._known()
        size = 0 if known is None else known.head.size
        if shown.head.size < size:
            raise RefusedError("log-shrank", f"it had {size} entries and has {shown.head.size}")
        await self._entries(shown.head.size, size)
        for tile in tiles_of(shown.head.size, size):
            if tile.level:
                await self._tile(tile)
        # Nothing is called a copy of this head before the copy itself leads to it.
        tree = PublishedTree(self._files, shown.head.size)
        if await tree.root() != shown.head.root:
            raise RefusedError("entries-root", "the entries are not those of the signed head")
        if known is not None:
            proof = await tree.consistency(size)
            check_consistency(size, shown.head.size, proof, known.head.root, shown.head.root)
        for path, found in beside.items():
            if found is not None:
                await self._files.replace(path, found)
        await self._files.replace(CHECKPOINT, data)
        return shown.head.size

    async def _known(self) -> Checkpoint | None:
        data = await self._files.read(CHECKPOINT)
        return None if data is None else parse_checkpoint(data)

    async def _entries(self, size: int, known: int) -> None:
        begin = known >> 8 << 8
        async with aclosing(stretches(self._near, size, begin)) as found:
            async for stretch in found:
                hashes = [leaf_hash(leaf) for leaf in stretch.entries]
                if hashes != stretch.hashes:
                    raise RefusedError("tile-hash", f"{stretch.bundle.path} and its tile differ")
                for leaf in stretch.entries:
                    await self._named(leaf)
                one = stretch.bundle
                await self._files.create(one.path, bundle(stretch.entries))
                await self._files.create(Tile(0, one.index, one.width).path, b"".join(hashes))
                self._progress(min(size, one.first_leaf + one.width), size)

    async def _named(self, leaf: bytes) -> None:
        """Copy what an entry names: a policy's documents, a heartbeat's checkpoint."""
        # An entry that is not understood is copied as it is: to judge it is `verify`'s part.
        with suppress(EntryError):
            entry = parse_leaf(leaf)
            if isinstance(entry, PolicyEntry):
                for digest in entry.documents.values():
                    data = await document(self._near, digest)
                    await self._files.create(document_path(digest), data)
            elif isinstance(entry, HeartbeatEntry) and entry.checkpoint is not None:
                await self._day(entry.of_day, entry.checkpoint)

    async def _day(self, day: int, digest: str) -> None:
        data = await self._near.get(day_path(day))
        if data is None or b64(hashlib.sha256(data).digest()) != digest:
            raise RefusedError("day-checkpoint", f"day {day}: it is missing, or another one")
        await self._files.create(day_path(day), data)

    async def _tile(self, tile: Tile) -> None:
        data = await self._near.get(tile.path)
        if data is None:
            raise RefusedError("tile-there", f"{tile.path} is missing")
        check_tile(data, tile.width)
        await self._files.create(tile.path, data)


class _Near:
    """The folder where it has a file, else the log: so a copy that was cut short goes on."""

    def __init__(self, files: FolderFiles, source: Source) -> None:
        self._files = files
        self._source = source

    async def get(self, path: str) -> bytes | None:
        """Return the copy of a file, else the file."""
        data = await self._files.read(path)
        return await self._source.get(path) if data is None else data
