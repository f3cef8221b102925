"""Ids: one spelling, a bucket that says where, and the grammar of the ids we meet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor import ids
from halfdoor.ids import BadId


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["$", ""]), st.integers(0, 4095), st.binary(min_size=30, max_size=30))
def test_an_id_reads_back_and_has_43_characters(prefix: str, bucket: int, random30: bytes) -> None:
    text = ids.make_id(prefix, bucket, random30)
    assert len(text) == len(prefix) + 43
    assert ids.read_id(prefix, text) == (bucket, random30)


@pytest.mark.parametrize("number", [-1, 4096, 65_536])
def test_a_bucket_beyond_4095_is_refused(number: int) -> None:
    with pytest.raises(BadId):
        ids.make_id("$", number, bytes(30))


@pytest.mark.parametrize("length", [0, 29, 31])
def test_an_id_carries_30_bytes(length: int) -> None:
    with pytest.raises(BadId):
        ids.make_id("$", 0, bytes(length))


GOOD = ids.make_id("$", 2382, bytes(range(30)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$",
        GOOD[1:],
        "#" + GOOD[1:],
        "$" + GOOD,
        GOOD[:-1],
        GOOD + "A",
        GOOD + "=",
        GOOD[:-1] + "1",
        GOOD[:-1] + "é",
        GOOD[:20] + "+" + GOOD[21:],
        GOOD[:20] + "\n" + GOOD[21:],
        " " + GOOD,
        "$" + "A" * 41,
        "$EAAA" + "A" * 39,
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(BadId):
        ids.read_id("$", text)


def test_an_id_that_is_no_text_has_no_bucket() -> None:
    with pytest.raises(BadId):
        ids.bucket("\ud800")


def test_fresh_ids_have_their_form_and_their_place() -> None:
    room = ids.new_room_id("a.example:8448")
    assert ids.is_room_id(room)
    assert len(room) == len("!:a.example:8448") + 18
    event, media = ids.random_event_id(room), ids.new_media_id("@a:x")
    assert ids.read_id("$", event)[0] == ids.bucket(room)
    assert ids.read_id("", media)[0] == ids.bucket("@a:x")
    device = ids.new_device_id()
    assert len(device) == 10
    assert device.isalpha()
    assert device.isupper()
    assert len(ids.new_session_id()) == 22


def test_fresh_ids_are_never_the_same() -> None:
    for make in (
        ids.new_device_id,
        ids.new_session_id,
        lambda: ids.new_room_id("x"),
        lambda: ids.random_event_id("!r:x"),
        lambda: ids.new_media_id("@a:x"),
    ):
        assert len({make() for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "text",
    [
        "@alice:a.example",
        "@alice:a.example:8448",
        "@alice:10.0.0.1",
        "@alice:[::1]:80",
        "@A!b/c=d:x",
        "@émile:x",
        f"@{'a' * 252}:x",
    ],
)
def test_users_of_today_and_of_before_are_users(text: str) -> None:
    assert ids.is_user_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "@alice",
        "@:x",
        "@alice:",
        "alice:x",
        "!alice:x",
        "@al ice:x",
        "@al\u00a0ice:x",
        "@al\tice:x",
        "@al\x00ice:x",
        "@al\ud800ice:x",
        "@al\nice:x",
        "@alice:x\n",
        "@alice:x:y",
        "@alice:x:123456",
        "@alice:ex ample",
        "@alice:[::1",
        f"@{'a' * 253}:x",
        f"@{'é' * 127}:x",
    ],
)
def test_what_is_no_user_is_none(text: str) -> None:
    assert not ids.is_user_id(text)


def test_a_room_has_an_opaque_part_and_a_server() -> None:
    assert ids.is_room_id("!abc-_DEF:a.example")
    for text in ("!:x", "!abc", "@abc:x", "!a b:x", "!abc:", f"!{'a' * 253}:x"):
        assert not ids.is_room_id(text)


def test_a_server_has_a_name() -> None:
    for text in ("a.example", "a.example:8448", "localhost", "[2001:db8::1]:8448"):
        assert ids.is_server_name(text)
    for text in ("", "a b", "a.example:", ":8448", "a/b", "é.example", "a.example\n"):
        assert not ids.is_server_name(text)
