"""Tiles: a tree cut into immutable files of up to 256 hashes (C2SP tlog-tiles)."""

import re
from collections.abc import Callable, Iterator
from typing import Final, Self

import msgspec

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.proofs import MOST_LEAVES
from halfdoor.merkle.tree import HASH_BYTES, joined, root_of_hashes

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
TILE_BYTES: Final = WIDTH * HASH_BYTES
_LEVELS: Final = 64
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class Tile(msgspec.Struct, frozen=True):
    """One tile: its *level* (None for a bundle of entries), its *index*, how *wide* it is."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is served, below the log's prefix."""
        parts = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            parts.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(parts)}{part}"

    @property
    def first_leaf(self) -> int:
        """The first leaf it spans."""
        return self.index << (HEIGHT * ((self.level or 0) + 1))

    @classmethod
    def from_path(cls, path: str) -> Self:
        """Return the tile of a path; `RefusedError` for any but the one way to write it."""
        match = _PATH.fullmatch(path)
        if match is None or len(path) > 80:
            raise RefusedError("tile-path", "it is not the path of a tile")
        level = None if match[1] == "entries" else int(match[1])
        index = int(match[2].replace("x", "").replace("/", ""))
        width = int(match[3]) if match[3] else WIDTH
        tile = cls(level, index, width)
        if (level or 0) >= _LEVELS or (match[3] and width >= WIDTH) or tile.path != path:
            raise RefusedError("tile-path", "it is not the path of a tile")
        return tile


def tiles_of(size: int, after: int = 0) -> Iterator[Tile]:
    """Yield each tile (not bundle) of a tree of *size* that a tree of *after* leaves lacks.

    Full tiles once; at each level at most one partial one.
    """
    for level in range(_LEVELS):
        hashes, known = size >> (HEIGHT * level), after >> (HEIGHT * level)
        if not hashes:
            return
        yield from _row(level, hashes, known)


def bundles_of(size: int, after: int = 0) -> Iterator[Tile]:
    """Yield each bundle of entries of a tree of *size* that a tree of *after* leaves lacks."""
    yield from _row(None, size, after)


def _row(level: int | None, hashes: int, known: int) -> Iterator[Tile]:
    if hashes == known:
        return
    for index in range(known >> HEIGHT, hashes >> HEIGHT):
        yield Tile(level, index)
    if hashes % WIDTH:
        yield Tile(level, hashes >> HEIGHT, hashes % WIDTH)


def check_tile(data: bytes, width: int = WIDTH) -> list[bytes]:
    """Return the hashes of a tile; `RefusedError` unless it is exactly *width* hashes long."""
    if len(data) != width * HASH_BYTES:
        raise RefusedError("tile-length", f"it holds {len(data)} bytes, not {width} hashes")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


# The hashes of a tile, as somebody fetched them; whoever uses them checks what they lead to.
Fetch = Callable[[Tile], list[bytes]]


class TiledTree:
    """A tree of *size* leaves read from its tiles: the heads of any run of its leaves.

    What it returns is as true as the tiles: check it against a signed head.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        """*fetch* returns the hashes of a tile; `RefusedError` for a size nobody can have."""
        if not 0 <= size <= MOST_LEAVES:
            raise RefusedError("tree-size", f"{size} is no size of a tree")
        self.size = size
        self._fetch = fetch

    def head_of(self, begin: int, end: int) -> bytes:
        """Return the head of leaves [begin, end), which begin where a tree of that length may."""
        heads = []
        while begin < end:
            # The largest perfect subtree that begins here and ends in time.
            height = (end - begin).bit_length() - 1
            if begin:
                height = min(height, (begin & -begin).bit_length() - 1)
            heads.append(self._subtree(height, begin >> height))
            begin += 1 << height
        return joined(heads)

    def root(self) -> bytes:
        """Return the head of the whole tree."""
        return self.head_of(0, self.size)

    def leaves(self, begin: int, end: int) -> Iterator[bytes]:
        """Yield the leaf hashes [begin, end)."""
        while begin < end:
            hashes = self._fetch(self.tile(0, begin >> HEIGHT))
            stop = min(end, (begin | (WIDTH - 1)) + 1)
            yield from hashes[begin % WIDTH : (stop - 1) % WIDTH + 1]
            begin = stop

    def tile(self, level: int, index: int) -> Tile:
        """Return the tile *index* of *level*, as wide as it is in this tree."""
        return Tile(level, index, min(WIDTH, (self.size >> (HEIGHT * level)) - (index << HEIGHT)))

    def _subtree(self, height: int, index: int) -> bytes:
        level, above = divmod(height, HEIGHT)
        first = index << above
        hashes = self._fetch(self.tile(level, first >> HEIGHT))
        at = first % WIDTH
        return root_of_hashes(hashes[at : at + (1 << above)])
