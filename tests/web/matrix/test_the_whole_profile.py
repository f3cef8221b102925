"""Every row of docs/design/matrix-profile.csv is answered as its last column says."""

import asyncio
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.messaging.whole_house import WholeHouse

from halfdoor.apps.doors import matrix_routes
from halfdoor.web.errors import UnrecognizedError
from halfdoor.web.matrix.discovery import Discovery
from halfdoor.web.router import Router

PROFILE = Path(__file__).resolve().parents[3] / "docs" / "design" / "matrix-profile.csv"
with PROFILE.open(encoding="utf-8") as opened:
    ROWS = [(row["method"], row["path"], row["arrives"]) for row in csv.DictReader(opened)]
ARRIVED = {"messages", "reports", "e2ee-media"}
HERE = [(method, path) for method, path, arrives in ROWS if arrives in ARRIVED]
ELSEWHEN = [(method, path) for method, path, arrives in ROWS if arrives not in ARRIVED]


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    house = WholeHouse(tmp_path_factory.mktemp("house"))
    about = Discovery(base_url=lambda: "http://localhost")
    yield Router(matrix_routes(house.house, about))
    asyncio.run(house.house.close())


def filled(path: str) -> bytes:
    """Put something into each place of a path template."""
    return re.sub(r"\{\w+\}", "x", path).encode()


def test_the_table_is_the_whole_specification() -> None:
    assert len(ROWS) == 164
    assert len(HERE) == 121


@pytest.mark.parametrize(("method", "path"), HERE)
def test_what_has_arrived_is_there(router: Router, method: str, path: str) -> None:
    router.find(method, filled(path))


@pytest.mark.parametrize(("method", "path"), ELSEWHEN)
def test_what_does_not_is_unrecognized(router: Router, method: str, path: str) -> None:
    with pytest.raises(UnrecognizedError) as refused:
        router.find(method, filled(path))
    assert refused.value.status in {404, 405}
    assert refused.value.errcode == "M_UNRECOGNIZED"
