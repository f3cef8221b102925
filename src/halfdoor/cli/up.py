"""`halfdoor up`: the production server, from its configuration."""

from pathlib import Path
from typing import Annotated

import typer

from halfdoor.cli.speech import (
    USAGE,
    environment,
    server_module,
    stop,
    warn_of_development,
)
from halfdoor.config.load import find_file, load


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command("up", epilog="Example: halfdoor up --config /etc/halfdoor/halfdoor.toml")(up)


def up(
    *,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file; else ./halfdoor.toml.")
    ] = None,
    bind: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the database.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    behind_proxy: Annotated[
        bool | None, typer.Option("--behind-proxy", help="A proxy speaks TLS for this server.")
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="Address or network of that proxy; may be repeated.")
    ] = None,
    development: Annotated[
        bool | None,
        typer.Option("--development", help="For test suites, never for people. Loopback only."),
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Run the server until SIGTERM. Flags win over HALFDOOR_* variables, those over the file."""
    file = find_file(config, environment())
    if file is None:
        stop("there is no halfdoor.toml here. Write one: halfdoor init --server-name …", USAGE)
    settings = load(
        file,
        environ=environment(),
        flags={
            "bind": bind,
            "port": port,
            "data_dir": data,
            "tls_cert": tls_cert,
            "tls_key": tls_key,
            "behind_proxy": behind_proxy,
            "trusted_proxies": trusted_proxy or None,
            "development": development,
            "log_level": log_level,
        },
    )
    if settings.development:
        warn_of_development()
    raise typer.Exit(server_module("apps.server").run(settings) or 0)
