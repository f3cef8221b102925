"""The tree says what the documents say: rooms, sizes, and the two commands."""

import re
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "halfdoor"
MODULES = sorted(PACKAGE.rglob("*.py"))

LONGEST_MODULE = 350
LARGEST_MEDIAN = 150
EMPTY_WORDS = {"and", "base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(module: Path) -> int:
    return len(module.read_text(encoding="utf-8").splitlines())


def rooms() -> list[str]:
    """The names of the rooms as the map writes them: a folder with a slash, a file with .py."""
    folders = [f"{path.name}/" for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()]
    return sorted(folders + [path.name for path in PACKAGE.glob("[!_]*.py")])


def test_there_is_a_house_to_check() -> None:
    assert len(rooms()) > 10
    assert len(MODULES) > 50


@pytest.mark.parametrize("room", rooms())
def test_every_room_is_in_the_map(room: str) -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert re.search(rf"(?<![\w/.]){re.escape(room)}", text), f"ARCHITECTURE.md has no {room}"


@pytest.mark.parametrize("command", ["scripts/up", "scripts/check"])
def test_the_readme_names_the_two_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["scripts/up", "scripts/check"])
def test_the_map_names_the_two_commands(command: str) -> None:
    assert command in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_no_module_is_longer_than_one_sitting() -> None:
    assert {name(path): n for path in MODULES if (n := lines(path)) > LONGEST_MODULE} == {}


def test_most_modules_are_small(record_property: Callable[[str, object], None]) -> None:
    sizes = [size for size in map(lines, MODULES) if size]
    median = statistics.median(sizes)
    record_property("median lines of a module", median)
    assert median <= LARGEST_MEDIAN


def test_package_files_are_empty() -> None:
    """What a package file imports, everyone who passes by imports."""
    package_files = [path for path in MODULES if path.name == "__init__.py"]
    assert [name(path) for path in package_files if path.read_bytes()] == []


def test_a_folder_of_modules_is_a_package() -> None:
    """Without the file, import-linter would not see the folder, and no contract would bind it."""
    folders = {module.parent for module in MODULES}
    assert [name(path) for path in folders if not (path / "__init__.py").is_file()] == []


def test_a_module_is_named_for_what_it_is_about() -> None:
    """A name with an "and" is two modules; the others here are names for anything."""
    said = {name(path): EMPTY_WORDS.intersection(path.stem.split("_")) for path in MODULES}
    assert {path: words for path, words in said.items() if words} == {}
