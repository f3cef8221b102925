"""`halfdoor staff`: links to stdout, advice to stderr, and nothing dangerous without being sure."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.apps.opened_house import open_house
from typer.testing import CliRunner

from halfdoor.cli.main import app

CONFIG = """
server_name = "example.org"
data_dir = "data"
outer_key_file = "outer.key"
[console]
public_url = "https://desk.example.org"
"""
Run = Callable[..., Any]


async def start_once(folder: Path) -> None:
    await open_house(folder).close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line beside a configuration, on a server that does not run."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("HALFDOOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "halfdoor.toml").write_text(CONFIG)
    asyncio.run(start_once(tmp_path))

    def call(*words: str) -> Any:
        return CliRunner().invoke(app, ["staff", *words], catch_exceptions=False)

    return call


def invited(run: Run, name: str = "Robin", role: str = "reviewer") -> dict[str, Any]:
    ran = run("invite", name, "--role", role, "--place", "DE", "--json")
    assert ran.exit_code == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


@pytest.mark.parametrize(
    "words",
    [
        ("invite",),
        ("invite", "Robin"),
        ("invite", "Robin", "--role", "reviewer"),
        ("invite", "Robin", "--again", "stf_x"),
        ("invite", "Robin", "--role", "admin", "--role", "lead", "--place", "DE"),
        ("invite", "Robin", "--role", "lead", "--place", "Germany"),
        ("roles", "stf_x"),
        ("end", "stf_x"),
        ("passkeys", "stf_x"),
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_says_what_to_do(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith("halfdoor: ")


def test_who_is_not_there_ends_with_1(run: Run) -> None:
    for words in (("end", "stf_x", "--yes"), ("roles", "stf_x", "--role", "lead")):
        assert run(*words).exit_code == 1


def test_the_link_is_the_result_and_all_else_is_advice(run: Run) -> None:
    ran = run("invite", "Robin", "--role", "reviewer", "--place", "DE")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("https://desk.example.org/join/hdi1.")
    assert len(ran.stdout.splitlines()) == 1
    assert "Good once" in ran.stderr
    assert "hdi1." not in ran.stderr


def test_from_invitation_to_the_end(run: Run) -> None:
    robin = invited(run)["id"]
    again = json.loads(run("invite", "--again", robin, "--json").stdout)
    assert again["id"] == robin
    assert run("roles", robin, "--role", "lead", "--role", "auditor").exit_code == 0
    (listed,) = json.loads(run("list", "--json").stdout)["staff"]
    assert (listed["name"], listed["roles"], listed["state"]) == (
        "Robin",
        ["auditor", "lead"],
        "invited",
    )
    shown = run("list").stdout
    assert "Robin" in shown
    assert "auditor lead" in shown
    assert json.loads(run("passkeys", robin, "--json").stdout) == {"id": robin, "passkeys": []}
    assert run("end", robin, "--yes").exit_code == 0
    (listed,) = json.loads(run("list", "--json").stdout)["staff"]
    assert listed["state"] == "ended"
    assert run("end", robin, "--yes").exit_code == 1
