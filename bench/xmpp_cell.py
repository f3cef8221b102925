"""ejabberd as a column of the comparison: delivered, latency, memory, start-up, bytes."""

import subprocess
import sys
import time

from bench.canary import found_in
from bench.cell import Plan
from bench.driving import Say, drive
from bench.servers.ejabberd import Ejabberd
from bench.servers.postgres import Postgres
from bench.shape import Cell, Hot
from bench.usage import memory


class MeasuredEjabberd:
    """ejabberd with its people; `cell` collects what was found."""

    def __init__(self, server: Ejabberd, postgres: Postgres, cell: Cell, plan: Plan) -> None:
        self._server, self._postgres, self._plan = server, postgres, plan
        self.cell = cell
        postgres.halt()

    def make(self, say: Say) -> None:
        """Register everybody; XMPP needs no conversation to be made."""
        say(f"registering {2 * self._plan.pairs} people")
        with self._postgres.running(), self._server.run() as server:
            command = [sys.executable, "-m", "bench.xmpp_load", str(server.port), "--register"]
            subprocess.run([*command, "--pairs", str(self._plan.pairs)], check=True)

    def hot(self, say: Say) -> None:
        """One run of pairs that talk."""
        plan, postgres = self._plan, self._postgres
        with postgres.running(), self._server.run() as server:
            time.sleep(2)
            idle, idle_database = memory([server.pid]), memory([postgres.pid])
            before = postgres.size()
            phases, sent = drive(
                "bench.xmpp_load", str(server.port), "--pairs", str(plan.pairs),
                "--seconds", str(plan.seconds), "--rate", str(plan.rate),
                "--steady-seconds", str(plan.steady_seconds),
                server=server, postgres=postgres, canary=plan.canary, say=say,
            )  # fmt: skip
            grown = postgres.size() - before
        self.cell.hot.append(
            Hot(
                start_seconds=server.start_seconds,
                idle_mib=idle.resident,
                idle_database_mib=idle_database.proportional,
                bytes_per_message=(grown - sent.text_bytes) / sent.messages,
                phases=phases,
            )
        )

    def cold(self, _run: int, _say: Say) -> None:
        """Nothing: there are no conversations that could be new."""

    def check(self, say: Say) -> None:
        """Look for the canary, which stands in its archive."""
        say("looking for the canary")
        self.cell.canary = found_in(self._postgres.folder, self._plan.canary)
