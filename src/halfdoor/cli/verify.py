"""`halfdoor verify`: anyone checks a public log, with its address and a pinned policy file."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halfdoor.cli.progress import shown_progress
from halfdoor.cli.speech import FAILED, OK, USAGE, say, say_json, server_module, stop, table, tell

if TYPE_CHECKING:
    from halfdoor.store.memory_file import MemoryFile
    from halfdoor.transparency.verifying import Verdict

Where = Annotated[str, typer.Argument(help="Address of the log, or a folder it was mirrored to.")]
PolicyFile = Annotated[
    Path, typer.Option("--policy", help="Your own copy of the log's and witnesses' keys.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
_SHOWN = 100


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command(
        "verify", epilog="Example: halfdoor verify https://log.example.org --policy example.policy"
    )(verify)


def verify(
    where: Where,
    policy: PolicyFile,
    memory: Annotated[
        Path | None, typer.Option(help="File with what the last run saw; else one in your home.")
    ] = None,
    no_memory: Annotated[
        bool, typer.Option("--no-memory", help="Check everything anew, and keep nothing.")
    ] = False,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Judge as of this time (UTC): for a copy that nobody goes on with.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check a public log. Exit 0: all is good, 1: a check failed, 2: it could not be checked."""
    from halfdoor.apps import verifying  # noqa: PLC0415  (only who verifies pays for it)
    from halfdoor.store.memory_file import MemoryFile  # noqa: PLC0415

    if memory is not None and no_memory:
        stop("--memory and --no-memory are not given together.", USAGE)
    if verifying.is_address(where):
        server_module("web.outbound.log_source")
    with said_plainly():
        origin, trusted = verifying.read_policy(policy)
        kept = None
        if not no_memory:
            kept = MemoryFile(memory or verifying.memory_path(state_folder(), origin, where))

        async def run() -> "Verdict":
            async with verifying.opened(where) as source:
                return await verifying.verify(
                    source,
                    trusted,
                    origin,
                    kept,
                    now=int(time.time() if at is None else at.replace(tzinfo=UTC).timestamp()),
                    progress=lambda done, of: told("checking entries", done, of),
                )

        with shown_progress() as told:
            verdict = asyncio.run(run())
        keep_fork(verdict, kept)
    if json:
        say_json(verifying.spelled(origin, verdict))
    else:
        _describe(origin, verdict)
    raise typer.Exit(OK if verdict.good else FAILED)


def state_folder() -> Path:
    """Return where memories are kept, after the XDG base directories."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "halfdoor" / "verify"


@contextmanager
def said_plainly() -> Iterator[None]:
    """Turn what keeps a run from saying anything, good or bad, into words and exit 2."""
    from halfdoor.apps.verifying import VerifyError  # noqa: PLC0415
    from halfdoor.store.memory_file import MemoryFileError  # noqa: PLC0415
    from halfdoor.transparency.source import UnreachableError  # noqa: PLC0415

    try:
        yield
    except (VerifyError, MemoryFileError) as error:
        stop(f"{error}.", USAGE)
    except UnreachableError as error:
        stop(f"the log could not be read: {error}. Run it again to go on.", USAGE)


def plain(text: str) -> str:
    """Return *text*, which a stranger may have written, without what moves a terminal's cursor."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def keep_fork(verdict: "Verdict", memory: "MemoryFile | None") -> None:
    """Write out two checkpoints that contradict each other, and say where they are."""
    if verdict.fork is not None and memory is not None:
        folder = memory.keep_fork(verdict.fork)
        tell(f"Two signed checkpoints that contradict each other are in {folder}: show them.")


def _describe(origin: str, verdict: "Verdict") -> None:
    when = "at no known time"
    if verdict.time is not None:
        when = f"{datetime.fromtimestamp(verdict.time, UTC):%Y-%m-%d %H:%M:%S} UTC"
    say(f"{origin}: {verdict.size} entries, cosigned {when}")
    if verdict.policy is not None:
        say(f"Policy in force: entry {verdict.policy.index}.")
    for one in verdict.coming:
        say(f"Announced: the policy at entry {one.index}; it counts seven days after it was seen.")
    for name, circle in verdict.circles.items():
        say(f"\nCustodians ({name}): {circle.words}.")
        seats = [(seat.name, seat.organisation, seat.employer) for seat in circle.seats]
        rows = [[plain(word) for word in seat] for seat in seats]
        table(("custodian", "for", "employed by"), rows)
    if verdict.policy is not None and not verdict.circles:
        say("There is no escrow set: nobody but the participants can open anything.")
    if verdict.numbers:
        say("")
        numbers = [(one.row, one.of, str(one.count), str(one.basis)) for one in verdict.numbers]
        table(("number", "of", "count", "basis"), numbers)
    say("")
    # A spoilt log may hold a million faults; the first of them are enough, JSON has all.
    for finding in verdict.findings[:_SHOWN]:
        say(plain(str(finding)))
    if len(verdict.findings) > _SHOWN:
        say(f"… and {len(verdict.findings) - _SHOWN} more; --json lists them all.")
    say("Every check passed." if verdict.good else "The log did NOT pass.")
