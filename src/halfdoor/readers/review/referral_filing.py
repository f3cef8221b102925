"""What the server itself does with a referral that is to be sent: opens it, and notes the end."""

from collections import Counter
from typing import final

from halfdoor.clock import Clock
from halfdoor.readers.review.errors import StaleCaseError, UnknownCaseError
from halfdoor.readers.review.records import Case, StaffEntry
from halfdoor.readers.review.referral_events import FAILED, FILED, Referral, noted, referrals_in
from halfdoor.readers.review.sealed_files import Package, SealedFiles, VaultKey, open_package
from halfdoor.readers.review.store import DeskChange, DeskStore

_SERVER = ""


@final
class Filing:
    """Stands between the vault and whoever sends what lies in it; every touch is logged."""

    def __init__(self, *, desk: DeskStore, files: SealedFiles, key: VaultKey, clock: Clock) -> None:
        self._desk = desk
        self._files = files
        self._key = key
        self._clock = clock
        # How many were filed and refused since the start, for metrics.
        self.counted: Counter[str] = Counter()

    async def to_send(self, case_id: str, referral: str) -> Package | None:
        """Return a made referral, opened; None where it was filed, failed or destroyed since.

        `UnknownCaseError` where its file lies at another server.
        """
        case, found = await self._find(case_id, referral)
        if found.state != "made" or not case.key_sealed:
            return None
        sealed = await self._files.read(referral)
        if sealed is None:
            raise UnknownCaseError("the referral lies at another server")
        line = StaffEntry(
            at=self._clock.now_ms(),
            staff=_SERVER,
            what="referral_opened",
            case=case.id,
            about=referral,
            reason="to be sent",
        )
        await self._desk.commit(DeskChange(log=(line,)))
        return open_package(sealed, self._key.private(), case.id, referral)

    async def sent(self, case_id: str, referral: str, report: int) -> None:
        """Note that the referral was filed under the number *report*; nothing the second time."""
        await self._end(case_id, referral, FILED, {"report": report})

    async def failed(self, case_id: str, referral: str, code: int) -> None:
        """Note that the other end refused it with *code*: a person has to look at it."""
        await self._end(case_id, referral, FAILED, {"code": code})

    async def _end(self, case_id: str, referral: str, kind: str, detail: dict[str, object]) -> None:
        while True:
            case, found = await self._find(case_id, referral)
            if found.state != "made":
                return
            said: dict[str, object] = {"referral": referral, **detail}
            try:
                await self._desk.commit(noted(case, _SERVER, kind, said, self._clock.now_ms()))
            except StaleCaseError:
                # Somebody else wrote to the case. What was filed stays filed: look, and note again.
                continue
            self.counted[kind] += 1
            return

    async def _find(self, case_id: str, referral: str) -> tuple[Case, Referral]:
        case = await self._desk.case(case_id)
        found = referrals_in(await self._desk.events(case_id)) if case is not None else []
        one = next((one for one in found if one.id == referral), None)
        if case is None or one is None:
            raise UnknownCaseError("there is no such referral")
        return case, one
