"""Synapse from PyPI in an environment of its own, with the limits raised that would stop a load."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.crowd import Introduce, nobody_to_introduce
from bench.servers.process import Running, free_port, running

# It runs as `--generate-config` makes it, but for what a load needs.
_SETTINGS = """
server_name: localhost
pid_file: {folder}/homeserver.pid
listeners:
  - port: {port}
    bind_addresses: [127.0.0.1]
    type: http
    tls: false
    resources: [{{names: [client], compress: false}}]
trusted_key_servers: []
enable_registration: true
enable_registration_without_verification: true
rc_message: {{per_second: 1000000, burst_count: 1000000}}
rc_registration: {{per_second: 1000000, burst_count: 1000000}}
rc_login:
  address: {{per_second: 1000000, burst_count: 1000000}}
  account: {{per_second: 1000000, burst_count: 1000000}}
  failed_attempts: {{per_second: 1000000, burst_count: 1000000}}
rc_joins:
  local: {{per_second: 1000000, burst_count: 1000000}}
rc_joins_per_room: {{per_second: 1000000, burst_count: 1000000}}
rc_invites:
  per_room: {{per_second: 1000000, burst_count: 1000000}}
  per_user: {{per_second: 1000000, burst_count: 1000000}}
  per_issuer: {{per_second: 1000000, burst_count: 1000000}}
rc_room_creation: {{per_second: 1000000, burst_count: 1000000}}
database:
{database}
"""
_SQLITE = """  name: sqlite3
  args: {{database: {folder}/homeserver.db}}
"""
_POSTGRES = """  name: psycopg2
  args: {{dsn: "{dsn}", cp_min: 5, cp_max: 10}}
"""
_HASH = (
    "import bcrypt,time;s=bcrypt.gensalt(12);t=time.process_time();"
    "[bcrypt.hashpw(b'quartz-otter-cedar-93-lantern',s) for _ in range(3)];"
    "print((time.process_time()-t)/3*1000)"
)


class Synapse:
    """One Synapse in *folder*, over its SQLite file or over the database at *dsn*."""

    name = "synapse"
    # Its rows hold the text as it was sent.
    keeps_text = True
    introduce: Introduce = staticmethod(nobody_to_introduce)

    def __init__(self, python: Path, folder: Path, dsn: str | None) -> None:
        self._python, self._folder = python, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.database = None if dsn is not None else folder / "homeserver.db"
        self._homeserver("--generate-config", "--server-name", "localhost", "--report-stats=no")
        choice = _SQLITE.format(folder=folder) if dsn is None else _POSTGRES.format(dsn=dsn)
        settings = _SETTINGS.format(folder=folder, port=self.port, database=choice)
        (folder / "load.yaml").write_text(settings)
        self._homeserver("--generate-keys")

    @contextlib.contextmanager
    def run(self, days: int = 0) -> Iterator[Running]:
        """Run it, today: no day is new to it."""
        with running(self._command(), self.port, self._folder / "log", cwd=self._folder) as server:
            yield server

    def hash_cost(self) -> str:
        """Say what one password costs."""
        done = subprocess.run(
            [str(self._python), "-c", _HASH], check=True, capture_output=True, text=True
        )
        return f"bcrypt, 12 rounds: {float(done.stdout):.0f} ms"

    def check(self) -> str:
        """There is nothing to recompute."""
        return ""

    def _homeserver(self, *arguments: str) -> None:
        subprocess.run(
            [*self._command(), *arguments], check=True, cwd=self._folder, capture_output=True
        )

    def _command(self) -> list[str]:
        # Of two files the second wins; what it leaves out is as it was generated.
        files = [self._folder / "homeserver.yaml", self._folder / "load.yaml"]
        named = [word for file in files if file.exists() for word in ("-c", str(file))]
        named = named or ["-c", str(files[0])]
        return [str(self._python), "-m", "synapse.app.homeserver", *named]
