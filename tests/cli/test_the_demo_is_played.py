"""`halfdoor demo`: its story is what CI sees of a whole house, from a message to a safe child."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-c", "from halfdoor.cli.main import main; main()", "demo"]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HALFDOOR_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "HOME": str(folder), "TMPDIR": str(folder)}


def test_the_story_ends_well_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*DEMO, "--play"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    *_, last = ran.stdout.splitlines()
    assert last == (
        "demo ok: 4 messages, 1 stranger refused, 1 message opened for 1 report, 1 child safe,"
        " 0 messages opened by the administrator"
    )
    # In this order: reported, helped, opened by the one person whose work it is, decided by two.
    told = re.sub(r"\s+", " ", ran.stdout)
    steps = ("lea reports", "lea is told", "Robin and Ann", "Sam reveals", "Kim agrees", "401")
    assert [told.index(step) for step in steps] == sorted(told.index(step) for step in steps)
    assert list(tmp_path.glob("halfdoor-demo-*")) == []


def test_a_story_that_fails_says_why_and_not_only_that_tasks_failed(tmp_path: Path) -> None:
    broken = (
        "import halfdoor.apps.demo as demo\n"
        "async def play(*_all):\n"
        "    raise ExceptionGroup('tasks', [ValueError('nobody told lea who can help')])\n"
        "demo.play = play\n"
        "from halfdoor.cli.main import main\n"
        "main()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", broken, "demo", "--play"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last == "demo failed: ValueError: nobody told lea who can help"
    assert list(tmp_path.glob("halfdoor-demo-*")) == []


def test_it_prints_a_link_for_each_of_the_staff_and_each_is_another(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [*DEMO, "--json"], env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    )
    try:
        assert started.stdout is not None
        said = json.loads(started.stdout.readline())
    finally:
        started.terminate()
        started.communicate(timeout=60)
    roles = [one["role"] for one in said["staff"]]
    assert {"reviewer", "lead", "child_safety", "admin"} <= set(roles)
    links = {one["link"] for one in said["staff"]}
    assert len(links) == len(roles)
    for link in links:
        assert re.fullmatch(r"http://localhost:[0-9]+/demo/hdi1\.[A-Za-z0-9_-]{43}", link)
