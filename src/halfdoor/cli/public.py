"""`halfdoor public`: show a public log, its page and its files, to everybody."""

from pathlib import Path
from typing import Annotated

import typer

from halfdoor.cli.speech import USAGE, server_module, stop, tell


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command(
        "public", epilog="Example: halfdoor public --folder mirror --policy example.policy"
    )(public)


def public(
    folder: Annotated[
        Path, typer.Option("--folder", help="Folder with the files of a log, such as a mirror.")
    ],
    *,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="tlog-policy file of the log; else the folder's own."),
    ] = None,
    bind: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8030,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy speaks TLS for this server.")
    ] = False,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="Address or network of that proxy; may be repeated.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve a log until SIGTERM: its page, checkpoints, tiles, entries, documents, report."""
    if log_level not in {"debug", "info", "warning", "error"}:
        stop("--log-level is debug, info, warning or error.", USAGE)
    if (tls_cert is None) != (tls_key is None):
        stop("a certificate and its key are given together.", USAGE)
    if not folder.is_dir():
        stop(f"there is no folder {folder}.", USAGE)
    module = server_module("apps.publiclog")
    place = module.PublicPlace(
        folder=folder,
        policy=policy,
        bind=bind,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
        trusted_proxies=tuple(trusted_proxy or ()),
        log_level=log_level,
    )
    raise typer.Exit(module.run_public(place, lambda url: tell(f"The log is shown at {url}/")))
