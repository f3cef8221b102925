"""The transparency report: every number of it follows from the log, and says what it rests on.

`proved` is bound to shares or proofs: custodians' agents would not have acted otherwise.
`declared` is the operator's word, which nobody else can check.
"""

from collections import Counter
from enum import StrEnum

import msgspec

from halfdoor.transparency.entries import (
    AnyEntry,
    DestroyEntry,
    ExtendEntry,
    GrantEntry,
    MetaEntry,
    NoticeEntry,
    OpenEntry,
    PreserveEntry,
    RefusedEntry,
    RequestsEntry,
    ReviewEntry,
    RevokeEntry,
)


class Basis(StrEnum):
    """What a number rests on."""

    PROVED = "proved"
    DECLARED = "declared"


class Number(msgspec.Struct, frozen=True):
    """One number of the report: its row, what it is split by, how many, and its basis."""

    row: str
    of: str
    count: int
    basis: Basis


class Report:
    """The numbers so far; entries are added in the order of the log."""

    def __init__(self, counted: dict[str, int] | None = None) -> None:
        """Go on from *counted*, which `state` returned."""
        self._counts: Counter[tuple[str, str, Basis]] = Counter()
        for key, count in (counted or {}).items():
            row, of, basis = key.split("|")
            self._counts[row, of, Basis(basis)] = count

    @property
    def state(self) -> dict[str, int]:
        """All that is needed to go on later."""
        return {"|".join(key): count for key, count in self._counts.items()}

    def add(self, entry: AnyEntry) -> None:
        """Count one entry."""
        match entry:
            case GrantEntry():
                self._grant(entry)
            case RefusedEntry():
                self._proved("refused by a custodian", entry.reason)
            case RevokeEntry():
                self._proved("grants revoked", "all")
            case OpenEntry():
                self._declared("grants opened", entry.outcome)
                self._declared("messages opened", "all", entry.events_opened)
                self._declared("messages disclosed", "all", entry.events_disclosed)
            case NoticeEntry():
                self._proved("notices given", "all")
            case ExtendEntry():
                self._proved("notices put off", "all")
            case DestroyEntry():
                self._proved("escrow periods destroyed", "all")
            case PreserveEntry():
                self._declared("holds", "all")
            case MetaEntry():
                self._declared("account data produced", entry.jurisdiction)
            case RequestsEntry():
                for one in entry.requests:
                    self._declared(f"requests {one.outcome}", one.jurisdiction, one.count)
            case ReviewEntry():
                self._review(entry)

    def numbers(self) -> list[Number]:
        """Return every number that is not zero, in order of row and split."""
        return [
            Number(row, of, count, basis)
            for (row, of, basis), count in sorted(self._counts.items())
            if count
        ]

    def _grant(self, entry: GrantEntry) -> None:
        if entry.drill:
            self._proved("drills", entry.ground)
            return
        self._proved("grants", entry.ground)
        self._proved("grants by jurisdiction", entry.jurisdiction)
        self._proved("grants by authority", entry.authority_class)
        self._proved("conversation-days granted, at most", "all", entry.epochs)
        self._proved("people concerned, at most", "all", entry.subjects + entry.others)

    def _review(self, entry: ReviewEntry) -> None:
        for category, count in entry.cases_opened.items():
            self._declared("cases opened", category, count)
        self._declared("reported items", "all", entry.items)
        self._declared("automatic cases", "all", entry.auto_cases)
        referrals = entry.referrals
        for name in ("ncmec", "own_initiative", "other"):
            self._declared("referrals", name, getattr(referrals, name))
        for country, count in referrals.items.items():
            self._declared("referred items", country, count)

    def _proved(self, row: str, of: str, count: int = 1) -> None:
        self._counts[row, of, Basis.PROVED] += count

    def _declared(self, row: str, of: str, count: int = 1) -> None:
        self._counts[row, of, Basis.DECLARED] += count


def report_json(size: int, numbers: list[Number]) -> bytes:
    """Return the report over the first *size* entries, as it is published."""
    rows = [msgspec.to_builtins(one) for one in numbers]
    return msgspec.json.encode({"v": 1, "size": size, "numbers": rows}, order="sorted")
