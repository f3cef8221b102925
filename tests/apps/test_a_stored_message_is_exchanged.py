"""Somebody with the database exchanges a message that was reported: at the desk nothing opens."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.apps.console_house import ConsoleHouse
from tests.apps.test_the_console_over_a_house import claimed

from halfdoor.apps.console_reveals import shown
from halfdoor.apps.house import House
from halfdoor.readers.review.records import Evidence
from halfdoor.readers.review.reveal import Revealed, Verdict
from halfdoor.sealing.chain import extended, link
from halfdoor.sealing.envelope import EventFields
from halfdoor.store.sqlite.events import link_of, open_row, seal_row
from halfdoor.store.sqlite.opening import Store

SAID = "canary: meet me, and tell nobody"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[ConsoleHouse]:
    found = ConsoleHouse(tmp_path)
    yield found
    await found.house.close()


def written(house: House, statement: str, *values: object) -> list[Any]:
    """Write to the file beside the server, as a thief of it would."""
    assert isinstance(house.store, Store)
    with sqlite3.connect(house.store.paths[0]) as con:
        found = con.execute(statement, values).fetchall()
    con.close()
    return found


def the_row_is_removed(house: House, item: Evidence) -> None:
    written(house, "DELETE FROM event WHERE seq = ?", item.seq)


def an_older_row_is_put_there(house: House, item: Evidence) -> None:
    written(
        house,
        "UPDATE event SET sealed = (SELECT sealed FROM event WHERE seq = ?1 - 1) WHERE seq = ?1",
        item.seq,
    )


def the_body_and_the_chain_are_made_anew(house: House, item: Evidence) -> None:
    """Do it with the outer key, and so that the conversation agrees with itself."""
    keys = house.store.keys.outer
    rows = written(house, "SELECT seq, event_id, sealed FROM event ORDER BY seq")
    ((chain, first),) = written(house, "SELECT chain0, first_seq FROM epoch WHERE epoch = 1")
    assert first == 1
    for seq, packed, sealed in rows:
        row = open_row(keys, item.room, seq, packed, sealed)
        if seq == item.seq:
            assert row.body == item.body
            row = replace(row, body=item.body[:-1] + bytes([item.body[-1] ^ 1]))
            generation = int.from_bytes(sealed[:2], "big")
            forged = seal_row(keys, generation, item.room, seq, packed, row)
            written(house, "UPDATE event SET sealed = ? WHERE seq = ?", forged, seq)
        chain = extended(chain, link_of(seq, packed, row))
    written(house, "UPDATE conv SET chain = ?", chain)


@pytest.mark.parametrize(
    "exchange",
    [the_row_is_removed, an_older_row_is_put_there, the_body_and_the_chain_are_made_anew],
)
async def test_an_exchanged_message_is_not_shown_and_the_case_says_so(
    at: ConsoleHouse, exchange: Callable[[House, Evidence], None]
) -> None:
    await at.reported("harassment.targeted", "before", SAID)
    robin = await at.staff("Robin", "reviewer")
    place = await claimed(at, robin)
    case = place.rpartition("/")[2]
    (item,) = await at.house.desk.store.evidence(case)
    exchange(at.house, item)
    status, page = await robin.post(f"{place}/items/{item.id}/reveal", why="judge")
    assert status == 409
    assert "canary" not in page
    assert (await at.house.desk.store.events(case))[-1].kind == "denied"
    assert [one.what for one in await at.house.desk.store.staff_log(0, 100)][-2:] == [
        "reveal",
        "denied",
    ]


async def test_what_retention_has_ended_is_shown_and_said_to_rest_on_the_receipt(
    at: ConsoleHouse,
) -> None:
    await at.reported("harassment.targeted", "before", SAID)
    robin = await at.staff("Robin", "reviewer")
    place = await claimed(at, robin)
    (item,) = await at.house.desk.store.evidence(place.rpartition("/")[2])
    fields = msgspec.json.decode(item.fields, type=EventFields)
    assert await at.house.store.conversations.witness(item.room, item.seq) == (
        item.hh,
        link(item.seq, fields, item.body),
    )
    (passed,) = await at.house.store.retention.conversations((-1, 0), 9)
    await at.house.store.retention.retire(passed.place, 2**30)
    await at.house.store.retention.clear(passed.place)
    status, page = await robin.post(f"{place}/items/{item.id}/reveal", why="judge")
    assert status == 200
    assert "canary" in page
    assert "that alone proves it" in page
    assert "deleted since, when its time was over" in page
    message = await at.house.desk.opener.open(item)
    assert not message.stored


def test_every_verdict_has_words_in_the_console() -> None:
    told = set()
    for verdict in Verdict:
        one = Revealed(id="evd_1", type="m.room.message", content={}, by="A", at=1, verdict=verdict)
        found = shown(one)
        proven = verdict in (Verdict.GENUINE, Verdict.RECEIPT_ONLY)
        assert (found.proven is True) == proven
        assert found.because
        told.add(found.because)
    assert len(told) == len(Verdict)
