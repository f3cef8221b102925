"""Tiles and bundles: names, what a growing tree adds, and what hostile servers send."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.merkle.bundles import MOST_ENTRY_BYTES, bundle, check_bundle
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tiles import WIDTH, Tile, TiledTree, bundles_of, check_tile, tiles_of
from halfdoor.merkle.tree import leaf_hash, root_of_hashes


def test_an_index_is_written_in_groups_of_three() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(None, 273, 112).path == "tile/entries/273.p/112"


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/00/001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/001.p/256",
        "tile/0/001.p/0",
        "tile/0/001.p/01",
        "tile/64/001",
        "tile/entries/../001",
        "tile/0/001/",
        "/tile/0/001",
        "tile/0/00\N{ARABIC-INDIC DIGIT ONE}",
        "tile/0/" + "x999/" * 40 + "999",
        "checkpoint",
    ],
)
def test_any_other_way_to_write_a_path_is_refused(path: str) -> None:
    with pytest.raises(RefusedError, match="tile-path"):
        Tile.from_path(path)


@given(st.none() | st.integers(0, 63), st.integers(0, 10**12), st.integers(1, WIDTH))
def test_a_path_names_its_tile(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.from_path(tile.path) == tile


def test_seventy_thousand_leaves_are_cut_as_the_specification_says() -> None:
    tiles = list(tiles_of(70_000))
    assert sum(one.level == 0 and one.width == WIDTH for one in tiles) == 273
    assert [one for one in tiles if one.width < WIDTH] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []
    assert list(bundles_of(300, 256)) == [Tile(None, 1, 44)]
    assert Tile(1, 1).first_leaf == 65_536


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1500), st.integers(0, 1500))
def test_a_tree_that_grew_adds_just_the_tiles_that_changed(old: int, more: int) -> None:
    new = old + more
    added = list(tiles_of(new, old))
    assert {*tiles_of(old), *added} >= set(tiles_of(new))
    assert set(added) == set(tiles_of(new)) - set(tiles_of(old))


LEAVES = [leaf_hash(n.to_bytes(3, "big")) for n in range(1500)]


def fetch(tile: Tile) -> list[bytes]:
    assert tile.level is not None
    if tile.level == 0:
        row = LEAVES
    else:
        span = 1 << (8 * tile.level)
        row = [root_of_hashes(LEAVES[at : at + span]) for at in range(0, 1500 - span + 1, span)]
    first = tile.index * WIDTH
    return row[first : first + tile.width]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 1500))
def test_heads_and_leaves_are_read_from_tiles(size: int) -> None:
    tree = TiledTree(size, fetch)
    assert tree.root() == root_of_hashes(LEAVES[:size])
    assert list(tree.leaves(size // 3, size)) == LEAVES[size // 3 : size]


def test_a_tile_or_bundle_of_another_length_is_refused() -> None:
    for data in (b"", bytes(31), bytes(33), bytes(WIDTH * 32 + 32)):
        with pytest.raises(RefusedError, match="tile-length"):
            check_tile(data)
    with pytest.raises(RefusedError, match="tile-length"):
        check_tile(bytes(64), 3)
    for data in (b"\x00", b"\x00\x05abc", b"\x00\x01a\x00", b"\x00\x01a\x00\x01b", b""):
        with pytest.raises(RefusedError, match="bundle-length"):
            check_bundle(data, 1)
    with pytest.raises(RefusedError, match="entry-length"):
        bundle([bytes(MOST_ENTRY_BYTES + 1)])


def test_a_tree_of_an_impossible_size_is_refused() -> None:
    for size in (-1, 2**63):
        with pytest.raises(RefusedError, match="tree-size"):
            TiledTree(size, fetch)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=WIDTH))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert check_bundle(bundle(entries), len(entries)) == entries
