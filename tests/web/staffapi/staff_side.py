"""The staff interface over the real rooms and a desk in memory, and a console that asks it."""

import json
from typing import Any

import msgspec
from tests.readers.review.deciding import Town as Ages
from tests.readers.review.desk_scene import SIGNER, Scene
from tests.readers.review.vault_desk import FILER, KeptFiles, Key
from tests.readers.review.vault_desk import Town as Parties
from tests.web.conftest import NO_RATES, Answer, Build

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Review
from halfdoor.readers.review.appeals import Appeals
from halfdoor.readers.review.decisions import Decisions
from halfdoor.readers.review.errors import RoleError
from halfdoor.readers.review.evidence_opening import EvidenceOpener
from halfdoor.readers.review.exhibits import Exhibits
from halfdoor.readers.review.referrals import Referrals
from halfdoor.readers.review.silences import Silences
from halfdoor.web.limits import Limits
from halfdoor.web.staffapi.doors import routes, staff_operations
from halfdoor.web.staffapi.operations import ROOT, Operation


class Entered(msgspec.Struct, frozen=True):
    """A session."""

    staff: StaffMember


class Doors:
    """Sessions whose token is `token-` and the staff id."""

    def __init__(self) -> None:
        self.known: dict[str, StaffMember] = {}

    def let_in(self, *staff: StaffMember) -> None:
        self.known |= {f"token-{one.id}": one for one in staff}

    async def admit(self, token: str) -> Entered | None:
        return Entered(self.known[token]) if token in self.known else None

    async def begin(self) -> bytes:
        return b'{"challenge":"abc"}'

    async def finish(self, answer: bytes) -> str:
        if json.loads(answer) != {"passkey": "anna"}:
            raise RoleError("This passkey does not sign in here.")
        return "token-anna"

    async def leave(self, token: str) -> None:
        self.known.pop(token, None)


class StaffSide(Scene):
    """A scene with an interface in front of it."""

    def __init__(
        self, build: Build, review: Review | None = None, limits: Limits = NO_RATES
    ) -> None:
        super().__init__() if review is None else super().__init__(review=review)
        ages = Ages(pairs=set())
        self.store = self.desk
        self.files, self.key = KeptFiles(), Key()
        self.decisions = Decisions(
            desk=self.desk,
            review=self.review,
            conflicts=self.conflicts,
            people=ages,
            company=ages,
            clock=self.clock,
        )
        self.appeals = Appeals(
            desk=self.desk,
            review=self.review,
            decisions=self.decisions,
            conflicts=self.conflicts,
            clock=self.clock,
        )
        self.silences = Silences(
            desk=self.desk, review=self.review, conflicts=self.conflicts, clock=self.clock
        )
        self.referrals = Referrals(
            desk=self.desk,
            conflicts=self.conflicts,
            exhibits=Exhibits(EvidenceOpener(self.desk, SIGNER.public, self.shelf)),
            persons=Parties(),
            files=self.files,
            key=self.key,
            filer=FILER,
            review=self.review,
            clock=self.clock,
        )
        self.doors = Doors()
        self.routes = routes(self, self.doors, limits)
        self.house = build(self.routes)

    def operations(self) -> list[Operation]:
        return staff_operations(self)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: StaffMember | None = None,
        token: str | None = None,
        query: str = "",
    ) -> Answer:
        """Ask *path*, signed in as *by*."""
        if by is not None:
            self.doors.let_in(by)
            token = f"token-{by.id}"
        raw = b"" if body is None else json.dumps(body).encode()
        return await self.house.ask(
            method, (ROOT + path).encode(), body=[raw], token=token, query=query.encode()
        )


def good(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    assert answer.header(b"cache-control") == b"no-store"
    return answer.json


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["errcode"]
