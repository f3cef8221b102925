"""What the relay of keys needs of a store. Every write is durable before it returns.

Keys are public; whoever could swap one could read, so their rows bear macs (SEALING §2): one that
was changed by somebody without the outer key is `sealing.outer.RowMacError`. JSON is kept as the
client sent it, canonical, without signatures of others than its owner.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

Usage = Literal["master", "self_signing", "user_signing"]


class KeyConflictError(Exception):
    """There is another key of this id; the one that is there stays."""


class SignedOutError(Exception):
    """The device was signed out meanwhile: nothing is kept for it any more."""


class OneTimeKey(msgspec.Struct, frozen=True):
    """A key that is handed out once, or a fallback key: `signed_curve25519`, its id, its JSON."""

    algorithm: str
    id: str
    key: bytes


class SignatureRow(msgspec.Struct, frozen=True):
    """A signature that *signer* uploaded on *target* (a device id or a public key) of *user*."""

    signer: str
    user: str
    target: str
    key_id: str
    signature: str


class UserKeys(msgspec.Struct, frozen=True):
    """The public keys of one person: of devices by id, for cross-signing by use."""

    devices: Mapping[str, bytes] = {}
    cross: Mapping[Usage, bytes] = {}


class DeviceCounts(msgspec.Struct, frozen=True):
    """What a device has left: one-time keys by algorithm, algorithms of unused fallback keys."""

    one_time: Mapping[str, int] = {}
    fallback: tuple[str, ...] = ()


class KeyStore(Protocol):
    """Where public keys of devices and people lie, each person's in their own bucket."""

    async def keys_of(self, users: Sequence[str]) -> dict[str, UserKeys]:
        """Return the keys of each user; those without any are left out."""

    async def put_device_keys(self, user: str, device: str, keys: bytes) -> bool:
        """Keep the identity keys of a device; False where they are there already.

        `KeyConflictError` where the device has others: a device's keys never change.
        """

    async def add_one_time_keys(
        self, user: str, device: str, keys: Sequence[OneTimeKey], limit: int
    ) -> None:
        """Add keys after those that are there, in this order, all or none; the same again is fine.

        `KeyConflictError` for an id with other content, also of a key that was handed out; those
        beyond *limit* for the device are left out.
        """

    async def set_fallback_keys(self, user: str, device: str, keys: Sequence[OneTimeKey]) -> None:
        """Replace the device's fallback keys of these algorithms; a new one is unused."""

    async def claim(self, user: str, device: str, algorithm: str) -> OneTimeKey | None:
        """Take the oldest one-time key, which is then gone; else the fallback key, now used."""

    async def counts(self, user: str, device: str) -> DeviceCounts:
        """Return what a device has left."""

    async def put_cross_signing(self, user: str, keys: Mapping[Usage, bytes]) -> None:
        """Replace the cross-signing keys named; signatures on a replaced key go with it."""

    async def add_signatures(self, signer: str, rows: Sequence[SignatureRow]) -> bool:
        """Keep signatures; the same again is fine. False where nothing is new."""

    async def signatures(self, signer: str, users: Sequence[str]) -> list[SignatureRow]:
        """Return the signatures that *signer* made on keys of *users*."""

    async def drop_device(self, user: str, device: str) -> bool:
        """Delete a device's keys and what is left of its one-time keys; False where none were."""


class _Published(msgspec.Struct, frozen=True):
    keys: dict[str, str] = {}


def public_keys(key: bytes) -> set[str]:
    """Return the public keys in the JSON of a cross-signing key: there is one."""
    return set(msgspec.json.decode(key, type=_Published).keys.values())
