"""Switch off each guard of the sealing room and a few more, and see that a test notices.

    python tests/mutate.py [--only slots.py] [--jobs 2]

A guard is every `raise`, every call of a `check_…`, every part of a condition that decides over a
`raise`, and every change that has to be durable before what follows it. The tests are collected
once; then, for each guard, a forked process takes the code of its file without that guard and runs
them until one fails. Exit status 0 says: every guard that was found was tried, and none of them can
go missing unnoticed.
"""

import argparse
import ast
import gc
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "halfdoor"
TESTS = [
    "tests/sealing",
    "tests/test_ids.py",
    "tests/safety/test_what_limits_refuse.py",
    "tests/safety/test_postures_by_age.py",
    "tests/messaging/test_posture_of_rooms.py",
    "tests/messaging/test_company_in_encrypted_rooms.py",
    "tests/safety/test_media_of_strangers.py",
    "tests/messaging/test_files_are_for_their_readers.py",
    "tests/messaging/test_files_come_in_whole.py",
    "tests/readers/review/test_claims_and_leases.py",
    "tests/readers/review/test_conflicts_of_interest.py",
    "tests/readers/review/test_what_comes_next.py",
    "tests/readers/review/test_reveals_are_logged_first.py",
    "tests/readers/review/test_reveals_ask_the_conversation.py",
    "tests/readers/review/test_disclosed_message_keys.py",
    "tests/readers/review/test_franked_messages.py",
    "tests/readers/review/test_reports_of_encrypted_messages.py",
    "tests/readers/review/test_keys_of_attachments.py",
    "tests/readers/review/test_opening_reported_files.py",
    "tests/readers/review/test_files_are_revealed_one_at_a_time.py",
    "tests/readers/review/test_cases_are_merged.py",
    "tests/readers/review/test_a_case_unopened.py",
    "tests/readers/review/test_the_staff_log_hangs_together.py",
    "tests/readers/review/test_what_may_be_chosen.py",
    "tests/readers/review/test_what_may_be_contested.py",
    "tests/readers/review/test_statements_of_reasons.py",
    "tests/store/test_desk_guards_refuse.py",
    "tests/store/test_file_guards_refuse.py",
    "tests/store/test_swapped_keys_are_refused.py",
    "tests/store/test_witnesses_are_refused.py",
    "tests/web/console/test_console_refuses_first.py",
    "tests/accounts/test_staff_sign_in_with_passkeys.py",
    "tests/accounts/test_staff_accounts_and_sessions.py",
]
# Beside the sealing room: who may see and hold a case, that a reveal is logged before it opens and
# checked against what was stored; what a limited person is refused, what needs a second person,
# what may be contested, and what a statement of reasons must say; who of the staff comes in; who
# may be in an end-to-end encrypted conversation, and that it takes nothing clear; who fetches
# files; what proves an encrypted message, and that a reported file opens whole or not at all.
BESIDE = (
    "ids.py",
    "accounts/staff.py",
    "accounts/staff_ceremonies.py",
    "accounts/staff_invitations.py",
    "accounts/staff_roles.py",
    "accounts/staff_sessions.py",
    "accounts/staff_sign_in.py",
    "safety/limiting.py",
    "safety/media.py",
    "messaging/media_access.py",
    "messaging/media_naming.py",
    "messaging/media_uploads.py",
    "safety/postures.py",
    "messaging/postures.py",
    "messaging/posture_rules.py",
    "readers/review/queue_roles.py",
    "readers/review/leases.py",
    "readers/review/conflicts.py",
    "readers/review/wellness.py",
    "readers/review/merging.py",
    "readers/review/moves.py",
    "readers/review/asking.py",
    "readers/review/cases.py",
    "readers/review/reveal.py",
    "readers/review/case_material.py",
    "readers/review/evidence_opening.py",
    "readers/review/megolm_message.py",
    "readers/review/disclosed_key.py",
    "readers/review/megolm_evidence.py",
    "readers/review/megolm_plaintext.py",
    "readers/review/franked.py",
    "readers/review/proving.py",
    "readers/review/attachment_keys.py",
    "readers/review/file_opening.py",
    "readers/review/staff_log.py",
    "readers/review/choices.py",
    "readers/review/judging.py",
    "readers/review/contests.py",
    "readers/review/statements.py",
    "store/desk_changes.py",
    "store/media_steps.py",
    "store/e2ee_key_rows.py",
    "web/console/console.py",
    "web/console/form.py",
    "store/desk_rows.py",
    "store/witness.py",
)
SECONDS_PER_RUN = 120
# Without the guard the change is judged as before, and nothing is written.
WRITTEN_FIRST = "await self._changes.change(case, judge)"
JUDGED_ONLY = "await judge(await found(self._store, case))"


@dataclass(frozen=True)
class Mutant:
    """A file of the package with one guard switched off."""

    file: Path
    line: int
    what: str
    source: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(PACKAGE)}:{self.line}: {self.what}"


def guarded_files(only: str) -> list[Path]:
    """Return the files with guards whose paths end in *only*."""
    files = [*(PACKAGE / one for one in BESIDE), *sorted(PACKAGE.glob("sealing/**/*.py"))]
    return [file for file in files if str(file).endswith(only)]


def mutants(file: Path) -> Iterator[Mutant]:
    """Return every way to switch off one guard of *file*."""
    source = file.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and (isinstance(node, ast.Raise) or is_check(node)):
            yield Mutant(file, node.lineno, ast.unparse(node), replaced(source, node, "pass"))
        if isinstance(node, ast.Expr) and is_written_first(node):
            yield Mutant(file, node.lineno, ast.unparse(node), replaced(source, node, JUDGED_ONLY))
        if isinstance(node, ast.If) and any(isinstance(one, ast.Raise) for one in node.body):
            for part, without in weaker(node.test):
                text = replaced(source, node.test, ast.unparse(without))
                yield Mutant(file, part.lineno, f"… {ast.unparse(part)} …", text)


def is_check(node: ast.stmt) -> bool:
    """Tell whether *node* does nothing but call a `check_…`, which refuses by raising."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    called = node.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.lstrip("_").startswith("check_")


def is_written_first(node: ast.Expr) -> bool:
    """Tell whether *node* only waits until a change that was judged is durable."""
    return ast.unparse(node) == WRITTEN_FIRST


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
    whole = source.encode()
    starts = [0]
    for line in whole.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
    return (whole[:begin] + text.encode() + whole[end:]).decode()


def codes(code: CodeType) -> Iterator[CodeType]:
    """Return *code* and every code object inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def switch_off(mutant: Mutant) -> None:
    """Give every living function of the mutant's file the code it has without the guard."""
    name = str(mutant.file)
    weakened = {one.co_qualname: one for one in codes(compile(mutant.source, name, "exec"))}
    living = [
        one
        for one in gc.get_objects()
        if isinstance(one, FunctionType) and one.__code__.co_filename == name
    ]
    assert living, f"no test imports {name}"
    for function in living:
        function.__code__ = weakened[function.__code__.co_qualname]


class Trials:
    """A pytest plugin: runs the collected tests once for each mutant, in processes of their own."""

    def __init__(self, todo: list[Mutant], jobs: int, output: Path) -> None:
        self.todo = todo
        self.jobs = jobs
        self.output = output
        self.verdicts: dict[Mutant, str] = {}
        self.baseline = ""
        self.in_child = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Run the short tests first: each notices some losses, and all of them take no second."""
        items.sort(key=lambda item: (is_property(item), "test_vectors" in item.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Fork the trials. None lets pytest go on, in a child; True ends the parent's run."""
        pid = self._fork(None)
        if pid is None:
            return None
        self.baseline = verdict(os.waitpid(pid, 0)[1])
        waiting = list(reversed(self.todo)) if self.baseline == "survived" else []
        running: dict[int, Mutant] = {}
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutant = waiting.pop()
                pid = self._fork(mutant)
                if pid is None:
                    # Those of the same room notice most; the order among them stays.
                    room = str(mutant.file.parent.relative_to(PACKAGE))
                    session.items.sort(key=lambda item: f"tests/{room}/" not in item.nodeid)
                    return None
                running[pid] = mutant
            pid, status = os.wait()
            self.verdicts[running.pop(pid)] = verdict(status)
        return True

    def _fork(self, mutant: Mutant | None) -> int | None:
        """Return the id of a child that will try *mutant*; in the child itself, None."""
        pid = os.fork()
        if pid:
            return pid
        self.in_child = True
        signal.alarm(SECONDS_PER_RUN)
        with self.output.open("wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        if mutant is not None:
            switch_off(mutant)
        return None


def is_property(item: pytest.Item) -> bool:
    """Tell whether *item* runs on many generated examples."""
    if not isinstance(item, pytest.Function):
        return False
    # A state machine is a case of unittest whose one test has this name.
    return item.name == "runTest" or hypothesis.is_hypothesis_test(item.function)


def verdict(status: int) -> str:
    """Say what the ending of a run means: `noticed`, `survived`, or what went wrong."""
    if os.WIFSIGNALED(status):
        # A run without end is noticed by whoever waits for it.
        return "noticed" if os.WTERMSIG(status) == signal.SIGALRM else f"signal {status}"
    code = os.WEXITSTATUS(status)
    if code == pytest.ExitCode.TESTS_FAILED:
        return "noticed"
    return "survived" if code == pytest.ExitCode.OK else f"pytest ended with {code}"


def run(trials: Trials) -> None:
    """Collect the tests and let *trials* run them."""
    # The tests of these rooms need no plugin but the one that runs coroutines, and one failing
    # example is enough for them here.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    generate = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("mutate", phases=generate, database=None)
    hypothesis.settings.load_profile("mutate")
    sys.path[:0] = [str(PACKAGE.parent), str(ROOT)]
    options = ["-x", "-qq", "--capture=no", "--import-mode=importlib", "-p", "no:cacheprovider"]
    options += ["-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=auto"]
    options += ["-o", "asyncio_default_fixture_loop_scope=function"]
    paths = [str(ROOT / path) for path in TESTS]
    code = pytest.main([*options, "-c", os.devnull, f"--rootdir={ROOT}", *paths], [trials])
    if trials.in_child:
        sys.stdout.flush()
        os._exit(code)


def main() -> int:
    """Find the guards, try them all, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="FILE", default="", help="end of one file's path")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    begun = time.monotonic()
    found = [mutant for file in guarded_files(options.only) for mutant in mutants(file)]
    with tempfile.NamedTemporaryFile() as output:
        trials = Trials(found, options.jobs, Path(output.name))
        run(trials)
        if trials.baseline != "survived":
            print(Path(output.name).read_text())
            print("the tests fail with every guard in place: nothing can be learnt")
            return 1
    for mutant, found_out in trials.verdicts.items():
        if found_out != "noticed":
            print(f"{found_out}: {mutant}")
    noticed = sum(one == "noticed" for one in trials.verdicts.values())
    seconds = time.monotonic() - begun
    print(
        f"{len(found)} guards found, {len(trials.verdicts)} tried, "
        f"{noticed} noticed when missing, in {seconds:.0f} s"
    )
    return 0 if found and noticed == len(trials.verdicts) == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
