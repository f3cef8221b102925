"""What lies in the rows of public keys: each record is sealed and bears a mac (SEALING §2)."""

from typing import Final

import msgspec


class DeviceKeyRow(msgspec.Struct, frozen=True):
    """The identity keys of a device, as JSON."""

    keys: bytes


class OneTimeKeyRow(msgspec.Struct, frozen=True):
    """A one-time key with its place in upload order; once it is handed out, its hash alone."""

    n: int
    key: bytes
    given: bool = False


class FallbackKeyRow(msgspec.Struct, frozen=True):
    """A fallback key with its id, and whether it was handed out."""

    id: str
    key: bytes
    used: bool = False


class CrossKeyRow(msgspec.Struct, frozen=True):
    """A key for cross-signing, as JSON."""

    key: bytes


class KeySignatureRow(msgspec.Struct, frozen=True):
    """A signature as its signer uploaded it."""

    signature: str


# What lies in the rows of each table.
KEY_KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    "device_key": DeviceKeyRow,
    "one_time_key": OneTimeKeyRow,
    "fallback_key": FallbackKeyRow,
    "cross_key": CrossKeyRow,
    "key_signature": KeySignatureRow,
}
