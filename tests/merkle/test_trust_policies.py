"""Quorums: q of n, groups in groups, quorum time, and policy files that are wrong."""

import pytest

from halfdoor.merkle.checkpoint import Checkpoint, Head
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.note import Note
from halfdoor.merkle.proofs import inclusion_proof
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tlog_proof import TlogProof, parse_proof
from halfdoor.merkle.tree import leaf_hash, root, root_of_hashes
from halfdoor.merkle.trust_policy import TrustPolicy, parse_policy

LOG = SigningKey.of_log("example.com/access", bytes(32))
WITNESSES = [SigningKey.of_witness(f"w.example/{n}", bytes([n]) * 32) for n in range(1, 5)]
NAMED = "".join(f"witness w{n} {key.public}\n" for n, key in enumerate(WITNESSES, 1))
FILE = f"# Four of them.\n\n log\t{LOG.public} https://example.com/\n{NAMED}"
THREE_OF_FOUR = FILE + "group all-four 3 w1 w2 w3 w4\nquorum all-four\n"


def policy(text: str = THREE_OF_FOUR) -> TrustPolicy:
    return parse_policy(text.encode())


def checkpoint(*times: int, entries: int = 5) -> Checkpoint:
    head = Head(LOG.public.name, entries, root([bytes([n]) for n in range(entries)]))
    signed = LOG.sign(head)
    lines = [
        key.cosign(signed.note.text, time)
        for key, time in zip(WITNESSES, times, strict=False)
        if time
    ]
    return Checkpoint(head, Note(signed.note.text, (*signed.note.signatures, *lines)))


def test_two_of_four_are_no_quorum_and_three_are() -> None:
    with pytest.raises(RefusedError, match="witness-quorum: 2 of 4"):
        policy().check(checkpoint(10, 20))
    assert policy().check(checkpoint(10, 20, 30)) == {"w1": 10, "w2": 20, "w3": 30}


def test_one_witness_cannot_move_the_time_back() -> None:
    assert policy().quorum_time({"w1": 1, "w2": 500, "w3": 600}) == 600
    assert policy().quorum_time({"w1": 1, "w2": 500, "w3": 600, "w4": 550}) == 550
    assert policy().quorum_time({"w1": 1, "w2": 500}) is None


def test_a_forged_cosignature_refuses_the_whole_checkpoint() -> None:
    good = checkpoint(10, 20, 30)
    forged = WITNESSES[3].cosign("another text\n", 30)
    note = Note(good.note.text, (*good.note.signatures, forged))
    with pytest.raises(RefusedError, match="cosignature"):
        policy().check(Checkpoint(good.head, note))


def test_a_log_that_is_not_named_is_refused() -> None:
    other = SigningKey.of_log("example.org/access", bytes(32))
    with pytest.raises(RefusedError, match="checkpoint-origin"):
        policy().check(other.sign(Head("example.org/access", 0, root([]))))


def test_groups_stand_in_groups() -> None:
    nested = policy(
        FILE + "group a any w1 w2\ngroup b all w3 w4\ngroup both all a b\nquorum both\n"
    )
    assert nested.holds(["w1", "w3", "w4"])
    assert not nested.holds(["w1", "w2", "w3"])
    assert policy(FILE + "quorum none\n").holds([])
    assert policy(FILE + "quorum w2\n").holds(["w2"])


@pytest.mark.parametrize(
    "text",
    [
        FILE,
        FILE + "quorum w1\nquorum w2\n",
        FILE + "quorum w9\n",
        FILE + "group g 3 w1 w2\nquorum g\n",
        FILE + "group g 0 w1 w2\nquorum g\n",
        FILE + "group g 01 w1 w2\nquorum g\n",
        FILE + "group g any\nquorum g\n",
        FILE + "group g any w1 w1\nquorum g\n",
        FILE + "group g any w1\ngroup h any w1\nquorum g\n",
        FILE + "group g any none\nquorum g\n",
        FILE + "group w1 any w2\nquorum w1\n",
        FILE + "group g any h\ngroup h any w1\nquorum g\n",
        FILE + f"witness w9 {WITNESSES[0].public}\nquorum w1\n",
        FILE + f"log {LOG.public}\nquorum w1\n",
        FILE + f"log {WITNESSES[0].public}\nquorum w1\n",
        FILE + f"witness none {WITNESSES[0].public}\nquorum w1\n",
        FILE + f"witness w9 {LOG.public}\nquorum w1\n",
        FILE + "quorum\n",
        FILE + "quorum w1 w2\n",
        FILE + "nothing of the kind\n",
        FILE + "quorum w1\r\n",
        FILE + "witness w9 broken\nquorum w1\n",
        "".join(f"group g{n} any w1\n" for n in range(3)),
    ],
)
def test_policy_files_that_are_wrong_are_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="trust-policy"):
        policy(text)


def test_the_line_that_is_wrong_is_named() -> None:
    with pytest.raises(RefusedError, match="line 8"):
        policy(FILE + "quorum nobody\n")
    with pytest.raises(RefusedError, match="longer than"):
        parse_policy(bytes(300_000))


class TestAProofThatStandsAlone:
    """C2SP tlog-proof."""

    def proof(self, extra: bytes | None = None) -> TlogProof:
        leaves = [leaf_hash(bytes([n])) for n in range(5)]
        path = inclusion_proof(3, 5, lambda a, b: root_of_hashes(leaves[a:b]))
        return TlogProof(3, tuple(path), checkpoint(10, 20, 30), extra)

    def test_another_entry_place_or_quorum_is_refused(self) -> None:
        proof = parse_proof(str(self.proof()).encode())
        assert proof.check(b"\x03", policy()) == {"w1": 10, "w2": 20, "w3": 30}
        with pytest.raises(RefusedError, match="inclusion-proof"):
            proof.check(b"\x04", policy())
        with pytest.raises(RefusedError, match="inclusion-proof"):
            TlogProof(2, proof.path, proof.checkpoint).check(b"\x03", policy())
        with pytest.raises(RefusedError, match="witness-quorum"):
            TlogProof(3, proof.path, checkpoint(10, 20)).check(b"\x03", policy())

    def test_it_is_read_as_it_was_written(self) -> None:
        for extra in (None, b"", b"seen by nobody"):
            written = str(self.proof(extra))
            assert parse_proof(written.encode()).extra == extra
            assert str(parse_proof(written.encode())) == written

    @pytest.mark.parametrize(
        "change",
        [
            ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
            ("index 3", "index 03"),
            ("index 3", "index"),
            ("index 3\n", ""),
            ("index 3", "extra ?\nindex 3"),
            ("index 3\n", "index 3\nAAAA\n"),
            ("index 3\n", "index 3\n" + "A" * 43 + "=\n" * 64),
            ("\n\n", "\n"),
        ],
    )
    def test_malformed_proofs_are_refused(self, change: tuple[str, str]) -> None:
        with pytest.raises(RefusedError):
            parse_proof(str(self.proof()).replace(*change).encode())
