"""Epochs: the immutable header, the key behind it, and who it is wrapped to (SEALING §3).

A reader added later stands in a record of the epoch's own chain, never in the header.
"""

import builtins
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple, final

import msgspec

from halfdoor.sealing.labels import Denied, H, canonical, enc, kdf
from halfdoor.sealing.shares import CEK_BYTES, EscrowSet, seal_share, share_commit, split
from halfdoor.sealing.suites import PublicKey

NO_EPOCH: Final = bytes(32)

Posture = Literal["standard", "e2ee"]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class EscrowEntry(msgspec.Struct, frozen=True):
    """One escrow set of an epoch, and its commitments to the shares in document order."""

    set: _Hash
    share_commit: tuple[_Hash, ...]


class _HeaderForm(msgspec.Struct, frozen=True):
    """A header as JSON holds it."""

    v: Literal[1]
    entity: str
    conv: str
    epoch: Annotated[int, msgspec.Meta(ge=1)]
    day: _Count
    posture: Posture
    prev: _Hash
    members: tuple[tuple[str, _Hash | None], ...]
    escrow: tuple[EscrowEntry, ...]
    cek_commit: _Hash


class Member(NamedTuple):
    """Someone an epoch is made for; *public* is None until they have a user key."""

    user: str
    public: PublicKey | None


@final
@dataclass(frozen=True, slots=True)
class Header:
    """A checked header: *bytes* as stored, *hh* its hash, and its fields."""

    bytes: builtins.bytes
    hh: _Hash
    v: int
    entity: str
    conv: str
    epoch: int
    day: int
    posture: Posture
    prev: _Hash
    members: tuple[tuple[str, _Hash | None], ...]
    escrow: tuple[EscrowEntry, ...]
    cek_commit: _Hash

    def kid_of(self, user: str) -> _Hash | None:
        """Return the kid of the member *user*, None for one without a key or no member."""
        return next((kid for name, kid in self.members if name == user), None)

    def commits(self, set_hash: _Hash) -> tuple[_Hash, ...]:
        """Return the share commitments for an escrow set; none if the epoch does not name it."""
        return next((one.share_commit for one in self.escrow if one.set == set_hash), ())


@final
@dataclass(frozen=True, slots=True, repr=False)
class NewEpoch:
    """A fresh epoch; its key is in here and nowhere else until the keyring takes it."""

    header: Header
    cek: bytes
    wraps: dict[str, bytes]
    shares: list[tuple[bytes, list[bytes]]]

    def __repr__(self) -> str:
        return f"NewEpoch(hh={self.header.hh.hex()})"


def parse_header(raw: bytes) -> Header:
    """Return the header of *raw*; whatever breaks the form of SEALING §3 is `Denied`."""
    try:
        form = msgspec.json.decode(raw, type=_HeaderForm)
    except (ValueError, RecursionError):
        form = None
    # Written again and compared: unknown fields, double keys and second spellings all differ.
    if form is None or canonical(msgspec.to_builtins(form)) != raw:
        raise Denied
    _check_header(form)
    return Header(raw, H(enc("header", raw)), *msgspec.structs.astuple(form))


def _check_header(form: _HeaderForm) -> None:
    """Refuse a header whose fields do not fit each other."""
    # Code points sort as their UTF-8 bytes do; strictly rising also means each once.
    if any(a[0] >= b[0] for a, b in pairwise(form.members)):
        raise Denied
    if (form.prev == NO_EPOCH) != (form.epoch == 1):
        raise Denied
    if len({entry.set for entry in form.escrow}) != len(form.escrow):
        raise Denied
    if len(form.escrow) not in ((1, 2) if form.posture == "standard" else (0,)):
        raise Denied


def cek_commit(cek: bytes) -> bytes:
    """Return the header's commitment to the epoch key *cek* (32 bytes)."""
    if len(cek) != CEK_BYTES:
        raise Denied
    return kdf(cek, enc("cek-commit"))


def new_epoch(
    *,
    entity: str,
    conv: str,
    epoch: int,
    day: int,
    posture: Posture,
    prev: bytes,
    members: Sequence[Member],
    escrow: Sequence[EscrowSet],
) -> NewEpoch:
    """Start the epoch number *epoch* under a fresh key. Public keys are all it takes.

    *day* counts from 1970-01-01; *prev* is the hash of the header before, `NO_EPOCH` for the
    first. A member without a key stands in the header and gets no wrap.
    """
    made = unwrapped_epoch(
        entity=entity,
        conv=conv,
        epoch=epoch,
        day=day,
        posture=posture,
        prev=prev,
        members=members,
        escrow=escrow,
    )
    for one in members:
        if one.public:
            made.wraps[one.user] = member_wrap(made, one.user, one.public)
    return made


def member_wrap(made: NewEpoch, user: str, public: PublicKey) -> bytes:
    """Return the epoch key wrapped to the member *user*; about 0.1 ms."""
    return public.seal(wrap_info(made.header.hh, user), made.cek)


def unwrapped_epoch(
    *,
    entity: str,
    conv: str,
    epoch: int,
    day: int,
    posture: Posture,
    prev: bytes,
    members: Sequence[Member],
    escrow: Sequence[EscrowSet],
) -> NewEpoch:
    """Start an epoch as `new_epoch` does, and leave its wraps to the caller.

    For large groups, whose wraps are made a few at a time.
    """
    cek = os.urandom(CEK_BYTES)
    cut = [split(cek, escrow_set) for escrow_set in escrow]
    header = parse_header(
        canonical(
            msgspec.to_builtins(
                _HeaderForm(
                    v=1,
                    entity=entity,
                    conv=conv,
                    epoch=epoch,
                    day=day,
                    posture=posture,
                    prev=prev,
                    members=tuple(
                        (one.user, one.public.kid if one.public else None)
                        for one in sorted(members, key=lambda one: one.user)
                    ),
                    escrow=tuple(
                        EscrowEntry(
                            set=escrow_set.hash,
                            share_commit=tuple(
                                share_commit(escrow_set.hash, i, share)
                                for i, share in enumerate(shares)
                            ),
                        )
                        for escrow_set, shares in zip(escrow, cut, strict=True)
                    ),
                    cek_commit=cek_commit(cek),
                )
            )
        )
    )
    return NewEpoch(
        header=header,
        cek=cek,
        wraps={},
        shares=[
            (
                escrow_set.hash,
                [seal_share(escrow_set, i, share, header.hh) for i, share in enumerate(shares)],
            )
            for escrow_set, shares in zip(escrow, cut, strict=True)
        ],
    )


def wrap_info(hh: bytes, user: str) -> bytes:
    """Return the HPKE info of the member wrap of *user* in the epoch *hh*."""
    return enc("cek-wrap", hh, user)


class _RecordForm(msgspec.Struct, frozen=True):
    """A reader record as JSON holds it."""

    v: Literal[1]
    hh: _Hash
    user: str
    kid: _Hash
    granted_by: str
    day: _Count
    prev: _Hash


@final
@dataclass(frozen=True, slots=True)
class ReaderRecord:
    """One reader added to an epoch after its header was made; *bytes* as stored."""

    bytes: builtins.bytes
    rh: _Hash
    v: int
    hh: _Hash
    user: str
    kid: _Hash
    granted_by: str
    day: int
    prev: _Hash


def parse_record(raw: bytes) -> ReaderRecord:
    """Return the reader record of *raw*; whatever breaks its form is `Denied`."""
    try:
        form = msgspec.json.decode(raw, type=_RecordForm)
    except (ValueError, RecursionError):
        form = None
    if form is None or canonical(msgspec.to_builtins(form)) != raw:
        raise Denied
    return ReaderRecord(raw, H(enc("reader-added", raw)), *msgspec.structs.astuple(form))


def reader_hashes(hh: bytes, records: Sequence[ReaderRecord]) -> list[bytes]:
    """Return the rh of each record of the epoch *hh*; a chain that does not hold is `Denied`."""
    before = hh
    for record in records:
        if record.hh != hh or record.prev != before:
            raise Denied
        before = record.rh
    return [record.rh for record in records]


def add_reader(
    header: Header,
    cek: bytes,
    records: Sequence[ReaderRecord],
    user: str,
    public: PublicKey,
    granted_by: str,
    day: int,
) -> tuple[ReaderRecord, bytes, bytes]:
    """Return the next record for *user*, its rh, and the epoch key wrapped under it.

    *records* is the epoch's whole chain so far; *cek* must be the header's key.
    """
    if cek_commit(cek) != header.cek_commit:
        raise Denied
    before = [header.hh, *reader_hashes(header.hh, records)]
    form = _RecordForm(
        v=1,
        hh=header.hh,
        user=user,
        kid=public.kid,
        granted_by=granted_by,
        day=day,
        prev=before[-1],
    )
    record = parse_record(canonical(msgspec.to_builtins(form)))
    return record, record.rh, public.seal(late_wrap_info(record.rh, user), cek)


def late_wrap_info(rh: bytes, user: str) -> bytes:
    """Return the HPKE info of the late wrap of *user* under the record hash *rh*."""
    return enc("cek-wrap-late", rh, user)
