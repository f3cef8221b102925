"""The end of the hold: evidence and referrals of the vault are destroyed, and the log proves it."""

from collections.abc import AsyncIterator
from typing import Final, Protocol, final

import msgspec
from msgspec.structs import replace

from halfdoor.clock import Clock
from halfdoor.policy.review import Review
from halfdoor.readers.review.errors import StaleCaseError
from halfdoor.readers.review.records import Case, CaseState, Evidence, ModerationEvent, StaffEntry
from halfdoor.readers.review.referral_events import referrals_in
from halfdoor.readers.review.sealed_files import SealedFiles
from halfdoor.readers.review.store import DeskChange, DeskStore, QueuePage
from halfdoor.readers.review.vault import lies_in_vault
from halfdoor.sealing.labels import H, canonical, enc

DESTROYED: Final = "destroyed"
_DAY_MS: Final = 86_400_000
_PAGE: Final = 200


class ReleasesCopies(Protocol):
    """Where the sealed copies of reported files lie, each under its case."""

    async def release(self, case: str) -> None:
        """Let the copies of *case* be deleted, for good and soon."""


@final
class Holds:
    """Destroys what the vault kept long enough; run about once an hour."""

    def __init__(
        self,
        *,
        desk: DeskStore,
        files: SealedFiles,
        review: Review,
        clock: Clock,
        copies: ReleasesCopies | None = None,
    ) -> None:
        self._copies = copies
        self._desk = desk
        self._files = files
        self._review = review
        self._clock = clock

    async def run(self) -> int:
        """Destroy what is due and return of how many cases."""
        now, done = self._clock.now_ms(), 0
        # Listed first: what is destroyed moves in the pages.
        for case in [one async for one in self._over()]:
            if case.key_sealed and await self._ended(case, now):
                done += await self._destroy(case, now)
        return done

    async def _over(self) -> AsyncIterator[Case]:
        # Every queue: a case of the vault may have gone to another one, as an appeal does.
        queues = tuple(one.name for one in self._review.queues)
        after: str | None = None
        while True:
            page = QueuePage(
                queues=queues,
                states=(CaseState.DECIDED, CaseState.CLOSED),
                after=after,
                limit=_PAGE,
            )
            found = await self._desk.queue(page)
            for case in found:
                if lies_in_vault(case, self._review):
                    yield case
            if len(found) < _PAGE:
                return
            after = found[-1].id

    async def _ended(self, case: Case, now: int) -> bool:
        if case.merged_into is not None:
            # Its evidence served the other case: it stays as long as that one's does.
            into = await self._desk.case(case.merged_into)
            if into is not None and into.key_sealed:
                return into.decided_at is not None and self._is_over(into.decided_at, now)
        return self._is_over(case.decided_at if case.decided_at is not None else case.opened, now)

    def _is_over(self, since: int, now: int) -> bool:
        return since + self._review.vault.hold_days * _DAY_MS <= now

    async def _destroy(self, case: Case, now: int) -> bool:
        evidence = await self._desk.evidence(case.id)
        referrals = [one.id for one in referrals_in(await self._desk.events(case.id))]
        # 1. Files. A crash after this leaves a case whose files are gone, and it is done again.
        for name in referrals:
            await self._files.destroy(name)
        if self._copies is not None:
            await self._copies.release(case.id)
        # 2. Key, evidence, notes, and the proof, together or not at all.
        proof = proof_of(evidence)
        detail = {"evidence": len(evidence), "referrals": referrals, "proof": proof}
        try:
            await self._desk.commit(
                DeskChange(
                    cases=(replace(case, key_sealed=b"", state=CaseState.CLOSED, holder=None),),
                    destroyed=(case.id,),
                    events=(
                        ModerationEvent(
                            case=case.id,
                            n=0,
                            at=now,
                            kind=DESTROYED,
                            actor="",
                            detail=msgspec.json.encode(detail),
                        ),
                    ),
                    log=(
                        StaffEntry(
                            at=now,
                            staff="",
                            what="destroy",
                            case=case.id,
                            about=proof,
                            reason="end of the hold",
                        ),
                    ),
                )
            )
        except StaleCaseError:
            # Somebody works on it just now; the next round looks again.
            return False
        return True


def proof_of(evidence: list[Evidence]) -> str:
    """Return the hash (hex) over the names and H(body) of what is destroyed.

    A reporter's receipt lists the same H(body): with all of them anybody can check which messages
    the line in the log speaks of, and nobody learns one from it.
    """
    listed = sorted([one.id, H(one.body).hex()] for one in evidence)
    return H(enc("vault-destroyed", canonical(listed))).hex()
