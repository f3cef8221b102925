"""What one person keeps on the server is bounded; reading and what is there already are not."""

import pytest
from tests.store.making import ALICE, BOB, Store

from halfdoor.messaging.errors import QuotaError
from halfdoor.messaging.mailbox import AccountData, Quota


def data(kind: str, room: str = "", body: bytes = b"{}") -> AccountData:
    return AccountData(room=room, type=kind, body=body, sealed=False, pos=0)


async def test_one_piece_too_many_is_refused_and_writes_nothing(store: Store) -> None:
    store.mailbox.quota = Quota(account_data=3)
    for number in range(3):
        await store.mailbox.set_account_data(ALICE, data(f"org.example.{number}"))
    before = await store.mailbox.position(ALICE)
    with pytest.raises(QuotaError, match="as many as anybody may"):
        await store.mailbox.set_account_data(ALICE, data("org.example.3"))
    with pytest.raises(QuotaError):
        await store.mailbox.set_account_data(ALICE, data("org.example.0", room="!r:a.example"))
    assert await store.mailbox.position(ALICE) == before
    assert len(await store.mailbox.account_data(ALICE)) == 3
    # The others have their own.
    await store.mailbox.set_account_data(BOB, data("org.example.3"))


async def test_what_is_there_is_written_over_and_markers_are_not_counted(store: Store) -> None:
    store.mailbox.quota = Quota(account_data=1)
    await store.mailbox.set_account_data(ALICE, data("m.direct"))
    await store.mailbox.set_account_data(ALICE, data("m.direct", body=b'{"a":1}'))
    for number in range(4):
        await store.mailbox.set_account_data(ALICE, data("m.fully_read", f"!{number}:a.example"))
    kept = await store.mailbox.one_account_data(ALICE, "", "m.direct")
    assert kept is not None
    assert kept.body == b'{"a":1}'


async def test_one_filter_too_many_is_refused_and_the_same_again_is_not(store: Store) -> None:
    store.mailbox.quota = Quota(filters=2)
    first = await store.mailbox.set_filter(ALICE, b"{}")
    await store.mailbox.set_filter(ALICE, b'{"room":{}}')
    with pytest.raises(QuotaError, match="filters"):
        await store.mailbox.set_filter(ALICE, b'{"presence":{}}')
    # One that is there gets its id.
    assert await store.mailbox.set_filter(ALICE, b"{}") == first
