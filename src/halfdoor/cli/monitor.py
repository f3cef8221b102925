"""`halfdoor monitor`: checks a public log on a timer, at every address it is shown, and alerts."""

import asyncio
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from halfdoor.cli.speech import FAILED, OK, USAGE, say, say_json, server_module, stop
from halfdoor.cli.verify import PolicyFile, plain, said_plainly, state_folder

_EVERY: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h)", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command(
        "monitor",
        epilog="Example: halfdoor monitor https://log.example.org --policy example.policy",
    )(monitor)


def monitor(
    places: Annotated[
        list[str], typer.Argument(help="Addresses or folders that show the one log.")
    ],
    policy: PolicyFile,
    every: Annotated[str, typer.Option(help="Time between two rounds: 90s, 5m, 1h.")] = "5m",
    once: Annotated[
        bool, typer.Option("--once", help="One round, and exit 0 or 1: for a timer of your own.")
    ] = False,
    state: Annotated[
        Path | None, typer.Option(help="Folder for what was seen, and for evidence.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(help="Address that is told too, as Standard Webhooks has it.")
    ] = None,
    webhook_secret: Annotated[
        Path | None, typer.Option(help="File with the secret that signs what is posted.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One line of JSON for each alarm.")] = False,
) -> None:
    """Check a log again and again, compare what its addresses show, and say what goes wrong."""
    from halfdoor.apps import monitoring, verifying  # noqa: PLC0415  (only a monitor pays for it)
    from halfdoor.clock import SystemClock  # noqa: PLC0415

    seconds = _seconds(every)
    if (webhook is None) != (webhook_secret is None):
        stop("--webhook and --webhook-secret are given together.", USAGE)
    if webhook is not None or any(map(verifying.is_address, places)):
        server_module("web.outbound.log_source")

    def tell(alarm: monitoring.Alarm) -> None:
        if json:
            say_json(alarm)
        else:
            say(plain(str(alarm)))

    async def run() -> bool:
        async with monitoring.posting(webhook, webhook_secret) as post:
            watch = monitoring.Monitor(
                origin, trusted, places, state or state_folder(), SystemClock(), tell, post=post
            )
            good = await watch.round()
            while not once:
                await asyncio.sleep(seconds)
                good = await watch.round()
            return good

    with said_plainly():
        origin, trusted = verifying.read_policy(policy)
        good = asyncio.run(run())
    raise typer.Exit(OK if good else FAILED)


def _seconds(every: str) -> int:
    found = _EVERY.fullmatch(every)
    if found is None:
        stop("--every is a number and s, m or h, such as 5m.", USAGE)
    return int(found[1]) * _SECONDS[found[2]]
