"""A file is for who may see an event that names it, as long as they may, and for nobody else."""

from typing import Any

import pytest
from tests.messaging.encrypted_rooms import ENCRYPTION
from tests.messaging.little_house import DAY_MS, Someone
from tests.messaging.media_house import (
    OPAQUE,
    SERVER,
    MediaHouse,
    address,
    picture,
    show,
    whisper,
)

from halfdoor.messaging.errors import ForbiddenError
from halfdoor.messaging.media_errors import UnknownMediaError
from halfdoor.messaging.media_names import MAX_NAMED, named_in
from halfdoor.messaging.media_store import MediaState
from halfdoor.readers.participants.keyring_media import MediaKey
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.measures import Limits
from halfdoor.safety.refusal import ContactRefused, Reason
from halfdoor.sealing.labels import Denied

FILE = b"a picture"


@pytest.fixture
def house() -> MediaHouse:
    return MediaHouse()


async def cannot(house: MediaHouse, who: Someone, media_id: str) -> None:
    with pytest.raises(UnknownMediaError):
        await house.fetch(who, media_id)


# -- standard conversations ----------------------------------------------------------------------


async def test_naming_a_file_of_somebody_else_gives_nobody_its_key(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    with pytest.raises(ForbiddenError):
        await show(ben, conv, media_id)
    await cannot(house, ben, media_id)
    assert not house.files.used


async def test_naming_a_file_that_is_not_there_is_refused(house: MediaHouse) -> None:
    ada, _, conv = await house.friends()
    reserved, _ = await house.uploads.reserve(ada.id)
    gone = await house.upload(ada)
    del house.files.files[gone]
    for media_id in (reserved, gone):
        with pytest.raises(ForbiddenError):
            await show(ada, conv, media_id)


async def test_a_file_that_is_being_deleted_is_not_named(
    house: MediaHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)

    async def too_late(*_: Any, **__: Any) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(house.files, "use", too_late)
    with pytest.raises(ForbiddenError):
        await show(ada, conv, media_id)
    await cannot(house, ben, media_id)


async def test_an_event_names_no_more_files_than_an_album_has(house: MediaHouse) -> None:
    ada, _, conv = await house.friends()
    names = [address(await house.upload(ada)) for _ in range(MAX_NAMED + 1)]
    with pytest.raises(ForbiddenError):
        await ada.send(conv, "org.example.album", {"all": names})


async def test_members_fetch_what_an_event_names(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada, FILE)
    await cannot(house, ben, media_id)
    await show(ada, conv, media_id)
    assert await house.fetch(ben, media_id) == FILE
    stranger = await house.person("eve")
    await cannot(house, stranger, media_id)


async def test_thumbnail_and_picture_are_both_named(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    whole, small = await house.upload(ada, b"whole"), await house.upload(ada, b"small")
    await show(ada, conv, whole, info={"thumbnail_url": address(small)})
    assert await house.fetch(ben, whole) == b"whole"
    assert await house.fetch(ben, small) == b"small"


async def test_talking_about_a_file_shows_it_to_nobody(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    await ada.say(conv, address(media_id))
    await ada.say(conv, f"look: {address(media_id)}")
    await cannot(house, ben, media_id)


async def test_another_conversation_is_no_way_in(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    eve = await house.person("eve")
    house.connect(ada, eve)
    with_eve = await ada.create(eve)
    await eve.join(with_eve)
    media_id = await house.upload(ada)
    await show(ada, conv, media_id)
    await cannot(house, eve, media_id)
    # Passed on, each event brings the key for its own readers.
    await show(ada, with_eve, media_id)
    assert await house.fetch(eve, media_id) == b"a picture"
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_a_file_that_went_round_is_found_by_each_of_its_readers(house: MediaHouse) -> None:
    ada = await house.person("ada")
    media_id = await house.upload(ada)
    friends = [await house.person(f"p{n}") for n in range(8)]
    for friend in friends:
        house.connect(ada, friend)
        conv = await ada.create(friend)
        await friend.join(conv)
        await show(ada, conv, media_id)
    for friend in friends:
        assert await house.fetch(friend, media_id) == b"a picture"
    await cannot(house, await house.person("eve"), media_id)


async def test_who_may_fetch_a_file_may_pass_it_on(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    eve = await house.person("eve")
    house.connect(ben, eve)
    media_id = await house.upload(ada)
    await show(ada, conv, media_id)
    with_eve = await ben.create(eve)
    await eve.join(with_eve)
    await show(ben, with_eve, media_id)
    assert await house.fetch(eve, media_id) == b"a picture"


async def test_a_redaction_takes_the_file_too(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    event = await show(ada, conv, media_id)
    again = await show(ada, conv, media_id)
    await ada.redact(conv, event)
    assert await house.fetch(ben, media_id) == b"a picture"
    await ada.redact(conv, again)
    await cannot(house, ben, media_id)
    assert await house.fetch(ada, media_id) == b"a picture"


async def test_who_left_fetches_nothing_that_came_after(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    before, after = await house.upload(ada, b"before"), await house.upload(ada, b"after")
    await show(ada, conv, before)
    await ben.leave(conv)
    await show(ada, conv, after)
    assert await house.fetch(ben, before) == b"before"
    await cannot(house, ben, after)


async def test_who_blocks_the_sender_is_handed_nothing_of_theirs(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    house.people.blocked[ben.id].add(ada.id)
    house.people.version += 1
    media_id = await house.upload(ada)
    await show(ada, conv, media_id)
    await cannot(house, ben, media_id)


async def test_a_retried_event_names_its_file_once(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    for _ in range(2):
        await house.sender.message(
            ada.reader, conv, "m.room.message", picture(media_id), "the same"
        )
    assert len(await house.files.wraps(conv, media_id)) == 1
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_a_picture_of_the_conversation_is_for_its_members(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    await ada.set_state(conv, "m.room.avatar", {"url": address(media_id)})
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_each_epoch_has_the_picture_of_the_conversation(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    await ada.set_state(conv, "m.room.avatar", {"url": address(media_id)})
    for _ in range(3):
        house.clock.now += DAY_MS
        await ben.say(conv, "good morning")
        await ben.say(conv, "again")
    wraps = await house.files.wraps(conv, media_id)
    assert [one.epoch for one in wraps] == sorted({one.epoch for one in wraps}, reverse=True)
    assert len(wraps) == 4
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_an_encrypted_conversation_may_have_a_picture(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    media_id = await house.upload(ada)
    await ada.set_state(conv, "m.room.avatar", {"url": address(media_id)})
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_a_file_that_was_changed_is_denied_and_not_handed_out(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada, bytes(200_000))
    await show(ada, conv, media_id)
    name, blob = next(iter(house.blobs.blobs.items()))
    for changed in (blob[:-1] + b"\0", blob[:70_000], b"\0" + blob[1:]):
        house.blobs.blobs[name] = changed
        with pytest.raises(Denied):
            await house.fetch(ben, media_id)


async def test_a_wrap_moved_to_another_file_opens_nothing(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    shown, hidden = await house.upload(ada, b"shown"), await house.upload(ada, b"hidden")
    event = await show(ada, conv, shown)
    kept = house.store.conversations[conv]
    seq = next(one.seq for one in kept.events if one.fields.event_id == event)
    (wrap,) = kept.media[seq]
    kept.media[seq] = (type(wrap)(hidden, wrap.wrap),)
    house.files.used[hidden] = {conv: 0}
    await cannot(house, ben, hidden)


async def test_what_is_being_deleted_is_not_there(house: MediaHouse) -> None:
    ada, _, _ = await house.friends()
    media_id = await house.upload(ada)
    record = house.files.files[media_id]
    house.files.files[media_id] = type(record)(
        media_id, record.owner, record.created, MediaState.DOOMED
    )
    await cannot(house, ada, media_id)


# -- who does not know whom (SAFETY §5.1) --------------------------------------------------------


async def test_a_request_brings_no_file(house: MediaHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    conv = await ada.create(ben)
    media_id = await house.upload(ada)
    with pytest.raises(ContactRefused) as refused:
        await show(ada, conv, media_id)
    assert refused.value.reason is Reason.TEXT_ONLY
    await cannot(house, ben, media_id)


async def group(house: MediaHouse, band: AgeBand) -> tuple[Someone, Someone, str]:
    """Return two who do not know each other, brought together by a third."""
    ada, ben, eve = [await house.person(name, band) for name in ("ada", "ben", "eve")]
    for one in (ada, ben, eve):
        house.people.chose_dm.add(one.id)
    house.connect(eve, ada)
    house.connect(eve, ben)
    conv = await eve.create(ada, ben)
    await ada.join(conv)
    await ben.join(conv)
    return ada, ben, conv


async def test_teens_who_do_not_know_each_other_exchange_no_files(house: MediaHouse) -> None:
    ada, ben, conv = await group(house, AgeBand.FROM_16)
    media_id = await house.upload(ada)
    with pytest.raises(ContactRefused) as refused:
        await show(ada, conv, media_id)
    assert refused.value.row == "bands.16-17.media_from_non_connection"
    await ada.say(conv, "words are fine")
    house.connect(ada, ben)
    await show(ada, conv, media_id)
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_a_connection_that_ended_hands_out_no_more(house: MediaHouse) -> None:
    ada, ben, conv = await group(house, AgeBand.FROM_16)
    house.connect(ada, ben)
    media_id = await house.upload(ada)
    await show(ada, conv, media_id)
    del house.people.connections[frozenset({ada.id, ben.id})]
    house.people.version += 1
    with pytest.raises(ContactRefused) as refused:
        await house.fetch(ben, media_id)
    assert refused.value.reason is Reason.MEDIA


async def test_adults_in_a_group_exchange_files(house: MediaHouse) -> None:
    ada, ben, conv = await group(house, AgeBand.ADULT)
    media_id = await house.upload(ada)
    await show(ada, conv, media_id)
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_an_entity_may_block_files_of_strangers_among_adults() -> None:
    house = MediaHouse(bands={"adult": {"media_from_non_connection": "blocked"}})
    ada, _, conv = await group(house, AgeBand.ADULT)
    media_id = await house.upload(ada)
    with pytest.raises(ContactRefused):
        await show(ada, conv, media_id)


async def test_an_adult_and_a_minor_apart_never_fetch_from_each_other(house: MediaHouse) -> None:
    ada, ben, conv = await house.friends()
    media_id = await house.upload(ada)
    await show(ada, conv, media_id)
    house.people.bands[ben.id] = AgeBand.FROM_13
    del house.people.connections[frozenset({ada.id, ben.id})]
    house.people.version += 1
    with pytest.raises(ContactRefused):
        await house.fetch(ben, media_id)


# -- end-to-end encrypted conversations ----------------------------------------------------------


async def test_an_encrypted_event_takes_along_what_was_uploaded_unseen(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    media_id = await house.upload(ada, facts=OPAQUE)
    await cannot(house, ben, media_id)
    await whisper(ada, conv)
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_what_has_a_type_or_a_name_elsewhere_is_not_taken_along(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    eve = await house.person("eve")
    house.connect(ada, eve)
    with_eve = await ada.create(eve)
    await eve.join(with_eve)
    typed, named = await house.upload(ada), await house.upload(ada, facts=OPAQUE)
    await show(ada, with_eve, named)
    await whisper(ada, conv)
    for media_id in (typed, named):
        await cannot(house, ben, media_id)


async def test_what_is_older_than_a_day_is_not_taken_along(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    media_id = await house.upload(ada, facts=OPAQUE)
    house.clock.now += DAY_MS + 1
    await whisper(ada, conv)
    await cannot(house, ben, media_id)


async def test_nobody_elses_files_are_taken_along(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    media_id = await house.upload(ben, facts=OPAQUE)
    await whisper(ada, conv)
    await cannot(house, ada, media_id)


async def test_each_epoch_brings_its_wrap_once(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    media_id = await house.upload(ada, facts=OPAQUE)
    for _ in range(3):
        await whisper(ada, conv)
    assert len(await house.files.wraps(conv, media_id)) == 1
    # Another reader is another epoch.
    eve = await house.person("eve")
    house.connect(ada, eve)
    house.connect(ben, eve)
    await ada.invite(conv, eve)
    await eve.join(conv)
    await whisper(ada, conv)
    assert len(await house.files.wraps(conv, media_id)) == 2
    assert await house.fetch(eve, media_id) == b"a picture"


async def test_a_file_uploaded_among_many_messages_is_taken_along(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    for _ in range(3):
        await whisper(ada, conv)
        await whisper(ada, conv)
        media_id = await house.upload(ada, facts=OPAQUE)
        await whisper(ada, conv)
        assert await house.fetch(ben, media_id) == b"a picture"


async def test_a_file_that_comes_while_an_event_looks_is_taken_along_by_the_next(
    house: MediaHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, ben, conv = await house.encrypted_friends()
    recent = house.files.recent
    came: list[str] = []

    async def meanwhile(*about: Any) -> Any:
        found = await recent(*about)
        if not came:
            came.append(await house.upload(ada, facts=OPAQUE))
        return found

    monkeypatch.setattr(house.files, "recent", meanwhile)
    await whisper(ada, conv)
    await cannot(house, ben, came[0])
    await whisper(ada, conv)
    assert await house.fetch(ben, came[0]) == b"a picture"


async def test_a_redaction_takes_only_what_its_event_said(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    first, second = [await house.upload(ada, facts=OPAQUE) for _ in range(2)]
    says_first = await whisper(ada, conv)
    await whisper(ada, conv)
    await whisper(ada, conv)
    await ada.redact(conv, says_first)
    # Nobody sees which of the two it was: the next event brings both again.
    await cannot(house, ben, first)
    await whisper(ada, conv)
    assert await house.fetch(ben, second) == b"a picture"


async def test_who_may_send_no_media_takes_nothing_along(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    media_id = await house.upload(ada, facts=OPAQUE)
    house.people.limited[ada.id] = Limits(no_media=True)
    house.people.version += 1
    await whisper(ada, conv)
    await cannot(house, ben, media_id)
    del house.people.limited[ada.id]
    house.people.version += 1
    await whisper(ada, conv)
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_what_is_settled_is_not_looked_up_again(
    house: MediaHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, _, conv = await house.encrypted_friends()
    asked = 0
    recent = house.files.recent

    async def counted(*about: Any) -> Any:
        nonlocal asked
        asked += 1
        return await recent(*about)

    monkeypatch.setattr(house.files, "recent", counted)
    for _ in range(5):
        await whisper(ada, conv)
    assert asked == 1


async def test_no_more_than_fifty_are_taken_along(house: MediaHouse) -> None:
    ada, _, conv = await house.encrypted_friends()
    names = []
    for _ in range(52):
        house.clock.now += 1
        names.append(await house.upload(ada, facts=OPAQUE))
    await whisper(ada, conv)
    wrapped = [one for one in names if await house.files.wraps(conv, one)]
    assert wrapped == names[2:]


async def test_before_joining_no_file_is_fetched_in_an_encrypted_conversation(
    house: MediaHouse,
) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    media_id = await house.upload(ada, facts=OPAQUE)
    await whisper(ada, conv)
    with pytest.raises(ContactRefused) as refused:
        await house.fetch(ben, media_id)
    assert refused.value.reason is Reason.MEDIA
    await ben.join(conv)
    assert await house.fetch(ben, media_id) == b"a picture"


async def test_that_they_know_each_other_does_not_change_it(house: MediaHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    media_id = await house.upload(ada, facts=OPAQUE)
    await whisper(ada, conv)
    with pytest.raises(ContactRefused):
        await house.fetch(ben, media_id)
    # In a standard one the message can be read before accepting, and so can its picture.
    standard = await ada.create(ben)
    shown = await house.upload(ada)
    await show(ada, standard, shown)
    assert await house.fetch(ben, shown) == b"a picture"


async def test_who_turned_an_encrypted_conversation_down_fetches_nothing_of_it(
    house: MediaHouse,
) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    visible = {"type": "m.room.history_visibility", "content": {"history_visibility": "invited"}}
    conv = await ada.create(ben, initial_state=[ENCRYPTION, visible])
    media_id = await house.upload(ada, facts=OPAQUE)
    await whisper(ada, conv)
    await ben.leave(conv)
    with pytest.raises((ContactRefused, UnknownMediaError)):
        await house.fetch(ben, media_id)
    # Asked again, having been there once does not count for what came since.
    await ada.invite(conv, ben)
    await ben.join(conv)
    assert await house.fetch(ben, media_id) == b"a picture"
    await ben.leave(conv)
    await ada.invite(conv, ben)
    later = await house.upload(ada, facts=OPAQUE)
    await whisper(ada, conv)
    with pytest.raises(ContactRefused):
        await house.fetch(ben, later)


async def test_a_clear_reaction_takes_nothing_along(house: MediaHouse) -> None:
    ada, ben, conv = await house.encrypted_friends()
    event = await whisper(ada, conv)
    media_id = await house.upload(ada, facts=OPAQUE)
    await ada.react(conv, event)
    await cannot(house, ben, media_id)


# -- names in events -----------------------------------------------------------------------------

ID = "CJBUrN7dxpekES1QrWR4TzCoz4VNNPqqcLpIr_RPjxA"


@pytest.mark.parametrize(
    "content",
    [
        {"url": address(ID)},
        {"file": {"url": address(ID)}},
        {"info": {"thumbnail_url": address(ID)}},
        {"m.new_content": {"url": address(ID)}},
        {"org.example": [{"deep": [address(ID)]}]},
        {"formatted_body": f'x <img alt="a" src="{address(ID)}" width=3> <IMG SRC={address(ID)}>'},
    ],
)
def test_a_name_is_found_wherever_it_stands(content: dict[str, Any]) -> None:
    assert named_in(content, SERVER) == (ID,)


@pytest.mark.parametrize(
    "content",
    [
        {"body": address(ID)},
        {"formatted_body": f'<a href="{address(ID)}">'},
        {"url": f"see {address(ID)}"},
        {"url": address(ID, "other.example")},
        {"url": address(ID[:-1] + "B")},
        {"url": address("abc")},
        {"url": address(f"{ID}/x")},
        {"url": "mxc://"},
        {"url": 3},
    ],
)
def test_what_names_no_file_of_ours_names_none(content: dict[str, Any]) -> None:
    assert named_in(content, SERVER) == ()


def test_a_nest_of_names_is_not_followed_for_ever() -> None:
    nest: Any = address(ID)
    for _ in range(500):
        nest = [nest]
    assert named_in({"x": nest}, SERVER) == ()


def test_the_key_of_a_file_is_not_printed() -> None:
    assert repr(MediaKey("m", b"\x41" * 32)) == f"{MediaKey('m', bytes(32))}" == "MediaKey('m')"


# -- what clients are asked to blur --------------------------------------------------------------


async def blurred(house: MediaHouse, who: Someone, conv: str) -> list[str]:
    """Return the ids of the events that clients of *who* are asked to blur."""
    page = await who.messages(conv)
    return [one["event_id"] for one in page["chunk"] if one["unsigned"].get("org.halfdoor.blur")]


async def test_a_picture_of_a_stranger_is_marked_for_clients(house: MediaHouse) -> None:
    ada, ben, conv = await group(house, AgeBand.ADULT)
    await ada.say(conv, "words")
    event = await show(ada, conv, await house.upload(ada))
    assert await blurred(house, ben, conv) == [event]
    assert await blurred(house, ada, conv) == []
    house.connect(ada, ben)
    assert await blurred(house, ben, conv) == []


async def test_what_nobody_sees_into_is_marked_too(house: MediaHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    eve = await house.person("eve")
    house.connect(eve, ada)
    house.connect(eve, ben)
    conv = await eve.create(ada, ben, initial_state=[ENCRYPTION])
    await ada.join(conv)
    await ben.join(conv)
    event = await whisper(ada, conv)
    assert await blurred(house, ben, conv) == [event]
    assert await blurred(house, eve, conv) == []


async def test_an_entity_may_leave_it_to_people() -> None:
    house = MediaHouse(bands={"adult": {"media_from_non_connection": "allow"}})
    ada, ben, conv = await group(house, AgeBand.ADULT)
    await show(ada, conv, await house.upload(ada))
    assert await blurred(house, ben, conv) == []
