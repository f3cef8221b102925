"""`halfdoor public` over a folder: refused where it may not be, else the log and nothing more."""

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
from tests.transparency.log_fakes import ORIGIN, POLICY
from tests.transparency.public_log import PublicLog
from tests.web.publiclog.public_house import grown_log, policy_file

from halfdoor.store.log_folder import FolderFiles
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.source import CHECKPOINT, day_path
from halfdoor.transparency.verifying import Verifier


async def keep(log: PublicLog, folder: Path) -> None:
    """Write *log* into *folder*, as its house does."""
    files = FolderFiles(folder)
    for path, data in (log.files.files | log.documents).items():
        await files.create(path, data)
    for day, checkpoint in log.store.days.items():
        await files.replace(day_path(day), checkpoint)
    await files.replace(CHECKPOINT, (await log.get(CHECKPOINT)) or b"")
    await files.replace("policy", policy_file())


def started(*more: str) -> "subprocess.Popen[str]":
    code = "from halfdoor.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "public", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    process = started("--folder", str(folder), "--port", "0", "--log-level", "error")
    try:
        assert process.stderr is not None
        found = re.search(r"http://\S+/", process.stderr.readline())
        assert found is not None
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said


class ByHttp:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> bytes | None:
        got = await self.client.get(path)
        assert got.status_code in {200, 404}
        return got.content if got.status_code == 200 else None


def refusal(*more: str) -> tuple[int, str]:
    process = started(*more)
    _, said = process.communicate(timeout=20)
    return process.returncode, said


def test_what_is_no_log_is_not_served(tmp_path: Path) -> None:
    assert refusal("--folder", str(tmp_path / "none")) == (
        2,
        f"halfdoor: there is no folder {tmp_path / 'none'}.\n",
    )
    code, said = refusal("--folder", str(tmp_path))
    assert code == 1
    assert "name the file with --policy" in said
    (tmp_path / "policy").write_text("log nonsense\nquorum none\n")
    code, said = refusal("--folder", str(tmp_path))
    assert code == 1
    assert "policy" in said
    (tmp_path / "policy").write_text("quorum none\n")
    assert "it names no log" in refusal("--folder", str(tmp_path))[1]


def test_beyond_this_machine_it_takes_tls(tmp_path: Path) -> None:
    (tmp_path / "policy").write_bytes(policy_file())
    code, said = refusal("--folder", str(tmp_path), "--bind", "0.0.0.0")  # noqa: S104
    assert code == 1
    assert "plain HTTP is served on loopback only" in said
    assert refusal("--folder", str(tmp_path), "--tls-cert", "x")[0] == 2
    assert refusal("--folder", str(tmp_path), "--log-level", "loud")[0] == 2


async def test_a_folder_is_shown_and_what_is_shown_verifies(tmp_path: Path) -> None:
    log = await grown_log()
    await keep(log, tmp_path)
    (tmp_path / "secret.txt").write_text("not of the log")
    with served(tmp_path) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            now = log.clock.now // 1000
            verdict = await Verifier(ByHttp(client), POLICY, Memory(origin=ORIGIN), now=now).run()
            assert verdict.findings == ()
            assert verdict.size == 12
            for path in (
                "secret.txt",
                "..%2Fsecret.txt",
                "checkpoint/latest",
                "tile/../secret.txt",
            ):
                assert (await client.get(path)).status_code == 404
            # The log moves on, and nobody has to restart anything.
            await log.night()
            await keep(log, tmp_path)
            assert (await client.get("report.json")).json()["size"] == 13
            page = (await client.get("")).text
            assert ORIGIN in page


def test_help_ends_with_an_example() -> None:
    said, _ = started("--help").communicate(timeout=20)
    assert "Example: halfdoor public --folder mirror" in said
