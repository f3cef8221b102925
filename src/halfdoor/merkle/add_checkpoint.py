"""The request by which a log asks a witness to cosign (C2SP tlog-witness, `add-checkpoint`)."""

from typing import Final, NamedTuple

from halfdoor.merkle import base64_text, decimal_text
from halfdoor.merkle.checkpoint import Checkpoint, parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.note import text_of
from halfdoor.merkle.proofs import MOST_HASHES
from halfdoor.merkle.tree import HASH_BYTES

_OLD: Final = "old "


class AddCheckpoint(NamedTuple):
    """The size the witness is thought to stand at, the proof from there, and the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    def __str__(self) -> str:
        """The body of the request."""
        proof = "".join(f"{base64_text.text(one)}\n" for one in self.proof)
        return f"{_OLD}{self.old}\n{proof}\n{self.checkpoint}"


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Return the request of *data*, nothing of it verified; `RefusedError` where malformed."""
    written = text_of(data)
    top, gap, rest = written.partition("\n\n")
    first, *hashes = top.split("\n")
    if not gap or not first.startswith(_OLD):
        raise RefusedError("add-checkpoint-form", "it is not an old size, a proof and a checkpoint")
    if len(hashes) > MOST_HASHES:
        raise RefusedError("add-checkpoint-form", f"it holds more than {MOST_HASHES} hashes")
    old = decimal_text.parse(first.removeprefix(_OLD), "add-checkpoint-form")
    proof = tuple(base64_text.parse(one, "add-checkpoint-form", HASH_BYTES) for one in hashes)
    checkpoint = parse_checkpoint(rest.encode())
    if old > checkpoint.head.size:
        raise RefusedError("add-checkpoint-sizes", "the old size is larger than the checkpoint's")
    return AddCheckpoint(old, proof, checkpoint)
