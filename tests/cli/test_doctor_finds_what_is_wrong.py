import asyncio
import json
import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.store.making import ALICE, BOB, event, say, sealed_body
from tests.store.making import found as found_conversation

from halfdoor.apps.checks import Check
from halfdoor.apps.custodian_init import escrow_document, make_key
from halfdoor.apps.doctor import examine
from halfdoor.config.model import Config
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.lockfile import DirectoryLock
from halfdoor.store.sqlite.opening import open_store


@pytest.fixture
def house(tmp_path: Path) -> Config:
    """A configuration whose store has been started once."""
    config = Config(data_dir=tmp_path / "data", outer_key_file=tmp_path / "outer.key")
    _start_once(config)
    return config


def _start_once(config: Config) -> None:
    async def start() -> None:
        assert config.outer_key_file is not None
        key = outer_key_file(config.outer_key_file, config.data_dir, make=True)
        await open_store(config.data_dir, key).close()

    asyncio.run(start())


def found(config: Config, name: str, *, chains: bool = False) -> Check:
    return next(check for check in examine(config, chains=chains) if check.name == name)


def changed(config: Config, **more: Any) -> Config:
    return Config(**{**{f: getattr(config, f) for f in config.__struct_fields__}, **more})


def test_a_sound_house_fails_nothing(house: Config) -> None:
    checks = examine(house, chains=True)
    assert [check.name for check in checks if check.result == "failed"] == []
    assert {"outer key", "store", "clock", "chains", "wrong outer key"} <= {
        check.name for check in checks
    }


def test_a_wrong_outer_key_is_tried_and_refused(house: Config) -> None:
    assert found(house, "wrong outer key").found == "refused, as it must be."


def _write(config: Config, *bodies: bytes) -> None:
    """Write a conversation with events of these bodies, as the server would."""

    async def write() -> None:
        assert config.outer_key_file is not None
        key = outer_key_file(config.outer_key_file, config.data_dir, make=False)
        store = open_store(config.data_dir, key)
        at = await found_conversation(store, ALICE, BOB)
        for body in bodies:
            at = await say(store, at, event(at.conv, ALICE, (BOB,), body=body))
        await store.close()

    asyncio.run(write())


def test_nobody_reads_a_message_with_what_lies_on_the_machine(house: Config) -> None:
    assert "no message yet" in found(house, "reading without a session").found
    _write(house, sealed_body(), sealed_body(b'{"body":"hello"}'))
    check = found(house, "reading without a session")
    assert (check.result, check.found.split()[0]) == ("ok", "2")


def test_a_message_that_was_written_open_is_found(house: Config) -> None:
    _write(house, sealed_body(), b"\x01" + bytes(48) + b'{"body":"hello"}')
    assert found(house, "reading without a session").result == "failed"


def test_a_deleted_event_breaks_its_chain(house: Config) -> None:
    _write(house, sealed_body(), sealed_body())
    assert found(house, "chains", chains=True).found.startswith("1 conversations")
    con = sqlite3.connect(house.data_dir / "halfdoor.db")
    with con:
        con.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")
    con.close()
    check = found(house, "chains", chains=True)
    assert check.result == "failed"
    assert "1 of 1" in check.found


def test_an_older_schema_is_left_for_the_next_start(house: Config) -> None:
    con = sqlite3.connect(house.data_dir / "halfdoor.db")
    con.execute("PRAGMA user_version = 0")
    con.close()
    check = found(house, "store")
    assert check.result == "advice"
    assert "schema 0" in check.found


def test_the_key_is_to_be_copied_elsewhere(house: Config) -> None:
    check = found(house, "outer key")
    assert check.result == "ok"
    assert str(house.outer_key_file) in check.found
    assert "copy" in check.todo


def test_looking_at_a_house_that_never_started_makes_nothing(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path / "data", outer_key_file=tmp_path / "outer.key")
    assert [c.name for c in examine(config, chains=False) if c.result == "failed"] == []
    assert list(tmp_path.iterdir()) == []


def test_data_that_others_can_enter_is_failed(house: Config) -> None:
    house.data_dir.chmod(0o755)
    check = found(house, "data folder")
    assert (check.result, check.todo) == ("failed", f"chmod 700 {house.data_dir}")


def test_a_key_that_others_can_read_is_failed(house: Config) -> None:
    assert house.outer_key_file is not None
    house.outer_key_file.chmod(0o644)
    assert found(house, "outer key").result == "failed"


def test_a_key_of_another_house_is_failed(house: Config) -> None:
    assert house.outer_key_file is not None
    house.outer_key_file.write_bytes(os.urandom(32))
    assert found(house, "store").result == "failed"


def test_a_lost_key_is_failed_and_not_made_anew(house: Config) -> None:
    assert house.outer_key_file is not None
    house.outer_key_file.unlink()
    assert found(house, "outer key").result == "failed"
    assert not house.outer_key_file.exists()


def test_events_from_the_future_show_a_wrong_clock(house: Config) -> None:
    later = time.time() + 3600
    os.utime(house.data_dir / "halfdoor.db", (later, later))
    assert found(house, "clock").result == "failed"


def test_a_server_at_work_is_left_alone(house: Config) -> None:
    lock = DirectoryLock(house.data_dir)
    try:
        assert found(house, "store").result == "advice"
        assert found(house, "store", chains=True).result == "failed"
    finally:
        lock.release()


def test_no_escrow_set_is_said_with_the_way_to_one(house: Config) -> None:
    check = found(house, "escrow set")
    assert check.result == "advice"
    assert "halfdoor custodian init" in check.todo


def test_an_escrow_set_is_checked_and_belongs_to_the_entity(house: Config, tmp_path: Path) -> None:
    people = [
        make_key(
            name=name,
            organisation="o",
            employer="e",
            notice_url="",
            passphrase="a long passphrase",
            demonstration=True,
        ).public
        for name in ("a", "b", "c")
    ]
    results = []
    for entity in ("default", "another"):
        file = tmp_path / f"{entity}.json"
        file.write_bytes(escrow_document(entity=entity, groups=[(2, people)]).document)
        results.append(found(changed(house, escrow_set_file=file), "escrow set").result)
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    results.append(found(changed(house, escrow_set_file=broken), "escrow set").result)
    missing = changed(house, escrow_set_file=tmp_path / "nowhere.json")
    results.append(found(missing, "escrow set").result)
    assert results == ["ok", "failed", "failed", "failed"]


def certificate(tmp_path: Path, until: datetime | None = None) -> tuple[Path, Path]:
    issued = trustme.CA().issue_cert("localhost", not_after=until)
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    key.chmod(0o600)
    return chain, key


@pytest.mark.parametrize(
    ("days", "result"), [(100, "ok"), (29, "advice"), (3, "advice"), (-1, "failed")]
)
def test_a_certificate_that_ends_is_noticed(
    house: Config, tmp_path: Path, days: int, result: str
) -> None:
    chain, key = certificate(tmp_path, datetime.now(UTC) + timedelta(days=days))
    assert found(changed(house, tls_cert=chain, tls_key=key), "TLS").result == result


def test_a_key_of_another_certificate_or_open_to_others_is_failed(
    house: Config, tmp_path: Path
) -> None:
    chain, key = certificate(tmp_path)
    key.chmod(0o644)
    assert found(changed(house, tls_cert=chain, tls_key=key), "TLS key").result == "failed"
    key.write_bytes(trustme.CA().issue_cert("x").private_key_pem.bytes())
    assert found(changed(house, tls_cert=chain, tls_key=key), "TLS").result == "failed"


def test_a_policy_that_may_not_be_used_is_failed(house: Config, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("nonsense = 1\n")
    assert found(changed(house, policy_file=file), "policy").result == "failed"


def test_the_command_says_it_in_json_and_by_its_code(
    house: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from halfdoor.cli.main import app

    monkeypatch.chdir(tmp_path)
    words = ["doctor", "--json", "--data", str(house.data_dir), "--outer-key", "outer.key"]
    good = CliRunner().invoke(app, words)
    assert (good.exit_code, json.loads(good.stdout)["ok"]) == (0, True)
    house.data_dir.chmod(0o755)
    bad = CliRunner().invoke(app, words)
    assert (bad.exit_code, json.loads(bad.stdout)["ok"]) == (1, False)
    people = CliRunner().invoke(app, [word for word in words if word != "--json"])
    assert "chmod 700" in people.stdout
