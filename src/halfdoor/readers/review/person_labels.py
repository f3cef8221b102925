"""People in a case are "Person A", "Person B" until somebody unmasks them with a reason. Pure."""

import string
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, product

from halfdoor.readers.review.records import Case, Evidence, Report


def labels(case: Case, reports: Sequence[Report], evidence: Sequence[Evidence]) -> dict[str, str]:
    """Return the label of each person in *case* by user id: who is reported is Person A.

    The others follow as they came into the case: each reporter, then whose messages they handed
    over. Later reports give later letters, so no letter changes hands.
    """
    people = dict.fromkeys((case.subject, *_in_order(reports, evidence)))
    return {user: f"Person {letters}" for user, letters in zip(people, _letters(), strict=False)}


def person_called(label: str, labelled: dict[str, str]) -> str | None:
    """Return the user id behind *label*, None where nobody is called so."""
    return next((user for user, name in labelled.items() if name == label), None)


def _in_order(reports: Iterable[Report], evidence: Sequence[Evidence]) -> Iterator[str]:
    """Return everybody in the order in which the reports brought them."""
    for report in sorted(reports, key=lambda one: (one.at, one.id)):
        yield report.reporter
        yield from (one.sender for one in evidence if one.report == report.id)
    # Whom no report names comes last: that is evidence which was tampered with, and shown as such.
    for item in evidence:
        yield from (item.reporter, item.sender)


def _letters() -> Iterator[str]:
    """Return A to Z, then AA, AB and so on."""
    for length in count(1):
        for letters in product(string.ascii_uppercase, repeat=length):
            yield "".join(letters)
