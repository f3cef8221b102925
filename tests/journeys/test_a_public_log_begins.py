"""An existing house begins its public log: four witnesses, one command, and then for ever."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.journeys.node_process import Node
from tests.journeys.witness_process import WitnessProcess

from halfdoor.clock import SystemClock
from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.frontier import Frontier
from halfdoor.merkle.tree import leaf_hash
from halfdoor.merkle.trust_policy import parse_policy
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import open_store
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import Waiting

ORIGIN = "localhost/access"
NAMES = ["w1", "w2", "w3", "w4"]
_PATIENCE_SECONDS = 120.0


def until(told: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not told():
        assert time.monotonic() < end
        time.sleep(0.1)


class Town:
    """A house, and four witnesses of its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "witnesses.policy"
        self.node = self.house("house")
        self.vkey = self.said(self.node, "log", "key")
        self.witnesses = {name: WitnessProcess(folder, name, [self.vkey]) for name in NAMES}
        for one in self.witnesses.values():
            one.start()
        self.write_policy()

    def house(self, name: str) -> Node:
        log = {
            "origin": ORIGIN,
            "key_file": str(self.folder / "log.key"),
            "witnesses": str(self.policy),
            "folder": str(self.folder / name / "public"),
        }
        return Node(self.folder / name, more={"log": log})

    def write_policy(self, least: int = 3) -> None:
        lines = [f"log {self.vkey}"]
        lines += [f"witness {name} {one.vkey} {one.url}" for name, one in self.witnesses.items()]
        lines += [f"group all {least} {' '.join(NAMES)}", "quorum all", ""]
        self.policy.write_text("\n".join(lines))

    def said(self, node: Node, *words: str, code: int = 0) -> str:
        run = node.command(*words)
        assert run.returncode == code, run.stderr
        return run.stderr if code else run.stdout.strip()

    def standing(self) -> dict[str, Any]:
        run = self.node.command("log", "status", "--json")
        assert run.stdout, run.stderr
        found = msgspec.json.decode(run.stdout)
        standing: dict[str, Any] = found["standing"] or {}
        return standing

    def offer(self, leaves: list[bytes]) -> None:
        """Write leaves into the stopped house, as whoever has something to log does."""

        async def write() -> None:
            key = outer_key_file(self.node.outer_key, self.node.data, make=False)
            store = open_store(self.node.data, key, clock=SystemClock())
            try:
                await store.log.offer([Waiting(leaf_id(leaf), leaf) for leaf in leaves])
            finally:
                await store.close()

        asyncio.run(write())

    def end(self) -> None:
        self.node.end()
        for one in self.witnesses.values():
            one.kill()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    one = Town(tmp_path)
    yield one
    one.end()


def test_a_house_begins_its_log_and_goes_on_after_every_end(town: Town) -> None:
    node = town.node
    node.start()
    # Until then every start says so, and nothing is signed.
    until(lambda: "the public log was not begun" in node.last_words())
    town.write_policy(least=2)
    assert "2q > n + 1" in town.said(node, "log", "init", code=1)
    town.write_policy()
    assert ORIGIN in town.said(node, "log", "init")
    until(lambda: town.standing().get("state") == "keeping")
    node.stop()

    town.offer(leaves := [b"leaf %d" % number for number in range(300)])
    town.witnesses["w4"].kill()
    node.start()
    until(lambda: town.standing().get("published") == 300)
    node.kill()
    node.start()
    until(lambda: town.standing().get("state") == "keeping")
    assert town.standing()["published"] == 300
    newest = parse_checkpoint((node.folder / "public/checkpoint/latest").read_bytes())
    assert len(parse_policy(town.policy.read_bytes()).check(newest)) >= 3
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    assert (newest.head.size, newest.head.root) == (300, frontier.root())
    assert {one.stem for one in (node.folder / "public/checkpoint").iterdir()} > {"latest"}
    # The same house again, from nothing: its witnesses know better.
    node.stop()
    again = town.house("again")
    again.start()
    refused = town.said(again, "log", "init", code=1)
    again.stop()
    assert "never begun anew" in refused


def test_a_house_without_a_log_warns_at_every_start(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.start()
    until(lambda: "this house has no public log" in node.last_words())
    node.stop()
    assert "no log is configured" in node.command("log", "init").stderr
    checks = msgspec.json.decode(node.command("doctor", "--json").stdout)["checks"]
    [said] = [one for one in checks if one["name"] == "public log"]
    assert said["result"] == "advice"
