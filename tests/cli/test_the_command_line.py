import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from halfdoor.cli.main import app
from halfdoor.config.load import load

PASSPHRASE = "a long and quiet passphrase"


def every_command() -> list[list[str]]:
    found: list[list[str]] = []

    def walk(command: Any, path: list[str]) -> None:
        found.append(path)
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, [*path, name])

    walk(get_command(app), [])
    return found


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs the command line in an empty folder of its own, as nobody in particular."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("HALFDOOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str, typed: str | None = None) -> Any:
        return CliRunner().invoke(app, list(words), input=typed, catch_exceptions=False)

    return call


@pytest.mark.parametrize("path", every_command(), ids=lambda path: " ".join(path) or "halfdoor")
def test_every_help_ends_with_an_example_that_is_real(run: Any, path: list[str]) -> None:
    told = run(*path, "--help")
    assert told.exit_code == 0
    last = [line.strip() for line in told.stdout.splitlines() if line.strip()][-1]
    assert last.startswith(f"Example: halfdoor {' '.join(path)}".strip())
    assert last.split()[2] in dict.fromkeys(each[0] for each in every_command() if each)


def test_every_option_is_explained() -> None:
    for path in every_command():
        command: Any = get_command(app)
        for name in path:
            command = command.commands[name]
        for parameter in command.params:
            if isinstance(parameter, typer.core.TyperOption):
                assert parameter.help, f"{path} {parameter.name}"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["policy", "nonsense"],
        ["up", "--port", "70000"],
        ["up", "--prt", "1"],
        ["up"],
        ["up", "--config", "nowhere.toml"],
        ["demo", "--tls-cert", "x.pem"],
        ["init"],
        ["init", "--server-name", "not a name"],
        ["policy", "explain", "grown-up", "adult"],
        ["custodian", "set", "--entity", "e", "--k", "2", "missing.json"],
        ["custodian", "set", "--entity", "e", "--k", "2", "--outside-k", "1", "missing.json"],
    ],
)
def test_wrong_use_ends_with_2(run: Any, words: list[str]) -> None:
    from halfdoor.config.errors import ConfigError

    try:
        code = run(*words).exit_code
    except ConfigError:
        # `main` turns it into 2; test_a_refused_configuration_is_said_in_one_sentence sees to it.
        code = 2
    assert code == 2


def halfdoor(*words: str, cwd: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from halfdoor.cli.main import main; main()", *words],
        cwd=cwd,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(cwd),
            "PYTHONPATH": os.pathsep.join(sys.path),
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_refused_configuration_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "halfdoor.toml").write_text('bnd = "127.0.0.1"\n')
    told = halfdoor("up", cwd=tmp_path)
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr == "halfdoor: bnd: there is no such setting. Did you mean bind?\n"


def test_plain_http_on_a_network_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "halfdoor.toml").write_text('server_name = "example.org"\n')
    told = halfdoor("up", "--bind", "0.0.0.0", cwd=tmp_path)  # noqa: S104
    assert told.returncode == 2
    assert "plain HTTP is served on loopback only" in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["halfdoor.toml"]


def test_help_and_version_load_nothing_of_the_server(tmp_path: Path) -> None:
    # As if `halfdoor` had been installed without its server extra.
    script = (
        "import sys\n"
        "absent = ['httptools', 'httpx', 'jwt', 'prometheus_client', 'structlog', 'uvloop']\n"
        "absent += ['yoyo', 'zxcvbn']\n"
        "sys.modules.update(dict.fromkeys(absent))\n"
        "sys.argv = ['halfdoor', *sys.argv[1:]]\n"
        "from halfdoor.cli.main import main\n"
        "main()\n"
    )
    for words, code in (
        (["--help"], 0),
        (["version"], 0),
        (["policy", "show"], 0),
    ):
        told = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert told.returncode == code, (words, told.stderr)
        assert "Traceback" not in told.stderr


def test_what_needs_the_server_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from halfdoor.cli.speech import server_module

    for module in ("serve", "handshake", "connection"):
        monkeypatch.delitem(sys.modules, f"halfdoor.web.{module}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "httptools"]:
        monkeypatch.delitem(sys.modules, name)
    # None is how Python remembers that a package is not there.
    monkeypatch.setitem(sys.modules, "httptools", None)
    with pytest.raises(typer.Exit) as ended:
        server_module("web.serve")
    assert ended.value.exit_code == 2
    assert "pip install 'halfdoor[server]'" in capsys.readouterr().err


def test_results_go_to_stdout_without_colour_in_a_pipe(tmp_path: Path) -> None:
    told = halfdoor("policy", "show", cwd=tmp_path, FORCE_COLOR="", NO_COLOR="1")
    assert told.returncode == 0
    assert "\x1b" not in told.stdout
    assert "contact.adult_minor_unconnected" in told.stdout


def test_version_says_which_one_it_is(run: Any) -> None:
    assert run("version").stdout.startswith("halfdoor ")
    assert set(json.loads(run("version", "--json").stdout)) == {
        "halfdoor",
        "python",
        "cryptography",
    }


def test_init_writes_a_file_that_loads_and_never_replaces_one(run: Any, tmp_path: Path) -> None:
    assert run("init", "--server-name", "example.org").exit_code == 0
    file = tmp_path / "halfdoor.toml"
    assert load(file, environ={}).server_name == "example.org"
    assert load(file, environ={}).data_dir == tmp_path / "data"
    file.write_text("mine = true\n")
    assert run("init", "--server-name", "example.org").exit_code == 2
    assert tomllib.loads(file.read_text()) == {"mine": True}
    assert run("init", "--server-name", "other.org", "--force").exit_code == 0
    assert load(file, environ={}).server_name == "other.org"


def test_an_adult_stranger_to_a_child_is_refused_with_3_and_the_row(run: Any) -> None:
    told = run("policy", "explain", "adult", "13-15")
    assert told.exit_code == 3
    assert "contact.adult_minor_unconnected" in told.stdout
    told = run("policy", "explain", "adult", "13-15", "--json")
    assert told.exit_code == 3
    assert json.loads(told.stdout)["allowed"] is False


def test_two_adults_may_write(run: Any) -> None:
    assert run("policy", "explain", "adult", "adult").exit_code == 0


def test_a_policy_that_loosens_the_never_is_a_failed_check(run: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('[entity]\nname = "example"\n')
    bad.write_text('[contact]\nadult_minor_unconnected = "sometimes"\n')
    assert run("policy", "lint", str(good)).exit_code == 0
    told = run("policy", "lint", str(bad))
    assert told.exit_code == 1
    assert "adult_minor_unconnected" in told.stderr


def make(run: Any, name: str, *more: str) -> Any:
    (Path.cwd() / "secret.txt").write_text(f"{PASSPHRASE}\n")
    return run(
        "custodian", "init", name, "--organisation", "Foundation", "--passphrase-file",
        "secret.txt", *more,
    )  # fmt: skip


def test_custodians_keys_make_an_escrow_set(run: Any, tmp_path: Path) -> None:
    from halfdoor.sealing.shares import EscrowSet

    for name in ("Ada Byron", "Grace Hopper", "Emmy Noether"):
        told = make(run, name, "--demonstration")
        assert told.exit_code == 0
        assert "DEMONSTRATION" in told.stderr
    private = tmp_path / "ada-byron.key.json"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    files = sorted(str(path) for path in tmp_path.glob("*.public.json"))
    told = run("custodian", "set", "--entity", "example", "--k", "2", *files, "--json")
    assert told.exit_code == 0
    document = EscrowSet.from_document(json.loads((tmp_path / "escrow-set.json").read_bytes()))
    assert document.hash.hex() == json.loads(told.stdout)["set"]
    assert document.thresholds == (2,)
    assert [one.name for one in document.custodians] == [
        "Ada Byron",
        "Emmy Noether",
        "Grace Hopper",
    ]
    assert run("custodian", "set", "--entity", "example", "--k", "2", *files).exit_code == 2


def test_one_person_alone_is_no_escrow_set(run: Any, tmp_path: Path) -> None:
    make(run, "Ada")
    told = run("custodian", "set", "--entity", "example", "--k", "1", "ada.public.json")
    assert told.exit_code == 1
    assert not (tmp_path / "escrow-set.json").exists()


def test_a_second_group_is_needed_beside_the_first(run: Any) -> None:
    for name in ("a", "b", "c"):
        make(run, name)
    told = run(
        "custodian", "set", "--entity", "e", "--k", "1", "a.public.json", "b.public.json",
        "--outside", "c.public.json", "--outside-k", "1",
    )  # fmt: skip
    assert told.exit_code == 0


def test_a_key_is_never_replaced(run: Any, tmp_path: Path) -> None:
    make(run, "Ada")
    before = (tmp_path / "ada.key.json").read_bytes()
    assert make(run, "Ada").exit_code == 2
    assert (tmp_path / "ada.key.json").read_bytes() == before


def test_a_key_file_opens_with_its_passphrase_and_no_other(run: Any, tmp_path: Path) -> None:
    make(run, "Ada")
    assert run("custodian", "check", "ada.key.json", typed=f"{PASSPHRASE}\n").exit_code == 0
    wrong = run("custodian", "check", "ada.key.json", typed="another passphrase\n")
    assert wrong.exit_code == 1
    (tmp_path / "ada.key.json").write_text("{}")
    assert run("custodian", "check", "ada.key.json", typed=f"{PASSPHRASE}\n").exit_code == 1


def test_a_short_passphrase_makes_no_key(run: Any, tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("short\n")
    told = run("custodian", "init", "Ada", "--organisation", "F", "--passphrase-file", "short.txt")
    assert told.exit_code == 1
    assert list(tmp_path.glob("*.json")) == []


def test_nothing_of_a_private_key_or_passphrase_is_printed_or_lies_open(
    run: Any, tmp_path: Path
) -> None:
    from halfdoor.apps.custodian_init import _Private, open_key

    told = make(run, "Ada", "--demonstration", "--json")
    raw = (tmp_path / "ada.key.json").read_bytes()
    public, key = open_key(raw, PASSPHRASE)
    from halfdoor.sealing.labels import b64

    secret = b64(key.raw)
    for text in (told.stdout, told.stderr, raw.decode(), repr(public), repr(key)):
        assert secret not in text
        assert PASSPHRASE not in text
    assert secret not in repr(_Private(hpke=secret, approval=None))


def test_a_changed_public_part_is_noticed(run: Any, tmp_path: Path) -> None:
    make(run, "Ada")
    file = tmp_path / "ada.key.json"
    changed = json.loads(file.read_bytes())
    changed["public"]["organisation"] = "Elsewhere"
    file.write_text(json.dumps(changed))
    assert run("custodian", "check", "ada.key.json", typed=f"{PASSPHRASE}\n").exit_code == 1


def test_whether_two_may_have_encryption_is_explained_by_the_policy_named(
    run: Any, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[posture]\nallowed = ["standard", "e2ee"]\n')
    told = run("policy", "explain", "16-17", "16-17", "--connected", "--file", str(file))
    assert "End-to-end encryption between them: refused." in told.stdout
    told = run(
        "policy", "explain", "16-17", "16-17", "--connected", "--device-checks", "--file", str(file)
    )
    assert "End-to-end encryption between them: allowed, on request." in told.stdout
    assert run("policy", "explain", "ada", "ben", "--device-checks").exit_code == 2
