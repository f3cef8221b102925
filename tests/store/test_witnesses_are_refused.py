"""What is refused of the rows of a reported event before its chain is gone over."""

import pytest

from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.retired import Retired
from halfdoor.store.witness import FEW, Conversation, Course, is_ended, place_of

KEYS = OuterKeys({})
AT = Conversation(c=1, last_seq=9, epoch=3, hh=b"h" * 32, chain=b"c" * 32, begins=4)
RETIRED = Retired(epoch=2, seq=4, chain=b"r" * 32)
EPOCHS = [(2, b"2" * 32, 4, b"r" * 32), (3, b"h" * 32, 7, b"x" * 32)]


@pytest.mark.parametrize("seq", [-1, 0, 10])
def test_an_event_that_never_was_is_neither_ended_nor_kept(seq: int) -> None:
    with pytest.raises(Denied):
        is_ended(AT, RETIRED, seq)


@pytest.mark.parametrize("begins", [1, 3, 5])
def test_a_conversation_begins_where_retention_ended(begins: int) -> None:
    for seq in (1, 9):
        with pytest.raises(Denied):
            is_ended(AT._replace(begins=begins), RETIRED, seq)


def test_what_was_ended_is_told_from_what_is_kept() -> None:
    assert [is_ended(AT, RETIRED, seq) for seq in (1, 3, 4, 9)] == [True, True, False, False]


def test_a_row_that_is_not_there_is_refused() -> None:
    with pytest.raises(Denied):
        place_of(KEYS, "!a:x", 4, None)


def test_an_event_of_an_epoch_that_is_not_there_is_refused() -> None:
    with pytest.raises(Denied):
        Course(KEYS, "!a:x", AT, RETIRED, [])
    with pytest.raises(Denied):
        Course(KEYS, "!a:x", AT, RETIRED, EPOCHS[1:]).hh(2)
    assert Course(KEYS, "!a:x", AT, RETIRED, EPOCHS).hh(2) == b"2" * 32


def test_the_length_is_counted_from_the_beginning_of_the_epoch() -> None:
    for more, short in ((0, True), (1, False)):
        at = AT._replace(last_seq=4 + FEW - 1 + more)
        assert Course(KEYS, "!a:x", at, RETIRED, EPOCHS).is_short is short
