"""Switch off each guard of the sealing room, one at a time, and see that a test notices.

    python tests/mutate.py [--only slots.py] [--jobs 2]

A guard is every `raise`, every call of a `check_…`, and every part of a condition that decides
over a `raise`. Each is switched off in a copy of the package, and the tests of the room run
against that copy. Exit status 0 says: every guard that was found was tried, and none of them
can go missing unnoticed.
"""

import argparse
import ast
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "halfdoor"
COPIED = ["__init__.py", "ids.py", "clock.py", "merkle", "sealing"]
# The vectors first, because they notice most losses soonest.
TESTS = ["tests/sealing/test_vectors.py", "tests/sealing", "tests/test_ids.py"]
SECONDS_PER_RUN = 120

# Imported once, so that each forked run finds them ready. None of them is ours.
READY = [
    "argon2.low_level",
    "base58",
    "Crypto.Protocol.SecretSharing",
    "cryptography.hazmat.primitives.hpke",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "hypothesis",
    "msgspec",
    "pyhpke",
]


@dataclass(frozen=True)
class Mutant:
    """A file of the package with one guard switched off."""

    file: str
    line: int
    what: str
    source: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def guarded_files(only: str | None) -> list[str]:
    """Return the files with guards, as paths within the package."""
    files = ["ids.py", *(str(p.relative_to(PACKAGE)) for p in PACKAGE.glob("sealing/**/*.py"))]
    return sorted(name for name in files if only is None or name.endswith(only))


def mutants(file: str) -> Iterator[Mutant]:
    """Return every way to switch off one guard of *file*."""
    source = (PACKAGE / file).read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and (isinstance(node, ast.Raise) or is_check(node)):
            yield Mutant(file, node.lineno, ast.unparse(node), replaced(source, node, "pass"))
        if isinstance(node, ast.If) and any(isinstance(one, ast.Raise) for one in node.body):
            for part, without in weaker(node.test):
                text = replaced(source, node.test, ast.unparse(without))
                yield Mutant(file, part.lineno, f"… {ast.unparse(part)} …", text)


def is_check(node: ast.AST) -> bool:
    """Tell whether *node* is a statement that calls a `check_…`, which refuses by raising."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    called = node.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.lstrip("_").startswith("check_")


def weaker(test: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Return each part of the refusing condition *test*, and the condition without it."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        for n, part in enumerate(test.values):
            rest = [*test.values[:n], *test.values[n + 1 :]]
            yield part, rest[0] if len(rest) == 1 else ast.BoolOp(ast.Or(), rest)
            for smaller, without in weaker(part):
                values = [*test.values[:n], without, *test.values[n + 1 :]]
                yield smaller, ast.BoolOp(ast.Or(), values)
    # `not a <= b < c` refuses on both sides, and each of them is a guard of its own.
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inside = test.operand
        if isinstance(inside, ast.Compare) and len(inside.ops) == 2:
            low, high = inside.ops
            middle, top = inside.comparators
            lower = ast.Compare(inside.left, [low], [middle])
            upper = ast.Compare(middle, [high], [top])
            for part, kept in ((lower, upper), (upper, lower)):
                yield ast.copy_location(part, inside), ast.UnaryOp(ast.Not(), kept)


def replaced(source: str, node: ast.stmt | ast.expr, text: str) -> str:
    """Return *source* with *text* where *node* stands."""
    lines = source.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + (node.end_col_offset or 0)
    return (source.encode()[:begin] + text.encode() + source.encode()[end:]).decode()


def run_tests(folder: Path) -> int:
    """Run the room's tests against the copy in *folder*; never returns to the caller's code."""
    signal.alarm(SECONDS_PER_RUN)
    with (folder / "output").open("wb") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    # A stale .pyc of the same second and size would run the unchanged code.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    ours = importlib.import_module("halfdoor")
    assert str(ours.__file__).startswith(str(folder)), ours.__file__
    paths = [str(ROOT / path) for path in TESTS]
    options = ["-x", "-q", "--assert=plain", "--import-mode=importlib", "-p", "no:cacheprovider"]
    return pytest.main([*options, "-c", os.devnull, f"--rootdir={folder}", *paths])


def start(folder: Path) -> int:
    """Start the tests of *folder* in a process of their own and return its id."""
    pid = os.fork()
    if pid:
        return pid
    status = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        status = run_tests(folder)
    finally:
        os._exit(status)


def copied(folder: Path) -> Path:
    """Copy what the tests need of the package into *folder*."""
    for name in COPIED:
        target = folder / "halfdoor" / name
        if (PACKAGE / name).is_dir():
            shutil.copytree(PACKAGE / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(PACKAGE / name, target)
    return folder


def verdict(status: int) -> str:
    """Say what the ending of a run means: `noticed`, `survived`, or what went wrong."""
    if os.WIFSIGNALED(status):
        return "noticed" if os.WTERMSIG(status) == signal.SIGALRM else f"signal {status}"
    code = os.WEXITSTATUS(status)
    if code == pytest.ExitCode.OK:
        return "survived"
    # Interrupted: the loss was noticed as early as in the making of a test's material.
    if code in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED):
        return "noticed"
    return f"pytest ended with {code}"


def tried(todo: list[Mutant], folders: list[Path]) -> dict[Mutant, str]:
    """Try all of *todo*, one in each of *folders* at a time, and return the verdicts."""
    results: dict[Mutant, str] = {}
    waiting, free = list(reversed(todo)), list(folders)
    running: dict[int, tuple[Mutant, Path]] = {}
    while waiting or running:
        while waiting and free:
            mutant, folder = waiting.pop(), free.pop()
            (folder / "halfdoor" / mutant.file).write_text(mutant.source)
            running[start(folder)] = (mutant, folder)
        pid, status = os.wait()
        mutant, folder = running.pop(pid)
        shutil.copy(PACKAGE / mutant.file, folder / "halfdoor" / mutant.file)
        free.append(folder)
        results[mutant] = verdict(status)
        if results[mutant] != "noticed":
            print(f"{results[mutant]}: {mutant}", flush=True)
    return results


def main() -> int:
    """Find the guards, try them all, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="FILE", help="end of the path of one file")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    for name in READY:
        importlib.import_module(name)
    begun = time.monotonic()
    found = [mutant for file in guarded_files(options.only) for mutant in mutants(file)]
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(temporary) / "hypothesis")
        folders = []
        for n in range(options.jobs):
            folder = Path(temporary) / str(n)
            folder.mkdir()
            folders.append(copied(folder))
        if verdict(os.waitpid(start(folders[0]), 0)[1]) != "survived":
            print((folders[0] / "output").read_text())
            print("the tests fail with every guard in place: nothing can be learnt")
            return 1
        results = tried(found, folders)
    noticed = sum(one == "noticed" for one in results.values())
    seconds = time.monotonic() - begun
    print(f"{len(found)} guards found, {len(results)} tried, {noticed} noticed, in {seconds:.0f} s")
    return 0 if found and noticed == len(results) == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
