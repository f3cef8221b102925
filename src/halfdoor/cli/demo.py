"""`halfdoor demo`: a throwaway house on loopback."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from halfdoor.cli.speech import USAGE, server_module, stop, warn_of_development
from halfdoor.config.demo import DemoOptions


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command("demo", epilog="Example: halfdoor demo --port 8008 --data ./demo-data")(demo)


def demo(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 0,
    data: Annotated[
        Path | None,
        typer.Option(help="Keep the data here. Without it, all is gone when the demo ends."),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one line of JSON with the address and the accounts."),
    ] = False,
    play: Annotated[
        bool, typer.Option("--play", help="Play a short story, print it, and end.")
    ] = False,
    development: Annotated[
        bool,
        typer.Option(
            "--development",
            help="For test suites: anyone may register, no rates, no password rules.",
        ),
    ] = False,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate chain (PEM) to serve HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    access_token_seconds: Annotated[
        int | None, typer.Option(min=1, help="Life of access tokens, for tests of refresh.")
    ] = None,
    jwks: Annotated[
        Path | None, typer.Option(help="Public keys (JWK Set) of a pretended platform.")
    ] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        typer.Option(help="Least severe line that is logged."),
    ] = "warning",
) -> None:
    """Start a house on this machine with a few people in it, and say what to try."""
    if (tls_cert is None) != (tls_key is None):
        stop("--tls-cert and --tls-key are given together.", USAGE)
    if development:
        warn_of_development()
    options = DemoOptions(
        port=port,
        data=data,
        json=json,
        play=play,
        development=development,
        tls_cert=tls_cert,
        tls_key=tls_key,
        access_token_seconds=access_token_seconds,
        jwks=jwks,
        log_level=log_level,
    )
    raise typer.Exit(server_module("apps.demo").run(options) or 0)
