"""A proof that stands alone: where an entry is, under which witnessed head (C2SP tlog-proof)."""

from typing import Final

import msgspec

from halfdoor.merkle import base64_text, decimal_text
from halfdoor.merkle.checkpoint import Checkpoint, parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.note import text_of
from halfdoor.merkle.proofs import MOST_HASHES, check_inclusion
from halfdoor.merkle.tree import HASH_BYTES, leaf_hash
from halfdoor.merkle.trust_policy import TrustPolicy

_FIRST: Final = "c2sp.org/tlog-proof@v1"


class TlogProof(msgspec.Struct, frozen=True):
    """The place of an entry, the path to the head, and the checkpoint; *extra* is nobody's word."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    extra: bytes | None = None

    def __str__(self) -> str:
        """The proof as text."""
        extra = [] if self.extra is None else [f"extra {base64_text.text(self.extra)}"]
        path = [base64_text.text(one) for one in self.path]
        lines = [_FIRST, *extra, f"index {self.index}", *path, ""]
        return "\n".join(lines) + f"\n{self.checkpoint}"

    def check(self, entry: bytes, policy: TrustPolicy) -> dict[str, int]:
        """Refuse unless *entry* stands in a log that *policy* trusts, under a witnessed head.

        Returns the times (s) of the cosignatures. Raises `RefusedError`.
        """
        times = policy.check(self.checkpoint)
        head = self.checkpoint.head
        check_inclusion(leaf_hash(entry), self.index, head.size, self.path, head.root)
        return times


def parse_proof(data: bytes) -> TlogProof:
    """Return the proof of *data*, nothing of it verified; `RefusedError` where malformed."""
    written = text_of(data)
    top, gap, rest = written.partition("\n\n")
    if not gap:
        raise RefusedError("tlog-proof-form", "it has no checkpoint after an empty line")
    lines = top.split("\n")
    if lines.pop(0) != _FIRST:
        raise RefusedError("tlog-proof-form", f"it does not begin with {_FIRST}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = base64_text.parse(lines.pop(0).removeprefix("extra "), "tlog-proof-form")
    if not lines or not lines[0].startswith("index "):
        raise RefusedError("tlog-proof-form", "it does not say which entry it is about")
    index = decimal_text.parse(lines.pop(0).removeprefix("index "), "tlog-proof-form")
    if len(lines) > MOST_HASHES:
        raise RefusedError("tlog-proof-form", f"it holds more than {MOST_HASHES} hashes")
    path = tuple(base64_text.parse(one, "tlog-proof-form", HASH_BYTES) for one in lines)
    return TlogProof(index, path, parse_checkpoint(rest.encode()), extra)
