"""What cannot be reported is refused in clear words, and nothing of it is kept."""

import pytest
from tests.messaging.little_house import Someone
from tests.readers.review_house import DAY_MS, ReviewHouse, reporter

from halfdoor.readers.review.errors import (
    ReportRefusedError,
    StaleCaseError,
    TooManyReportsError,
    UnseenError,
)
from halfdoor.readers.review.filing import Filing
from halfdoor.readers.review.store import DeskChange


@pytest.fixture
def desk() -> ReviewHouse:
    return ReviewHouse()


async def unseen(desk: ReviewHouse, who: Someone, room: str, *events: str, **more: object) -> str:
    """Expect that *who* cannot report these, and that nothing is kept; return the words."""
    before = desk.desk.everything()
    with pytest.raises(UnseenError) as refused:
        await desk.file(who, room, *events, **more)
    assert desk.desk.everything() == before
    return str(refused.value)


async def test_a_message_of_a_conversation_one_is_not_in(desk: ReviewHouse) -> None:
    _ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    there = await unseen(desk, cleo, room, await ben.say(room, "not for cleo"))
    nowhere = await unseen(desk, cleo, "!nowhere:a.example", "$" + "A" * 43)
    assert there == nowhere


async def test_a_message_that_is_not_there_or_lies_elsewhere(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "here")
    other = await ada.create(ben)
    words = {
        await unseen(desk, ada, room, "$nowhere"),
        await unseen(desk, ada, room, said, "$" + "A" * 43),
        await unseen(desk, ada, other, said),
        await unseen(desk, ada, room, said, context=["$" + "B" * 43]),
    }
    assert len(words) == 1


async def test_a_message_that_was_never_shown_because_its_sender_was_blocked(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    desk.house.people.blocked[ada.id].add(ben.id)
    desk.house.people.version += 1
    await unseen(desk, ada, room, await ben.say(room, "unheard"))


async def test_a_message_sent_after_one_left_or_before_one_was_asked_in(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    desk.house.connect(ada, cleo)
    desk.house.connect(ben, cleo)
    await ada.set_state(room, "m.room.history_visibility", {"history_visibility": "invited"})
    early = await ben.say(room, "before cleo")
    await ada.invite(room, cleo)
    await cleo.join(room)
    await ada.leave(room)
    late = await ben.say(room, "after ada")
    await unseen(desk, cleo, room, early)
    await unseen(desk, ada, room, late)


async def test_a_message_to_a_crowd_that_one_was_asked_into_and_did_not_join(
    desk: ReviewHouse,
) -> None:
    ada, ben, room = await desk.pair()
    cleo = await desk.house.person("cleo")
    desk.house.connect(ada, cleo)
    desk.house.connect(ben, cleo)
    await ada.invite(room, cleo)
    said = await ben.say(room, "to everybody here")
    await unseen(desk, cleo, room, said)
    await cleo.leave(room)
    await unseen(desk, cleo, room, said)


async def test_a_message_deleted_longer_ago_than_the_grace(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "gone")
    await ben.redact(room, said)
    desk.house.clock.now += 30 * DAY_MS
    words = await unseen(desk, ada, room, said)
    assert "too long ago" in words


async def test_oneself_ones_own_words_and_words_of_two_people(desk: ReviewHouse) -> None:
    ada, ben, room = await desk.pair()
    own, his = await ada.say(room, "mine"), await ben.say(room, "his")
    before = desk.desk.everything()
    for refused in (
        desk.file(ada, None, subject=ada.id),
        desk.file(ada, room, own),
        desk.file(ada, room, his, own),
        desk.file(ada, room, his, subject="@cleo:a.example"),
        desk.file(ada, room, own, subject=ben.id),
    ):
        with pytest.raises(ReportRefusedError):
            await refused
    assert desk.desk.everything() == before
    assert ben.id not in desk.house.people.blocked[ada.id]
    # As something around the words of the other one's own may stand.
    assert (await desk.file(ada, room, his, context=[own])).report.subject == ben.id


@pytest.mark.parametrize(
    ("filing", "said"),
    [
        (Filing(), "about a person"),
        (Filing(subject="ben"), "id of a person"),
        (Filing(subject="@ben\n:a.example"), "id of a person"),
        (Filing(room="room"), "id of a conversation"),
        (Filing(subject="@ben:a.example", events=("$a",)), "with the conversation"),
        (Filing(room="!r:a.example", events=("",)), "id of a message"),
        (Filing(room="!r:a.example", events=("$" + "a" * 255,)), "id of a message"),
        (Filing(room="!r:a.example", context=("$a",)), "that they are around"),
        (Filing(subject="@ben:a.example", reason="no.such"), "no such reason"),
        (Filing(subject="@ben:a.example", note="n" * 2001), "2000 characters"),
        (Filing(subject="@ben:a.example", language="english please"), "language tag"),
        (
            Filing(room="!r:a.example", events=tuple(f"${n}" for n in range(10_000))),
            "takes 50 messages, and these are 10000",
        ),
        (
            Filing(room="!r:a.example", events=("$a",), context=tuple("$b$c$d$e$f$g$h")),
            "takes 5 messages around them",
        ),
    ],
)
async def test_what_is_malformed_or_too_much_says_what_would_do(
    desk: ReviewHouse, filing: Filing, said: str
) -> None:
    ada = await desk.house.person("ada")
    before = desk.desk.everything()
    with pytest.raises(ReportRefusedError, match=said):
        await desk.reports.file(reporter(ada), filing)
    assert desk.desk.everything() == before


async def test_a_report_without_a_reason_where_the_policy_has_none_for_it() -> None:
    desk = ReviewHouse({"intake": {"plain_reason": ""}})
    ada = await desk.house.person("ada")
    with pytest.raises(ReportRefusedError, match="needs a reason"):
        await desk.file(ada, None, subject="@ben:a.example", reason=None)


async def test_a_flood_is_told_when_to_come_again_and_what_came_stays() -> None:
    desk = ReviewHouse({"intake": {"per_hour": 3}})
    ada, ben, room = await desk.pair()
    events = [await ben.say(room, f"word {n}") for n in range(5)]
    for event in events[:3]:
        await desk.file(ada, room, event)
        desk.house.clock.now += 60_000
    with pytest.raises(TooManyReportsError) as refused:
        await desk.file(ada, room, events[3], block=True)
    assert refused.value.retry_after_ms == 57 * 60_000
    assert len(await desk.reports.mine(ada.id)) == 3
    # The wish to be left in peace does not wait; nor does the same report again count.
    assert ben.id in desk.house.people.blocked[ada.id]
    assert (await desk.file(ada, room, events[0])).repeat
    desk.house.clock.now += refused.value.retry_after_ms
    await desk.file(ada, room, events[3])
    with pytest.raises(TooManyReportsError):
        await desk.file(ada, room, events[4])
    # Another person's reports are another matter.
    await desk.file(ben, None, subject=ada.id)


async def test_a_case_that_never_stands_still_is_given_up_and_nothing_is_kept(
    desk: ReviewHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben, room = await desk.pair()
    said = await ben.say(room, "you are a toad")
    tries = []

    async def always_stale(change: DeskChange) -> tuple[()]:
        tries.append(change)
        raise StaleCaseError("moved")

    before = desk.desk.everything()
    monkeypatch.setattr(desk.desk, "commit", always_stale)
    with pytest.raises(StaleCaseError, match="Send it again"):
        await desk.file(ada, room, said)
    assert 1 < len(tries) < 20
    assert desk.desk.everything() == before
