"""What sync says of keys left is right after every change, and cheap where nothing changes."""

import pytest
from tests.e2ee.key_fakes import FakeKeyStore

from halfdoor.e2ee.key_counts import KeyCounts
from halfdoor.e2ee.key_store import DeviceCounts, OneTimeKey

ADA = "@ada:a.example"


class CountingStore(FakeKeyStore):
    """Notes how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def counts(self, user: str, device: str) -> DeviceCounts:
        self.asked += 1
        return await super().counts(user, device)


async def left(counts: KeyCounts) -> bytes:
    section = await counts.section(ADA, "DEV")
    assert bytes(section["device_unused_fallback_key_types"]) == b"[]"
    return bytes(section["device_one_time_keys_count"])


@pytest.mark.parametrize("alone", [True, False])
async def test_a_device_without_keys_costs_one_look(alone: bool) -> None:
    store = CountingStore()
    counts = KeyCounts(store, alone=alone)
    for _ in range(3):
        assert await left(counts) == b'{"signed_curve25519":0}'
    assert store.asked == 1


@pytest.mark.parametrize(("alone", "asked"), [(True, 1), (False, 3)])
async def test_keys_that_another_process_may_hand_out_are_counted_each_time(
    alone: bool, asked: int
) -> None:
    store = CountingStore()
    await store.put_device_keys(ADA, "DEV", b"{}")
    counts = KeyCounts(store, alone=alone)
    for _ in range(3):
        await left(counts)
    assert store.asked == asked


async def test_a_count_that_was_read_before_a_claim_is_not_remembered() -> None:
    store = CountingStore()
    await store.add_one_time_keys(ADA, "DEV", [OneTimeKey("signed_curve25519", "A", b"{}")], 9)
    counts = KeyCounts(store, alone=True)
    assert await left(counts) == b'{"signed_curve25519":1}'
    await store.claim(ADA, "DEV", "signed_curve25519")
    counts.forget(ADA, "DEV")
    assert await left(counts) == b'{"signed_curve25519":0}'
