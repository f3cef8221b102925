"""All that people are told about reports and decisions: one catalogue of texts, as data.

`plain` is for people under 18 or of unknown age, at Flesch-Kincaid grade 6 or below, which a test
counts; `full` for adults, where more has to be said (SAFETY §5.4, §5.10). What stands in braces is
put in by `say`: never a message, never a name.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from halfdoor.safety.measures import Kind


class Words(msgspec.Struct, frozen=True):
    """One thing to say. Adults get *full*, or *plain* where there is no more to say."""

    title: str
    plain: tuple[str, ...]
    full: tuple[str, ...] = ()


_BLOCK: Final = "You can block this person at any time. They are not told."
_AGAIN: Final = (
    "Do you think we got it wrong? You can ask us to look again until {contest}."
    " Then a new person decides."
)
_AGAIN_FULL: Final = (
    "You can contest this decision free of charge until {contest}. Somebody else than the first"
    " reviewer decides about it. You may also turn to an out-of-court dispute settlement body or to"
    " a court."
)
_COURT: Final = (
    "You may still turn to an out-of-court dispute settlement body or to a court if you disagree."
)
_RULE: Final = "Our rule: {rule}."
_WHEN: Final = "It is about something from {when}."

# Help comes first for people who were harmed: these stand before everything else, and the lines of
# help follow them.
HELP_DANGER: Final = "Is someone in danger right now? Call for help first. They can help you:"
HELP_HARM: Final = "This is not your fault. You can talk to someone right now. They can help you:"

TEXTS: Final[Mapping[str, Words]] = {
    "receipt": Words(
        "We got your report",
        (
            "Thank you for telling us. That was the right thing to do.",
            "A person will look at it. They see what you sent us, and no other chats.",
            "We do not tell the other person who sent it. We will tell you here what we did.",
            _BLOCK,
        ),
    ),
    "outcome_acted": Words(
        "We looked at your report",
        (
            "You were right to tell us. It breaks our rules, and we did something about it.",
            "We do not say what we did. That keeps you and others safe.",
            _BLOCK,
            _AGAIN,
        ),
        (
            "What you reported breaks our rules, and we took measures.",
            "Which ones we do not say: that protects you and others.",
            _BLOCK,
            _AGAIN_FULL,
        ),
    ),
    "outcome_noted": Words(
        "We looked at your report",
        (
            "We looked with care at what you sent. It was good that you told us.",
            "We keep it in mind. If it goes on, tell us again.",
            _BLOCK,
            _AGAIN,
        ),
        (
            "We looked at what you reported. We took no measures now, and keep it in mind.",
            "If it goes on, report it again.",
            _BLOCK,
            _AGAIN_FULL,
        ),
    ),
    "outcome_nothing": Words(
        "We looked at your report",
        (
            "We looked with care at what you sent. We did not find that it breaks our rules.",
            "It can still hurt. It was good that you told us.",
            _BLOCK,
            _AGAIN,
        ),
        (
            "We looked at what you reported and did not find that it breaks our rules.",
            _BLOCK,
            _AGAIN_FULL,
        ),
    ),
    "statement": Words(
        "A decision about your account",
        (
            "We found that you broke a rule.",
            _RULE,
            _WHEN,
            "What we did: {measures}.",
            "{decided}",
            _AGAIN,
        ),
        (
            "We found that something of yours does not agree with our rules.",
            _RULE,
            _WHEN,
            "What we did: {measures}.",
            "{decided}",
            _AGAIN_FULL,
        ),
    ),
    "warning": Words(
        "A warning",
        (
            "We found that you broke a rule. This is a warning.",
            _RULE,
            _WHEN,
            "{decided}",
            "Please do not do it again. Next time we may limit what you can do here.",
            _AGAIN,
        ),
        (
            "We found that something of yours does not agree with our rules. This is a warning.",
            _RULE,
            _WHEN,
            "{decided}",
            "If it happens again, we may limit or end your account.",
            _AGAIN_FULL,
        ),
    ),
    "appeal_stays": Words(
        "We looked again",
        (
            "You asked us to look again. A new person did. The decision stays.",
            "Thank you for telling us what you think.",
        ),
        (
            "You asked us to look again. Somebody else than the first reviewer did.",
            "The decision stays.",
            _COURT,
        ),
    ),
    "appeal_changed": Words(
        "We took it back",
        (
            "You asked us to look again. A new person did. We got it wrong, and we are sorry.",
            "We took back what we did. You can use your account as you could before.",
        ),
    ),
    "taken_back": Words(
        "We took it back",
        (
            "We looked again at what we did. We got it wrong, and we are sorry.",
            "We took back what we did. You can use your account as you could before.",
        ),
    ),
    "reporter_appeal_stays": Words(
        "We looked again",
        (
            "We looked again at what you told us about. A new person did.",
            "Our decision stays.",
            _BLOCK,
        ),
    ),
    "reporter_appeal_changed": Words(
        "We changed our decision",
        (
            "We looked again at what you told us about. A new person did.",
            "They saw it in another way, and we took back what we did.",
            "It was still good that you told us. You can tell us again if it goes on.",
            _BLOCK,
        ),
    ),
    "complaint_stays": Words(
        "We looked again",
        (
            "You asked us to look again. A new person did. Our answer is the same.",
            "It can still hurt. You can tell us again if it goes on.",
            _BLOCK,
        ),
        (
            "You asked us to look again. Somebody else than the first reviewer did.",
            "Our answer is the same.",
            _BLOCK,
            _COURT,
        ),
    ),
    "complaint_changed": Words(
        "You were right",
        (
            "You asked us to look again. A new person did. You were right.",
            "We changed our decision and did something about it. Thank you for asking.",
            _BLOCK,
        ),
    ),
    "false_reports": Words(
        "About your reports",
        (
            "You sent us {count} reports in a row, and none of them broke our rules.",
            "Please tell us only what you think breaks them. Then we can help faster.",
            "We still read each report of yours. For now, new ones count a bit less.",
        ),
    ),
}

# What a measure is called where people read of it; `{days}` where it ends by itself. A label has no
# words: it changes nothing for the person, and would warn whoever is only watched.
MEASURES: Final[Mapping[Kind, str]] = {
    Kind.REMOVE_MESSAGE: "we took a message of yours away",
    Kind.WARNING: "we warned you",
    Kind.NO_NEW_CONVERSATIONS: "you cannot start new chats{days}",
    Kind.NO_MEDIA: "you cannot send pictures or files{days}",
    Kind.NO_MINORS: "you cannot write to people under 18{days}",
    Kind.SUSPENDED: "you can read, but you cannot write{days}",
    Kind.TERMINATED: "we closed your account",
}

DECIDED_BY_A_PERSON: Final = "A person decided this, not a machine."
DECIDED_BY_A_MACHINE: Final = "A machine decided this. You can ask a person to look at it."


def say(key: str, *, minor: bool, **facts: str) -> tuple[str, tuple[str, ...]]:
    """Return title and paragraphs of text *key*, with *facts* put in; KeyError for unknown ones."""
    words = TEXTS[key]
    chosen = words.plain if minor or not words.full else words.full
    return words.title, tuple(line.format(**facts) for line in chosen)


def days_in_words(days: int | None) -> str:
    """Return how long a measure lasts, as it stands behind its name; nothing where it stays."""
    if days is None:
        return ""
    return " for a day" if days == 1 else f" for {days} days"
