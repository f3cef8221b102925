"""A monitor says what goes wrong, once, and holds the faces of a log against each other."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from tests.transparency.log_fakes import KEYS, LOG, ORIGIN, POLICY
from tests.transparency.log_in_folder import recent_log, write_log
from tests.transparency.public_log import PublicLog
from tests.web.receiver import receiver

from halfdoor.apps.monitoring import Alarm, Monitor, posting
from halfdoor.merkle.checkpoint import Checkpoint, parse_checkpoint
from halfdoor.merkle.note import Note
from halfdoor.transparency.entries import ReleaseEntry


class Hook:
    """A receiver that may be away."""

    def __init__(self) -> None:
        self.away = False
        self.got: dict[str, dict[str, Any]] = {}

    async def post(self, id: str, body: bytes, now_ms: int) -> bool:
        assert now_ms > 0
        if not self.away:
            self.got[id] = json.loads(body)
        return not self.away


class Watch:
    """A monitor over folders, and what it told."""

    def __init__(
        self, log: PublicLog, state: Path, *places: Path, hook: Hook | None = None
    ) -> None:
        self.told: list[Alarm] = []
        names = [str(one) for one in places]
        self.monitor = Monitor(ORIGIN, POLICY, names, state, log.clock, self.told.append, post=hook)

    async def round(self) -> list[str]:
        """The checks of what this round told."""
        self.told.clear()
        await self.monitor.round()
        return [one.check for one in self.told]


@pytest.fixture
async def log() -> PublicLog:
    return await recent_log()


def evidence_in(folder: Path) -> list[Checkpoint]:
    names = ("seen-before", "shown-now")
    return [parse_checkpoint((folder / name).read_bytes()) for name in names]


async def forked() -> tuple[PublicLog, PublicLog]:
    """Two logs of one key that are the same up to their last entry."""
    one, two = await recent_log(), await recent_log()
    two.clock.now = one.clock.now
    for log, version in ((one, "v1"), (two, "v2")):
        await log.append(ReleaseEntry(entity="example", day=log.day, version=version, wheels={}))
    return one, two


async def test_two_faces_with_two_trees_are_a_fork_and_both_heads_are_kept(tmp_path: Path) -> None:
    one, two = await forked()
    places = [await write_log(one, tmp_path / "one"), await write_log(two, tmp_path / "two")]
    watch = Watch(one, tmp_path / "state", *places)
    assert await watch.round() == ["log-fork"]
    [alarm] = watch.told
    assert alarm.evidence is not None
    kept = evidence_in(Path(alarm.evidence))
    assert {found.head.size for found in kept} == {5}
    assert len({found.head.root for found in kept}) == 2
    for found in kept:
        assert POLICY.holds(POLICY.check(found))


async def test_one_face_that_changes_its_past_is_an_alarm(tmp_path: Path) -> None:
    one, two = await forked()
    folder = await write_log(one, tmp_path / "log")
    watch = Watch(one, tmp_path / "state", folder)
    assert await watch.round() == []
    await write_log(two, folder)
    assert await watch.round() == ["log-consistency"]
    assert watch.told[0].evidence is not None


async def test_an_alarm_is_told_once_and_so_is_its_end(log: PublicLog, tmp_path: Path) -> None:
    folder = await write_log(log, tmp_path / "log")
    watch = Watch(log, tmp_path / "state", folder)
    assert await watch.round() == []
    log.clock.now += 3_600_000
    assert await watch.round() == ["checkpoint-stale"]
    assert await watch.round() == []
    await log.sequencer().step(renew=True)
    await write_log(log, folder)
    assert await watch.round() == ["log-good"]
    assert await watch.round() == []


async def test_a_log_that_cannot_be_read_is_an_alarm(log: PublicLog, tmp_path: Path) -> None:
    watch = Watch(log, tmp_path / "state", tmp_path / "nowhere")
    assert await watch.round() == ["log-unreachable"]


async def test_a_face_that_lags_is_no_fork(log: PublicLog, tmp_path: Path) -> None:
    late = await write_log(log, tmp_path / "late")
    await log.append(ReleaseEntry(entity="example", day=log.day, version="v1", wheels={}))
    watch = Watch(log, tmp_path / "state", await write_log(log, tmp_path / "log"), late)
    assert await watch.round() == []


async def test_a_change_of_policy_is_told_before_it_counts(log: PublicLog, tmp_path: Path) -> None:
    folder = await write_log(log, tmp_path / "log")
    watch = Watch(log, tmp_path / "state", folder)
    await watch.round()
    await log.append(log.policy(jurisdictions=("DE",)))
    await write_log(log, folder)
    assert await watch.round() == ["policy-change 4"]
    assert await watch.monitor.round()


async def test_what_a_webhook_did_not_take_comes_again_with_its_id(
    log: PublicLog, tmp_path: Path
) -> None:
    hook = Hook()
    hook.away = True
    watch = Watch(log, tmp_path / "state", tmp_path / "nowhere", hook=hook)
    await watch.round()
    assert hook.got == {}
    hook.away = False
    await watch.round()
    await watch.round()
    [message] = hook.got.values()
    assert message["type"] == "log.alarm"
    assert message["data"]["check"] == "log-unreachable"


async def test_a_head_that_no_quorum_signed_is_no_evidence(log: PublicLog, tmp_path: Path) -> None:
    """Anybody who holds the log's key could else raise a false alarm about another face."""
    good = await write_log(log, tmp_path / "good")
    bad = await write_log(log, tmp_path / "bad")
    head = parse_checkpoint((bad / "checkpoint/latest").read_bytes()).head
    forged = LOG.sign(head._replace(root=bytes(32)))
    lines = [KEYS["w1"].cosign(forged.note.text, log.clock.now // 1000)]
    note = Note(forged.note.text, (*forged.note.signatures, *lines))
    (bad / "checkpoint/latest").write_bytes(str(Checkpoint(forged.head, note)).encode())
    assert await Watch(log, tmp_path / "state", good, bad).round() == ["witness-quorum"]


async def test_alarms_are_posted_as_standard_webhooks_have_it(
    log: PublicLog, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(f"whsec_{base64.b64encode(bytes(32)).decode()}")
    with receiver("hooks", tmp_path / "hooks") as hooks:
        async with posting(f"{hooks.url}/alarms", secret) as post:
            told: list[Alarm] = []
            state, nowhere = tmp_path / "state", str(tmp_path / "nowhere")
            watch = Monitor(ORIGIN, POLICY, [nowhere], state, log.clock, told.append, post=post)
            hooks.answers(status=500)
            assert not await watch.round()
            hooks.answers(status=204)
            assert not await watch.round()
        first, second = hooks.received()
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    at, body = second.headers["webhook-timestamp"], second.body
    signed = f"{second.headers['webhook-id']}.{at}.".encode() + body
    expected = base64.b64encode(hmac.digest(bytes(32), signed, "sha256")).decode()
    assert second.headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["data"]["where"] == nowhere
    assert len(told) == 1
