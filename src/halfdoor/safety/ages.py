"""Age bands, and what an unknown age counts as: a minor when receiving, an adult when sending."""

from enum import StrEnum
from typing import Final


class AgeBand(StrEnum):
    """The band of a person's age, spelled as in claims and in policy files."""

    UNDER_13 = "under13"
    FROM_13 = "13-15"
    FROM_16 = "16-17"
    ADULT = "adult"
    UNKNOWN = "unknown"


_MINORS: Final = (AgeBand.UNDER_13, AgeBand.FROM_13, AgeBand.FROM_16)


def band_of(claim: str | None) -> AgeBand:
    """Return the band that *claim* names; no claim, or one that names no band, is unknown."""
    try:
        return AgeBand(claim) if claim is not None else AgeBand.UNKNOWN
    except ValueError:
        return AgeBand.UNKNOWN


def as_recipient(band: AgeBand) -> AgeBand:
    """Return what *band* counts as when somebody writes to them: unknown is a minor of 16-17.

    This answers "adult or minor?"; the rules themselves are those of the column "unknown".
    """
    return AgeBand.FROM_16 if band is AgeBand.UNKNOWN else band


def as_sender(band: AgeBand) -> AgeBand:
    """Return what *band* counts as when they write to somebody: unknown is an adult."""
    return AgeBand.ADULT if band is AgeBand.UNKNOWN else band


def is_minor(band: AgeBand) -> bool:
    """Tell whether *band* is known to be under 18."""
    return band in _MINORS


def adjacent(one: AgeBand, other: AgeBand) -> bool:
    """Tell whether two bands are the same or next to each other.

    No minor's band is next to "adult", and an unknown age is next to nothing: a rule that asks for
    nearness in age asks it to keep grown-ups away.
    """
    if one in _MINORS and other in _MINORS:
        return abs(_MINORS.index(one) - _MINORS.index(other)) <= 1
    return one is other is AgeBand.ADULT


def adult_and_minor(sender: AgeBand, recipient: AgeBand) -> bool:
    """Tell whether a first word from *sender* to *recipient* would join an adult and a minor.

    A recipient will answer, so a known minor may not begin with an unknown age either. What stays
    open to an unknown age is to ask an adult, who is protected by the request inbox.
    """
    adult_begins = as_sender(sender) is AgeBand.ADULT and is_minor(as_recipient(recipient))
    minor_begins = is_minor(sender) and as_sender(recipient) is AgeBand.ADULT
    return adult_begins or minor_begins


def may_be_adult_and_minor(one: AgeBand, other: AgeBand) -> bool:
    """Tell whether two people in one room may be an adult and a minor: unknown counts as both."""
    return adult_and_minor(one, other) or adult_and_minor(other, one)
