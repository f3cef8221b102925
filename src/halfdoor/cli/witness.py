"""`halfdoor witness`: vouch for public logs of others, so that none shows two histories."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from halfdoor.cli.speech import FAILED, USAGE, say, say_json, server_module, stop, tell

_KeyFile = Annotated[
    Path, typer.Option("--key", help="File of the witness's private key, outside its folder.")
]
_Data = Annotated[Path, typer.Option("--data", help="Folder of what the witness remembers.")]


def add_to(app: typer.Typer) -> None:
    """Put the noun and its verbs into *app*."""
    noun = typer.Typer(
        help="Vouch that the public logs of others only grow, and never show two histories.",
        epilog="Example: halfdoor witness init witness.example/w1 --key w1.key --data w1",
        no_args_is_help=True,
    )
    noun.command(
        "init", epilog="Example: halfdoor witness init witness.example/w1 --key w1.key --data w1"
    )(init)
    noun.command(
        "serve",
        epilog="Example: halfdoor witness serve --key w1.key --data w1 --logs logs.txt",
    )(serve)
    noun.command("keys", epilog="Example: halfdoor witness keys --key w1.key --data w1")(keys)
    noun.command(
        "evidence",
        epilog="Example: halfdoor witness evidence --key w1.key --data w1 --out evidence",
    )(evidence)
    app.add_typer(noun, name="witness")


def init(
    name: Annotated[
        str, typer.Argument(help="The witness's name: an address of yours, without https://.")
    ],
    key: _KeyFile,
    data: _Data,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Make the key and the empty memory of a new witness, and print its public key."""
    module, errors = server_module("apps.witness"), server_module("store.errors")
    try:
        public = module.begin_witness(name, key, data)
    except errors.StoreError as error:
        stop(f"{error}.", USAGE)
    tell(f"{key}: the private key. Whoever has it can vouch in this witness's name.")
    tell(f"{data}: what it vouched for. Never put it back from an older copy: begin a new witness.")
    if json:
        say_json({"name": public.name, "vkey": str(public)})
    else:
        say(str(public))


def serve(
    key: _KeyFile,
    data: _Data,
    *,
    log: Annotated[
        list[str] | None, typer.Option("--log", help="vkey of a log; may be repeated.")
    ] = None,
    logs: Annotated[
        Path | None, typer.Option("--logs", help="File with the vkey of a log in each line.")
    ] = None,
    bind: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8020,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy speaks TLS for this witness.")
    ] = False,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="Address or network of that proxy; may be repeated.")
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Answer logs until SIGTERM. Beyond loopback it takes TLS, or a proxy that speaks it."""
    if log_level not in {"debug", "info", "warning", "error"}:
        stop("--log-level is debug, info, warning or error.", USAGE)
    if (tls_cert is None) != (tls_key is None):
        stop("a certificate and its key are given together.", USAGE)
    module = server_module("apps.witness")
    place = module.WitnessPlace(
        key_file=key,
        data=data,
        logs=(*(log or ()), *(_lines(logs) if logs is not None else ())),
        bind=bind,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
        trusted_proxies=tuple(trusted_proxy or ()),
        log_level=log_level,
    )
    raise typer.Exit(module.run_witness(place))


def keys(
    key: _KeyFile,
    data: _Data,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Print the public key that a log's policy file names."""
    module, errors = server_module("apps.witness"), server_module("store.errors")
    try:
        public = module.public_key(key, data)
    except errors.StoreError as error:
        stop(f"{error}.", FAILED)
    if json:
        say_json({"name": public.name, "vkey": str(public)})
    else:
        say(str(public))


def evidence(
    key: _KeyFile,
    data: _Data,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the checkpoints to.")],
) -> None:
    """Write out the forks that were met: two checkpoints of one size, signed by the same log.

    Exit 1 where there is one.
    """
    module, errors = server_module("apps.witness"), server_module("store.errors")
    try:
        found = module.evidence(key, data)
    except errors.StoreError as error:
        stop(f"{error}.", USAGE)
    if not found:
        say("No log has shown this witness two trees.")
        return
    for origin, ours, theirs in found:
        stem = sha256(ours + theirs).hexdigest()[:16]
        try:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{stem}.first").write_bytes(ours)
            (out / f"{stem}.second").write_bytes(theirs)
        except OSError as error:
            stop(f"{out} cannot be written: {error.strerror}.", USAGE)
        say(f"{origin!r}: {out / stem}.first and .second")
    raise typer.Exit(FAILED)


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        stop(f"{file} cannot be read.", USAGE)
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
