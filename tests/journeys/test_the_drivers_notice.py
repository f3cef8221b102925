"""The clients of the journeys would see a fault if the server made one."""

from typing import Any

import httpx
import pytest
from tests.journeys.light_load import LostSendError, Reader
from tests.journeys.raw_client import RawClient
from tests.journeys.seen_events import SeenRoom

ROOM = "!r:localhost"


def text(number: int, **more: Any) -> dict[str, Any]:
    content = {"msgtype": "m.text", "body": f"n {number}"}
    event = {"event_id": f"${number}", "sender": "@a:localhost", "type": "m.room.message"}
    return {**event, "content": content, **more}


def test_an_event_that_is_sent_twice_is_seen_twice() -> None:
    seen = SeenRoom()
    seen.take_in([text(1)], limited=False, prev_batch="p")
    seen.take_in([text(1)], limited=False, prev_batch="q")
    assert [one.event_id for one in seen.messages()] == ["$1", "$1"]


def test_a_page_that_overlaps_is_seen_twice_and_one_that_leaves_a_hole_shows_it() -> None:
    seen = SeenRoom()
    seen.take_in([text(5)], limited=True, prev_batch="p")
    seen.add_older([text(5), text(3)], older=None)
    assert [one.event_id for one in seen.messages()] == ["$3", "$5", "$5"]


def test_after_a_limited_sync_what_was_held_before_is_not_taken_for_complete() -> None:
    seen = SeenRoom()
    seen.take_in([text(1)], limited=True, prev_batch="p")
    seen.take_in([text(9)], limited=True, prev_batch="q")
    assert [one.event_id for one in seen.messages()] == ["$9"]
    assert seen.older == "q"


def test_a_redacted_message_shows_no_words_even_if_the_server_still_sends_them() -> None:
    seen = SeenRoom()
    redaction = {"event_id": "$x", "sender": "@a:localhost", "type": "m.room.redaction"}
    events = [text(1), {**redaction, "content": {"redacts": "$1"}}]
    seen.take_in(events, limited=False, prev_batch=None)
    [message] = seen.messages()
    assert (message.redacted, message.body) == (True, None)


async def test_a_reader_fills_a_gap_and_keeps_what_comes_twice() -> None:
    timelines = [
        {"events": [text(1)], "limited": False},
        {"events": [text(6)], "limited": True, "prev_batch": "before 6"},
        {"events": [text(6)], "limited": False},
    ]
    pages = {"before 6": {"chunk": [text(5), text(4)], "end": "before 4"}}
    pages["before 4"] = {"chunk": [text(3), text(2), text(1)], "end": "start"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/messages"):
            return httpx.Response(200, json=pages[request.url.params["from"]])
        if not timelines:
            return httpx.Response(403, json={"errcode": "M_FORBIDDEN"})
        joined = {ROOM: {"timeline": timelines.pop(0)}}
        return httpx.Response(200, json={"next_batch": "s", "rooms": {"join": joined}})

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="https://localhost", transport=transport) as http:
        reader = Reader("r", RawClient(http, lambda: ""))
        with pytest.raises(LostSendError, match="M_FORBIDDEN"):
            await reader.run()
    seen = [f"{event_id} {body}" for event_id, body in reader.seen[ROOM]]
    assert seen == [f"${number} n {number}" for number in (1, 2, 3, 4, 5, 6, 6)]
