"""Evidence is made from what unmodified clients export, for one message, and says what it opens."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from nio.crypto.key_export import encrypt_and_save
from tests.readers.review.megolm import ROOM, Talk
from typer.testing import CliRunner

from halfdoor.cli.main import app
from halfdoor.e2ee.message_keys import EvidenceError, evidence_of, read_event
from halfdoor.e2ee.session_export import ExportedSession, ExportError, read_sessions
from halfdoor.readers.review.disclosures import MessageKey, RatchetKey
from halfdoor.readers.review.megolm_evidence import opened_by_key
from halfdoor.sealing.labels import Denied, unb64
from halfdoor.web.outbound.reporting import NotFiledError

PASSPHRASE = "a long enough passphrase"


class Client:
    """Who received Ben's messages, and the source of one of them as a client shows it."""

    def __init__(self) -> None:
        self.talk = Talk()
        self.said = [self.talk.say(f"word {n}") for n in range(3)]

    def session(self, first: int = 0) -> dict[str, Any]:
        exported = self.talk.recipient.export_at(first)
        assert exported is not None
        return {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": ROOM,
            "sender_key": "any",
            "session_id": self.talk.sender.session_id,
            "session_key": exported.to_base64(),
            "sender_claimed_keys": {"ed25519": "any"},
            "forwarding_curve25519_key_chain": [],
        }

    def source(self, n: int, **more: Any) -> str:
        event = {"type": "m.room.encrypted", "event_id": f"$event{n}", "room_id": ROOM}
        return json.dumps({**event, "content": self.said[n], **more})

    def exported(self, *others: dict[str, Any], first: int = 0) -> list[ExportedSession]:
        return read_sessions(json.dumps([*others, self.session(first)]))

    def protected(self, folder: Path) -> Path:
        """Write the file as matrix-nio does, with its own code."""
        path = folder / "keys.txt"
        data = json.dumps([self.session()]).encode()
        encrypt_and_save(data, str(path), PASSPHRASE, count=1000)
        return path


@pytest.fixture
def client() -> Client:
    return Client()


def opened(client: Client, n: int, given: dict[str, str]) -> dict[str, Any]:
    """Return what a server makes of evidence for message *n*."""
    key, kind = unb64(given["key"]), given["kind"]
    disclosed = MessageKey(key) if kind == "message_key" else RatchetKey(key)
    found = opened_by_key(json.dumps(client.said[n]).encode(), ROOM, disclosed)
    content: dict[str, Any] = json.loads(found.content)
    return content


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[7]", '[{"room_id":"!r"}]', "not JSON", "\ud800"],
)
def test_what_holds_no_sessions_is_refused(text: str) -> None:
    with pytest.raises((ExportError, UnicodeError)):
        read_sessions(text)


def test_a_wrong_passphrase_and_a_changed_file_are_refused(client: Client, tmp_path: Path) -> None:
    text = client.protected(tmp_path).read_text()
    for wrong in (None, "", PASSPHRASE + "!"):
        with pytest.raises(ExportError):
            read_sessions(text, wrong)
    head, body, foot = text.split("\n")
    changed = ("A" if body[100] != "A" else "B").join((body[:100], body[101:]))
    for broken in (changed, body[:60], "", "%%%", body[: len(body) // 2]):
        with pytest.raises(ExportError):
            read_sessions(f"{head}\n{broken}\n{foot}", PASSPHRASE)
    with pytest.raises(ExportError):
        read_sessions(f"{head}\n{body}", PASSPHRASE)


def test_a_file_that_asks_for_endless_work_is_refused(client: Client, tmp_path: Path) -> None:
    path = client.protected(tmp_path)
    head, body, foot = path.read_text().split("\n")
    raw = bytearray(base64.b64decode(body + "=="))
    raw[33:37] = b"\xff\xff\xff\xff"
    with pytest.raises(ExportError, match="more work"):
        read_sessions(f"{head}\n{base64.b64encode(raw).decode()}\n{foot}", PASSPHRASE)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "[]",
        "{}",
        '{"type":"m.room.message","event_id":"$e","content":{"body":"clear"}}',
        '{"type":"m.room.encrypted","event_id":"$e","content":{"algorithm":"m.olm.v1"}}',
    ],
)
def test_what_is_no_encrypted_event_is_refused(source: str) -> None:
    with pytest.raises(EvidenceError):
        read_event(source)


def test_a_message_without_its_key_is_refused(client: Client) -> None:
    event = read_event(client.source(1))
    with pytest.raises(EvidenceError, match="no key"):
        evidence_of(event, Client().exported())
    with pytest.raises(EvidenceError):
        evidence_of(event, client.exported(first=2))
    other = read_event(client.source(1, room_id="!other:a.example"))
    with pytest.raises(EvidenceError, match="another conversation"):
        evidence_of(other, client.exported())
    broken = {**client.said[1], "ciphertext": "AwgA"}
    with pytest.raises(EvidenceError):
        evidence_of(read_event(client.source(1, content=broken)), client.exported())
    garbage = ExportedSession(ROOM, client.talk.sender.session_id, "AAAA")
    with pytest.raises(EvidenceError):
        evidence_of(event, [garbage])


@pytest.mark.parametrize("strong", [False, True])
def test_what_is_made_opens_that_message_for_the_server_and_no_other(
    client: Client, strong: bool
) -> None:
    others = Client().session()
    evidence = evidence_of(read_event(client.source(1)), client.exported(others), strong=strong)
    assert (evidence.room_id, evidence.event_id) == (ROOM, "$event1")
    assert json.loads(evidence.opens)["content"]["body"] == "word 1"
    assert opened(client, 1, evidence.given)["body"] == "word 1"
    for neighbour in (0, 2):
        with pytest.raises(Denied):
            opened(client, neighbour, evidence.given)
    assert "word" not in repr(evidence)


def test_a_source_that_shows_both_forms_is_read(client: Client) -> None:
    both = {"decrypted": {"type": "m.room.message"}, "encrypted": json.loads(client.source(0))}
    event = read_event(json.dumps(both))
    assert opened(client, 0, evidence_of(event, client.exported()).given)["body"] == "word 0"


def test_the_command_prints_evidence_and_shows_what_it_opens(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, event = client.protected(tmp_path), tmp_path / "event.json"
    event.write_text(client.source(2))
    monkeypatch.setenv("HALFDOOR_EXPORT_PASSPHRASE", PASSPHRASE)
    ran = CliRunner().invoke(app, ["evidence", str(keys), "--event", str(event)])
    assert ran.exit_code == 0, ran.stderr
    (given,) = json.loads(ran.stdout)
    assert given["event_id"] == "$event2"
    assert opened(client, 2, given)["body"] == "word 2"
    assert "word 2" in ran.stderr
    monkeypatch.setenv("HALFDOOR_EXPORT_PASSPHRASE", "wrong")
    refused = CliRunner().invoke(app, ["evidence", str(keys), "--event", str(event)])
    assert (refused.exit_code, refused.stdout) == (1, "")
    missing = CliRunner().invoke(app, ["evidence", str(tmp_path / "no"), "--event", str(event)])
    assert missing.exit_code == 2


class Typed:
    """The command, with its two files, as somebody types it."""

    def __init__(self, client: Client, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.keys, self.event = client.protected(folder), folder / "event.json"
        self.event.write_text(client.source(2))
        patch.setenv("HALFDOOR_EXPORT_PASSPHRASE", PASSPHRASE)
        patch.delenv("HALFDOOR_ACCESS_TOKEN", raising=False)

    def run(self, *more: str) -> Any:
        words = ["evidence", str(self.keys), "--event", str(self.event), *more]
        return CliRunner().invoke(app, words)


def test_nothing_is_sent_without_a_token(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = Typed(client, tmp_path, monkeypatch).run("--send", "https://example.org")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "HALFDOOR_ACCESS_TOKEN" in ran.stderr


def test_without_vodozemac_the_command_says_what_to_install(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = Typed(client, tmp_path, monkeypatch)
    monkeypatch.delitem(sys.modules, "halfdoor.e2ee.message_keys")
    monkeypatch.setitem(sys.modules, "vodozemac", None)
    ran = typed.run()
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "halfdoor[evidence]" in ran.stderr


def test_the_report_is_filed_with_evidence_reason_and_note(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed: list[Any] = []

    def take(*given: Any) -> dict[str, Any]:
        filed.append(given)
        return {"org.halfdoor.report": {"id": "rep_1"}}

    def refuse(*_given: Any) -> dict[str, Any]:
        raise NotFiledError("The server answers 400: not that message")

    monkeypatch.setattr("halfdoor.web.outbound.reporting.file_report", take)
    typed = Typed(client, tmp_path, monkeypatch)
    monkeypatch.setenv("HALFDOOR_ACCESS_TOKEN", "hda1.x")
    asked = ("--send", "https://example.org", "--reason", "harassment.targeted", "--note", "again")
    ran = typed.run(*asked, "--strong")
    assert (ran.exit_code, ran.stdout) == (0, "Reported: rep_1\n")
    assert "later messages" in ran.stderr
    ((server, token, room, event, body),) = filed
    assert (server, token, room, event) == ("https://example.org", "hda1.x", ROOM, "$event2")
    assert body["org.halfdoor.report"] == {"note": "again", "reason": "harassment.targeted"}
    (given,) = body["org.halfdoor.evidence"]
    assert given["kind"] == "ratchet_key"
    assert opened(client, 2, given)["body"] == "word 2"
    monkeypatch.setattr("halfdoor.web.outbound.reporting.file_report", refuse)
    refused = typed.run(*asked)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "not that message" in refused.stderr
