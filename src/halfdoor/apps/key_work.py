"""What `halfdoor key` does on a house, running or opened for it. No key is ever shown."""

import asyncio
from pathlib import Path
from typing import Final, final

from halfdoor.apps.stores import HouseStore
from halfdoor.apps.verbs import FormerKeysRemoved, KeyPrepared, KeyRotated, KeyShown, Renewal
from halfdoor.clock import Clock
from halfdoor.store.errors import OuterKeyError
from halfdoor.store.outerkey import OuterKeyFile, OuterKeyStore, successor_path
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.renewable import TABLES
from halfdoor.store.rotation import former_keys, prepare, remove_former, rotate

_NO_FILE: Final = "the outer key of this house is kept in no file: replace it where it is kept"


@final
class KeyWork:
    """Replaces the outer key of a house that is open, one replacement at a time."""

    def __init__(self, store: HouseStore, key: OuterKeyStore, data_dir: Path, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._data_dir = data_dir
        self._clock = clock
        self._turn = asyncio.Lock()

    async def rotate(self) -> KeyRotated:
        """Replace the outer key, or finish what was begun; `OuterKeyError`."""
        key = self._file()
        async with self._turn:
            done = await rotate(
                key, self._data_dir, self._store.rewrap, now_ms=self._clock.now_ms()
            )
        return KeyRotated(
            key=str(done.key), former=str(done.former), data_keys=done.data_keys, nodes=self._nodes
        )

    async def prepare(self) -> KeyPrepared:
        """Make the key that the next rotation puts in force, so that it can be copied first."""
        key = self._file()
        async with self._turn:
            return KeyPrepared(str(prepare(key, self._data_dir).path))

    async def remove_former(self) -> FormerKeysRemoved:
        """Remove the keys that were replaced; what was sealed before opens no more."""
        key = self._file()
        async with self._turn:
            return FormerKeysRemoved(tuple(str(one) for one in remove_former(key.path)))

    async def show(self) -> KeyShown:
        """Tell where the key is, and what lies beside it."""
        path = self._file().path
        return KeyShown(
            key=str(path),
            unfinished=successor_path(path).exists(),
            former=tuple(str(one) for one in former_keys(path)),
        )

    async def renew_account(self) -> Renewal:
        """Let a new generation of the account key begin, unless one is under way."""
        await self._store.renewal.begin(self._clock.now_ms())
        return await self.renewal()

    async def renewal(self) -> Renewal:
        """Tell how far the renewal has come."""
        at = await self._store.renewal.progress()
        if at is None:
            return Renewal(done=True, generation=self._store.keys.account)
        return Renewal(
            done=False,
            generation=at.generation,
            table=TABLES[at.table].name if at.table < len(TABLES) else "secret",
            rows=at.rows,
            renewed=at.renewed,
            refused=at.refused,
            waits_until=at.waits_until,
        )

    def _file(self) -> OuterKeyFile:
        if not isinstance(self._key, OuterKeyFile):
            raise OuterKeyError(_NO_FILE)
        return self._key

    @property
    def _nodes(self) -> bool:
        """Whether other processes may have the same data open."""
        return isinstance(self._store, PostgresStore)
