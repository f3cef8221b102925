"""What is known of files: whose they are, who was given a key, and what one person may keep."""

import asyncio
import secrets

import pytest
from msgspec.structs import replace
from tests.store.houses import House
from tests.store.making import ALICE, BOB, CAROL, Store, epoch_start, event, found, say
from tests.store.test_holds_on_conversations import freeze_keys, under
from tests.store.test_months_end import MONTH_MS, leave_and_end
from tests.store.test_retention import end

from halfdoor.clock import month_of
from halfdoor.ids import new_media_id
from halfdoor.messaging.ledger import Committed, MediaWrap, NewEvent
from halfdoor.messaging.media_store import (
    UNNAMED_MS,
    CaseBlob,
    MediaState,
    MediaTakenError,
    NoMediaError,
    Quota,
    QuotaError,
    Upload,
    Usage,
)
from halfdoor.store.erasing import QUEUE
from halfdoor.store.jobs import Job

NOW = 1_790_000_000_000
QUOTA = Quota(bytes=1_000, files=3, reserved=2)
DAY_MS = 86_400_000


def upload(size: int = 100, *, opaque: bool = False) -> Upload:
    return Upload(size, size + 49, secrets.token_bytes(32), b"own wrap", b"facts", opaque)


async def file(
    store: Store, owner: str = ALICE, size: int = 100, *, opaque: bool = False, now: int = NOW
) -> str:
    """Return the id of a file that is ready."""
    media_id = new_media_id(owner)
    await store.media.reserve(media_id, owner, now, QUOTA)
    await store.media.claim(media_id, owner, size, now, QUOTA)
    await store.media.finish(media_id, owner, upload(size, opaque=opaque), QUOTA)
    return media_id


def naming(conv: str, *media_ids: str, **more: object) -> NewEvent:
    wraps = tuple(MediaWrap(one, b"wrap of " + one.encode()) for one in media_ids)
    return replace(event(conv, ALICE, (BOB,), **more), media=wraps)  # type: ignore[arg-type]


async def shared(store: Store, media_id: str) -> Committed:
    """Return a conversation whose newest message names a file."""
    at = await found(store, ALICE, BOB)
    await store.media.use(at.conv, [media_id], NOW, standard=True)
    return await say(store, at, naming(at.conv, media_id))


async def redact(store: Store, at: Committed, destroy_after: int | None) -> Committed:
    target = at.events[-1].fields.event_id
    redaction = event(
        at.conv,
        ALICE,
        (BOB,),
        type="m.room.redaction",
        redacts=target,
        destroy_after=destroy_after,
    )
    return await say(store, at, redaction)


# -- uploads -----------------------------------------------------------------------------------


async def test_only_who_reserved_an_id_puts_a_file_under_it(store: Store) -> None:
    media_id = new_media_id(ALICE)
    with pytest.raises(NoMediaError):
        await store.media.claim(media_id, ALICE, 1, NOW, QUOTA)
    await store.media.reserve(media_id, ALICE, NOW, QUOTA)
    for wrong in (BOB, CAROL):
        with pytest.raises(NoMediaError):
            await store.media.claim(media_id, wrong, 1, NOW, QUOTA)
        await store.media.give_up(media_id, wrong, again=False)
    await store.media.claim(media_id, ALICE, 1, NOW, QUOTA)
    with pytest.raises(NoMediaError):
        await store.media.finish(media_id, BOB, upload(1), QUOTA)


async def test_an_id_takes_one_file(store: Store) -> None:
    media_id = new_media_id(ALICE)
    await store.media.reserve(media_id, ALICE, NOW, QUOTA)
    with pytest.raises(MediaTakenError):
        await store.media.reserve(media_id, ALICE, NOW, QUOTA)
    tries = await asyncio.gather(
        *(store.media.claim(media_id, ALICE, 1, NOW, QUOTA) for _ in range(3)),
        return_exceptions=True,
    )
    assert [isinstance(one, str) for one in tries].count(True) == 1
    assert [isinstance(one, MediaTakenError) for one in tries].count(True) == 2
    await store.media.finish(media_id, ALICE, upload(1), QUOTA)
    with pytest.raises(MediaTakenError):
        await store.media.claim(media_id, ALICE, 1, NOW, QUOTA)
    with pytest.raises(NoMediaError):
        await store.media.finish(media_id, ALICE, upload(2), QUOTA)


async def test_an_id_that_nobody_used_for_a_day_is_used_no_more(store: Store) -> None:
    media_id = new_media_id(ALICE)
    await store.media.reserve(media_id, ALICE, NOW, QUOTA)
    with pytest.raises(NoMediaError):
        await store.media.claim(media_id, ALICE, 1, NOW + UNNAMED_MS + 1, QUOTA)


async def test_a_file_is_known_once_it_is_whole(house: House) -> None:
    store, media_id = house.store, new_media_id(ALICE)
    assert await store.media.media(media_id) is None
    assert await store.media.media("not an id of ours") is None
    await store.media.reserve(media_id, ALICE, NOW, QUOTA)
    blob = await store.media.claim(media_id, ALICE, 7, NOW, QUOTA)
    known = await store.media.media(media_id)
    assert known is not None
    assert (known.state, known.blob, known.upload) == (MediaState.UPLOADING, blob, None)
    what = upload(9, opaque=True)
    await store.media.finish(media_id, ALICE, what, QUOTA)
    store = await house.reopen()
    known = await store.media.media(media_id)
    assert known is not None
    assert (known.owner, known.created, known.state) == (ALICE, NOW, MediaState.READY)
    assert (known.blob, known.upload, known.named) == (blob, what, False)


async def test_an_attempt_that_failed_leaves_the_id_or_nothing(store: Store) -> None:
    kept, dropped, never = (new_media_id(ALICE) for _ in range(3))
    first = None
    for media_id in (kept, dropped):
        await store.media.reserve(media_id, ALICE, NOW, QUOTA)
        first = first or await store.media.claim(media_id, ALICE, 10, NOW, QUOTA)
    await store.media.claim(dropped, ALICE, 10, NOW, QUOTA)
    await store.media.give_up(kept, ALICE, again=True)
    await store.media.give_up(dropped, ALICE, again=False)
    await store.media.reserve(never, ALICE, NOW, QUOTA)
    await store.media.give_up(never, ALICE, again=False)
    assert await store.media.usage(ALICE) == Usage(0, 0, 1)
    assert await store.media.media(dropped) is None
    assert await store.media.media(never) is None
    assert await store.media.claim(kept, ALICE, 10, NOW, QUOTA) != first


async def test_nobody_keeps_more_than_the_quota(store: Store) -> None:
    await file(store, size=600)
    over = new_media_id(ALICE)
    await store.media.reserve(over, ALICE, NOW, QUOTA)
    with pytest.raises(QuotaError, match="bytes"):
        await store.media.claim(over, ALICE, 401, NOW, QUOTA)
    # Who said nothing, or too little, is met at the end.
    await store.media.claim(over, ALICE, 0, NOW, QUOTA)
    with pytest.raises(QuotaError, match="bytes"):
        await store.media.finish(over, ALICE, upload(401), QUOTA)
    await store.media.finish(over, ALICE, upload(400), QUOTA)
    assert await store.media.usage(ALICE) == Usage(1_000, 2, 0)
    await file(store, size=0)
    one_more = new_media_id(ALICE)
    await store.media.reserve(one_more, ALICE, NOW, QUOTA)
    with pytest.raises(QuotaError, match="files"):
        await store.media.claim(one_more, ALICE, 0, NOW, QUOTA)
    await store.media.reserve(new_media_id(ALICE), ALICE, NOW, QUOTA)
    with pytest.raises(QuotaError, match="ids"):
        await store.media.reserve(new_media_id(ALICE), ALICE, NOW, QUOTA)
    await file(store, BOB, size=600)


async def test_uploads_at_the_same_time_do_not_pass_the_quota(store: Store) -> None:
    wide = Quota(bytes=1_000, files=99, reserved=99)
    ids = [new_media_id(ALICE) for _ in range(8)]
    for media_id in ids:
        await store.media.reserve(media_id, ALICE, NOW, wide)
    tries = await asyncio.gather(
        *(store.media.claim(one, ALICE, 300, NOW, wide) for one in ids), return_exceptions=True
    )
    assert [isinstance(one, str) for one in tries].count(True) == 3
    assert (await store.media.usage(ALICE)).bytes == 900


# -- naming ------------------------------------------------------------------------------------


async def test_a_wrap_is_written_with_its_event_and_found_by_file_and_event(
    house: House,
) -> None:
    store = house.store
    one, other = await file(store), await file(store)
    at = await found(store, ALICE, BOB)
    assert await store.media.use(at.conv, [one, other], NOW, standard=True) == {one, other}
    at = await say(store, at, naming(at.conv, one, other), naming(at.conv, one))
    store = await house.reopen()
    newest, oldest = await store.media.wraps(at.conv, one)
    assert (newest.event.seq, oldest.event.seq) == (at.head.last_seq, at.head.last_seq - 1)
    assert (newest.wrap, newest.epoch, newest.hh) == (
        b"wrap of " + one.encode(),
        at.head.epoch,
        at.head.hh,
    )
    assert newest.event == at.events[1]
    both = await store.media.wraps_of(at.conv, at.events[0].fields.event_id)
    assert {wrap.media_id for wrap in both} == {one, other}
    assert await store.media.wrapped(at.conv, at.head.epoch, [one, new_media_id(ALICE)]) == {one}
    assert await store.media.wrapped(at.conv, at.head.epoch + 1, [one]) == frozenset()
    assert await store.media.uses(one) == [at.conv]
    assert await store.media.wraps("!other:a.example", one) == []
    assert await store.media.wraps(at.conv, "none of ours") == []


async def test_an_event_that_is_sent_twice_brings_its_wraps_once(store: Store) -> None:
    media_id = await file(store)
    at = await found(store, ALICE, BOB)
    sent = naming(at.conv, media_id)
    await say(store, at, sent)
    assert (await say(store, at, sent)).repeat
    assert len(await store.media.wraps(at.conv, media_id)) == 1


async def test_a_file_that_is_not_ready_is_named_by_nobody(store: Store) -> None:
    media_id = new_media_id(ALICE)
    await store.media.reserve(media_id, ALICE, NOW, QUOTA)
    named = [media_id, new_media_id(BOB), "none of ours"]
    assert await store.media.use("!r:a.example", named, NOW, standard=True) == frozenset()
    assert await store.media.uses(media_id) == []


async def test_only_opaque_files_of_ones_own_that_no_clear_event_named_are_recent(
    store: Store,
) -> None:
    old = await file(store, opaque=True, now=NOW - DAY_MS)
    first = await file(store, opaque=True, now=NOW)
    second = await file(store, opaque=True, now=NOW + 1)
    await file(store, BOB)
    since = NOW - DAY_MS
    assert [one.media_id for one in await store.media.recent(ALICE, since, 9)] == [second, first]
    assert [one.media_id for one in await store.media.recent(ALICE, since, 1)] == [second]
    await store.media.use("!r:a.example", [second], NOW, standard=False)
    assert len(await store.media.recent(ALICE, since, 9)) == 2
    await store.media.use("!r:a.example", [second], NOW, standard=True)
    assert [one.media_id for one in await store.media.recent(ALICE, since - 1, 9)] == [first, old]
    assert await store.media.recent(BOB, since, 9) == []


# -- what ends ---------------------------------------------------------------------------------


async def test_a_redacted_event_keeps_its_wraps_for_a_reporter_until_the_hold_ends(
    store: Store,
) -> None:
    media_id = await file(store)
    at = await redact(store, await shared(store, media_id), NOW + 5)
    (held,) = await store.media.wraps(at.conv, media_id)
    assert held.event.redacted_by is not None
    assert await store.media.wrapped(at.conv, at.head.epoch, [media_id]) == frozenset()
    await store.destroy_held(NOW + 4)
    assert len(await store.media.wraps(at.conv, media_id)) == 1
    await store.destroy_held(NOW + 5)
    assert await store.media.wraps(at.conv, media_id) == []


async def test_a_redaction_without_a_hold_destroys_the_wraps_at_once(store: Store) -> None:
    media_id = await file(store)
    at = await shared(store, media_id)
    at = await say(store, at, naming(at.conv, media_id))
    target = at.events[-1].fields.event_id
    at = await redact(store, at, None)
    assert await store.media.wraps_of(at.conv, target) == []
    assert len(await store.media.wraps(at.conv, media_id)) == 1


async def test_retention_ends_wraps_with_their_events(house: House) -> None:
    store, media_id = house.store, await file(house.store)
    at = await shared(store, media_id)
    start = epoch_start(2, ALICE, BOB)
    at = await say(store, at, naming(at.conv, media_id), start=start)
    assert len(await store.media.wraps(at.conv, media_id)) == 2
    await end(store, at.conv, 20_002)
    (left,) = await store.media.wraps(at.conv, media_id)
    assert left.epoch == 2
    assert await house.ask("SELECT epoch FROM media_wrap") == [(2,)]


async def test_no_redaction_or_retention_takes_a_wrap_that_is_held(house: House) -> None:
    store, media_id = house.store, await file(house.store)
    at = await shared(store, media_id)
    await store.retention.freeze(at.conv, "case 1")
    assert await under(house, "media_wrap") == await freeze_keys(house)
    at = await redact(store, at, NOW + 5)
    await store.destroy_held(NOW + 6)
    await end(store, at.conv, 20_009)
    assert len(await house.ask("SELECT 1 FROM media_wrap")) == 1
    await store.retention.thaw(at.conv, "case 1")
    assert await under(house, "media_wrap") == {month_of(house.clock.now)}
    await store.destroy_held(NOW + 6)
    assert await house.ask("SELECT 1 FROM media_wrap") == []


async def test_what_is_kept_of_files_outlives_its_month(house: House) -> None:
    store, month = house.store, month_of(house.clock.now)
    media_id = await file(store)
    at = await shared(store, media_id)
    before = await store.media.media(media_id), await store.media.wraps(at.conv, media_id)
    house.clock.now += 3 * MONTH_MS
    assert await leave_and_end(store, month) == [month]
    store = await house.reopen()
    assert (await store.media.media(media_id), await store.media.wraps(at.conv, media_id)) == before


async def test_what_lies_in_the_files_of_the_database_names_no_key(house: House) -> None:
    store = house.store
    what = replace(upload(), wrap=b"CANARY-WRAP" * 4, facts=b"CANARY-FACTS" * 4)
    media_id = new_media_id(ALICE)
    await store.media.reserve(media_id, ALICE, NOW, QUOTA)
    await store.media.claim(media_id, ALICE, 1, NOW, QUOTA)
    await store.media.finish(media_id, ALICE, what, QUOTA)
    at = await found(store, ALICE, BOB)
    await say(
        store,
        at,
        replace(event(at.conv, ALICE, (BOB,)), media=(MediaWrap(media_id, b"CANARY-EPOCH" * 4),)),
    )
    await store.media.show(ALICE, media_id, b"CANARY-AVATAR" * 3)
    raw = await house.raw()
    assert b"CANARY-" not in raw


# -- profiles, cases, erasure ------------------------------------------------------------------


async def test_a_profile_shows_one_file_of_ones_own(store: Store) -> None:
    mine, later, theirs = await file(store), await file(store), await file(store, BOB)
    for wrong in (theirs, new_media_id(ALICE), "none of ours"):
        with pytest.raises(NoMediaError):
            await store.media.show(ALICE, wrong, b"k" * 32)
    await store.media.show(ALICE, mine, b"k" * 32)
    assert await store.media.avatar_key(mine) == b"k" * 32
    assert await store.media.avatar_key(later) is None
    await store.media.show(ALICE, later, b"l" * 32)
    assert await store.media.avatar_key(mine) is None
    assert await store.media.avatar_key(later) == b"l" * 32
    await store.media.hide(ALICE)
    assert await store.media.avatar_key(later) is None


async def test_a_case_has_only_copies_that_are_whole(store: Store) -> None:
    media_id = await file(store)
    given_up = await store.media.keep_for_case("case 1", media_id, NOW)
    blob = await store.media.keep_for_case("case 1", media_id, NOW)
    assert given_up != blob
    copy = CaseBlob("case 1", media_id, blob, 149, b"d" * 32)
    await store.media.kept_for_case(copy)
    with pytest.raises(NoMediaError):
        await store.media.kept_for_case(copy)
    assert await store.media.case_blobs("case 1") == [copy]
    assert await store.media.case_blobs("case 2") == []
    await store.media.release_case("case 1")
    assert await store.media.case_blobs("case 1") == []


async def test_nothing_is_kept_for_somebody_erased_and_their_files_are_nobodys(
    house: House,
) -> None:
    store = house.store
    shown, waiting = await file(store), new_media_id(ALICE)
    at = await shared(store, shown)
    await store.media.show(ALICE, shown, b"k" * 32)
    await store.media.reserve(waiting, ALICE, NOW, QUOTA)
    await store.media.claim(waiting, ALICE, 5, NOW, QUOTA)
    name = store.erasures.name(ALICE)
    job = Job(ub=0, id=name, queue=QUEUE, run_at=NOW, payload=b"x")
    await store.erasures.ask(ALICE, job)
    assert await store.media_sweeping.leave(ALICE) is False
    with pytest.raises(NoMediaError):
        await store.media.finish(waiting, ALICE, upload(5), QUOTA)
    with pytest.raises(NoMediaError):
        await store.media.reserve(new_media_id(ALICE), ALICE, NOW, QUOTA)
    # Others read on what they were sent; nobody finds by whom, and nobody has the sender's key.
    left = await store.media.media(shown)
    assert left is not None
    assert left.upload is not None
    assert (left.owner, left.upload.wrap, left.upload.facts) == (name, b"", b"facts")
    assert len(await store.media.wraps(at.conv, shown)) == 1
    assert await store.media.avatar_key(shown) is None
    assert await store.media.usage(ALICE) == Usage(0, 0, 0)
    assert await store.media.recent(ALICE, 0, 9) == []
