"""`halfdoor mirror`: a public log as a folder of files that anyone can keep, serve and check."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from halfdoor.cli.progress import shown_progress
from halfdoor.cli.speech import FAILED, say, say_json, server_module, stop
from halfdoor.cli.verify import Json, Where, said_plainly


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command("mirror", epilog="Example: halfdoor mirror https://log.example.org example-log")(
        mirror
    )


def mirror(
    where: Where,
    folder: Annotated[Path, typer.Argument(help="Folder of the copy; it is made if need be.")],
    policy: Annotated[
        Path | None, typer.Option(help="Copy nothing but what this policy's quorum cosigned.")
    ] = None,
    json: Json = False,
) -> None:
    """Copy a public log, or what is new of it. Exit 1: what it shows does not fit, 2: no answer."""
    from halfdoor.apps import mirroring, verifying  # noqa: PLC0415  (only who mirrors pays for it)
    from halfdoor.merkle.errors import RefusedError  # noqa: PLC0415
    from halfdoor.transparency.errors import StoppedError  # noqa: PLC0415

    if verifying.is_address(where):
        server_module("web.outbound.log_source")
    with said_plainly():
        trusted = None if policy is None else verifying.read_policy(policy)[1]

        async def run() -> int:
            async with verifying.opened(where) as source:
                return await mirroring.Mirror(
                    source, folder, trusted, lambda done, of: told("copying entries", done, of)
                ).run()

        try:
            with shown_progress() as told:
                size = asyncio.run(run())
        except (RefusedError, StoppedError) as error:
            stop(f"{error}. The copy stays as it was.", FAILED)
    if json:
        say_json({"folder": str(folder), "size": size})
    else:
        say(f"{folder}: {size} entries. Check them: halfdoor verify {folder} --policy FILE")
