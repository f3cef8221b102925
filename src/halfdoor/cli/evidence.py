"""`halfdoor evidence`: proof of one encrypted message, from what a client exports (MATRIX §4)."""

from pathlib import Path
from typing import Annotated

import typer

from halfdoor.cli.speech import FAILED, USAGE, environment, say, say_json, stop, tell

_Sessions = Annotated[
    Path, typer.Argument(help="The file of keys that your client exported, e.g. element-keys.txt.")
]
_Event = Annotated[
    Path, typer.Option("--event", help="The message's source (JSON), as your client shows it.")
]
# Names of settings, not secrets.
_ASKED = "HALFDOOR_EXPORT_PASSPHRASE"
_SIGNED_IN = "HALFDOOR_ACCESS_TOKEN"


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command(
        "evidence", epilog="Example: halfdoor evidence element-keys.txt --event message.json"
    )(evidence)


def evidence(
    sessions: _Sessions,
    event: _Event,
    *,
    strong: Annotated[
        bool,
        typer.Option(
            "--strong", help="Prove every character; opens later messages of that session too."
        ),
    ] = False,
    send: Annotated[
        str | None,
        typer.Option("--send", help="File the report at this server, e.g. https://example.org."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="The reason, a key of the server's list.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What happened, in your own words.")] = "",
) -> None:
    """Make the evidence that proves one encrypted message to a reviewer, and opens no other.

    Runs on your own machine and reads the keys that your client exported; the passphrase is asked
    for, or read from HALFDOOR_EXPORT_PASSPHRASE. Prints JSON for `org.halfdoor.evidence`; with
    --send it files the report, with your access token from HALFDOOR_ACCESS_TOKEN.
    """
    from halfdoor.e2ee.session_export import ExportError, is_protected, read_sessions  # noqa: PLC0415

    try:
        from halfdoor.e2ee.message_keys import EvidenceError, evidence_of, read_event  # noqa: PLC0415
    except ModuleNotFoundError:
        stop("this needs vodozemac: pip install 'halfdoor[evidence]'", USAGE)
    text, source = _read(sessions), _read(event)
    passphrase = None
    if is_protected(text):
        passphrase = environment().get(_ASKED) or typer.prompt(
            "Passphrase of the file", hide_input=True, err=True
        )
    try:
        found = evidence_of(read_event(source), read_sessions(text, passphrase), strong=strong)
    except (ExportError, EvidenceError) as error:
        stop(str(error), FAILED)
    tell(f"This is what a reviewer will be able to read: {found.opens}")
    if strong:
        tell("It could open later messages of the same session as well.")
    if send is None:
        say_json([found.given])
        return
    _send(send, found.room_id, found.event_id, found.given, reason, note)


def _send(
    server: str, room: str, event: str, given: dict[str, str], reason: str | None, note: str
) -> None:
    try:
        from halfdoor.web.outbound.reporting import NotFiledError, file_report  # noqa: PLC0415
    except ModuleNotFoundError:
        stop("--send needs httpx: pip install 'halfdoor[evidence]'", USAGE)
    token = environment().get(_SIGNED_IN)
    if not token:
        stop(f"--send needs your access token in {_SIGNED_IN}", USAGE)
    extension = {"note": note, **({"reason": reason} if reason is not None else {})}
    body = {"org.halfdoor.report": extension, "org.halfdoor.evidence": [given]}
    try:
        answer = file_report(server, token, room, event, body)
    except NotFiledError as error:
        stop(str(error), FAILED)
    report = answer.get("org.halfdoor.report", {})
    say(f"Reported: {report.get('id', 'taken') if isinstance(report, dict) else 'taken'}")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{path} cannot be read: {type(error).__name__}", USAGE)
