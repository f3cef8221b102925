"""One house for each journey file, and two people in it who use different SDKs."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from tests.journeys.house import House
from tests.journeys.pairs import Pair, sign_up
from tests.journeys.platform_side import Platform

ACCESS_TOKEN_SECONDS = 3


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return Platform(tmp_path_factory.mktemp("platform"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[House]:
    with House(
        tmp_path_factory.mktemp("house"),
        access_token_seconds=ACCESS_TOKEN_SECONDS,
        jwks=platform.jwks,
    ) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["js-nio", "nio-js"])
async def pair(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    left_kind, right_kind = str(request.param).split("-")
    left = await sign_up(house, left_kind)
    right = await sign_up(house, right_kind)
    await asyncio.gather(left.start(), right.start())
    yield Pair(house, left, right)
    await asyncio.gather(left.close(), right.close())
