"""Notes, checkpoints and cosignatures: what is accepted, and every malformed or forged form."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from halfdoor.merkle.checkpoint import Checkpoint, Head, check_signed, parse_checkpoint
from halfdoor.merkle.cosignature import check_cosigned, ml_dsa_message
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import Kind, VerifierKey
from halfdoor.merkle.note import MOST_BYTES, Note, Signature, parse_note
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tree import leaf_hash

LOG = SigningKey.of_log("example.com/access", bytes(32))
WITNESS = SigningKey.of_witness("witness.example/1", b"\x01" * 32)
HEAD = Head("example.com/access", 3, leaf_hash(b"head"))
SIGNED = LOG.sign(HEAD)
# What a witness of another program signed: the example of C2SP tlog-cosignature.
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzG\
ku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1n\
PZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""


def cosigned(*lines: Signature, of: Checkpoint = SIGNED) -> Checkpoint:
    return Checkpoint(of.head, Note(of.note.text, (*of.note.signatures, *lines)))


def test_a_checkpoint_of_others_is_read_and_written_byte_for_byte() -> None:
    checkpoint = parse_checkpoint(EXAMPLE.encode())
    assert checkpoint.head.size == 20852163
    assert [one.name for one in checkpoint.note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    assert str(checkpoint) == EXAMPLE


def test_a_log_signs_and_only_its_own_name_and_bytes_pass() -> None:
    check_signed(parse_checkpoint(str(SIGNED).encode()), LOG.public)
    other = SigningKey.of_log("example.com/access", b"\x02" * 32)
    with pytest.raises(RefusedError, match="did not sign"):
        check_signed(SIGNED, other.public)
    with pytest.raises(RefusedError, match="checkpoint-origin"):
        check_signed(SIGNED, SigningKey.of_log("example.org/access", bytes(32)).public)
    larger = parse_checkpoint(str(SIGNED).replace("\n3\n", "\n4\n", 1).encode())
    with pytest.raises(RefusedError, match="log-signature"):
        check_signed(larger, LOG.public)
    witness = SigningKey.of_witness(HEAD.origin, bytes(32))
    timed = Checkpoint(HEAD, Note(HEAD.text, (witness.cosign(HEAD.text, 5),)))
    with pytest.raises(RefusedError, match="Ed25519"):
        check_signed(timed, witness.public)


@pytest.mark.parametrize(
    "change",
    [
        ("\n\n", "\n"),
        ("— ", "- "),
        ("— example.com/access ", "— example.com/access"),
        ("— example.com/access ", "— exam+ple.com/access "),
        ("— example.com/access ", "—  "),
        ("=\n", "\n"),
        ("\n3\n", "\n03\n"),
        ("\n3\n", "\n+3\n"),
        ("\n3\n", "\n-3\n"),
        ("\n3\n", "\n9223372036854775808\n"),
        ("\n3\n", "\n\N{ARABIC-INDIC DIGIT THREE}\n"),
        ("\n3\n", "\n\n"),
        ("\n3\n", "\n3\r\n"),
        ("example.com/access\n3", "\n3"),
    ],
)
def test_malformed_checkpoints_are_refused(change: tuple[str, str]) -> None:
    with pytest.raises(RefusedError):
        parse_checkpoint(str(SIGNED).replace(*change, 1).encode())


@pytest.mark.parametrize("data", [b"", b"\xff\n\n", b"a\n", b"a\n\n", b"a\x00\n\n", b"a\n\nb"])
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError):
        parse_note(data)


def test_an_oversized_note_is_refused_unread() -> None:
    with pytest.raises(RefusedError, match="note-length"):
        parse_note(bytes(MOST_BYTES + 1))
    many = Note(HEAD.text, SIGNED.note.signatures * 65)
    with pytest.raises(RefusedError, match="more than 64"):
        parse_note(str(many).encode())


def test_truncated_notes_are_refused_at_every_length() -> None:
    data = str(SIGNED).encode()
    for length in range(len(data)):
        with pytest.raises(RefusedError):
            check_signed(parse_checkpoint(data[:length]), LOG.public)


def test_every_flipped_bit_of_a_checkpoint_is_refused() -> None:
    data = str(SIGNED).encode()
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(RefusedError):
            check_signed(parse_checkpoint(bytes(flipped)), LOG.public)


def test_a_witness_says_when_and_its_time_cannot_be_changed() -> None:
    line = WITNESS.cosign(SIGNED.note.text, 1_700_000_000)
    checkpoint = parse_checkpoint(str(cosigned(line)).encode())
    assert check_cosigned(checkpoint, WITNESS.public) == 1_700_000_000
    assert check_cosigned(SIGNED, WITNESS.public) is None
    earlier = line._replace(signature=(5).to_bytes(8, "big") + line.signature[8:])
    with pytest.raises(RefusedError, match="is wrong"):
        check_cosigned(cosigned(earlier), WITNESS.public)
    with pytest.raises(RefusedError, match="malformed"):
        check_cosigned(cosigned(line._replace(signature=line.signature[:-1])), WITNESS.public)
    far = (2**63).to_bytes(8, "big") + line.signature[8:]
    with pytest.raises(RefusedError, match="malformed"):
        check_cosigned(cosigned(line._replace(signature=far)), WITNESS.public)
    with pytest.raises(RefusedError, match="signs twice"):
        check_cosigned(cosigned(line, line), WITNESS.public)


def test_a_cosignature_over_another_head_is_refused() -> None:
    other = LOG.sign(HEAD._replace(size=4))
    with pytest.raises(RefusedError, match="is wrong"):
        check_cosigned(cosigned(WITNESS.cosign(other.note.text, 7)), WITNESS.public)


def test_the_key_of_a_log_is_no_witness() -> None:
    with pytest.raises(RefusedError, match="not that of a witness"):
        check_cosigned(SIGNED, LOG.public)


def test_a_post_quantum_cosignature_is_verified_where_it_is_met() -> None:
    private = MLDSA44PrivateKey.from_seed_bytes(b"\x07" * 32)
    public = private.public_key().public_bytes_raw()
    key = VerifierKey("pq.example/w", Kind.COSIGNATURE_ML_DSA_44, public)
    assert VerifierKey.parse(str(key)) == key

    def line(head: Head, name: str = key.name, time: int = 9) -> Signature:
        signature = private.sign(ml_dsa_message(head, name, time))
        return Signature(key.name, key.id, (9).to_bytes(8, "big") + signature)

    good = parse_checkpoint(str(cosigned(line(HEAD))).encode())
    assert check_cosigned(good, key) == 9
    for wrong in (line(HEAD._replace(size=2)), line(HEAD, name="x"), line(HEAD, time=8)):
        with pytest.raises(RefusedError, match="is wrong"):
            check_cosigned(cosigned(wrong), key)


@pytest.mark.parametrize(
    "change",
    [("+", "-"), ("example.com", "exa mple.com"), ("example.com/access", ""), ("A", "B")],
)
def test_malformed_keys_are_refused(change: tuple[str, str]) -> None:
    with pytest.raises(RefusedError, match="vkey"):
        VerifierKey.parse(str(LOG.public).replace(*change))


def test_keys_of_unknown_types_and_wrong_lengths_are_refused() -> None:
    for kind, public in ((Kind.ED25519, bytes(31)), (Kind.COSIGNATURE_ML_DSA_44, bytes(32))):
        with pytest.raises(RefusedError, match="bytes long"):
            VerifierKey.parse(str(VerifierKey("a", kind, public)))
    with pytest.raises(RefusedError, match="not known"):
        VerifierKey.parse("a+00000000+/wA=")


def test_a_signing_key_cannot_be_printed() -> None:
    seed = b"\x2a" * 32
    key = SigningKey.of_log("example.com/access", seed)
    assert seed.hex() not in repr(key)
    assert repr(key) == "SigningKey('example.com/access')"
    with pytest.raises(ValueError, match="only Ed25519"):
        SigningKey("a", Kind.COSIGNATURE_ML_DSA_44, seed)
