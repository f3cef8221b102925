"""Each test of the room runs twice: over the store in memory, and over SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.accounts.fake_accounts import FakeAccountStore
from tests.accounts.little_accounts import LittleAccounts

from halfdoor.accounts.store import AccountStore
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.accounts import SqliteAccounts
from halfdoor.store.sqlite.opening import open_store


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AccountStore]:
    if request.param == "memory":
        yield FakeAccountStore()
        return
    key = outer_key_file(tmp_path / "keys" / "outer.key", tmp_path / "data", make=True)
    opened = open_store(tmp_path / "data", key, readers=1)
    yield SqliteAccounts(opened.database, opened.keys)
    await opened.close()


@pytest.fixture
async def house(store: AccountStore) -> AsyncIterator[LittleAccounts]:
    built = LittleAccounts(store)
    yield built
    built.close()
