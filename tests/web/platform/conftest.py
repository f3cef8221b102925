"""A house whose platform's door is open."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.web.house_fixture import WholeHouse, whole_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        yield house
