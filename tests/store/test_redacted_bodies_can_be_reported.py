"""A redacted body can be reported until its time is over, no longer where it is held longer."""

from tests.store.houses import House
from tests.store.making import ALICE, BOB, Store, event, found, say

from halfdoor.messaging.ledger import Committed
from halfdoor.sealing.labels import Denied


async def redacted(store: Store, destroy_after: int | None) -> tuple[Committed, int, bytes]:
    """Return a conversation, and seq and body of the message in it that was redacted."""
    at = await found(store, ALICE, BOB)
    said = event(at.conv, ALICE, (BOB,))
    at = await say(store, at, said)
    seq = at.events[0].seq
    gone = event(at.conv, ALICE, redacts=said.fields.event_id, destroy_after=destroy_after)
    return await say(store, at, gone), seq, said.body


async def test_until_its_time_is_over_and_no_longer(store: Store) -> None:
    at, seq, body = await redacted(store, 99)
    conversations = store.conversations
    assert await conversations.held(at.conv, seq, 98) == body
    # Before it is destroyed too: how often that is done must make no difference.
    assert await conversations.held(at.conv, seq, 99) is None
    assert await conversations.held(at.conv, seq, 100) is None
    await store.destroy_held(99)
    assert await conversations.held(at.conv, seq, 98) is None


async def test_a_hold_for_a_case_does_not_lengthen_it(store: Store) -> None:
    at, seq, body = await redacted(store, 99)
    await store.retention.freeze(at.conv, "case 1")
    await store.destroy_held(1000)
    assert await store.conversations.held(at.conv, seq, 98) == body
    # Else somebody could find out by trying that a report was made.
    assert await store.conversations.held(at.conv, seq, 99) is None


async def test_what_was_not_redacted_or_not_held_is_not_there(store: Store) -> None:
    at, seq, _body = await redacted(store, None)
    conversations = store.conversations
    assert await conversations.held(at.conv, seq, 0) is None
    assert await conversations.held(at.conv, 1, 0) is None
    assert await conversations.held(at.conv, 10_000, 0) is None
    assert await conversations.held("!none:a.example", seq, 0) is None


async def test_a_held_body_put_in_the_place_of_another_does_not_open(house: House) -> None:
    store = house.store
    at, seq, _body = await redacted(store, 99)
    other, place, _other_body = await redacted(store, 99)
    assert seq == place
    ((sealed,),) = await house.ask("SELECT sealed FROM hold ORDER BY cb, c LIMIT 1")
    await house.change("UPDATE hold SET sealed = ?", bytes(sealed))
    store = house.store
    outcomes = []
    for conv in (at.conv, other.conv):
        try:
            outcomes.append(await store.conversations.held(conv, seq, 1))
        except Denied:
            outcomes.append(None)
    assert outcomes.count(None) == 1


async def test_the_key_of_receipts_is_made_once_and_is_no_other(store: Store) -> None:
    secrets = store.secrets()
    assert len(secrets.receipts) == 32
    assert len(set(secrets)) == len(secrets)
    assert store.secrets() == secrets
