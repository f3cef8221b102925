"""What the repository holds is finished, locked, and of no particular machine."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.txt", "requirements-dev.txt"]
CLIENT = ROOT / "tests" / "journeys" / "js"

# One letter of each stands in brackets, so that this file does not hold what it forbids.
UNFINISHED = [
    r"\bTOD[O]\b",
    r"\bFIXM[E]\b",
    r"\bXX[X]\b",
    r"\bNotImplementedErro[r]\b",
    r"\bpytest\.(ski[p]|xfai[l]|importorski[p])\b",
    r"\bmark\.(ski[p]|skipi[f]|xfai[l])\b",
    r"pragma: no cove[r]",
]
ELSEWHERE = [
    r"(?<![\w.])/wor[k]/",
    r"(?<![\w.])/tm[p]/[a-z]\w*",
    r"(?<![\w.])/(hom[e]|User[s])/\w+",
    r"\.\./share[d]\b",
]


def git_files() -> list[str]:
    """Every file that is in git, or would be after `git add`."""
    run = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted({path for path in run.stdout.split("\0") if path and (ROOT / path).is_file()})


FILES = git_files()


def found(patterns: list[str], path: str) -> list[str]:
    text = (ROOT / path).read_bytes().decode("utf-8", errors="replace")
    return [match[0] for pattern in patterns for match in re.finditer(pattern, text)]


def pinned(lock: str) -> dict[str, Version]:
    """Name and version of every package in a lock."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in entries}


def asked_for(*, everything: bool) -> list[Requirement]:
    """What pyproject.toml asks for: the server's part, or the developers' too."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = config["project"], config["dependency-groups"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    lines += groups["build"]
    if everything:
        lines += [line for extra in project["optional-dependencies"].values() for line in extra]
        lines += [line for line in groups["dev"] if isinstance(line, str)]
    return [Requirement(line) for line in lines]


def test_there_are_files_to_check() -> None:
    assert len(FILES) > 50


def test_nothing_is_left_unfinished() -> None:
    assert {path: words for path in FILES if (words := found(UNFINISHED, path))} == {}


def test_nothing_points_to_somebodys_machine() -> None:
    assert {path: words for path in FILES if (words := found(ELSEWHERE, path))} == {}


def test_nothing_that_a_build_or_a_run_leaves_is_kept() -> None:
    left = re.compile(r"(^|/)(__pycache__|node_modules|\.venv|dist|\.hypothesis)/|\.(pyc|db)$")
    assert [path for path in FILES if left.search(path)] == []


@pytest.mark.parametrize("lock", [*LOCKS, "tests/journeys/js/package-lock.json"])
def test_a_lock_holds_no_host_and_no_path(lock: str) -> None:
    addresses = [r"\w+://\S*", r"\bfile:\S*", r"\bwww\.\S*", r"--(extra-)?index\S*", r"--find\S*"]
    assert found([*addresses, *ELSEWHERE, r'"resolved"'], lock) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_a_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pinned(lock)) > 20
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_all_that_is_asked_for(lock: str) -> None:
    versions = pinned(lock)
    missing = [
        str(line)
        for line in asked_for(everything=lock == "requirements-dev.txt")
        if canonicalize_name(line.name) not in versions
        or versions[canonicalize_name(line.name)] not in line.specifier
    ]
    assert missing == [], "run scripts/lock"


def test_both_locks_fit_one_environment() -> None:
    server, developers = pinned("requirements.txt"), pinned("requirements-dev.txt")
    assert {name: developers.get(name) for name in server} == server


def test_every_dependency_has_a_reason_and_a_licence() -> None:
    page = (ROOT / "docs/decisions/0002-dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    explained = {canonicalize_name(name) for name, why, licence in rows if why and licence}
    asked = {canonicalize_name(line.name) for line in asked_for(everything=True)}
    client = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
    assert explained == asked | {canonicalize_name(name) for name in client["dependencies"]}


def test_the_journeys_client_is_pinned_and_its_lock_agrees() -> None:
    wanted = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert wanted["matrix-js-sdk"].startswith("43.")
    assert lock[""]["dependencies"] == wanted
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, entry in lock.items() if name and "integrity" not in entry] == []


@pytest.mark.parametrize("folder", [ROOT, CLIENT], ids=["root", "journeys"])
def test_npm_writes_no_host_into_a_lock(folder: Path) -> None:
    """npm reads only the file beside package.json, so the same one lies in both places."""
    settings = (folder / ".npmrc").read_text(encoding="utf-8").splitlines()
    assert "omit-lockfile-registry-resolved=true" in settings
    assert "ignore-scripts=true" in settings


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    """SQL, policy and type markers too: what is left out is missed only on somebody's server."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target=wheel", "--directory", tmp_path],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("halfdoor-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("halfdoor/")}
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    assert held == {path.removeprefix("src/") for path in FILES if path.startswith("src/")}
    assert "halfdoor/py.typed" in held
    assert len(licences) == 1


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "ARCHITECTURE.md",
        "THREATS.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/decisions/0001-one-page-per-decision.md",
    ],
)
def test_the_documents_are_there(document: str) -> None:
    assert len((ROOT / document).read_text(encoding="utf-8")) > 500


def test_the_decisions_are_numbered_without_a_gap() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [page.name[:5] for page in pages] == [f"{n:04}-" for n in range(1, len(pages) + 1)]


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda page: page.stem
)
def test_a_decision_gives_its_context_choice_and_price(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[:3] == ["Context", "Choice", "Price"]
