"""Profiles: what a person shows of themselves (Matrix C-S, "Profiles")."""

from typing import Any, Final, final

import msgspec

from halfdoor.accounts.errors import InvalidParameterError, NotFoundError
from halfdoor.accounts.store import AccountStore

_MAX_NAME: Final = 255
_MAX_BYTES: Final = 65_536


@final
class Profiles:
    """Reads and writes profile fields: `displayname`, `avatar_url` and others (spec v1.16)."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    async def all(self, user: str) -> dict[str, object]:
        """Return all fields of *user*; `NotFoundError` for somebody nobody knows."""
        fields = await self._store.profile(user)
        if fields is None:
            raise NotFoundError("there is no such person")
        return fields

    async def field(self, user: str, name: str) -> object:
        """Return one field; `NotFoundError` where it is not set."""
        fields = await self.all(user)
        if name not in fields:
            raise NotFoundError("this field is not set")
        return fields[name]

    async def set(self, user: str, name: str, value: object) -> None:
        """Set one field; the whole profile stays within 64 KiB."""
        check_field(name, value)
        fields = {**await self.all(user), name: value}
        if len(msgspec.json.encode(fields)) > _MAX_BYTES:
            raise InvalidParameterError("a profile has at most 64 KiB")
        await self._store.set_profile(user, fields)

    async def set_if_absent(self, user: str, name: str, value: str) -> None:
        """Set a field that the person has not set: what the platform says is only a beginning."""
        if name not in await self.all(user):
            await self.set(user, name, value)

    async def delete(self, user: str, name: str) -> None:
        """Clear one field; nothing happens where it is not set."""
        fields = dict(await self.all(user))
        if fields.pop(name, None) is not None:
            await self._store.set_profile(user, fields)


def check_field(name: str, value: Any) -> None:
    """Refuse a field that no profile may have (`InvalidParameterError`)."""
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise InvalidParameterError("the name of a profile field has 1 to 255 characters")
    if name in ("displayname", "avatar_url") and not isinstance(value, str):
        raise InvalidParameterError(f"{name} must be a text")
    if name == "displayname" and len(value) > _MAX_NAME:
        raise InvalidParameterError("a display name has at most 255 characters")
    if name == "avatar_url" and value and not value.startswith("mxc://"):
        raise InvalidParameterError("avatar_url must be an mxc:// address")
