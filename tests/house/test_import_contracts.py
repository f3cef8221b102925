"""The four import contracts hold, and each is broken by the import it is there to refuse."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NUMBERED = re.compile(r"^(?P<number>\d)\. .* (?P<verdict>KEPT|BROKEN)\b", re.MULTILINE)

LAYERS, OPENING, READERS, DOORS = "1", "2", "3", "4"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package beside the contracts of the repository."""
    shutil.copytree(
        ROOT / "src" / "halfdoor",
        tmp_path / "src" / "halfdoor",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def write(house: Path, module: str, source: str) -> None:
    """Write a module into the copy; a room that is not there yet is made for it."""
    path = house / "src" / "halfdoor" / module
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.parents:
        if folder.name == "halfdoor":
            break
        (folder / "__init__.py").touch()
    path.write_text(source, encoding="utf-8")


def broken_contracts(house: Path) -> set[str]:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house / "src"), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = {found["number"]: found["verdict"] for found in NUMBERED.finditer(run.stdout)}
    assert set(verdicts) == {LAYERS, OPENING, READERS, DOORS}, run.stdout + run.stderr
    broken = {number for number, verdict in verdicts.items() if verdict == "BROKEN"}
    # The exit code is all that CI sees of it.
    assert run.returncode == (1 if broken else 0), run.stdout + run.stderr
    return broken


def test_the_house_as_it_stands_keeps_every_contract(house: Path) -> None:
    assert broken_contracts(house) == set()


@pytest.mark.parametrize(
    ("room", "other"),
    [
        ("sealing", "accounts"),
        ("policy", "safety"),
        ("transparency", "readers"),
        ("messaging", "store"),
        ("messaging", "web"),
        ("web", "apps"),
        # Strangers on one floor.
        ("store", "web"),
        ("web", "bus"),
        ("accounts", "safety"),
        ("safety", "transparency"),
        ("readers", "e2ee"),
        ("sealing", "merkle"),
    ],
)
def test_a_room_imports_neither_the_rooms_above_it_nor_a_stranger(
    house: Path, room: str, other: str
) -> None:
    write(house, f"{other}/offended.py", "")
    write(house, f"{room}/offence.py", f"import halfdoor.{other}.offended\n")
    assert broken_contracts(house) == {LAYERS}


@pytest.mark.parametrize("module", ["ids.py", "clock.py"])
def test_the_lowest_floor_imports_nothing_of_ours(house: Path, module: str) -> None:
    write(house, "policy/offended.py", "")
    with (house / "src" / "halfdoor" / module).open("a", encoding="utf-8") as source:
        source.write("import halfdoor.policy.offended\n")
    assert broken_contracts(house) == {LAYERS}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            "from typing import TYPE_CHECKING\n\n"
            "if TYPE_CHECKING:\n    import halfdoor.messaging.offended\n",
            id="for types only",
        ),
        pytest.param(
            "def later() -> None:\n    import halfdoor.messaging.offended\n",
            id="inside a function",
        ),
    ],
)
def test_an_import_that_hides_is_an_import(house: Path, source: str) -> None:
    write(house, "messaging/offended.py", "")
    write(house, "safety/offence.py", source)
    assert broken_contracts(house) == {LAYERS}


def test_a_room_that_is_not_on_the_map_is_refused(house: Path) -> None:
    write(house, "attic.py", "")
    assert broken_contracts(house) == {LAYERS}


@pytest.mark.parametrize("room", ["accounts", "messaging", "policy", "sealing", "store", "web"])
def test_nobody_but_a_reader_may_import_the_opening(house: Path, room: str) -> None:
    write(house, f"{room}/offence.py", "from halfdoor.sealing import opening\n")
    assert broken_contracts(house) == {OPENING}


def test_a_reader_may_import_the_opening(house: Path) -> None:
    write(house, "readers/participants/reading.py", "from halfdoor.sealing import opening\n")
    assert broken_contracts(house) == set()


@pytest.mark.parametrize(
    ("reader", "other"),
    [
        ("participants", "escrow"),
        ("escrow", "participants"),
        ("review", "participants"),
        ("review", "escrow"),
        ("a_fourth_kind", "participants"),
    ],
)
def test_the_readers_are_strangers_to_each_other(house: Path, reader: str, other: str) -> None:
    write(house, f"readers/{other}/offended.py", "")
    write(house, f"readers/{reader}/offence.py", f"from halfdoor.readers.{other} import offended\n")
    assert broken_contracts(house) == {READERS}


def test_the_readers_do_not_meet_behind_a_third_room(house: Path) -> None:
    """An import through somebody else is an import."""
    write(house, "readers/escrow/offended.py", "")
    write(
        house,
        "readers/participants/offence.py",
        "import halfdoor.readers.between\n",
    )
    write(house, "readers/between/__init__.py", "import halfdoor.readers.escrow.offended\n")
    assert broken_contracts(house) == {READERS}


@pytest.mark.parametrize(
    ("room", "package"),
    [
        ("accounts", "httpx"),
        ("apps", "httptools"),
        ("messaging", "nats"),
        ("messaging", "sqlite3"),
        ("policy", "http.client"),
        ("readers/participants", "sqlite3"),
        ("safety", "starlette.requests"),
        ("sealing", "yoyo"),
        ("store", "httpx"),
        ("web", "sqlite3"),
        ("bus", "asyncpg"),
        ("a_room_of_next_year", "aiohttp"),
    ],
)
def test_sql_http_and_buses_stay_behind_their_doors(house: Path, room: str, package: str) -> None:
    write(house, f"{room}/offence.py", f"import {package}\n")
    unlisted = {LAYERS} if room == "a_room_of_next_year" else set()
    assert broken_contracts(house) == {DOORS} | unlisted


@pytest.mark.parametrize(
    ("room", "package"), [("store", "sqlite3"), ("web", "httptools"), ("web", "httpx")]
)
def test_a_door_may_use_what_it_is_the_door_for(house: Path, room: str, package: str) -> None:
    write(house, f"{room}/fitting.py", f"import {package}\n")
    assert broken_contracts(house) == set()


@pytest.mark.parametrize("module", ["urllib.request", "http.client", "http.server"])
@pytest.mark.parametrize(("room", "refused"), [("messaging", True), ("web", False)])
def test_the_standard_librarys_http_is_refused_by_the_linter(
    house: Path, module: str, room: str, refused: bool
) -> None:
    """import-linter sees `urllib`, never `urllib.request`: here the linter holds the contract."""
    write(house, f"{room}/offence.py", f"import {module}\n")
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--select=TID251", "src"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == (1 if refused else 0), run.stdout + run.stderr
    assert (f"`{module}` is banned" in run.stdout) is refused


def test_only_rooms_yet_to_come_stand_in_parentheses() -> None:
    """import-linter passes over a missing room in parentheses: a lost room must not pass."""
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.search(r"^layers = \[\n(.*?)^\]", config, re.MULTILINE | re.DOTALL)
    assert layers is not None
    optional = set(re.findall(r"\((\w+)\)", layers[1]))
    package = ROOT / "src" / "halfdoor"
    standing = {path.parent.name for path in package.glob("*/__init__.py")}
    standing |= {path.stem for path in package.glob("*.py")}
    assert optional & standing == set(), "these rooms are here: take off their parentheses"
