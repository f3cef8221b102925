"""`halfdoor demo`: a throwaway house on loopback, with a few people in it."""

import shutil
import socket
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from halfdoor.apps.demo_log import DemoLog
from halfdoor.apps.demo_people import (
    SERVER_NAME,
    Account,
    demo_escrow_set,
    seed,
    seeded_accounts,
)
from halfdoor.apps.demo_staff import StaffLink, staff_links
from halfdoor.apps.demo_story import play
from halfdoor.apps.house import House
from halfdoor.apps.server import run_house
from halfdoor.config.demo import DemoOptions
from halfdoor.config.desk import Console
from halfdoor.config.model import Config, Jwt, Limits, PlatformApi, Rate
from halfdoor.policy.load import load as load_policy
from halfdoor.store.outerkey import default_path
from halfdoor.web.serve import Stopping

# The pretended platform of `--jwks`.
ISSUER: Final = "https://platform.example"
AUDIENCE: Final = "halfdoor"

# The default policy, but for what a visitor may want to try as well.
_POLICY: Final = """\
version = 1

[posture]
allowed = ["standard", "e2ee"]
default = "standard"
"""

# Everybody in a demo is on this machine, and somebody's script may well be among them.
_GENEROUS: Final = Limits(
    login=Rate(per_minute=300, burst=100),
    send=Rate(per_minute=6_000, burst=1_000),
    sync=Rate(per_minute=6_000, burst=1_000),
    other=Rate(per_minute=6_000, burst=1_000),
    anonymous=Rate(per_minute=6_000, burst=1_000),
)


def run(options: DemoOptions) -> int:
    """Run the demo until SIGTERM, or until its story is told; return the exit code."""
    if options.data is not None:
        return _run(options, options.data, default_path())
    folder = Path(tempfile.mkdtemp(prefix="halfdoor-demo-"))
    try:
        return _run(options, folder / "data", folder / "outer.key")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(options: DemoOptions, data: Path, outer_key: Path) -> int:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    accounts = seeded_accounts(_passwords_beside(outer_key, data))
    config = _config(options, data, outer_key)
    public_log = DemoLog(data, str(_passwords_beside(outer_key, data).with_suffix("")), SERVER_NAME)
    config = msgspec.structs.replace(config, log=public_log.settings)
    stopping = Stopping()
    failed: list[Exception] = []

    async def ready(house: House, base_url: str) -> None:
        await seed(house, accounts)
        console = house.setting.console
        staff = [] if console is None else await staff_links(house, console)
        if options.play:
            try:
                await play(house, config, accounts, _say)
            except Exception as error:  # noqa: BLE001 - told here, with its place
                # Whatever was raised by the tasks of a server comes out as a group of errors.
                failed.append(error)
            finally:
                stopping.ask()
        elif options.json:
            _say(_json_line(base_url, accounts, staff))
        else:
            for line in _welcome(base_url, accounts, staff, data if options.data else None):
                _say(line)

    ended = run_house(config, ready, stopping=stopping, demo=True, log_peers=public_log.peers)
    for error in failed:
        _tell_failure(error)
    return 1 if failed else ended


def _config(options: DemoOptions, data: Path, outer_key: Path) -> Config:
    set_file, policy_file = data / "escrow-set.json", data / "demo-policy.toml"
    policy_file.write_text(_POLICY)
    demo_escrow_set(set_file, load_policy(policy_file).entity.name)
    config = Config(
        server_name=SERVER_NAME,
        port=options.port,
        data_dir=data,
        outer_key_file=outer_key,
        escrow_set_file=set_file,
        policy_file=policy_file,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
        development=options.development,
        log_level=options.log_level,
        limits=_GENEROUS,
        console=_console(tls=options.tls_cert is not None),
    )
    if options.access_token_seconds is not None:
        config = msgspec.structs.replace(config, access_token_seconds=options.access_token_seconds)
    if options.jwks is not None:
        config = msgspec.structs.replace(
            config,
            jwt=Jwt(jwks_file=options.jwks, issuer=ISSUER, audience=AUDIENCE),
            platform_api=PlatformApi(jwks_file=options.jwks),
        )
    return config


def _console(*, tls: bool) -> Console:
    """Return a console on a port that is free now: its address stands in every link."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return Console(public_url=f"{'https' if tls else 'http'}://localhost:{port}", port=port)


def _passwords_beside(outer_key: Path, data: Path) -> Path:
    """Return where the passwords of the demo in *data* are kept: never in *data*."""
    name = data.resolve().as_posix().strip("/").replace("/", "-")
    return outer_key.parent / f"demo-{name[-100:]}.json"


def _json_line(base_url: str, accounts: Sequence[Account], staff: Sequence[StaffLink]) -> str:
    said = {"base_url": base_url, "accounts": accounts, "staff": staff}
    return msgspec.json.encode(said).decode()


def _welcome(
    base_url: str, accounts: Sequence[Account], staff: Sequence[StaffLink], data: Path | None
) -> list[str]:
    width = max(len(account.user_id) for account in accounts)
    people = [
        f"  {account.user_id:<{width}}  {account.password:<40}  {account.who}"
        for account in accounts
    ]
    return [
        "",
        f"Halfdoor is running at {base_url}",
        "",
        "This is a demonstration: its five custodians are invented and their keys were thrown",
        "away, so no authority could ever be answered from it. Do not keep real messages here.",
        "",
        "People you can sign in as, with any Matrix client (homeserver: the address above):",
        *people,
        "",
        "Staff of the review desk: each link signs in once, by itself, in a demonstration alone:",
        *(f"  {one.name:<6} {one.role:<13} {one.link}  {one.who}" for one in staff),
        "",
        "What to try",
        "  sign in as ada and as ben in two clients, and write to one another",
        "  as vic, who knows nobody, start a chat with mia, who is 14: it is refused",
        "  as mia, report a message, and open it as one of the staff above",
        "  as ada, turn encryption on for a new chat with ben: it gets the label e2ee",
        "  scripts/up --play                   a short story, told in this terminal",
        "  halfdoor policy explain --help      who may write to whom, and why",
        "",
        f"The data lies in {data}." if data else "All of it is gone when you press Ctrl-C.",
        "",
    ]


def _tell_failure(error: Exception) -> None:
    """Say why the story ended early: all people and messages in it are invented."""
    cause: BaseException = error
    while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
        cause = cause.exceptions[0]
    sys.stderr.writelines(traceback.format_exception(cause))
    sys.stderr.write(f"demo failed: {type(cause).__name__}: {cause}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
