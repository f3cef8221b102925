"""The texts: plain for teens, help first, nobody named, nothing left unsaid."""

import string

import pytest
from tests.readers.review.reading_grade import grade, syllables_of

from halfdoor.policy.load import load
from halfdoor.readers.review import words
from halfdoor.safety.measures import Kind

# The most that a text for people under 18 may ask of its reader.
GRADE = 6.0
# What stands in place of the braces while the grade is counted.
FACTS = {
    "contest": "23 May 2027",
    "rule": "Bullying",
    "when": "June 2026",
    "measures": "you cannot start new chats for 7 days",
    "decided": words.DECIDED_BY_A_PERSON,
    "count": "5",
}


def test_counting_syllables_agrees_with_a_dictionary() -> None:
    known = {"people": 2, "decision": 3, "account": 2, "looked": 1, "decided": 3, "one": 1, "we": 1}
    assert {word: syllables_of(word) for word in known} == known


@pytest.mark.parametrize("key", words.TEXTS)
def test_no_text_for_teens_is_above_grade_six(key: str) -> None:
    title, lines = words.say(key, minor=True, **FACTS)
    assert grade(" ".join(lines)) <= GRADE
    assert grade(f"{title}.") <= GRADE + 2, "a title is one short sentence"


def test_help_and_measures_are_as_plain() -> None:
    said = [
        words.HELP_DANGER,
        words.HELP_HARM,
        words.DECIDED_BY_A_PERSON,
        words.DECIDED_BY_A_MACHINE,
    ]
    said += [f"What we did: {text.format(days=' for 7 days')}." for text in words.MEASURES.values()]
    assert grade(" ".join(said)) <= GRADE
    assert [one for one in said if grade(one) > GRADE + 2] == []


@pytest.mark.parametrize("key", words.TEXTS)
@pytest.mark.parametrize("minor", [True, False])
def test_every_text_can_be_said_with_the_facts_it_names(key: str, minor: bool) -> None:
    title, lines = words.say(key, minor=minor, **FACTS)
    assert title
    assert all(lines)
    assert "{" not in title + "".join(lines)


def test_no_text_has_a_place_for_a_message_or_a_name() -> None:
    asked = {
        name
        for text in words.TEXTS.values()
        for line in (text.title, *text.plain, *text.full)
        for _, name, _, _ in string.Formatter().parse(line)
        if name
    }
    assert asked <= {"contest", "rule", "when", "measures", "decided", "count"}


def test_everything_that_a_person_feels_has_words_and_a_label_has_none() -> None:
    assert set(words.MEASURES) == set(Kind) - {Kind.LABEL}


def test_what_an_adult_is_told_of_a_decision_names_all_ways_to_contest_it() -> None:
    for key in ("statement", "warning", "outcome_acted", "outcome_nothing", "outcome_noted"):
        text = " ".join(words.say(key, minor=False, **FACTS)[1])
        assert "out-of-court" in text
        assert "court." in text
        assert "free of charge until 23 May 2027" in text


def test_a_length_of_days_reads_as_one_says_it() -> None:
    assert [words.days_in_words(n) for n in (None, 1, 30)] == ["", " for a day", " for 30 days"]


def test_the_rules_that_teens_read_of_are_named_in_plain_words() -> None:
    titles = [one.title for one in load(None).review.reasons]
    assert [one for one in titles if grade(f"{one}.") > GRADE + 4] == []
