"""A whole public log in memory: what an honest operator publishes, for tests to spoil."""

import json
from hashlib import sha256
from typing import Any

from tests.transparency.log_fakes import (
    LOG,
    ORIGIN,
    POLICY,
    FakeFiles,
    FakeLogStore,
    NearWitness,
    StillClock,
    witnesses,
)

from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.sealing.labels import b64, canonical
from halfdoor.transparency.cosigning import Quorum
from halfdoor.transparency.entries import Entry, GrantEntry, HeartbeatEntry, PolicyEntry
from halfdoor.transparency.leaf import leaf_id, leaf_of
from halfdoor.transparency.log_store import Waiting
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.report import Report, report_json
from halfdoor.transparency.sequencer import Sequencer
from halfdoor.transparency.source import CHECKPOINT, REPORT, day_path, document_path
from halfdoor.transparency.verifying import Verdict, Verifier

ENTITY = "example"
DIGEST = b64(bytes(32))
FIRST_DAY = 20_000
DAY_MS = 86_400_000


class PublicLog:
    """A log that grows day by day, and the files it shows."""

    def __init__(self) -> None:
        self.clock = StillClock(FIRST_DAY * DAY_MS)
        self.store = FakeLogStore()
        self.files = FakeFiles()
        self.documents: dict[str, bytes] = {}
        self.witnesses: dict[str, NearWitness] = witnesses(self.clock)
        # What is shown in place of the truth.
        self.shown: dict[str, bytes | None] = {}

    @property
    def day(self) -> int:
        return self.clock.now // DAY_MS

    def document(self, value: Any) -> str:
        data = canonical(value)
        digest = b64(sha256(data).digest())
        self.documents[document_path(digest)] = data
        return digest

    async def append(self, *entries: Entry) -> None:
        await self.store.begin(ORIGIN)
        leaves = [leaf_of(entry) for entry in entries]
        await self.store.offer([Waiting(leaf_id(leaf), leaf) for leaf in leaves])
        await self.sequencer().step(renew=True)

    def sequencer(self) -> Sequencer:
        return Sequencer(
            store=self.store,
            files=self.files,
            key=LOG,
            cosigners=Quorum(POLICY, self.witnesses),
            clock=self.clock,
        )

    def policy(self, escrow_set: str | None = None, **fields: Any) -> PolicyEntry:
        return PolicyEntry(
            entity=ENTITY,
            day=self.day,
            escrow_set=escrow_set,
            documents={"policy.toml": self.document({"day": self.day})} | fields.pop("more", {}),
            **fields,
        )

    def grant(self, commit: str = DIGEST, **fields: Any) -> GrantEntry:
        values: dict[str, Any] = {
            "entity": ENTITY,
            "day": self.day,
            "grant_commit": commit,
            "ground": "authority-request",
            "jurisdiction": "ZZ",
            "authority_class": "court",
            "conversations": 1,
            "epochs": 4,
            "subjects": 1,
            "others": 1,
            "escrow_set": DIGEST,
            "reader_pk": DIGEST,
            "not_before_day": self.day,
            "ttl_h": 72,
            "notify_by_day": self.day + 30,
            "receipts_root": DIGEST,
        }
        return GrantEntry(**values | fields)

    async def night(self, **fields: Any) -> None:
        """Let a day pass, and log the heartbeat about it."""
        about = self.day
        self.clock.now += DAY_MS
        day = self.store.days.get(about)
        values: dict[str, Any] = {
            "entity": ENTITY,
            "day": self.day,
            "of_day": about,
            "headers_root": DIGEST,
            "users_root": DIGEST,
            "checkpoint": None if day is None else b64(sha256(day).digest()),
            "epochs": 0,
            "users": 0,
        }
        await self.append(HeartbeatEntry(**values | fields))

    async def get(self, path: str) -> bytes | None:
        """`Source`: what is shown, else what is true."""
        if path in self.shown:
            return self.shown[path]
        state = self.store.now
        assert state is not None
        if path == CHECKPOINT:
            return state.checkpoint
        if path == REPORT:
            return self.report()
        for day, checkpoint in self.store.days.items():
            if path == day_path(day):
                return checkpoint
        return self.documents.get(path) or self.files.files.get(path)

    def report(self) -> bytes:
        from halfdoor.transparency.leaf import parse_leaf

        report = Report()
        for one in self.store.placed:
            report.add(parse_leaf(one.leaf))
        return report_json(len(self.store.placed), report.numbers())

    async def verify(self, memory: Memory | None = None, *, now: int | None = None) -> Verdict:
        return await Verifier(
            self,
            POLICY,
            memory or Memory(origin=ORIGIN),
            now=self.clock.now // 1000 if now is None else now,
        ).run()


def failed(verdict: Verdict) -> set[str]:
    """The names of the checks that failed."""
    return {one.check for one in verdict.findings if one.gravity == "failed"}


def head_size(checkpoint: bytes) -> int:
    return parse_checkpoint(checkpoint).head.size


def changed(leaf: bytes, **fields: Any) -> bytes:
    """A leaf with other fields."""
    return canonical(json.loads(leaf) | fields)
