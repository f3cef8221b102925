"""The review desk of a house, joined by hand: reports, cases, decisions, and who works on them."""

from functools import cached_property
from typing import TYPE_CHECKING, final
from urllib.parse import urlsplit

from halfdoor.accounts.closed_tickets import ClosedTickets
from halfdoor.accounts.staff import StaffAccounts
from halfdoor.accounts.staff_invitations import Invitations
from halfdoor.accounts.staff_secrets import StaffSecrets
from halfdoor.accounts.staff_sessions import StaffSessions
from halfdoor.apps.staff_log import DeskLog
from halfdoor.messaging.removal import Company
from halfdoor.messaging.reportable import Sights
from halfdoor.messaging.reported_files import FilesOfReports
from halfdoor.readers.review.appeals import Appeals
from halfdoor.readers.review.case_names import CaseNames
from halfdoor.readers.review.cases import Cases
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.decisions import Decisions
from halfdoor.readers.review.evidence_opening import EvidenceOpener
from halfdoor.readers.review.file_opening import FileOpener
from halfdoor.readers.review.noticeboard import Noticeboard
from halfdoor.readers.review.own_reports import ToldOutcomes
from halfdoor.readers.review.proving import Proofs
from halfdoor.readers.review.receipts import ReceiptSigner
from halfdoor.readers.review.reports import Reports
from halfdoor.readers.review.reveal import Reveals
from halfdoor.readers.review.silences import Silences
from halfdoor.readers.review.staff_days import StaffDays
from halfdoor.readers.review.telling import Telling

if TYPE_CHECKING:
    from halfdoor.accounts.staff_sign_in import StaffSignIn
    from halfdoor.apps.house import House
    from halfdoor.apps.vault import VaultOf
    from halfdoor.readers.review.referrals import Referrals


@final
class Desk:
    """Everything between the desk's store and those who report, review and administer."""

    def __init__(self, house: "House") -> None:
        """Join the rooms over *house*, whose own rooms stand."""
        self.house = house
        self.review = house.setting.policy.review
        self.store = house.store.desk
        self._staff()
        self._cases()
        self._telling()

    def _cases(self) -> None:
        house, store, review, clock = self.house, self.store, self.review, self.house.clock
        entity = house.setting.policy.entity.name
        self.signer = ReceiptSigner(house.store.secrets().receipts, entity)
        self.conflicts = Conflicts(store, house.people)
        self.days = StaffDays(store)
        self.cases = Cases(store, review, clock, self.conflicts, self.days)
        self.proofs = Proofs(house.marks)
        self.opener: EvidenceOpener = EvidenceOpener(
            store, self.signer.public, house.store.conversations, self.proofs
        )
        self.files: FilesOfReports = FilesOfReports(
            files=house.media.files,
            blobs=house.media.blobs,
            rooms=house.rooms,
            reading=house.reading,
            server_name=house.setting.server_name,
        )
        self.reveals = Reveals(
            store,
            review,
            clock,
            self.conflicts,
            self.days,
            self.opener,
            FileOpener(self.files),
        )
        self.decisions = Decisions(
            desk=store,
            review=review,
            conflicts=self.conflicts,
            people=house.people,
            company=Company(house.rooms),
            clock=clock,
            soon=self._hurry,
        )
        self.appeals = Appeals(
            desk=store,
            review=review,
            decisions=self.decisions,
            conflicts=self.conflicts,
            clock=clock,
        )

    def _hurry(self, after_ms: int) -> None:
        """Let the work of a decision not wait for the next look; the work is joined after us."""
        self.house.work.hurry(after_ms)

    def _telling(self) -> None:
        clock = self.house.clock
        self.telling = Telling(
            desk=self.store, review=self.review, people=self.house.people, clock=clock
        )
        self.noticeboard = Noticeboard(self.store, clock)
        self.tickets = ClosedTickets(self.house.store.secrets().k_lookup)
        self.silences = Silences(
            desk=self.store, review=self.review, conflicts=self.conflicts, clock=clock
        )
        house = self.house
        self.reports = Reports(
            desk=self.store,
            review=self.review,
            sights=Sights(
                store=house.store.conversations,
                held=house.store.conversations,
                rooms=house.rooms,
                reading=house.reading,
                clock=clock,
            ),
            keys=house.keyring,
            facts=house.facts,
            blocks=house.people,
            receipts=self.telling,
            outcomes=ToldOutcomes(self.store),
            signer=self.signer,
            names=CaseNames(house.store.secrets().receipts),
            proofs=self.proofs,
            files=self.files,
            clock=clock,
        )

    def _staff(self) -> None:
        store, policy = self.house.store.staff, self.review.staff
        self._log = DeskLog(self.store)
        self._secrets = StaffSecrets(self.house.store.secrets().k_lookup)
        self.invitations = Invitations(store, self._secrets, policy)
        self.staff = StaffAccounts(store, self._log, self.invitations)
        place = self.house.setting.console
        self.staff_sessions = StaffSessions(
            store, self._log, self._secrets, policy, demo=place is not None and place.demo
        )

    @cached_property
    def vault(self) -> "VaultOf":
        """Where referrals to an authority are made and kept; `OuterKeyError` for a bad place."""
        # Most houses never refer anything, and so hold nothing of it in memory.
        from halfdoor.apps.vault import VaultOf  # noqa: PLC0415

        return VaultOf(self)

    @property
    def referrals(self) -> "Referrals":
        """Referral to an authority."""
        return self.vault.referrals

    def staff_doors(self, public_url: str, *, demo: bool = False) -> "StaffSignIn":
        """Return how staff come in at the console at *public_url*."""
        # Attestations need packages that only a server with a console has in its memory.
        from halfdoor.accounts.staff_ceremonies import Ceremonies, RelyingParty  # noqa: PLC0415
        from halfdoor.accounts.staff_sign_in import StaffSignIn  # noqa: PLC0415

        host = urlsplit(public_url).hostname or ""
        party = RelyingParty(host, public_url, f"{self.house.setting.server_name} desk")
        return StaffSignIn(
            store=self.house.store.staff,
            log=self._log,
            secrets=self._secrets,
            invitations=self.invitations,
            sessions=self.staff_sessions,
            ceremonies=Ceremonies(party),
            demo=demo,
        )

    async def sweep_often(self) -> None:
        """Let go of cases whose leases ended, and raise alarms; some times a minute."""
        await self.cases.sweep(self.house.clock.now_ms())

    async def sweep(self, now: int) -> None:
        """Drop what has expired of sessions, links and marks, and what was held long enough.

        Hourly.
        """
        await self.house.marks.destroy(now)
        await self.staff_sessions.sweep(now)
        await self.vault.holds.run()

    def __repr__(self) -> str:
        return f"Desk({self.house!r})"
