"""Debian's ejabberd with its archive (mod_mam) in PostgreSQL: chats are kept before they arrive.

Compared is the way of a message between two people and into a durable archive (two rows for each
message). It has no sealing, no rules, and no acknowledgement to the sender.
"""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg
from bench.servers.postgres import Postgres
from bench.servers.process import Running, free_port, running

_SCHEMA = Path("/usr/share/ejabberd/sql/pg.sql")
_LIBRARIES = "/usr/lib/x86_64-linux-gnu"
_HELLO = (
    b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)
_SETTINGS = """
loglevel: warning
hosts: [localhost]
sql_type: pgsql
sql_server: 127.0.0.1
sql_port: {sql_port}
sql_database: bench
sql_username: postgres
sql_password: "{password}"
default_db: sql
auth_method: sql
auth_password_format: scram
trusted_proxies: []
registration_timeout: infinity
listen:
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    shaper: none
    access: all
    starttls_required: false
modules:
  mod_mam:
    db_type: sql
    default: always
    assume_mam_usage: true
  mod_register:
    ip_access: all
    access: all
    access_from: all
  mod_roster: {{db_type: sql}}
  mod_offline: {{}}
"""


class Ejabberd:
    """One ejabberd in *folder*, over *postgres*."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port = free_port()
        parts = urlsplit(postgres.dsn)
        (folder / "ejabberd.yml").write_text(
            _SETTINGS.format(port=self.port, sql_port=postgres.port, password=parts.password)
        )
        asyncio.run(_execute(postgres.dsn, _SCHEMA.read_text()))

    @contextlib.contextmanager
    def run(self) -> Iterator[Running]:
        """Run it in the foreground, as a node that talks to no other."""
        command = [
            "erl", "-noinput", "+K", "true", "+P", "250000",
            "-mnesia", "dir", f'"{self._folder / "mnesia"}"', "-s", "ejabberd",
        ]  # fmt: skip
        env = {
            "ERL_LIBS": _LIBRARIES,
            "EJABBERD_CONFIG_PATH": str(self._folder / "ejabberd.yml"),
            "EJABBERD_LOG_PATH": str(self._folder / "ejabberd.log"),
            "ERL_CRASH_DUMP": str(self._folder / "crash.dump"),
            "HOME": str(self._folder),
        }
        log = self._folder / "log"
        with running(command, self.port, log, cwd=self._folder, env=env, ask=_HELLO) as server:
            yield server


def ejabberd_version() -> str:
    """Return the version of Debian's package, or nothing where it is not installed."""
    if shutil.which("erl") is None or not _SCHEMA.exists():
        return ""
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "ejabberd"],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


async def _execute(dsn: str, sql: str) -> None:
    con = cast(Any, await asyncpg.connect(dsn))
    try:
        await con.execute(sql)
    finally:
        await con.close()
