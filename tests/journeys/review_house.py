"""A whole server with a console for reviewers, on plain HTTP, and the staff it invites."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.journeys.canaries import files_below
from tests.journeys.false_clock import PROGRAM, FalseClock
from tests.journeys.node_process import Node, free_port
from tests.journeys.raw_client import RawClient

# A measure begins once nobody can take the decision back; no random hours are laid on top here.
_POLICY = """
[review.desk]
undo_seconds = {undo}
jitter_hours = 0
"""


class ReviewHouse(Node):
    """`halfdoor up` with `[console]`, whose log tells all it has to tell."""

    def __init__(self, folder: Path, *, undo_seconds: int) -> None:
        policy = folder / "policy.toml"
        policy.parent.mkdir(parents=True, exist_ok=True)
        policy.write_text(_POLICY.format(undo=undo_seconds))
        port = free_port()
        # Browsers make passkeys without TLS for this one host.
        self.console_url = f"http://localhost:{port}"
        super().__init__(
            folder,
            more={"console": {"public_url": self.console_url, "port": port}},
            settings={"log_level": "debug", "policy_file": str(policy)},
        )

    @property
    def base_url(self) -> str:
        """Where people's clients find it."""
        return f"http://localhost:{self.port}"

    @property
    def ca_file(self) -> Path:
        """A file with the authorities that its clients trust."""
        return Path(ssl.get_default_verify_paths().openssl_cafile)

    def tls_context(self) -> ssl.SSLContext:
        """What clients take that never come to use it."""
        return ssl.create_default_context()

    def explain(self) -> str:
        """The server's last words."""
        return self.last_words()

    def client(self) -> RawClient:
        """A client without an SDK, not signed in."""
        return RawClient.open(self.base_url, self.tls_context(), self.explain)

    def invite(self, name: str, role: str, *people: str) -> str:
        """Invite somebody with the operator's own command; return the link they are given."""
        own = [word for person in people for word in ("--person", person)]
        told = self.command(
            "staff", "invite", name, "--role", role, "--place", "DE", *own, "--json"
        )
        assert told.returncode == 0, told.stderr
        said: dict[str, Any] = json.loads(told.stdout)
        assert said["address"].startswith(f"{self.console_url}/join/")
        return str(said["address"])

    def files(self) -> list[Path]:
        """Everything that the server keeps and says, and what it was told to be."""
        return files_below(self.folder)


class SteeredHouse(ReviewHouse):
    """A house whose time of day a test sets forward, and which may be killed at any moment."""

    def __init__(self, folder: Path, *, undo_seconds: int) -> None:
        super().__init__(folder / "node", undo_seconds=undo_seconds)
        self.clock = FalseClock(folder)

    def begin(self) -> None:
        """Start it, with that clock."""
        self.start(program=PROGRAM, environment=self.clock.environment(live=False))

    def die_and_come_back(
        self, later: int = 0, meanwhile: Callable[[], None] | None = None
    ) -> None:
        """SIGKILL, *meanwhile*, and *later* seconds later by its clock a new process begins."""
        self.kill()
        if meanwhile is not None:
            meanwhile()
        self.clock.set_forward(later)
        self.begin()
