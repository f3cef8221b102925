"""The account key by generation: the newest writes, and all that are held check (SEALING §2)."""

from collections.abc import Mapping
from typing import Any, final

from halfdoor.sealing.outer import RowMacError, check_row_mac, row_mac


@final
class AccountKeys:
    """Macs of rows under the account key. There are two only while rows are being renewed."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = dict(keys)
        # Read by several threads: replaced as a whole, never changed.
        self._order = tuple(sorted(keys, reverse=True))

    @property
    def newest(self) -> int:
        """The generation under which rows are written."""
        return self._order[0]

    @property
    def former(self) -> list[int]:
        """The other generations that are held."""
        return list(self._order[1:])

    def add(self, generation: int, key: bytes) -> None:
        """Hold *key*; the highest generation writes from now on."""
        self._keys[generation] = key
        self._order = tuple(sorted(self._keys, reverse=True))

    def forget(self, generation: int) -> None:
        """Drop a key; one that is not held is dropped."""
        self._order = tuple(n for n in self._order if n != generation)
        self._keys.pop(generation, None)

    def row_mac(self, table: str, partition: str, pk: list[Any], row: list[Any]) -> bytes:
        """Return the mac of a row that decides who may read or act."""
        return row_mac(self._keys[self._order[0]], table, partition, pk, row)

    def check_row_mac(
        self, table: str, partition: str, pk: list[Any], row: list[Any], found: bytes
    ) -> None:
        """Refuse a deciding row that was changed without the outer key, with `RowMacError`."""
        newest, *former = self._order
        try:
            check_row_mac(self._keys[newest], table, partition, pk, row, found)
        except RowMacError:
            if not any(self.bears(n, table, partition, pk, row, found) for n in former):
                raise

    def bears(
        self, generation: int, table: str, partition: str, pk: list[Any], row: list[Any], mac: bytes
    ) -> bool:
        """Tell whether *mac* is that of the row under one *generation*."""
        key = self._keys.get(generation)
        if key is None:
            return False
        try:
            check_row_mac(key, table, partition, pk, row, mac)
        except RowMacError:
            return False
        return True

    def __repr__(self) -> str:
        return f"AccountKeys({list(self._order)})"
