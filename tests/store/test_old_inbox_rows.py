"""Old inbox rows go, but for what is unread; who was away for longer is told so."""

from tests.store.houses import House
from tests.store.making import ALICE, BOB, Store, event, found, say

DAYS = 30


async def prune(store: Store, today: int) -> int:
    after: tuple[int, int] | None = (-1, 0)
    dropped = 0
    while after is not None:
        pruned = await store.mailbox.prune(after, today, DAYS)
        dropped += pruned.rows
        after = pruned.next
    return dropped


async def positions(store: Store, user: str) -> list[int]:
    return [row.pos for row in await store.mailbox.inbox(user, after=0, limit=9999)]


async def test_nothing_goes_before_its_time(store: Store) -> None:
    await found(store, ALICE, BOB)
    before = await positions(store, ALICE)
    for today in (100, 110, 129):
        assert await prune(store, today) == 0
    assert await positions(store, ALICE) == before
    assert await store.mailbox.horizon(ALICE) == 0
    assert await store.mailbox.horizon("@nobody:a.example") == 0


async def test_old_rows_go_and_the_horizon_says_how_far(house: House) -> None:
    store = house.store
    at = await found(store, ALICE, BOB)
    old = await store.mailbox.position(ALICE)
    await prune(store, 100)
    at = await say(store, at, event(at.conv, ALICE, (BOB,)))
    young = await store.mailbox.position(ALICE)
    assert await prune(store, 130) > 0
    assert await store.mailbox.horizon(ALICE) == old
    assert await positions(store, ALICE) == [young]
    # Nothing of it is forgotten when the store is opened again.
    store = await house.reopen()
    assert await store.mailbox.position(ALICE) == young
    at = await say(store, at, event(at.conv, ALICE))
    assert await positions(store, ALICE) == [young, young + 1]


async def test_a_position_never_goes_back(house: House) -> None:
    store = house.store
    at = await found(store, ALICE, BOB)
    before = await store.mailbox.position(ALICE)
    for today in (100, 130, 160, 190):
        await prune(store, today)
    store = await house.reopen()
    assert await store.mailbox.position(ALICE) == before
    await say(store, at, event(at.conv, ALICE))
    assert await store.mailbox.position(ALICE) == before + 1


async def test_what_is_unread_still_counts(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    seqs = []
    for _ in range(3):
        at = await say(store, at, event(at.conv, ALICE, (BOB,), highlight=True))
        seqs.append(at.events[0].seq)
    for today in (100, 130, 160):
        await prune(store, today)
    place = await store.mailbox.place(BOB, at.conv)
    assert place is not None
    assert (place.notify, place.highlight) == (3, 3)
    await store.mailbox.set_read(BOB, at.conv, seqs[0])
    place = await store.mailbox.place(BOB, at.conv)
    assert place is not None
    assert (place.notify, place.highlight) == (2, 2)
    # Once read they are as old as the others.
    await store.mailbox.set_read(BOB, at.conv, seqs[2])
    await prune(store, 190)
    await prune(store, 220)
    assert len(await positions(store, BOB)) <= 2


async def test_many_rows_go_a_few_at_a_time(store: Store) -> None:
    at = await found(store, ALICE)
    for _ in range(8):
        events = [event(at.conv, ALICE) for _ in range(100)]
        at = await say(store, at, *events)
    await prune(store, 100)
    at = await say(store, at, event(at.conv, ALICE))
    first = await store.mailbox.prune((-1, 0), 130, DAYS)
    assert 0 < first.rows < 800
    assert first.next is not None
    assert await prune(store, 130) + first.rows == 802
    assert len(await positions(store, ALICE)) == 1
