"""The files of a stretch of the log: bundles first, then tiles from the leaves up (tlog-tiles)."""

from collections.abc import Iterator, Mapping, Sequence

from halfdoor.merkle.bundles import bundle
from halfdoor.merkle.tiles import HEIGHT, WIDTH, Tile, bundles_of, tiles_of
from halfdoor.merkle.tree import leaf_hash, root_of_hashes


def first_needed(after: int) -> int:
    """Return the first leaf whose bundle and tile are written again by a tree beyond *after*."""
    return after >> HEIGHT << HEIGHT


def edges_of(after: int) -> Iterator[Tile]:
    """Yield the partial tiles above the leaves that a tree beyond *after* goes on from."""
    for tile in tiles_of(after):
        if tile.level and tile.width < WIDTH:
            yield tile


def files_of(
    leaves: Sequence[bytes], after: int, size: int, edges: Mapping[int, Sequence[bytes]]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of each file that the tree of *size* has beyond the one of *after*.

    *leaves* are those from `first_needed(after)` to *size*; *edges* the hashes of `edges_of(after)`
    by level.
    """
    begin = first_needed(after)
    for one in bundles_of(size, after):
        at = one.first_leaf - begin
        yield one.path, bundle(leaves[at : at + one.width])
    tiles = list(tiles_of(size, after))
    # The hashes of one level from *start* on, beginning with a tile.
    row, start, level = [leaf_hash(leaf) for leaf in leaves], begin, 0
    while row:
        for tile in (one for one in tiles if one.level == level):
            yield tile.path, b"".join(_hashes(row, start, tile))
        # The level above: what was there, and one hash for each tile that is full by now.
        known = start >> HEIGHT
        full = (start + len(row)) >> HEIGHT
        level += 1
        above = [root_of_hashes(_hashes(row, start, Tile(0, at))) for at in range(known, full)]
        row, start = [*edges.get(level, ()), *above], known >> HEIGHT << HEIGHT


def _hashes(row: Sequence[bytes], start: int, tile: Tile) -> Sequence[bytes]:
    at = (tile.index << HEIGHT) - start
    return row[at : at + tile.width]
