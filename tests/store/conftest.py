"""One store for each configuration: every promise is kept in all of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.making import StoppedClock

from halfdoor.store.outerkey import OuterKeyFile, outer_key_file
from halfdoor.store.sqlite.opening import Store, open_store

CONFIGURATIONS = ("one file", "two files")


class House:
    """A data directory whose store can be closed and opened again."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.two_files = configuration == "two files"
        self.clock = StoppedClock()
        self.store = self.open()

    @property
    def key(self) -> OuterKeyFile:
        return outer_key_file(self.folder / "keys" / "outer.key", self.data, make=True)

    def open(self) -> Store:
        self.store = open_store(self.data, self.key, two_files=self.two_files, clock=self.clock)
        return self.store

    async def reopen(self) -> Store:
        await self.store.close()
        return self.open()

    def raw(self) -> bytes:
        """Return every byte that lies in the data directory."""
        return b"".join(path.read_bytes() for path in sorted(self.data.iterdir()))


@pytest.fixture(params=CONFIGURATIONS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path, request.param)
    yield house
    await house.store.close()


@pytest.fixture
def store(house: House) -> Store:
    return house.store
