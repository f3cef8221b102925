"""What a page of the console needs of a case beside what the desk says: labels, names, events."""

import msgspec

from halfdoor.readers.review.case_changes import found
from halfdoor.readers.review.merging import family
from halfdoor.readers.review.person_labels import labels
from halfdoor.readers.review.records import Case, Evidence, ModerationEvent, Report
from halfdoor.readers.review.store import DeskStore


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """All that stands in a case and in those merged into it, unopened."""

    case: Case
    reports: tuple[Report, ...]
    evidence: tuple[Evidence, ...]
    events: tuple[ModerationEvent, ...]

    def labels(self) -> dict[str, str]:
        """Return the label of each person by user id."""
        return labels(self.case, self.reports, self.evidence)

    def unmasked_by(self, staff: str) -> dict[str, str]:
        """Return the user ids that *staff* unmasked here, by label."""
        names = {name: user for user, name in self.labels().items()}
        said = [
            msgspec.json.decode(one.detail, type=dict[str, object]).get("label")
            for one in self.events
            if one.kind == "unmasked" and one.actor == staff
        ]
        return {label: names[label] for label in map(str, said) if label in names}


async def material_of(desk: DeskStore, id: str) -> Material:
    """Return what stands in the case *id*; `UnknownCaseError`. Who may see it is asked before."""
    case = await found(desk, id)
    whole = await family(desk, case)
    return Material(
        case=case,
        reports=tuple([one for each in whole for one in await desk.reports(each.id)]),
        evidence=tuple([one for each in whole for one in await desk.evidence(each.id)]),
        events=tuple([one for each in whole for one in await desk.events(each.id)]),
    )
