"""What the page shows, as values made from one look at the log."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec
from markupsafe import Markup

from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.transparency.errors import EntryError
from halfdoor.transparency.leaf import parse_leaf
from halfdoor.transparency.policies import LoggedPolicy
from halfdoor.transparency.report import Number
from halfdoor.transparency.source import document_path
from halfdoor.web.publiclog.charts import chart
from halfdoor.web.publiclog.reading import Seen

_UNSPLIT: Final = "all"

# What each type of entry says, for people.
IN_WORDS: Final = {
    "POLICY": "Custodians and rules; in force seven days after witnesses saw it, the first at once",
    "RELEASE": "The program that runs, by its digest",
    "GRANT": "A request was granted; its scope is hidden, its size is not",
    "REFUSED": "A custodian refused a grant",
    "OPEN": "What a grant opened",
    "CLOSE": "A grant ended",
    "REVOKE": "A grant is void",
    "NOTICE": "The people concerned were told",
    "EXTEND": "Telling the people concerned was put off, by an order",
    "REVIEW": "What reviewers did on one day",
    "REQUESTS": "Requests that came in",
    "META": "Account data was handed over, no content",
    "PRESERVE": "Messages are held from deletion, unread",
    "DESTROY": "Keys of an escrow period were destroyed",
    "HEARTBEAT": "The state of the house on one day",
}


class WitnessRow(msgspec.Struct, frozen=True):
    """One witness: the policy's name, its key's name, when it cosigned (s since 1970, or None)."""

    name: str
    key: str
    time: int | None


class Group(msgspec.Struct, frozen=True):
    """The numbers of one row of the report, and their picture."""

    title: str
    numbers: tuple[Number, ...]
    picture: Markup


class EntryRow(msgspec.Struct, frozen=True):
    """One entry: its place, its type, the day it was written by the operator's clock, in words."""

    index: int
    type: str
    day: str
    words: str
    text: str


class PolicyRow(msgspec.Struct, frozen=True):
    """One policy: its place in the log, the files it names with their paths, what it limits."""

    index: int
    day: str
    files: tuple[tuple[str, str], ...]
    limits: tuple[tuple[str, int], ...]
    operator_held_keys: bool


def policy_row(policy: LoggedPolicy) -> PolicyRow:
    """Return *policy* for people."""
    entry = policy.entry
    limits = entry.limits
    return PolicyRow(
        index=policy.index,
        day=day_text(entry.day),
        files=tuple((name, document_path(one)) for name, one in sorted(entry.documents.items())),
        limits=(
            ("hours that a grant lasts", limits.max_ttl_h),
            ("conversation-days in a grant", limits.max_epochs_per_grant),
            ("conversation-days opened in a day", limits.budget_per_day),
            ("days until people are told", limits.max_notify_days),
        ),
        operator_held_keys=entry.operator_held_keys,
    )


def witness_rows(seen: Seen, policy: TrustPolicy) -> list[WitnessRow]:
    """Return every witness of *policy*, with or without its cosignature."""
    return [
        WitnessRow(name, one.key.name, seen.times.get(name))
        for name, one in policy.witnesses.items()
    ]


def quorum_words(policy: TrustPolicy) -> str:
    """Say who has to cosign."""
    group = policy.groups.get(policy.quorum)
    if group is None:
        return "nobody has to" if policy.quorum == "none" else f"{policy.quorum} has to"
    if all(one in policy.witnesses for one in group.members):
        return f"{group.least} of {len(group.members)} have to"
    return f"{group.least} of the groups {', '.join(group.members)} have to"


def totals_of(numbers: Sequence[Number]) -> list[Number]:
    """Return those of *numbers* that are split by nothing."""
    return [one for one in numbers if one.of == _UNSPLIT]


def groups_of(numbers: Sequence[Number]) -> list[Group]:
    """Return those of *numbers* that are split, by their rows, each row with its picture."""
    groups = []
    split = [one for one in numbers if one.of != _UNSPLIT]
    for row, found in groupby(split, key=lambda one: one.row):
        title, of = row[:1].upper() + row[1:], tuple(found)
        groups.append(Group(title, of, chart(title, of)))
    return groups


def entry_row(index: int, leaf: bytes) -> EntryRow:
    """Return an entry for people; one that breaks the rules is shown as it is."""
    text = leaf.decode(errors="replace")
    try:
        entry = parse_leaf(leaf)
    except EntryError as error:
        return EntryRow(index, "?", "", f"It breaks the rules of the log: {error}", text)
    kind = str(entry.__struct_config__.tag)
    pretty = msgspec.json.format(leaf, indent=2).decode()
    return EntryRow(index, kind, day_text(entry.day), IN_WORDS[kind], pretty)


def day_text(day: int) -> str:
    """*day* (since 1970-01-01) as a date."""
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day):%-d %b %Y}"
