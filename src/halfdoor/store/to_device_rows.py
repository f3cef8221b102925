"""Rows of messages between devices: sealed under the account key, bound to person and place.

The body is read by nobody here; that it is sealed hides who writes to whom, and when a session of
keys begins, from whoever has the database alone.
"""

import logging
from typing import Final, final

import msgspec

from halfdoor.e2ee.to_device import ToDevice
from halfdoor.e2ee.to_device_store import Parcel, Waiting
from halfdoor.sealing.labels import Denied, enc, mac
from halfdoor.store.accounts_rows import RowKeys
from halfdoor.store.generations import generation_of

TABLE: Final = "todev"
_ORIGIN_BYTES: Final = 8

_alarm: Final = logging.getLogger("halfdoor.alarm")


class _Body(msgspec.Struct, frozen=True):
    type: str
    sender: str
    content: msgspec.Raw


_decode: Final = msgspec.json.Decoder(_Body).decode
_encode: Final = msgspec.json.Encoder().encode


@final
class ToDeviceRows:
    """Makes rows and reads them."""

    def __init__(self, keys: RowKeys, k_lookup: bytes) -> None:
        """*k_lookup* makes the hashes of senders; it outlives every account key."""
        self._keys = keys
        self._k_lookup = k_lookup

    def __repr__(self) -> str:
        return "ToDeviceRows(…)"

    def origin(self, user: str, sender: str) -> bytes:
        """Return what stands for *sender* in the queues of *user*."""
        return mac(self._k_lookup, enc("to-device/origin", user, sender))[:_ORIGIN_BYTES]

    def seal(self, user: str, device: str, pos: int, parcel: Parcel, content: bytes) -> bytes:
        """Return the body of a row."""
        body = _encode(_Body(parcel.type, parcel.sender, msgspec.Raw(content)))
        key = row_key(user, device, pos)
        return self._keys.outer.seal(self._keys.account, TABLE, user, key, body)

    def open(self, user: str, device: str, pos: int, sealed: bytes) -> Waiting:
        """Return the message of a row: none, with an alarm, where it was changed.

        One changed row must not keep all that comes after it from its device. `Denied` where
        another process may have made the row's generation a moment ago.
        """
        try:
            body = self._keys.outer.open(TABLE, user, row_key(user, device, pos), sealed)
        except Denied:
            if self._keys.may_be_newer(generation_of(sealed)):
                raise
            _alarm.critical("a message between devices was changed without the outer key")
            return Waiting(pos, None)
        found = _decode(body)
        return Waiting(pos, ToDevice(found.type, found.sender, bytes(found.content)))


def row_key(user: str, device: str, pos: int) -> tuple[str, str, str]:
    """Return what a row is bound to."""
    return user, device, str(pos)
