"""Key backups in either store, as `e2ee.key_backup_store` promises them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar, final

from halfdoor.e2ee.key_backup import UnknownBackupError
from halfdoor.e2ee.key_backup_store import Backup, Description, KeptKey, Standing
from halfdoor.store import key_backup_steps as steps
from halfdoor.store.accounts_rows import RowKeys, place
from halfdoor.store.key_backup_rows import KeyBackupRows, Version
from halfdoor.store.key_backup_steps import Row, Steps

T = TypeVar("T")


class KeyBackupDriver(Protocol):
    """What key backups need of a database."""

    @property
    def keys(self) -> RowKeys:
        """The data keys."""

    async def run(self, make: Callable[[], Steps[T]]) -> T:
        """Do what *make* returns in one transaction, durably."""

    async def ask(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement."""

    async def with_newest(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; where a row does not open, once more with the newest keys."""


@final
class KeyBackups:
    """A `KeyBackupStore` over one of the two databases."""

    def __init__(self, driver: KeyBackupDriver) -> None:
        self._driver = driver
        self._rows = KeyBackupRows(driver.keys)

    async def backups(self, user: str) -> Sequence[Backup]:
        """Return the backups of *user*, the newest last."""

        async def ask() -> list[Backup]:
            found = [Version(*row) for row in await self._driver.ask("versions", *place(user))]
            return [self._rows.backup(user, one) for one in found if one.sealed is not None]

        return await self._driver.with_newest(ask)

    async def create(self, user: str, device: str, about: Description) -> int:
        """Begin a backup and return its number; `BackupFullError`."""
        number = await self._driver.run(lambda: steps.create(self._rows, user, device, about))
        # What a process that was killed left of a backup that was deleted.
        for row in await self._driver.ask("left", *place(user)):
            await self._clear(user, row[0])
        return number

    async def describe(self, user: str, device: str, version: int, about: Description) -> None:
        """Replace what is said of a backup; `UnknownBackupError`, `AlgorithmChangedError`."""
        await self._run(lambda: steps.describe(self._rows, user, device, version, about))

    async def delete(self, user: str, device: str, version: int) -> None:
        """Delete a backup with its keys; `UnknownBackupError`."""
        await self._driver.run(lambda: steps.close(user, device, version))
        await self._clear(user, version)

    async def put(self, user: str, device: str, version: int, keys: Sequence[KeptKey]) -> Standing:
        """Keep *keys*, each unless a better copy is there, all of them or none."""
        return await self._run(lambda: steps.put(self._rows, user, device, version, keys))

    async def drop(self, user: str, device: str, version: int, key: Sequence[str] = ()) -> Standing:
        """Delete all keys, those of a room, or that of a room and a session."""
        while True:
            standing, more = await self._driver.run(
                lambda: steps.drop_some(user, device, version, key)
            )
            if not more:
                return standing

    async def page(
        self, user: str, version: int, after: tuple[str, str], limit: int, room: str | None = None
    ) -> Sequence[KeptKey]:
        """Return the next keys after a room and session, in this order."""
        at = (*place(user), version)

        async def ask() -> list[KeptKey]:
            if room is None:
                found = await self._driver.ask("page", *at, *after, limit)
            else:
                found = await self._driver.ask("page_of_room", *at, room, after[1], limit)
            return [self._rows.open_key(user, version, row) for row in found]

        return await self._driver.with_newest(ask)

    async def key(self, user: str, version: int, room: str, session: str) -> bytes | None:
        """Return the JSON of one key, None where there is none."""
        key = (*place(user), version, room, session)

        async def ask() -> bytes | None:
            for row in await self._driver.ask("one", *key):
                return self._rows.open_key(user, version, row).body
            return None

        return await self._driver.with_newest(ask)

    async def _clear(self, user: str, version: int) -> None:
        """Delete the keys of a backup that was closed, a few at a time."""
        more = True
        while more:
            try:
                _, more = await self._driver.run(lambda: steps.drop_some(user, None, version, ()))
            except UnknownBackupError:
                # Somebody else has finished, and its number was forgotten since.
                return

    async def _run(self, make: Callable[[], Steps[T]]) -> T:
        return await self._driver.with_newest(lambda: self._driver.run(make))

    def __repr__(self) -> str:
        return "KeyBackups(…)"
