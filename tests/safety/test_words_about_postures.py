"""What people are told of the postures: no stronger than SEALING §0, and easy to read."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from tests.readers.review.reading_grade import grade

from halfdoor.safety.posture_words import (
    ATTACKS,
    CLAIMS,
    NOT_CLAIMED,
    VISIBLE,
    explained,
    plain_words,
)

ROOT: Final = Path(__file__).parents[2]
SEALING: Final = ROOT / "docs" / "design" / "SEALING.md"


def bare(text: str) -> str:
    """Return *text* without the marks of Markdown, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"[>*`]", "", text)).strip()


def said_in_sealing() -> str:
    section = SEALING.read_text().partition("## 0. What may be claimed")[2].partition("\n## 1.")[0]
    quoted = "\n".join(line for line in section.splitlines() if line.startswith(">"))
    return bare(quoted)


def test_the_claims_are_those_of_the_specification_word_for_word() -> None:
    assert said_in_sealing() == bare(" ".join(CLAIMS) + " Not claimed. " + NOT_CLAIMED)


@pytest.mark.parametrize("text", plain_words())
def test_a_child_of_eleven_can_read_what_is_said_for_everybody(text: str) -> None:
    assert grade(text) <= 6, (grade(text), text)


def test_end_to_end_encryption_says_what_stays_visible_and_what_it_does_not_stop() -> None:
    said = explained("e2ee")
    assert said["server_still_sees"] == list(VISIBLE)
    assert [one["key"] for one in said["attacks"]] == [
        "added_device",
        "changed_client",
        "guessable_passphrase",
    ]
    everything = " ".join(VISIBLE).lower()
    for word in (
        "in the chat",
        "when",
        "how long",
        "device",
        "name",
        "topic",
        "picture",
        "react",
        "answer",
        "edit",
        "delete",
        "why",
        "read",
        "type",
        "files",
        "public keys",
        "block",
    ):
        assert word in everything


def readers(posture: Any) -> dict[str, bool]:
    return {one["who"].split()[0]: one["can"] for one in explained(posture)["who_can_read"]}


def test_the_same_three_kinds_of_reader_stand_in_both_and_escrow_in_one() -> None:
    assert readers("standard") == {"You,": True, "Custodians,": True, "Safety": True}
    assert readers("e2ee") == {"You,": True, "Custodians,": False, "Safety": True}


def test_no_word_promises_what_nobody_can_keep() -> None:
    said = " ".join([*plain_words(), *(one["name"] for one in ATTACKS)]).lower()
    for boast in ("never", "impossible", "guarantee", "fully", "nobody can", "unbreakable", "100"):
        assert boast not in said


def test_the_threats_name_the_same_three_attacks() -> None:
    threats = (ROOT / "THREATS.md").read_text().lower()
    for word in ("a device added by the server", "a changed client", "a guessable backup"):
        assert word in threats
