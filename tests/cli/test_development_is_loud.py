"""Whoever opens a server to everyone is told so, also where only a machine reads the answer."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from halfdoor.cli import demo, up
from halfdoor.cli.main import app


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In place of the servers stands one that ends at once."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halfdoor.toml").write_text('server_name = "localhost"\n')
    for command in (demo, up):
        ended = SimpleNamespace(run=lambda _options: 0)
        monkeypatch.setattr(command, "server_module", lambda _name, ended=ended: ended)


@pytest.mark.parametrize("words", [["demo"], ["demo", "--json"], ["up"]])
def test_the_development_switch_warns_and_its_absence_does_not(words: list[str]) -> None:
    loud = CliRunner().invoke(app, [*words, "--development"], catch_exceptions=False)
    assert (loud.exit_code, loud.stdout) == (0, "")
    assert loud.stderr.startswith("WARNING: --development. Anyone on this machine may register")
    quiet = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (quiet.exit_code, quiet.stderr) == (0, "")
