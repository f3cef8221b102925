"""The tree that lies in files: its proofs, its heads at any size, its entries."""

from collections.abc import Callable
from typing import TypeVar

from halfdoor.merkle.bundles import check_bundle
from halfdoor.merkle.proofs import consistency_proof, inclusion_proof
from halfdoor.merkle.tiles import HEIGHT, WIDTH, Tile, TiledTree, bundles_of, check_tile
from halfdoor.merkle.tree import HASH_BYTES
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.log_store import ReadFiles

T = TypeVar("T")


class PublishedTree:
    """The tree of *size* leaves in *files*. What it returns is as true as they are."""

    def __init__(self, files: ReadFiles, size: int) -> None:
        self.size = size
        self._files = files

    async def consistency(self, old: int) -> list[bytes]:
        """Return the proof that this tree begins with the tree of *old* leaves."""
        return await self._read(lambda tree: consistency_proof(old, self.size, tree.head_of))

    async def inclusion(self, index: int) -> list[bytes]:
        """Return the proof that the leaf *index* is in this tree."""
        return await self._read(lambda tree: inclusion_proof(index, self.size, tree.head_of))

    async def root(self, size: int | None = None) -> bytes:
        """Return the head of this tree, or of the *size* leaves it begins with."""
        end = self.size if size is None else size
        return await self._read(lambda tree: tree.head_of(0, end))

    async def entries(self, begin: int) -> list[bytes]:
        """Return the entries from *begin* to the end of the tree."""
        found: list[bytes] = []
        for one in bundles_of(self.size, begin):
            data = await self._files.read(one.path)
            if data is None:
                raise StoppedError(f"{one.path} is missing")
            found += check_bundle(data, one.width)
        return found[begin - (begin >> HEIGHT << HEIGHT) :]

    async def entry(self, index: int) -> bytes:
        """Return the entry at *index*, which is in this tree."""
        at = index >> HEIGHT
        one = Tile(None, at, min(WIDTH, self.size - (at << HEIGHT)))
        data = await self._files.read(one.path)
        if data is None:
            raise StoppedError(f"{one.path} is missing")
        return check_bundle(data, one.width)[index - (at << HEIGHT)]

    async def _read(self, work: Callable[[TiledTree], T]) -> T:
        # Once to learn which tiles it reads (which never depends on what they hold), once for good.
        wanted: dict[Tile, list[bytes]] = {}

        def note(tile: Tile) -> list[bytes]:
            wanted[tile] = []
            return [bytes(HASH_BYTES)] * tile.width

        work(TiledTree(self.size, note))
        for tile in wanted:
            data = await self._files.read(tile.path)
            if data is None:
                raise StoppedError(f"{tile.path} is missing")
            wanted[tile] = check_tile(data, tile.width)
        return work(TiledTree(self.size, wanted.__getitem__))
