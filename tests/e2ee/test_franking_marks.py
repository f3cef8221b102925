"""The server marks what was committed to, with the key of its month, and destroys that in time."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.messaging.little_house import DAY_MS, FixedClock
from tests.readers.review.encrypted_pair import FakeFrankingKeys
from tests.readers.review.franking_client import COMMITMENT, b64

from halfdoor.e2ee.franking_marks import KEPT_DAYS, FrankingMarks, Mark
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.franking import franking_month

ROOM = "!room:a.example"


class Desk:
    """Marks over keys in memory, and one event of now."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.keys = FakeFrankingKeys()
        self.marks = FrankingMarks(self.keys, self.clock)
        self.fields = EventFields(
            event_id="$event",
            sender="@ben:a.example",
            device="BEN1",
            ts=self.clock.now_ms(),
            type="m.room.encrypted",
        )

    async def mark(self, fields: EventFields | None = None, **content: Any) -> Mark | None:
        said = {"ciphertext": "AwgA", COMMITMENT: b64(bytes(32)), **content}
        return await self.marks.mark(ROOM, fields or self.fields, json.dumps(said).encode())


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    "content",
    [
        {COMMITMENT: "short"},
        {COMMITMENT: b64(bytes(31))},
        {COMMITMENT: b64(bytes(33))},
        {COMMITMENT: None},
        {COMMITMENT: ["x"]},
        {"ciphertext": 7},
    ],
)
async def test_what_is_no_commitment_is_not_marked(desk: Desk, content: dict[str, Any]) -> None:
    assert await desk.mark(**content) is None
    assert not desk.keys.keys


@pytest.mark.parametrize("content", [b"{}", b"", b"not JSON " + COMMITMENT.encode()])
async def test_what_commits_to_nothing_is_not_marked(desk: Desk, content: bytes) -> None:
    assert await desk.marks.mark(ROOM, desk.fields, content) is None
    assert not desk.keys.keys


@pytest.mark.parametrize(
    "other",
    [
        {"sender": "@ada:a.example"},
        {"device": "BEN2"},
        {"event_id": "$other"},
        {"ts": 1_790_000_000_001},
    ],
)
async def test_every_fact_changes_the_mark(desk: Desk, other: dict[str, Any]) -> None:
    desk.clock.now = 1_790_000_000_000
    mine = replace(desk.fields, ts=desk.clock.now_ms())
    one, another = await desk.mark(mine), await desk.mark(replace(mine, **other))
    assert one is not None
    assert another is not None
    assert one.tag != another.tag
    assert one == await desk.mark(mine)


async def test_a_month_has_a_key_of_its_own(desk: Desk) -> None:
    earlier = replace(desk.fields, ts=desk.fields.ts - 40 * DAY_MS)
    marks = [await desk.mark(desk.fields), await desk.mark(earlier)]
    assert [one.key_id for one in marks if one] == [
        franking_month(desk.fields.ts),
        franking_month(earlier.ts),
    ]
    assert len(set(desk.keys.keys.values())) == 2


async def test_nothing_is_marked_once_the_key_is_destroyed_and_none_is_made_anew(
    desk: Desk,
) -> None:
    assert await desk.mark() is not None
    month = franking_month(desk.fields.ts)
    desk.clock.now += KEPT_DAYS * DAY_MS
    assert await desk.marks.destroy(desk.clock.now_ms()) == 0
    assert await desk.mark() is not None
    desk.clock.now += 32 * DAY_MS
    # Also before the sweep came by, and where another node holds the key in memory.
    assert await desk.mark() is None
    assert await desk.marks.key(month) is None
    assert await desk.marks.destroy(desk.clock.now_ms()) == 1
    assert not desk.keys.keys
    assert await desk.mark() is None
    assert not desk.keys.keys


async def test_a_month_that_is_to_come_has_no_key(desk: Desk) -> None:
    later = replace(desk.fields, ts=desk.fields.ts + 62 * DAY_MS)
    assert await desk.mark(later) is None
    assert await desk.marks.key(franking_month(later.ts)) is None


async def test_keys_are_not_printed(desk: Desk) -> None:
    await desk.mark()
    (key,) = desk.keys.keys.values()
    assert repr(desk.marks) == "FrankingMarks(1 keys)"
    assert key.decode() not in repr(desk.marks)
