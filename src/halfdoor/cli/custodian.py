"""`halfdoor custodian`: keys of those who hold shares, and the set they make together."""

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from halfdoor.cli.speech import FAILED, USAGE, say, say_json, stop, tell

_PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="File whose first line is the passphrase; without it you are asked."),
]


def add_to(app: typer.Typer) -> None:
    """Put the noun and its verbs into *app*."""
    noun = typer.Typer(
        help="Make and check custodians' keys, and put an escrow set together.",
        epilog="Example: halfdoor custodian init 'Ada Byron' --organisation 'Example Foundation'",
        no_args_is_help=True,
    )
    noun.command(
        "init",
        epilog="Example: halfdoor custodian init 'Ada Byron' --organisation 'Example Foundation'",
    )(init)
    noun.command("check", epilog="Example: halfdoor custodian check ada-byron.key.json")(check)
    noun.command(
        "set",
        epilog="Example: halfdoor custodian set --entity example --k 3 a.json b.json c.json d.json",
    )(assemble)
    app.add_typer(noun, name="custodian")


def init(
    name: Annotated[str, typer.Argument(help="The custodian's name, as the public will read it.")],
    organisation: Annotated[
        str, typer.Option(help="The body the custodian acts for, as the public will read it.")
    ],
    employer: Annotated[
        str | None, typer.Option(help="Who pays the custodian; the organisation if not given.")
    ] = None,
    notice_url: Annotated[str, typer.Option(help="Where the custodian's agent answers.")] = "",
    directory: Annotated[
        Path, typer.Option("--directory", help="Where to write the two files.")
    ] = Path(),
    passphrase_file: _PassphraseFile = None,
    demonstration: Annotated[
        bool,
        typer.Option(
            "--demonstration",
            help="Also make an approval key in software. For demonstrations only.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the public part as JSON.")] = False,
) -> None:
    """Make a custodian's key pair. Run it on the custodian's own machine, never on the server."""
    from halfdoor.apps.custodian_init import CustodianError, make_key  # noqa: PLC0415

    stem = "-".join(name.lower().split()).replace("/", "-") or "custodian"
    private, public = directory / f"{stem}.key.json", directory / f"{stem}.public.json"
    for file in (private, public):
        if file.exists():
            stop(f"{file} is there already; a key is never replaced.", USAGE)
    try:
        key = make_key(
            name=name,
            organisation=organisation,
            employer=organisation if employer is None else employer,
            notice_url=notice_url,
            passphrase=_passphrase(passphrase_file, confirm=True),
            demonstration=demonstration,
        )
    except CustodianError as error:
        stop(str(error), FAILED)
    _write_private(private, _spelled(key))
    public.write_bytes(_spelled(key.public))
    tell(f"{private}: your key. It stays on this machine, and a copy in a safe place of yours.")
    tell(f"{public}: give this file to whoever puts the escrow set together.")
    if demonstration:
        tell("DEMONSTRATION: the approval key is a file. A real custodian registers a passkey.")
    else:
        tell("No approval key yet: a passkey is registered before anything can be approved.")
    if json:
        say_json(key.public)
    else:
        say(str(public))


def check(
    file: Annotated[Path, typer.Argument(help="The private file (….key.json).")],
    passphrase_file: _PassphraseFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print the public part as JSON.")] = False,
) -> None:
    """Open a custodian's key file with its passphrase, to be sure that both are still good."""
    from halfdoor.apps.custodian_init import CustodianError, open_key  # noqa: PLC0415

    try:
        public, key = open_key(_read(file), _passphrase(passphrase_file, confirm=False))
    except CustodianError as error:
        stop(str(error), FAILED)
    if json:
        say_json(public)
    else:
        say(f"{file}: opens, and fits its public part (key {key.kid.hex()[:16]}…)")


def assemble(
    files: Annotated[list[Path], typer.Argument(help="Public parts (….public.json), in order.")],
    entity: Annotated[str, typer.Option(help="The entity, as its policy names it.")],
    k: Annotated[int, typer.Option("--k", min=1, help="How many of them are needed.")],
    outside: Annotated[
        list[Path] | None,
        typer.Option(help="Public part of an outside body's custodian; may be repeated."),
    ] = None,
    outside_k: Annotated[
        int | None, typer.Option(min=1, help="How many of the outside body's are needed as well.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where to write the document.")] = Path(
        "escrow-set.json"
    ),
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Put an escrow set together from public parts, check it, and print its hash."""
    from halfdoor.apps.custodian_init import escrow_document  # noqa: PLC0415
    from halfdoor.sealing.shares import EscrowSetError  # noqa: PLC0415

    if bool(outside) != (outside_k is not None):
        stop("--outside and --outside-k are given together.", USAGE)
    if out.exists():
        stop(
            f"{out} is there already; a set is never replaced, write the new one beside it.", USAGE
        )
    groups = [(k, [_public(file) for file in files])]
    if outside and outside_k is not None:
        groups.append((outside_k, [_public(file) for file in outside]))
    try:
        escrow_set = escrow_document(entity=entity, groups=groups)
    except EscrowSetError as error:
        stop(f"this is no escrow set: {error}", FAILED)
    out.write_bytes(escrow_set.document)
    if any(not one.approval_key for one in escrow_set.custodians):
        tell("Some have no approval key: this set holds shares, but nobody could approve with it.")
    if json:
        say_json({"file": str(out), "set": escrow_set.hash.hex(), "entity": entity})
    else:
        say(f"{escrow_set.hash.hex()}  {out}")


def _public(file: Path) -> Any:
    from halfdoor.apps.custodian_init import PublicPart  # noqa: PLC0415

    try:
        return msgspec.json.decode(_read(file), type=PublicPart)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        stop(f"{file} is no custodian's public part.", FAILED)


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    if file is not None:
        try:
            return _read(file).decode().split("\n", 1)[0].rstrip("\r")
        except UnicodeDecodeError:
            stop(f"{file} is not text.", USAGE)
    asked: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return asked


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        stop(f"{file} cannot be read: {error.strerror}.", USAGE)


def _spelled(content: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _write_private(file: Path, content: bytes) -> None:
    """Write with mode 0600 from the first byte, and never over another file."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        stop(f"{file} cannot be written: {error.strerror}.", USAGE)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
