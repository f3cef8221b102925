"""Escrow sets, and a conversation key cut into shares for their custodians (SEALING §3)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any, Final, Literal, Self, final

import msgspec
from Crypto.Protocol.SecretSharing import Shamir

from halfdoor.sealing.labels import CheckError, Denied, H, canonical, enc, unb64
from halfdoor.sealing.suites import PublicKey

CEK_BYTES: Final = 32
SHARE_BYTES: Final = 33
_BLOCK_BYTES: Final = 16


class EscrowSetError(CheckError):
    """The document is no escrow set; the message names what is wrong with it."""


class ShareError(CheckError):
    """A share, or the lot of them, failed a check. *position* names whose share, if one's."""

    def __init__(self, check: str, position: int | None = None) -> None:
        super().__init__(check if position is None else f"share {position}: {check}")
        self.check = check
        self.position = position


class _Custodian(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    organisation: str
    employer: str
    hpke: str
    approval_key: str
    notice_url: str


class _Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    k: Annotated[int, msgspec.Meta(ge=1)]
    custodians: Annotated[list[_Custodian], msgspec.Meta(max_length=255)]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: Literal[1]
    entity: str
    suite: Literal[1, 2]
    groups: Annotated[list[_Group], msgspec.Meta(min_length=1, max_length=2)]
    open_until: Annotated[int, msgspec.Meta(ge=0)] | None


@final
@dataclass(frozen=True, slots=True)
class Custodian:
    """One holder of shares, as the public document names them."""

    position: int
    group: int
    number: int
    name: str
    organisation: str
    employer: str
    public: PublicKey
    approval_key: bytes
    notice_url: str


@final
@dataclass(frozen=True, slots=True)
class EscrowSet:
    """A checked escrow set: *thresholds* of its groups, custodians in document order."""

    hash: bytes
    document: bytes
    entity: str
    suite: int
    thresholds: tuple[int, ...]
    custodians: tuple[Custodian, ...]
    open_until: int | None

    @classmethod
    def from_document(cls, document: Any) -> Self:
        """Check *document*, a JSON object; `EscrowSetError` names what it lacks."""
        try:
            form = msgspec.convert(document, _Document)
        except msgspec.ValidationError as error:
            raise EscrowSetError(str(error)) from None
        if any(group.k > len(group.custodians) for group in form.groups):
            raise EscrowSetError("a group needs at least k custodians")
        # One person alone must never be enough, whatever the groups.
        if sum(group.k for group in form.groups) < 2:
            raise EscrowSetError("the groups' k must sum to at least 2")
        custodians = _custodians(form)
        if len({one.public.kid for one in custodians}) != len(custodians):
            raise EscrowSetError("every custodian needs a key of their own")
        try:
            raw = canonical(document)
        except Denied:
            raise EscrowSetError("the document cannot be written as canonical JSON") from None
        return cls(
            hash=H(enc("escrow-set", raw)),
            document=raw,
            entity=form.entity,
            suite=form.suite,
            thresholds=tuple(group.k for group in form.groups),
            custodians=custodians,
            open_until=form.open_until,
        )

    def group(self, number: int) -> tuple[Custodian, ...]:
        """Return the custodians of the group *number*, counted from 0."""
        return tuple(one for one in self.custodians if one.group == number)


def _custodians(form: _Document) -> tuple[Custodian, ...]:
    """Return the custodians of *form* with their keys read."""
    numbered = [
        (group, number, one)
        for group, entry in enumerate(form.groups)
        for number, one in enumerate(entry.custodians, 1)
    ]
    try:
        return tuple(
            Custodian(
                position=position,
                group=group,
                number=number,
                name=one.name,
                organisation=one.organisation,
                employer=one.employer,
                public=PublicKey(form.suite, unb64(one.hpke)),
                approval_key=unb64(one.approval_key),
                notice_url=one.notice_url,
            )
            for position, (group, number, one) in enumerate(numbered)
        )
    except Denied:
        raise EscrowSetError("a custodian's key cannot be read") from None


def split(cek: bytes, escrow_set: EscrowSet) -> list[bytes]:
    """Return one 33-byte share of *cek* (32 bytes) for each custodian, in document order."""
    if len(cek) != CEK_BYTES:
        raise Denied
    parts = [os.urandom(CEK_BYTES) for _ in escrow_set.thresholds[1:]]
    parts.append(reduce(xor_bytes, parts, cek))
    shares: list[bytes] = []
    for number, (part, k) in enumerate(zip(parts, escrow_set.thresholds, strict=True)):
        n = len(escrow_set.group(number))
        first = Shamir.split(k, n, part[:_BLOCK_BYTES])
        second = Shamir.split(k, n, part[_BLOCK_BYTES:])
        shares += [bytes([j]) + a + b for (j, a), (_, b) in zip(first, second, strict=True)]
    return shares


def share_commit(set_hash: bytes, i: int, share: bytes) -> bytes:
    """Return the public commitment to the share of position *i*, 32 bytes."""
    return H(enc("share", set_hash, i, share))


def check_share(escrow_set: EscrowSet, commits: Sequence[bytes], i: int, share: bytes) -> None:
    """Refuse a share that is not the one of position *i*; `ShareError` names the check."""
    if len(commits) != len(escrow_set.custodians):
        raise ShareError("the header commits to another number of shares")
    if not 0 <= i < len(commits):
        raise ShareError("no such position in the escrow set", i)
    if len(share) != SHARE_BYTES:
        raise ShareError("a share has 33 bytes", i)
    # A writer could commit to a share under another's number; combined it would be garbage.
    if share[0] != escrow_set.custodians[i].number:
        raise ShareError("the number inside is not this custodian's", i)
    if share_commit(escrow_set.hash, i, share) != commits[i]:
        raise ShareError("not the share the header commits to", i)


def share_info(escrow_set: EscrowSet, i: int, hh: bytes) -> bytes:
    """Return the HPKE info of the share of position *i* in the epoch *hh*."""
    return enc("escrow-share", hh, escrow_set.hash, i)


def seal_share(escrow_set: EscrowSet, i: int, share: bytes, hh: bytes) -> bytes:
    """Return *share* sealed to the custodian at position *i* for the epoch *hh*."""
    return escrow_set.custodians[i].public.seal(share_info(escrow_set, i, hh), share)


def xor_bytes(a: bytes, b: bytes) -> bytes:
    """Return the bitwise exclusive or of two byte strings of one length."""
    return bytes(x ^ y for x, y in zip(a, b, strict=True))
