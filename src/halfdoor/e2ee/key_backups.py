"""Key backups of a person, as clients ask for them (CS-API, "Server-side key backups").

What is kept is encrypted by the client, and nothing here could open it. Everything that is wrong
with a request is found before any of it is kept.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, final

import msgspec

from halfdoor.e2ee.key_backup import BackedUpKey, KeyBackupError, UnknownBackupError
from halfdoor.e2ee.key_backup_store import (
    Backup,
    Description,
    KeptKey,
    KeyBackupStore,
    Standing,
)

MAX_KEY_BYTES: Final = 16_384
MAX_DESCRIPTION_BYTES: Final = 16_384
_MAX_ID_BYTES: Final = 255
_PAGE: Final = 250
_DELETE: Final = 127
_LAST_VERSION: Final = 2**31 - 1

# Keys by room and session.
Keys = Mapping[str, Mapping[str, BackedUpKey]]


class BadKeyError(KeyBackupError):
    """A room or session is no id (400 M_INVALID_PARAM)."""


class TooLongError(KeyBackupError):
    """A key, or what is said of a backup, is longer than may be kept (413 M_TOO_LARGE)."""


@final
class KeyBackups:
    """The backups of all people. *user* and *device* are those of an approved session."""

    def __init__(self, store: KeyBackupStore) -> None:
        self._store = store

    async def current(self, user: str) -> Backup:
        """Return the newest backup; `UnknownBackupError` where there is none."""
        found = await self._store.backups(user)
        if not found:
            raise UnknownBackupError("there is no backup")
        return found[-1]

    async def one(self, user: str, version: str) -> Backup:
        """Return a backup; `UnknownBackupError`."""
        number = _number(version)
        for found in await self._store.backups(user):
            if found.version == number:
                return found
        raise UnknownBackupError("there is no such backup")

    async def create(self, user: str, device: str, about: Description) -> str:
        """Begin a backup, from now on the newest, and return its version; `BackupFullError`."""
        _check_description(about)
        return str(await self._store.create(user, device, about))

    async def describe(self, user: str, device: str, version: str, about: Description) -> None:
        """Replace what is said of a backup; `AlgorithmChangedError` for another algorithm."""
        _check_description(about)
        await self._store.describe(user, device, _number(version), about)

    async def delete(self, user: str, device: str, version: str) -> None:
        """Delete a backup and its keys; `UnknownBackupError`."""
        await self._store.delete(user, device, _number(version))

    async def put(self, user: str, device: str, version: str, keys: Keys) -> Standing:
        """Keep *keys*, each unless a better copy is there (`key_backup.is_better`), or nothing.

        `BadKeyError`, `TooLongError`, `UnknownBackupError`, `WrongVersionError`, `BackupFullError`.
        """
        kept: list[KeptKey] = []
        for room, sessions in keys.items():
            _check_id(room, "!")
            for session, key in sessions.items():
                _check_id(session)
                body = msgspec.json.encode(key)
                if len(body) > MAX_KEY_BYTES:
                    raise TooLongError("a key is too long")
                kept.append(KeptKey(room, session, body))
                if len(kept) % _PAGE == 0:
                    await asyncio.sleep(0)
        return await self._store.put(user, device, _number(version), kept)

    async def drop(self, user: str, device: str, version: str, *key: str) -> Standing:
        """Delete all keys of a backup, or of a room, or one of a room and a session.

        `UnknownBackupError` where there is no such backup; keys that are not there are no error.
        """
        return await self._store.drop(user, device, _number(version), key)

    async def rooms(self, user: str, version: str) -> bytes:
        """Return the JSON of all keys: `{"rooms": {room: {"sessions": {session: key}}}}`."""
        backup = await self.one(user, version)
        parts, last = [b'{"rooms":{'], None
        async for kept in self._all(user, backup.version, None):
            if kept.room != last:
                parts += [b"}}," if last is not None else b"", _name(kept.room), b'{"sessions":{']
                last = kept.room
            else:
                parts.append(b",")
            parts += [_name(kept.session), kept.body]
        return b"".join([*parts, b"}}" if last is not None else b"", b"}}"])

    async def sessions(self, user: str, version: str, room: str) -> bytes:
        """Return the JSON of the keys of one room: `{"sessions": {session: key}}`."""
        backup = await self.one(user, version)
        keys = [
            _name(kept.session) + kept.body async for kept in self._all(user, backup.version, room)
        ]
        return b'{"sessions":{' + b",".join(keys) + b"}}"

    async def key(self, user: str, version: str, room: str, session: str) -> bytes:
        """Return the JSON of one key; `UnknownBackupError` where there is none."""
        found = await self._store.key(user, (await self.one(user, version)).version, room, session)
        if found is None:
            raise UnknownBackupError("there is no such key")
        return found

    async def _all(self, user: str, version: int, room: str | None) -> AsyncIterator[KeptKey]:
        """Yield keys in order, with a pause after each page for whoever else waits."""
        after = ("", "")
        while True:
            page = await self._store.page(user, version, after, _PAGE, room)
            for kept in page:
                yield kept
            if len(page) < _PAGE:
                return
            after = (page[-1].room, page[-1].session)
            await asyncio.sleep(0)

    def __repr__(self) -> str:
        return "KeyBackups(…)"


def _name(name: str) -> bytes:
    """Return the name of a JSON member, with its colon."""
    return msgspec.json.encode(name) + b":"


def _number(version: str) -> int:
    """Return the number of a version as it was given out; `UnknownBackupError` for others."""
    if version.isascii() and version.isdigit() and len(version) <= len(str(_LAST_VERSION)):
        number = int(version)
        if str(number) == version and number <= _LAST_VERSION:
            return number
    raise UnknownBackupError("there is no such backup")


def _check_description(about: Description) -> None:
    if len(msgspec.json.encode(about)) > MAX_DESCRIPTION_BYTES:
        raise TooLongError("what is said of the backup is too long")


def _check_id(text: str, sigil: str = "") -> None:
    """Refuse what no client names a room or session: empty, long, or with control characters."""
    if (
        len(text) <= len(sigil)
        or not text.startswith(sigil)
        or len(text.encode()) > _MAX_ID_BYTES
        or any(ord(char) < ord(" ") or ord(char) == _DELETE for char in text)
    ):
        raise BadKeyError("a room or session is no id")
