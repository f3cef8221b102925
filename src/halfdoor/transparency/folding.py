"""Entries in the order of the log, folded into what they say together."""

from collections.abc import Iterator

from halfdoor.transparency.entries import AnyEntry, GrantEntry, HeartbeatEntry, PolicyEntry
from halfdoor.transparency.errors import EntryError
from halfdoor.transparency.findings import Finding, Gravity
from halfdoor.transparency.grants import Grants
from halfdoor.transparency.leaf import parse_leaf
from halfdoor.transparency.leaf_times import LeafTimes
from halfdoor.transparency.memory import Memory, SeenLeaf
from halfdoor.transparency.policies import LoggedPolicy, effective_at
from halfdoor.transparency.report import Report

_MAX_TTL_H = 72


class Fold:
    """What the entries so far say: numbers, grants, policies, heartbeats."""

    def __init__(self, memory: Memory) -> None:
        """Go on from *memory*."""
        self.size = memory.size
        self.report = Report(memory.counted)
        self.grants = Grants(memory.grants)
        self.policies = [
            LoggedPolicy(one.index, entry)
            for one in memory.policies
            if isinstance(entry := parse_leaf(one.leaf), PolicyEntry)
        ]
        self._leaves = list(memory.policies)
        self.last_day = memory.last_day
        self.first_day = memory.first_day
        # What this run met: heartbeats with the days they are about, policies, and grants whose
        # policy can be told only when all times are known.
        self.heartbeats: list[tuple[int, HeartbeatEntry]] = []
        self.new_grants: list[tuple[int, GrantEntry]] = []
        self._entity: str | None = None
        self._due: list[SeenLeaf] = []
        for one in memory.due:
            self._put_off(one.index, parse_leaf(one.leaf), one.leaf)

    @property
    def due(self) -> tuple[SeenLeaf, ...]:
        """The heartbeats and grants of this run, as a memory keeps them."""
        return tuple(self._due)

    @property
    def seen_policies(self) -> tuple[SeenLeaf, ...]:
        """The policies as a memory keeps them."""
        return tuple(self._leaves)

    def add(self, leaf: bytes) -> Iterator[Finding]:
        """Take the next leaf, and yield what is wrong with it."""
        index = self.size
        self.size += 1
        try:
            entry = parse_leaf(leaf)
        except EntryError as error:
            yield Finding("entry-schema", str(error), index=index)
            return
        if index == 0:
            self.first_day = entry.day
        if self._entity is None:
            self._entity = self.policies[0].entry.entity if self.policies else entry.entity
        if entry.entity != self._entity:
            yield Finding("entry-entity", f"it is {entry.entity!r}'s", index=index)
        self.report.add(entry)
        yield from self.grants.add(index, entry)
        yield from self._special(index, entry, leaf)

    def _special(self, index: int, entry: AnyEntry, leaf: bytes) -> Iterator[Finding]:
        match entry:
            case PolicyEntry():
                self.policies.append(LoggedPolicy(index, entry))
                self._leaves.append(SeenLeaf(index, leaf))
            case GrantEntry():
                self._put_off(index, entry, leaf)
                if entry.ttl_h > _MAX_TTL_H:
                    yield Finding("grant-ttl", f"{entry.ttl_h} hours are too long", index=index)
            case HeartbeatEntry():
                self._put_off(index, entry, leaf)
                if self.last_day is not None and entry.of_day != self.last_day + 1:
                    words = f"after day {self.last_day} comes day {entry.of_day}"
                    yield Finding("heartbeat-gap", words, index=index)
                self.last_day = max(entry.of_day, self.last_day or 0)

    def _put_off(self, index: int, entry: AnyEntry, leaf: bytes) -> None:
        if isinstance(entry, GrantEntry):
            self.new_grants.append((index, entry))
        elif isinstance(entry, HeartbeatEntry):
            self.heartbeats.append((index, entry))
        self._due.append(SeenLeaf(index, leaf))

    def untimely_grants(self, times: LeafTimes) -> Iterator[Finding]:
        """Yield the grants of this run whose escrow set was in no policy in force (SEALING §5)."""
        for index, entry in self.new_grants:
            seen = times.of(index)
            policy = None if seen is None else effective_at(self.policies, seen, times)
            sets = (policy.entry.escrow_set, policy.entry.emergency_set) if policy else ()
            if entry.escrow_set not in sets:
                words = "its escrow set was in no policy that had taken effect"
                yield Finding("grant-policy", words, index=index)

    def coming_policies(self, now: int, times: LeafTimes) -> Iterator[Finding]:
        """Yield the policies that have not taken effect at *now* (s since 1970)."""
        current = effective_at(self.policies, now, times)
        for policy in self.policies:
            if current is not None and policy.index > current.index:
                words = "a policy is announced that has not taken effect yet"
                yield Finding("policy-change", words, Gravity.NOTE, policy.index)
