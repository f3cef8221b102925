"""The chain over a conversation's events: order, gaps and edits can be proven (SEALING §3)."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from halfdoor.sealing.envelope import EventFields, bound
from halfdoor.sealing.labels import CheckError, extend, prefix

_CHAIN: Final = prefix("chain")


class ChainError(CheckError):
    """The events do not make the stored chain; *seq* is where it first breaks."""

    def __init__(self, check: str, seq: int) -> None:
        super().__init__(f"event {seq}: {check}")
        self.seq = seq


class Link(msgspec.Struct, frozen=True, gc=False):
    """What the chain knows of one event; it outlives the event's body."""

    seq: int
    bound: bytes
    body_hash: bytes


def link(seq: int, fields: EventFields, body: bytes) -> Link:
    """Return the link of a stored event; *seq* counts from 1 in its conversation."""
    return Link(seq, fields.bound, sha256(body).digest())


def destroyed_link(
    seq: int,
    event_id: str,
    sender: str,
    device: str,
    ts: int,
    clear_hash: bytes,
    body_hash: bytes,
) -> Link:
    """Return the link of an event whose body was destroyed, from the two hashes it left."""
    return Link(seq, bound(event_id, sender, device, ts, clear_hash), body_hash)


def advance(chain: bytes, seq: int, fields: EventFields, body: bytes) -> bytes:
    """Return the chain value after one more event; before the first it is epoch 1's hh."""
    return extended(chain, link(seq, fields, body))


def extended(chain: bytes, link: Link) -> bytes:
    """Return the chain value after *link*, which needs no body: a destroyed one still counts."""
    head = extend(_CHAIN, chain, link.seq)
    return sha256(extend(head + link.bound, link.body_hash)).digest()


def check_chain(
    chain: bytes, links: Sequence[Link], values: Sequence[bytes], first_seq: int = 1
) -> None:
    """Refuse *links* that do not lead from *chain* through all the stored *values*.

    *first_seq* is the number the first link must have; `ChainError` names the first that fails.
    """
    if len(links) != len(values):
        raise ChainError("as many events as chain values were expected", first_seq)
    for seq, (one, value) in enumerate(zip(links, values, strict=True), first_seq):
        if one.seq != seq:
            raise ChainError("another number was expected here", seq)
        chain = extended(chain, one)
        if chain != value:
            raise ChainError("the stored chain value is another", seq)
