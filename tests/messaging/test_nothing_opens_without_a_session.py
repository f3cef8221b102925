"""No. 35 of SEALING §8: no worker and no administrator gets at words without a session."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.messaging.little_house import DAY_MS, LittleHouse, Someone
from tests.messaging.whole_house import WholeHouse, whole_house

from halfdoor.messaging.errors import NotFoundError, UnknownEventError
from halfdoor.messaging.filters import parse_event_filter, parse_filter
from halfdoor.messaging.hearing import Hearing
from halfdoor.messaging.keep import NoKeyError
from halfdoor.messaging.presenting import Presenting
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.sync_rooms import SyncOptions
from halfdoor.sealing.labels import Denied

WORDS = "canary-words"


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def pair(house: LittleHouse) -> tuple[Someone, Someone, str]:
    """Two people and a conversation in which everything that can hold words holds them."""
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, name=WORDS, topic=WORDS)
    await ben.join(conv)
    said = await ada.say(conv, WORDS)
    await ben.edit(conv, await ben.say(conv, WORDS), WORDS)
    await ada.react(conv, said, WORDS)
    await ada.redact(conv, await ada.say(conv, WORDS), reason=WORDS)
    await house.personal.put(ada.reader, "org.example.note", {"note": WORDS})
    await house.personal.put(ada.reader, "m.tag", {"tags": {WORDS: {}}}, conv)
    return ada, ben, conv


async def all_that_reading_gives(house: LittleHouse, reader: Reader, conv: str) -> str:
    """Ask every way of reading; refusals count as nothing."""
    room, kept = await house.rooms.get(conv), house.store.conversations[conv]
    hearing = Hearing(house.audience, house.contacts)
    presenting = Presenting(house.store, house.reading, hearing, house.clock)
    options = SyncOptions(parse_filter(b"{}"), full_state=True)
    found: list[Any] = [msgspec.Raw(await house.syncer.sync(reader, None, 0, options))]
    for direction in ("b", "f"):
        page = await house.history.messages(
            reader, conv, start=None, end=None, direction=direction, limit=100,
            wanted=parse_event_filter("{}"),
        )  # fmt: skip
        found.append(page)
    for event in kept.events:
        try:
            found.append(
                msgspec.Raw(await house.history.event(reader, conv, event.fields.event_id))
            )
        except UnknownEventError:
            continue
    found += [msgspec.Raw(one) for one in await presenting.state(
        reader, room, list(room.state.values())
    )]  # fmt: skip
    found += [
        msgspec.Raw(one)
        for one in await presenting.stripped(reader, room, room.creator, known=True)
    ]
    for kind, where in (("org.example.note", ""), ("m.tag", conv)):
        try:
            found.append(msgspec.Raw(await house.personal.get(reader, kind, where)))
        except NotFoundError:
            continue
    return msgspec.json.encode(found).decode()


async def test_the_words_are_there_for_a_session(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    assert (await all_that_reading_gives(house, ada.reader, conv)).count(WORDS) > 8


async def test_a_reader_without_a_session_gets_none_of_them(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    # Also while a session of the same person is in flight, with everything open.
    await ada.sync()
    nobody = Reader(ada.id, ada.reader.device, None)
    assert WORDS not in await all_that_reading_gives(house, nobody, conv)


@pytest.mark.parametrize("session", ["", "session-of-nobody", "session-mallory"])
async def test_a_session_that_is_not_theirs_gets_none_of_them(
    house: LittleHouse, session: str
) -> None:
    ada, _ben, conv = await pair(house)
    mallory = await house.person("mallory")
    await mallory.say(await mallory.create(), "words of their own")
    reader = Reader(ada.id, ada.reader.device, session)
    house.start()
    found = ""
    try:
        found = await all_that_reading_gives(house, reader, conv)
    except Denied:
        # Fail closed is an answer as well.
        found = ""
    assert WORDS not in found


async def test_a_session_whose_time_is_over_gets_none_of_them(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    house.keyring.forget("session-ada")
    found = ""
    try:
        found = await all_that_reading_gives(house, ada.reader, conv)
    except Denied:
        found = ""
    assert WORDS not in found


async def test_no_words_are_written_without_a_session(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    nobody = Reader(ada.id, ada.reader.device, None)
    with pytest.raises(NoKeyError):
        await house.sender.message(nobody, conv, "m.room.message", {"body": "x"}, "t")
    with pytest.raises(Denied):
        await house.personal.put(nobody, "org.example.note", {"note": "x"})


async def test_news_of_accounts_opens_nothing(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    opened: list[str] = []
    watch(house, opened)
    house.clock.now += DAY_MS
    await house.news.new_user_key(ben.id, replaced=True)
    await house.news.started_over(ben.id)
    await house.news.deactivated(ada.id)
    house.typing.expire()
    assert opened == []
    assert house.store.conversations[conv].head.epoch > 1


def watch(house: LittleHouse, opened: list[str]) -> None:
    """Note every epoch and every piece of account data that the keyring opens."""
    keyring = house.keyring
    for name in ("epoch", "cached", "account_data_open"):
        real = getattr(keyring, name)

        def noted(session: str, *args: Any, _real: Any = real, **options: Any) -> Any:
            opened.append(session)
            return _real(session, *args, **options)

        setattr(keyring, name, noted)


async def test_carrying_account_data_over_uses_the_session_that_asked(house: LittleHouse) -> None:
    ada, ben, _conv = await pair(house)
    await house.personal.put(ben.reader, "org.example.note", {"note": WORDS})
    opened: list[str] = []
    watch(house, opened)
    await house.news.reseal_account_data(ada.id, ada.reader.session or "")
    assert set(opened) == {"session-ada"}


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


async def test_the_sweeps_of_a_running_house_open_nothing(whole: WholeHouse) -> None:
    ada, ben = await whole.person("ada"), await whole.person("ben")
    await whole.connect(ada, ben)
    room = await ada.create(ben, name=WORDS)
    await ben.join(room)
    await ada.say(room, WORDS)
    keyring = whole.house.keyring
    keyring.sweep(float("inf"))
    nothing = repr(keyring)
    assert "sessions=0" in nothing
    whole.clock.now += 40 * DAY_MS
    await whole.house.sweep_often()
    await whole.house.sweep_seldom()
    await whole.house.store.conversations.sweep()
    assert repr(keyring) == nothing
    events = await whole.house.store.conversations.events(
        room, after=0, before=100, limit=100, newest_first=False
    )
    assert WORDS.encode() not in b"".join(event.body or b"" for event in events)
