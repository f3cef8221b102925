"""Whoever is limited is refused what they may not do, and nothing else."""

from typing import Any

import pytest

from halfdoor.safety.ages import AgeBand
from halfdoor.safety.limiting import (
    check_apart,
    check_starts,
    check_words_only,
    is_cut,
    shows_media,
)
from halfdoor.safety.measures import NONE, Limits
from halfdoor.safety.people import Person
from halfdoor.safety.refusal import ContactRefused, Reason

MEDIA: list[tuple[str, dict[str, Any]]] = [
    ("m.room.message", {"msgtype": "m.image", "body": "a", "url": "mxc://a/b"}),
    ("m.room.message", {"msgtype": "m.file", "body": "a"}),
    ("m.room.message", {"msgtype": "m.video", "body": "a"}),
    ("m.room.message", {"msgtype": "m.audio", "body": "a"}),
    ("m.room.message", {"msgtype": "org.example.drawing", "body": "a"}),
    ("m.room.message", {"body": "no type"}),
    (
        "m.room.message",
        {
            "msgtype": "m.text",
            "body": "a",
            "m.new_content": {"msgtype": "m.image", "body": "a"},
        },
    ),
    (
        "m.room.message",
        {
            "msgtype": "m.text",
            "body": "a",
            "format": "org.matrix.custom.html",
            "formatted_body": '<IMG src="x">',
        },
    ),
    ("m.sticker", {"body": "a"}),
    ("m.image", {}),
    ("m.room.avatar", {"url": "mxc://a/b"}),
    ("m.reaction", {"m.relates_to": {"key": "mxc://a/b", "rel_type": "m.annotation"}}),
    ("org.example.thing", {"deep": [{"er": ["mxc://a/b"]}]}),
]
WORDS: list[tuple[str, dict[str, Any]]] = [
    ("m.room.message", {"msgtype": "m.text", "body": "hello"}),
    ("m.room.message", {"msgtype": "m.notice", "body": "what is an mxc:// address?"}),
    ("m.room.message", {"msgtype": "m.emote", "body": "waves"}),
    ("m.reaction", {"m.relates_to": {"key": "+", "rel_type": "m.annotation"}}),
    ("m.room.redaction", {"redacts": "$a"}),
    ("m.room.name", {"name": "den"}),
]


@pytest.mark.parametrize(("kind", "content"), MEDIA)
def test_pictures_files_sound_and_video_are_refused_however_they_are_sent(
    kind: str, content: dict[str, Any]
) -> None:
    assert shows_media(kind, content)
    with pytest.raises(ContactRefused) as refused:
        check_words_only(Limits(no_media=True), kind, content)
    assert refused.value.public is Reason.OWN_NO_MEDIA
    check_words_only(NONE, kind, content)


@pytest.mark.parametrize(("kind", "content"), WORDS)
def test_words_are_not_media(kind: str, content: dict[str, Any]) -> None:
    assert not shows_media(kind, content)
    check_words_only(Limits(no_media=True), kind, content)


def test_who_may_begin_nothing_new_is_told_so() -> None:
    with pytest.raises(ContactRefused) as refused:
        check_starts(Limits(no_new_conversations=True))
    assert refused.value.public is Reason.OWN_NO_NEW_CONVERSATIONS
    assert "contest" in refused.value.sentence
    check_starts(Limits(no_media=True, no_minors=True))


@pytest.mark.parametrize("band", AgeBand)
def test_no_contact_with_minors_holds_both_ways_and_an_unknown_age_is_a_minors(
    band: AgeBand,
) -> None:
    limited = Person(user_id="@a:x", band=AgeBand.ADULT)
    other = Person(user_id="@b:x", band=band)
    limits = Limits(no_minors=True)
    cut = band is not AgeBand.ADULT
    assert is_cut(limited, limits, other, NONE) is cut
    assert is_cut(other, NONE, limited, limits) is cut
    assert not is_cut(limited, NONE, other, NONE)
    if cut:
        with pytest.raises(ContactRefused):
            check_apart(limited, limits, other, NONE)
    else:
        check_apart(limited, limits, other, NONE)


def test_by_trying_nobody_finds_out_who_is_a_child() -> None:
    adult, child = Person(user_id="@a:x", band=AgeBand.ADULT), Person(user_id="@b:x")
    with pytest.raises(ContactRefused) as refused:
        check_apart(adult, Limits(no_minors=True), child, NONE)
    assert refused.value.reason is Reason.NO_MINORS
    assert refused.value.public is Reason.NOT_REACHABLE
    assert "minor" not in refused.value.sentence
