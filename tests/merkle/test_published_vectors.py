"""Proofs of others: transparency-dev's good and bad ones, and a whole tree made by Go's sumdb."""

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.frontier import Frontier
from halfdoor.merkle.proofs import (
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
)
from halfdoor.merkle.tiles import Tile, TiledTree, check_tile, tiles_of
from halfdoor.merkle.tree import EMPTY_ROOT
from halfdoor.merkle.trust_policy import parse_policy

VECTORS = Path(__file__).parents[1] / "vectors"
INCLUSION = sorted((VECTORS / "merkle" / "inclusion").rglob("*.json"))
CONSISTENCY = sorted((VECTORS / "merkle" / "consistency").rglob("*.json"))
# RFC 9162 leaves the empty tree out, and the authors of the vectors call its proof useless. A
# witness has to begin somewhere: by C2SP tlog-witness the proof from size 0 is the empty one, and
# any tree goes on from there.
BY_DESIGN = "consistency/additional/size1-is-zero-and-size2-is-not-zero.json"
GO: dict[str, Any] = json.loads((VECTORS / "tlog_go.json").read_text())


def name(path: Path) -> str:
    return str(path.relative_to(VECTORS / "merkle"))


def test_all_published_vectors_are_here() -> None:
    assert len(INCLUSION) + len(CONSISTENCY) == 196
    assert BY_DESIGN in {name(path) for path in CONSISTENCY}


@pytest.mark.parametrize("path", INCLUSION, ids=name)
def test_inclusion_proofs_are_judged_as_published(path: Path) -> None:
    case = json.loads(path.read_text())

    def judge() -> None:
        check_inclusion(
            b64decode(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            [b64decode(one) for one in case["proof"] or []],
            b64decode(case["root"]),
        )

    verdict(judge, refused=case["wantErr"])


@pytest.mark.parametrize("path", CONSISTENCY, ids=name)
def test_consistency_proofs_are_judged_as_published(path: Path) -> None:
    case = json.loads(path.read_text())
    differs = path == VECTORS / "merkle" / BY_DESIGN
    verdict(lambda: judge_consistency(case), refused=case["wantErr"] and not differs)


def test_one_vector_differs_by_design_since_a_witness_begins_with_an_empty_tree() -> None:
    case = json.loads((VECTORS / "merkle" / BY_DESIGN).read_text())
    assert case["wantErr"]
    assert case["proof"] == []
    assert case["root1"] == b64encode(EMPTY_ROOT).decode()
    judge_consistency(case)
    for other in ({"root1": case["root2"]}, {"proof": [case["root1"]]}):
        with pytest.raises(RefusedError):
            judge_consistency(case | other)


def judge_consistency(case: dict[str, Any]) -> None:
    check_consistency(
        case["size1"],
        case["size2"],
        [b64decode(one) for one in case["proof"] or []],
        b64decode(case["root1"]),
        b64decode(case["root2"]),
    )


def verdict(judge: Any, *, refused: bool) -> None:
    if refused:
        with pytest.raises(RefusedError):
            judge()
    else:
        judge()


class TestATreeMadeByGo:
    """600 leaves by `x/mod/sumdb`."""

    def fetch(self, tile: Tile) -> list[bytes]:
        """A tile as published; the whole one where a smaller tree would have a partial one."""
        for path, data in GO["tiles"].items():
            known = Tile.from_path(path)
            if (known.level, known.index) == (tile.level, tile.index):
                return check_tile(b64decode(data), known.width)[: tile.width]
        raise KeyError(tile.path)

    def test_its_tiles_are_named_as_we_name_them(self) -> None:
        assert [one.path for one in tiles_of(GO["n"])] == list(GO["tiles"])

    def test_its_roots_follow_from_its_tiles(self) -> None:
        frontier = Frontier()
        leaves = TiledTree(GO["n"], self.fetch).leaves(0, GO["n"])
        roots = {}
        for leaf in leaves:
            frontier.append(leaf)
            roots[frontier.size] = frontier.root()
        assert frontier.size == GO["n"]
        for case in GO["roots"]:
            assert roots[case["size"]] == b64decode(case["root"])
            assert TiledTree(case["size"], self.fetch).root() == roots[case["size"]]

    def test_its_proofs_are_the_ones_we_make(self) -> None:
        for case in GO["incl"]:
            tree = TiledTree(case["n"], self.fetch)
            proof = inclusion_proof(case["i"], case["n"], tree.head_of)
            assert proof == [b64decode(one) for one in case["proof"]]
            [leaf] = tree.leaves(case["i"], case["i"] + 1)
            check_inclusion(leaf, case["i"], case["n"], proof, tree.root())
        for case in GO["cons"]:
            tree = TiledTree(case["n"], self.fetch)
            proof = consistency_proof(case["m"], case["n"], tree.head_of)
            assert proof == [b64decode(one) for one in case["proof"]]
            old = TiledTree(case["m"], self.fetch).root()
            check_consistency(case["m"], case["n"], proof, old, tree.root())

    def test_its_cosigned_checkpoint_is_accepted_under_its_policy(self) -> None:
        policy = parse_policy(GO["policy"].encode())
        checkpoint = parse_checkpoint(GO["checkpoint"].encode())
        times = policy.check(checkpoint)
        assert list(times) == ["w1"]
        assert checkpoint.head.size == GO["n"]
        assert checkpoint.head.root == TiledTree(GO["n"], self.fetch).root()
        assert str(checkpoint) == GO["checkpoint"]
