"""What the doctor says of a public log: the key, who the witnesses are, whether it goes on."""

from pathlib import Path

import pytest
from tests.transparency.log_fakes import FakeLogStore

from halfdoor.apps.checks import Check
from halfdoor.apps.doctor_log import examine_log, log_examiner
from halfdoor.apps.house_log import log_key
from halfdoor.clock import SystemClock
from halfdoor.config.errors import ConfigError
from halfdoor.config.load import load
from halfdoor.config.log import Log
from halfdoor.config.model import Config
from halfdoor.merkle.checkpoint import Head
from halfdoor.merkle.note import Note
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tree import EMPTY_ROOT

ORIGIN = "example.com/access"
KEYS = [SigningKey.of_witness(f"w{n}.example/1", bytes([n]) * 32) for n in range(1, 5)]


def configured(folder: Path, keys: list[SigningKey] = KEYS, least: int = 3) -> Config:
    log = Log(
        origin=ORIGIN,
        key_file=folder / "log.key",
        witnesses=folder / "policy",
        folder=folder / "public",
    )
    config = Config(data_dir=folder / "data", log=log)
    own = log_key(log, config.data_dir, make=True).public
    lines = [f"log {own}"]
    lines += [f"witness w{n} {one.public} https://w{n}.example" for n, one in enumerate(keys, 1)]
    lines += [f"group all {least} w1 w2 w3 w4", "quorum all", ""]
    (folder / "policy").write_text("\n".join(lines))
    return config


def results(checks: list[Check]) -> dict[str, tuple[str, str]]:
    return {one.name: (one.result, one.found) for one in checks}


def spoiled(config: Config, name: str) -> tuple[str, str]:
    return results(list(examine_log(config)))[name]


def test_a_key_that_others_can_read_fails(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "log.key").chmod(0o644)
    assert spoiled(config, "public log")[0] == "failed"


def test_a_key_that_is_not_there_fails(tmp_path: Path) -> None:
    config = configured(tmp_path)
    (tmp_path / "log.key").unlink()
    assert "cannot be read" in spoiled(config, "public log")[1]


def test_a_key_of_another_log_fails(tmp_path: Path) -> None:
    config = configured(tmp_path)
    moved = Config(data_dir=config.data_dir, log=_with_origin(config.log, "other.example/access"))
    assert "another log" in spoiled(moved, "public log")[1]


def test_a_policy_file_without_this_log_fails_and_says_the_line(tmp_path: Path) -> None:
    config = configured(tmp_path)
    policy = tmp_path / "policy"
    first, _, rest = policy.read_text().partition("\n")
    policy.write_text(rest)
    result, found = spoiled(config, "public log")
    assert result == "failed"
    assert first in found


def test_a_quorum_that_one_liar_could_turn_fails(tmp_path: Path) -> None:
    assert "2q > n + 1" in spoiled(configured(tmp_path, least=2), "public log")[1]


def test_a_witness_without_an_address_fails(tmp_path: Path) -> None:
    config = configured(tmp_path)
    policy = tmp_path / "policy"
    policy.write_text(policy.read_text().replace(" https://w3.example", ""))
    assert "no address for: w3" in spoiled(config, "public log")[1]


def test_witnesses_of_the_operator_are_told(tmp_path: Path) -> None:
    own = SigningKey.of_witness("example.com/w", bytes([9]) * 32)
    result, found = spoiled(configured(tmp_path, [own, *KEYS[1:]]), "witnesses")
    assert (result, found) == ("advice", "4 under 4 operators. 1 of them are your own.")


def test_a_house_without_a_log_is_advised_to_have_one(tmp_path: Path) -> None:
    assert spoiled(Config(data_dir=tmp_path), "public log")[0] == "advice"


async def test_a_log_is_followed_from_its_beginning_to_an_old_quorum(tmp_path: Path) -> None:
    config = configured(tmp_path)
    examine = log_examiner(config)
    store = FakeLogStore()
    assert results(await examine(store))["public log"] == ("advice", "it was not begun.")
    await store.begin(ORIGIN)
    assert "No quorum" in results(await examine(store))["public log"][1]
    head = Head(ORIGIN, 0, EMPTY_ROOT)
    own = log_key(config.log, config.data_dir, make=False)

    async def cosigned(at: int) -> tuple[str, str]:
        signed = own.sign(head)
        lines = [one.cosign(signed.note.text, at) for one in KEYS[:3]]
        note = Note(signed.note.text, (*signed.note.signatures, *lines))
        await store.publish(0, str(note).encode(), 0)
        return results(await examine(store))["public log"]

    now = SystemClock().now_ms() // 1000
    assert await cosigned(now) == ("ok", "0 leaves, 0 of them published.")
    assert "60 minutes old" in (await cosigned(now - 3600))[1]
    other = FakeLogStore()
    await other.begin("other.example/access")
    assert results(await examine(other))["public log"][0] == "failed"


def test_a_log_that_is_configured_by_half_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "halfdoor.toml"
    file.write_text('[log]\norigin = "example.com/access"\n')
    with pytest.raises(ConfigError, match="together"):
        load(file, environ={})


@pytest.mark.parametrize("place", ["data/log.key", "public/log.key"])
def test_a_log_key_beside_what_is_copied_is_refused(tmp_path: Path, place: str) -> None:
    file = tmp_path / "halfdoor.toml"
    file.write_text(
        f'[log]\norigin = "a/b"\nkey_file = "{place}"\nwitnesses = "w"\nfolder = "public"\n'
    )
    with pytest.raises(ConfigError, match="whoever copies"):
        load(file, environ={})


def test_an_origin_that_no_note_may_hold_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "halfdoor.toml"
    file.write_text('[log]\norigin = "a b"\nkey_file = "k"\nwitnesses = "w"\nfolder = "public"\n')
    with pytest.raises(ConfigError, match=r"log\.origin"):
        load(file, environ={})


def _with_origin(log: Log, origin: str) -> Log:
    return Log(origin=origin, key_file=log.key_file, witnesses=log.witnesses, folder=log.folder)
