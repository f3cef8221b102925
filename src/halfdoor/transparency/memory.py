"""What somebody who checks a log keeps from one run to the next."""

import msgspec

from halfdoor.transparency.grants import GrantCourse


class SeenLeaf(msgspec.Struct, frozen=True):
    """A leaf and its place."""

    index: int
    leaf: bytes


class Memory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a later run needs to go on from *size* leaves.

    `checkpoint` is the newest that was found good; `seen` are sizes and quorum times (s) of all
    that were; `counted`, `grants` and `policies` are folded from the entries. `report` is the
    SHA-256 of the published report that was found good last. Of a run that was cut short, `due`
    are the heartbeats and grants whose times are not known yet, `first_day` that of entry 0.
    """

    origin: str
    size: int = 0
    heads: tuple[bytes, ...] = ()
    checkpoint: bytes = b""
    seen: tuple[tuple[int, int], ...] = ()
    last_day: int | None = None
    counted: dict[str, int] = {}
    grants: dict[str, GrantCourse] = {}
    policies: tuple[SeenLeaf, ...] = ()
    report: bytes = b""
    due: tuple[SeenLeaf, ...] = ()
    first_day: int | None = None
    v: int = 1


def read_memory(data: bytes) -> Memory:
    """Return the memory of a file; `ValueError` where it is none of ours."""
    memory = msgspec.json.decode(data, type=Memory)
    if memory.v != 1:
        raise ValueError("it was written by another version")
    return memory


def write_memory(memory: Memory) -> bytes:
    """Return *memory* as a file."""
    return msgspec.json.encode(memory)
