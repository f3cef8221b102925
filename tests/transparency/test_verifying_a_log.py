"""Who checks a log finds every way to cheat, and each by the name of the check that failed."""

import pytest
from tests.transparency.log_fakes import KEYS, LOG, ORIGIN, FakeLogStore, witnesses
from tests.transparency.public_log import (
    DIGEST,
    ENTITY,
    PublicLog,
    changed,
    failed,
    head_size,
)

from halfdoor.merkle.bundles import bundle, check_bundle
from halfdoor.merkle.checkpoint import Checkpoint, Head, parse_checkpoint
from halfdoor.merkle.note import Note
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tree import root
from halfdoor.sealing.labels import b64
from halfdoor.transparency.entries import ExtendEntry, NoticeEntry, OpenEntry, RevokeEntry
from halfdoor.transparency.memory import read_memory, write_memory
from halfdoor.transparency.report import report_json
from halfdoor.transparency.source import CHECKPOINT, REPORT, day_path
from halfdoor.transparency.verifying import Verdict

OTHER = b64(b"\x01" * 32)
DOCUMENT = {
    "v": 1,
    "entity": ENTITY,
    "suite": 1,
    "groups": [],
    "open_until": None,
}


@pytest.fixture
async def log() -> PublicLog:
    """Three good days."""
    log = PublicLog()
    await log.append(log.policy())
    for _ in range(3):
        await log.night()
    return log


def by_quorum(log: PublicLog, head: Head, *, at: int | None = None, who: int = 3) -> bytes:
    """A checkpoint that the log and this many of its witnesses signed, which they would not do."""
    signed = LOG.sign(head)
    time = log.clock.now // 1000 if at is None else at
    lines = [key.cosign(signed.note.text, time) for key in list(KEYS.values())[:who]]
    note = Note(signed.note.text, (*signed.note.signatures, *lines))
    return str(Checkpoint(head, note)).encode()


async def test_an_honest_log_passes_and_passes_again_from_what_was_kept(log: PublicLog) -> None:
    verdict = await log.verify()
    assert verdict.findings == ()
    assert verdict.good
    assert verdict.size == 4
    memory = read_memory(write_memory(verdict.memory))
    await log.night()
    again = await log.verify(memory)
    assert again.findings == ()
    assert (again.size, again.memory.size) == (5, 5)
    whole = await log.verify()
    assert whole.memory == again.memory


async def test_nothing_changed_is_nothing_to_read(log: PublicLog) -> None:
    memory = (await log.verify()).memory
    for path in list(log.files.files):
        if "entries" in path:
            log.shown[path] = None
    assert (await log.verify(memory)).good


class TestTheOperatorCheats:
    """Whoever writes the log as they like, with the log's own key but without its witnesses."""

    async def test_by_editing_an_entry(self, log: PublicLog) -> None:
        path = "tile/entries/000.p/4"
        leaves = check_bundle(log.files.files[path], 4)
        leaves[1] = changed(leaves[1], users=7)
        log.shown[path] = bundle(leaves)
        assert failed(await log.verify()) == {"tile-hash"}
        log.shown["tile/0/000.p/4"] = b"".join(tile_of(leaves))
        assert failed(await log.verify()) >= {"entries-root"}

    async def test_by_dropping_an_entry(self, log: PublicLog) -> None:
        path = "tile/entries/000.p/4"
        log.shown[path] = bundle(check_bundle(log.files.files[path], 4)[:3])
        assert failed(await log.verify()) == {"bundle-length"}

    async def test_by_hiding_a_bundle(self, log: PublicLog) -> None:
        log.shown["tile/entries/000.p/4"] = None
        assert failed(await log.verify()) == {"entries-there"}

    async def test_by_signing_a_shorter_tree(self, log: PublicLog) -> None:
        memory = (await log.verify()).memory
        leaves = [one.leaf for one in log.store.placed[:3]]
        head = Head(ORIGIN, 3, root(leaves))
        log.shown[CHECKPOINT] = str(LOG.sign(head)).encode()
        assert failed(await log.verify(memory)) == {"witness-quorum"}
        log.shown[CHECKPOINT] = by_quorum(log, head, who=4)
        assert failed(await log.verify(memory)) == {"log-shrank"}

    async def test_by_showing_another_tree(self, log: PublicLog) -> None:
        memory = (await log.verify()).memory
        other = PublicLog()
        other.clock.now = log.clock.now
        await other.append(*[log.policy()], log.grant(), log.grant(OTHER))
        await other.night()
        await other.night()
        assert failed(await other.verify(memory)) == {"log-consistency"}

    async def test_by_showing_another_head_of_the_same_size(self, log: PublicLog) -> None:
        memory = (await log.verify()).memory
        log.shown[CHECKPOINT] = by_quorum(log, Head(ORIGIN, 4, root([b"other"])), who=4)
        assert failed(await log.verify(memory)) == {"log-consistency"}

    async def test_by_beginning_anew(self, log: PublicLog) -> None:
        memory = (await log.verify()).memory
        log.store = FakeLogStore()
        log.witnesses = witnesses(log.clock)
        log.files.files.clear()
        await log.append(log.policy())
        assert failed(await log.verify(memory)) == {"log-shrank"}

    async def test_by_moving_to_another_origin(self, log: PublicLog) -> None:
        moved = SigningKey.of_log("example.com/elsewhere", bytes(32))
        head = parse_checkpoint(await log.get(CHECKPOINT) or b"").head
        log.shown[CHECKPOINT] = str(moved.sign(head._replace(origin=moved.public.name))).encode()
        assert failed(await log.verify()) == {"checkpoint-origin"}

    async def test_with_one_witness_who_signs_all_and_back_dates(self, log: PublicLog) -> None:
        memory = (await log.verify()).memory
        forged = Head(ORIGIN, 5, root([b"other"]))
        log.shown[CHECKPOINT] = by_quorum(log, forged, who=1)
        assert failed(await log.verify(memory)) == {"witness-quorum"}

    async def test_by_back_dating_a_day(self, log: PublicLog) -> None:
        day = log.day - 2
        old = parse_checkpoint(log.store.days[day])
        log.shown[day_path(day)] = by_quorum(log, old.head, at=5)
        assert failed(await log.verify()) == {"day-checkpoint"}

    async def test_by_leaving_out_a_heartbeat(self, log: PublicLog) -> None:
        log.clock.now += 86_400_000
        await log.night()
        assert failed(await log.verify()) == {"heartbeat-gap"}

    async def test_by_no_longer_saying_how_the_house_stands(self, log: PublicLog) -> None:
        log.clock.now += 3 * 86_400_000
        await log.sequencer().step(renew=True)
        assert failed(await log.verify()) == {"heartbeat-gap"}

    async def test_by_never_saying_how_the_house_stands(self) -> None:
        log = PublicLog()
        await log.append(log.policy())
        log.clock.now += 4 * 86_400_000
        await log.append(log.grant(escrow_set=DIGEST))
        log.clock.now += 86_400_000
        await log.sequencer().step(renew=True)
        assert "heartbeat-gap" in failed(await log.verify())

    async def test_by_publishing_other_numbers(self, log: PublicLog) -> None:
        memory = (await log.verify()).memory
        await log.append(log.grant())
        log.shown[REPORT] = report_json(5, [])
        assert "report-numbers" in failed(await log.verify())
        # About an earlier head is not false, until somebody has seen a later one.
        log.shown[REPORT] = report_json(3, [])
        assert "report-numbers" not in failed(await log.verify())
        assert "report-numbers" in failed(await log.verify(memory))

    async def test_by_an_old_head(self, log: PublicLog) -> None:
        verdict = await log.verify(now=log.clock.now // 1000 + 3600)
        assert failed(verdict) == {"checkpoint-stale"}
        verdict = await log.verify(now=log.clock.now // 1000 - 3600)
        assert failed(verdict) == {"checkpoint-future"}


def tile_of(leaves: list[bytes]) -> list[bytes]:
    from halfdoor.merkle.tree import leaf_hash

    return [leaf_hash(leaf) for leaf in leaves]


class TestWhatEntriesSayTogether:
    """Rules between entries (SEALING §4–5)."""

    async def test_a_policy_counts_after_seven_days_of_witnesses_time(self) -> None:
        log = PublicLog()
        await log.append(log.policy(escrow_set=DIGEST))
        await log.append(log.policy(escrow_set=OTHER))
        await log.night()
        await log.append(log.grant(DIGEST), log.grant(OTHER, escrow_set=OTHER))
        verdict = await log.verify()
        early = [one.index for one in verdict.findings if one.check == "grant-policy"]
        assert early == [4]
        assert "policy-change" in {one.check for one in verdict.findings}
        for _ in range(7):
            await log.night()
        late = b64(b"\x02" * 32)
        await log.append(log.grant(late, escrow_set=OTHER))
        await log.night()
        verdict = await log.verify()
        assert [one.index for one in verdict.findings if one.check == "grant-policy"] == [4]

    async def test_people_who_were_not_told_in_time_are_listed(self, log: PublicLog) -> None:
        await log.append(log.grant(notify_by_day=log.day))
        await log.night()
        assert "notice-overdue" in failed(await log.verify())
        await log.append(
            ExtendEntry(
                entity=ENTITY,
                day=log.day,
                grant_commit=DIGEST,
                notify_by_day=log.day + 9,
                order_digest=DIGEST,
                running=1,
            )
        )
        assert "notice-overdue" not in failed(await log.verify())
        for _ in range(10):
            await log.night()
        assert "notice-overdue" in failed(await log.verify())
        notice = NoticeEntry(
            entity=ENTITY,
            day=log.day,
            grant_commit=DIGEST,
            conversations=1,
            epochs=3,
            subjects=1,
            others=1,
            bundles=(DIGEST,),
        )
        await log.append(notice)
        assert "notice-overdue" not in failed(await log.verify())

    async def test_what_is_about_no_grant_is_named(self, log: PublicLog) -> None:
        opened = OpenEntry(
            entity=ENTITY,
            day=log.day,
            grant_commit=DIGEST,
            epochs_opened=1,
            events_opened=9,
            events_disclosed=2,
            outcome="full",
        )
        await log.append(opened)
        assert "grant-known" in failed(await log.verify())

    async def test_a_grant_that_was_revoked_is_not_opened(self, log: PublicLog) -> None:
        await log.append(log.grant(), RevokeEntry(entity=ENTITY, day=log.day, grant_commit=DIGEST))
        opened = OpenEntry(
            entity=ENTITY,
            day=log.day,
            grant_commit=DIGEST,
            epochs_opened=1,
            events_opened=9,
            events_disclosed=2,
            outcome="full",
        )
        await log.append(opened)
        assert "grant-revoked" in failed(await log.verify())

    async def test_numbers_say_what_they_rest_on(self, log: PublicLog) -> None:
        await log.append(log.grant())
        verdict = await log.verify()
        numbers = {(one.row, one.of): (one.count, one.basis) for one in verdict.numbers}
        assert numbers["grants", "authority-request"] == (1, "proved")
        assert numbers["conversation-days granted, at most", "all"] == (4, "proved")

    async def test_a_missing_or_changed_document_is_a_failed_check(self, log: PublicLog) -> None:
        [path] = log.documents
        log.shown[path] = None
        assert failed(await log.verify()) == {"policy-document"}
        log.shown[path] = b"{}"
        assert failed(await log.verify()) == {"policy-document"}

    async def test_an_escrow_set_without_its_document_is_a_failed_check(self) -> None:
        log = PublicLog()
        await log.append(log.policy(escrow_set=DIGEST))
        assert "policy-document" in failed(await log.verify())
        log = PublicLog()
        more = {"escrow-set.json": log.document(DOCUMENT)}
        await log.append(log.policy(escrow_set=DIGEST, more=more))
        assert "policy-document" in failed(await log.verify())


async def test_entries_of_others_and_of_no_type_are_named(log: PublicLog) -> None:
    await log.append(log.grant(entity="another"))
    assert "entry-entity" in failed(await log.verify())


async def test_what_was_shown_falsely_is_not_remembered(log: PublicLog) -> None:
    memory = (await log.verify()).memory
    await log.append(log.grant())
    verdict: Verdict = await log.verify(memory)
    assert not verdict.good
    assert verdict.memory == memory
    assert head_size(memory.checkpoint) == 4
