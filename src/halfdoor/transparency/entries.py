"""The entries of the public log, one type for each kind of fact (SEALING §4).

Each is a JSON object with `v`, `type`, `entity`, `demo` and `day`; its leaf is the canonical JSON.
`day` is the day on which it was written, by the operator's clock: when it counts is told by
witnesses, never by this.
"""

from typing import Literal

import msgspec

from halfdoor.transparency.fields import (
    AuthorityClass,
    Count,
    Country,
    Day,
    Digest,
    Entity,
    FileName,
    Ground,
    Jurisdiction,
    Outcome,
    RefusalReason,
    Rounded,
    Signature,
    Word,
)


class Entry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """What every entry says. `demo` is 1 in a demonstration, whose custodians are not real."""

    entity: Entity
    day: Day
    demo: Literal[0, 1] = 0
    v: Literal[1] = 1


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What custodians' agents hold every grant to (SEALING §5.3)."""

    max_ttl_h: Count = 72
    max_epochs_per_grant: Count = 600
    budget_per_day: Count = 600
    max_notify_days: Count = 365


class PolicyEntry(Entry, frozen=True, kw_only=True, tag="POLICY"):
    """Which custodians, rules and scanners are in force, seven days after its quorum time.

    The very first counts at once. `documents` names each file by its SHA-256, the sets' among
    them; `escrow_set` is the set's own hash (SEALING §3), null where there is none yet.
    """

    escrow_set: Digest | None
    emergency_set: Digest | None = None
    documents: dict[FileName, Digest]
    scanners: Digest | None = None
    limits: Limits = Limits()
    operator_held_keys: bool = False
    jurisdictions: tuple[Jurisdiction, ...] = ()


class ReleaseEntry(Entry, frozen=True, kw_only=True, tag="RELEASE"):
    """SHA-256 of the wheels that run; in effect at once."""

    version: FileName
    wheels: dict[FileName, Digest]


class GrantEntry(Entry, frozen=True, kw_only=True, tag="GRANT"):
    """A request was granted: its scope is hidden, its size and its ground are not."""

    grant_commit: Digest
    ground: Ground
    jurisdiction: Jurisdiction
    authority_class: AuthorityClass
    conversations: Rounded
    epochs: Rounded
    subjects: Rounded
    others: Rounded
    escrow_set: Digest
    reader_pk: Digest
    not_before_day: Day
    ttl_h: Count
    notify_by_day: Day
    receipts_root: Digest
    drill: bool = False


class RefusedEntry(Entry, frozen=True, kw_only=True, tag="REFUSED"):
    """A custodian said no."""

    grant_commit: Digest
    position: Count
    reason: RefusalReason


class OpenEntry(Entry, frozen=True, kw_only=True, tag="OPEN"):
    """What a grant opened; it stands here before anything leaves the keyholder."""

    grant_commit: Digest
    epochs_opened: Count
    events_opened: Count
    events_disclosed: Count
    outcome: Outcome


class CloseEntry(Entry, frozen=True, kw_only=True, tag="CLOSE"):
    """A grant ended, with its final figures."""

    grant_commit: Digest
    epochs_opened: Count = 0
    events_opened: Count = 0
    events_disclosed: Count = 0


class RevokeEntry(Entry, frozen=True, kw_only=True, tag="REVOKE"):
    """A grant is void from here on."""

    grant_commit: Digest


class NoticeEntry(Entry, frozen=True, kw_only=True, tag="NOTICE"):
    """The people concerned were told: exact counts now, and the agents' bundles by digest."""

    grant_commit: Digest
    conversations: Count
    epochs: Count
    subjects: Count
    others: Count
    bundles: tuple[Digest, ...]


class ExtendEntry(Entry, frozen=True, kw_only=True, tag="EXTEND"):
    """Notice was put off, by order; `running` counts how often for this grant."""

    grant_commit: Digest
    notify_by_day: Day
    order_digest: Digest
    running: Count


class Referrals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reports passed on to authorities of the operator's own motion, and items by country."""

    ncmec: Count = 0
    own_initiative: Count = 0
    other: Count = 0
    items: dict[Country, Count] = {}


class ReviewEntry(Entry, frozen=True, kw_only=True, tag="REVIEW"):
    """What reviewers did on the day *of_day*; `batch_root` binds every receipt and reveal."""

    of_day: Day
    cases_opened: dict[Word, Count]
    items: Count
    auto_cases: Count
    reviewers: Count
    referrals: Referrals
    batch_root: Digest


class Requests(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests of one jurisdiction, kind and outcome."""

    jurisdiction: Jurisdiction
    kind: Word
    outcome: Word
    count: Count


class RequestsEntry(Entry, frozen=True, kw_only=True, tag="REQUESTS"):
    """Requests received, by the operator's own word, for the days *from_day* to *to_day*."""

    from_day: Day
    to_day: Day
    requests: tuple[Requests, ...]


class MetaEntry(Entry, frozen=True, kw_only=True, tag="META"):
    """Data about accounts, not content, was produced."""

    request_commit: Digest
    ground: Ground
    jurisdiction: Jurisdiction
    authority_class: AuthorityClass
    categories: tuple[Word, ...]
    subjects: Rounded
    notice_by_day: Day


class PreserveEntry(Entry, frozen=True, kw_only=True, tag="PRESERVE"):
    """Rows are held, unread, until *end_day*."""

    scope_commit: Digest
    conversations: Rounded
    epochs: Rounded
    end_day: Day


class Destroyed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A custodian's word, signed, that the keys of a period are gone."""

    position: Count
    signature: Signature


class DestroyEntry(Entry, frozen=True, kw_only=True, tag="DESTROY"):
    """The keys of an escrow set are destroyed: its shares open for nobody any more."""

    escrow_set: Digest
    custodians: tuple[Destroyed, ...]


class HeartbeatEntry(Entry, frozen=True, kw_only=True, tag="HEARTBEAT"):
    """The state of the house as the day *of_day* left it, and the head of the log that day.

    `checkpoint` is the SHA-256 of that day's cosigned checkpoint, null where there was none.
    """

    of_day: Day
    headers_root: Digest
    users_root: Digest
    checkpoint: Digest | None
    epochs: Count
    users: Count


AnyEntry = (
    PolicyEntry
    | ReleaseEntry
    | GrantEntry
    | RefusedEntry
    | OpenEntry
    | CloseEntry
    | RevokeEntry
    | NoticeEntry
    | ExtendEntry
    | ReviewEntry
    | RequestsEntry
    | MetaEntry
    | PreserveEntry
    | DestroyEntry
    | HeartbeatEntry
)
