"""The verdict of the crash runs on forged histories: each kind of harm is found by its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journeys.crash_verdict import Seen, Story, Verdict, judge

TOLD = {"ada 0": "$a", "ben 0": "$b", "ada 1": "$c", "ada 2": "$d"}
KEPT = [Seen(event_id, mark) for mark, event_id in TOLD.items()]


def story(
    *,
    kept: list[Seen] | None = None,
    seen: list[Seen] | None = None,
    told: dict[str, str] | None = None,
) -> Story:
    """Return a sound story, but for what is given."""
    whole = KEPT if kept is None else kept
    return Story(
        acknowledged=TOLD if told is None else told,
        readers={"ben": list(whole if seen is None else seen), "ada": list(whole)},
        kept=whole,
    )


def counts(forged: Story) -> dict[str, int]:
    return {kind: count for kind, count in judge("room", forged).counts.items() if count}


def test_a_message_that_is_kept_nowhere_is_lost() -> None:
    assert counts(story(kept=[*KEPT[:2], *KEPT[3:]])) == {"lost": 1}


def test_the_last_message_is_missed_like_any_other() -> None:
    assert counts(story(kept=KEPT[:3])) == {"lost": 1}


def test_a_message_kept_with_another_text_is_lost() -> None:
    forged = [*KEPT[:3], Seen("$d", "ada 7")]
    assert counts(story(kept=forged)) == {"lost": 1, "invented": 3}


def test_a_message_kept_twice_is_doubled_though_its_id_is_another() -> None:
    forged = [*KEPT, Seen("$e", "ada 2")]
    assert counts(story(kept=forged)) == {"doubled": 3, "invented": 3}


def test_a_message_that_a_reader_got_twice_is_doubled() -> None:
    # Once by its mark, once by its id.
    assert counts(story(seen=[*KEPT, KEPT[3]])) == {"doubled": 2}


def test_a_message_that_one_reader_never_got_is_skipped() -> None:
    assert counts(story(seen=[*KEPT[:1], *KEPT[2:]])) == {"skipped": 1}


def test_a_reader_who_saw_nothing_skipped_everything() -> None:
    assert counts(story(seen=[])) == {"skipped": 4}


def test_two_messages_that_a_reader_got_the_other_way_round_are_disordered() -> None:
    forged = [KEPT[0], KEPT[2], KEPT[1], KEPT[3]]
    assert counts(story(seen=forged)) == {"disordered": 1}


def test_a_writer_s_messages_kept_the_other_way_round_are_disordered() -> None:
    forged = [KEPT[0], KEPT[1], KEPT[3], KEPT[2]]
    assert counts(story(kept=forged)) == {"disordered": 1}


def test_a_message_that_nobody_was_told_of_is_invented() -> None:
    assert counts(story(told={mark: at for mark, at in TOLD.items() if at != "$d"})) == {
        "invented": 3
    }


def test_the_findings_of_many_conversations_are_added_up_and_told() -> None:
    both = Verdict.of_all([judge("one", story(seen=[])), judge("other", story(kept=KEPT[:3]))])
    assert both.counts["skipped"] == 4
    assert not both.is_clean
    assert "one: ben never saw ada 0" in str(both)
    assert "other: ada 2 was acknowledged as $d and is not kept" in str(both)


def test_a_sound_history_is_clean() -> None:
    assert judge("room", story()).is_clean


@given(st.integers(2, 30), st.data())
@pytest.mark.parametrize("harm", ["drop", "double", "swap"])
def test_whatever_one_reader_s_stream_suffers_is_noticed(
    harm: str, length: int, data: st.DataObject
) -> None:
    told = {f"ada {number}": f"${number}" for number in range(length)}
    kept = [Seen(event_id, mark) for mark, event_id in told.items()]
    at = data.draw(st.integers(0, length - 2))
    seen = list(kept)
    if harm == "drop":
        del seen[at]
    elif harm == "double":
        seen.insert(data.draw(st.integers(0, length)), seen[at])
    else:
        seen[at], seen[at + 1] = seen[at + 1], seen[at]
    assert not judge("room", story(kept=kept, seen=seen, told=told)).is_clean
