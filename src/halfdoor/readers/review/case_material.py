"""What belongs to the case that somebody holds, and to those merged into it, read for one look."""

import msgspec

from halfdoor.readers.review.errors import UnknownCaseError
from halfdoor.readers.review.person_labels import labels
from halfdoor.readers.review.records import Case, Evidence, Report


class Material(msgspec.Struct, frozen=True):
    """All that is known of the case somebody holds, read for one request."""

    case: Case
    reports: list[Report]
    evidence: list[Evidence]

    def labels(self) -> dict[str, str]:
        """Return the label of each person by user id."""
        return labels(self.case, self.reports, self.evidence)

    def thing(self, name: str) -> Evidence | Report:
        """Return the evidence called *name*, or the report of that name that has a note.

        `UnknownCaseError` for what is not of this case: a neighbour that nobody handed over, or
        evidence of another case, does not exist here.
        """
        for item in self.evidence:
            if item.id == name:
                return item
        for report in self.reports:
            if report.id == name and report.note:
                return report
        raise UnknownCaseError("There is no such message in this case.")

    def with_file(self, name: str, number: int) -> Evidence:
        """Return the evidence called *name*, which has a file *number*; `UnknownCaseError`."""
        for item in self.evidence:
            if item.id == name and 0 <= number < len(item.files):
                return item
        raise UnknownCaseError("There is no such file in this case.")
