"""Halfdoor as it comes: a 3-of-5 escrow set, sealing, durable commits, every rule and push rule.

Only the rates that would stop a load are raised, and registration is open. Its platform, played by
this tool, says that everybody is an adult and who knows whom.
"""

import contextlib
import json
import secrets
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import jwt
import msgspec
from bench.line import Line
from bench.servers.process import Running, free_port, running
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from halfdoor.apps.demo_people import demo_escrow_set
from halfdoor.policy.load import load as load_policy
from halfdoor.sealing.slots import SALT_BYTES, password_secrets

_T = TypeVar("_T")
_ISSUER = "https://platform.example"
_ROOT = "/_halfdoor/platform/v1"
_AT_ONCE = 500
_RATE = "{ per_minute = 1e9, burst = 1000000000 }"
_SETTINGS = """
server_name = "localhost"
port = {port}
data_dir = "{folder}/data"
outer_key_file = "{home}/outer.key"
escrow_set_file = "{home}/escrow-set.json"
registration = true
log_level = "warning"

[platform_api]
jwks_file = "{home}/platform.jwks.json"
issuer = "{issuer}"

[limits]
{rates}
"""
_DATABASE = """
[database]
url = "{url}"
password_file = "{home}/password"
"""
_LIMITED = ("login", "register", "send", "sync", "other", "anonymous", "wrong_tokens")


class Halfdoor:
    """One Halfdoor in *folder*, over its SQLite file or over the database at *dsn*."""

    name = "halfdoor"
    keeps_text = False

    def __init__(
        self,
        folder: Path,
        dsn: str | None,
        bus: str | None = None,
        beside: "Halfdoor | None" = None,
    ) -> None:
        """Write its configuration; a node *beside* another has that one's keys, set and policy."""
        self._folder = folder
        (folder / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
        self.port = free_port()
        self.database = None if dsn is not None else folder / "data" / "halfdoor.db"
        self._days = 0
        self.home: Path = folder
        self.key: Ed25519PrivateKey
        if beside is not None:
            self.home, self.key = beside.home, beside.key
        else:
            self.key = Ed25519PrivateKey.generate()
            self._write_keys(urlsplit(dsn or "").password or "")
        self.config = folder / "halfdoor.toml"
        text = _SETTINGS.format(
            port=self.port,
            folder=folder,
            home=self.home,
            issuer=_ISSUER,
            rates="\n".join(f"{name} = {_RATE}" for name in _LIMITED),
        )
        if dsn is not None:
            # A password stands in no address.
            url = dsn.replace(f":{urlsplit(dsn).password}@", "@")
            text += _DATABASE.format(url=url, home=self.home)
        if bus is not None:
            text += f'\n[bus]\nnats_url = "{bus}"\n[media]\nfolder = "{self.home}/media"\n'
        self.config.write_text(text)

    def _write_keys(self, password: str) -> None:
        raw = self.key.public_key().public_bytes_raw()
        key = {"kty": "OKP", "crv": "Ed25519", "kid": "bench", "alg": "EdDSA", "use": "sig"}
        key["x"] = _base64url(raw)
        (self.home / "platform.jwks.json").write_text(json.dumps({"keys": [key]}))
        demo_escrow_set(self.home / "escrow-set.json", load_policy(None).entity.name)
        if password:
            (self.home / "password").touch(mode=0o600)
            (self.home / "password").write_text(password)

    @contextlib.contextmanager
    def run(self, days: int = 0) -> Iterator[Running]:
        """Run it; with *days*, so many days from today."""
        self._days = days
        program = [sys.executable, "-m", "bench.servers.another_day", str(days)]
        command = [*(program if days else _program()), "up", "--config", str(self.config)]
        with running(command, self.port, self._folder / "log", cwd=Path.cwd()) as server:
            yield server

    async def introduce(self, users: Sequence[str], connections: Sequence[tuple[str, str]]) -> None:
        """Tell the server, as its platform, that *users* are adults and who knows whom."""
        line = Line("127.0.0.1", self.port)
        for some in _pieces(users):
            people = [{"user": user, "age_band": "adult"} for user in some]
            await self._tell(line, f"{_ROOT}/people", {"people": people})
        for couples in _pieces(connections):
            pairs = [list(couple) for couple in couples]
            await self._tell(line, f"{_ROOT}/connections", {"connections": pairs})
        line.close()

    async def _tell(self, line: Line, path: str, body: dict[str, Any]) -> None:

        now = int(time.time()) + 86_400 * self._days
        claims = {
            "iss": _ISSUER,
            "aud": f"localhost{_ROOT}",
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
            "htm": "PUT",
            "htu": path,
            "digest": _base64url(sha256(msgspec.json.encode(body)).digest()),
        }
        line.token = jwt.encode(claims, self.key, "EdDSA", headers={"kid": "bench"})
        await line.ask("PUT", path, body)

    def hash_cost(self) -> str:
        """Say what one password costs."""
        started = time.process_time()
        for _ in range(3):
            password_secrets("quartz-otter-cedar-93-lantern", bytes(SALT_BYTES))
        cost = (time.process_time() - started) / 3 * 1000
        return f"Argon2id, 19 MiB, t=2, p=1: {cost:.0f} ms"

    def check(self) -> str:
        """Recompute every chain; return what was wrong."""
        done = subprocess.run(
            [*_program(), "doctor", "--config", str(self.config), "--chains", "--json"],
            check=False,
            capture_output=True,
            text=True,
        )
        try:
            checks = json.loads(done.stdout)["checks"]
        except ValueError:
            return done.stdout + done.stderr
        if not any(one["name"] == "chains" for one in checks):
            return "no chain was recomputed"
        return "; ".join(f"{c['name']}: {c['found']}" for c in checks if c["result"] == "failed")


def _program() -> list[str]:
    return [str(Path(sys.executable).with_name("halfdoor"))]


def _pieces(items: Sequence[_T]) -> list[Sequence[_T]]:
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
