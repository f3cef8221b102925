"""What XML cannot carry is shown, never dropped, and never breaks the document."""

from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.readers.review.xml_reading import read_xml

from halfdoor.readers.review.cyber_tip_facts import Exhibit
from halfdoor.readers.review.transcript import transcript
from halfdoor.readers.review.xml_text import can_carry, xml_text

ANYTHING = st.text(st.characters())


@given(ANYTHING)
def test_whatever_somebody_wrote_comes_back_as_it_went_in(text: str) -> None:
    shown = xml_text(text)
    element = Element("a")
    element.text = shown
    assert (read_xml(tostring(element, encoding="utf-8")).text or "") == shown


@given(ANYTHING)
def test_what_can_be_carried_is_not_touched(text: str) -> None:
    if can_carry(text):
        assert xml_text(text) == text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        assert "[U+" in xml_text(text)


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\0", "[U+0000]"),
        ("\x0b", "[U+000B]"),
        ("\x1b", "[U+001B]"),
        ("\ud800", "[U+D800]"),
        ("\ufffe", "[U+FFFE]"),
        ("\uffff", "[U+FFFF]"),
        ("\t", "\t"),
        ("\x85", "\x85"),
        ("\U0001f9d2", "\U0001f9d2"),
    ],
)
def test_each_forbidden_character_is_named(character: str, shown: str) -> None:
    assert xml_text(f"a{character}b") == f"a{shown}b"


@given(st.lists(ANYTHING, max_size=4))
def test_no_message_can_make_up_another(texts: list[str]) -> None:
    exhibits = [
        Exhibit(
            evidence=f"evd_{n}",
            event_id=f"${n}",
            sender="@mallory:a.example",
            at=1_795_000_000_000 + n,
            type="m.room.message",
            text=text,
        )
        for n, text in enumerate(texts)
    ]
    written = transcript(exhibits).split("\n") if exhibits else []
    assert sum(1 for line in written if line and not line.startswith("> ")) == len(exhibits)
