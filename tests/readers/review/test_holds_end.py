"""At the end of the hold evidence is destroyed: not a day earlier, and the log proves it."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.readers.review.vault_desk import (
    CARA,
    CARL,
    CASE,
    DAY,
    ENTICEMENT,
    NOW,
    REVIEW,
    VaultDesk,
    evidence,
)

from halfdoor.readers.review.case_keys import private_key
from halfdoor.readers.review.errors import StaleCaseError
from halfdoor.readers.review.holds import Holds, proof_of
from halfdoor.readers.review.records import Case, CaseState
from halfdoor.readers.review.store import DeskChange
from halfdoor.sealing.labels import Denied

YEAR = NOW + 365 * DAY


def holds(vault: VaultDesk) -> Holds:
    return Holds(desk=vault.desk, files=vault.files, review=REVIEW, clock=vault.clock)


async def referred(vault: VaultDesk) -> None:
    await vault.viewed("evd_1")
    await vault.referrals.propose(CARA, CASE, ENTICEMENT)
    await vault.referrals.confirm(CARL, CASE)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"state": CaseState.CLAIMED},
        {"state": CaseState.SECOND},
        {"child_safety": False, "queue": "harassment"},
    ],
)
async def test_before_the_end_and_of_open_or_ordinary_cases_nothing_is_destroyed(
    changes: dict[str, Any],
) -> None:
    vault = VaultDesk()
    await vault.open(**changes)
    vault.clock.now = YEAR if changes else YEAR - 1
    before = vault.desk.everything()
    assert await holds(vault).run() == 0
    assert vault.desk.everything() == before


class Copies:
    """Which cases let go of the copies of their files."""

    def __init__(self) -> None:
        self.released: list[str] = []

    async def release(self, case: str) -> None:
        self.released.append(case)


async def test_copies_of_reported_files_go_with_their_case_and_not_before() -> None:
    vault, copies = VaultDesk(), Copies()
    await vault.open()
    ending = Holds(
        desk=vault.desk, files=vault.files, review=REVIEW, clock=vault.clock, copies=copies
    )
    vault.clock.now = YEAR - 1
    await ending.run()
    assert copies.released == []
    vault.clock.now = YEAR
    await ending.run()
    assert copies.released == [CASE]


async def test_at_the_end_key_evidence_notes_and_files_are_gone() -> None:
    vault = VaultDesk()
    await vault.open()
    await referred(vault)
    vault.clock.now = YEAR
    assert await holds(vault).run() == 1
    assert vault.files.kept == {}
    assert await vault.desk.evidence(CASE) == []
    assert [one.note for one in await vault.desk.reports(CASE)] == [""]
    case = await vault.desk.case(CASE)
    assert case is not None
    assert case.state is CaseState.CLOSED
    with pytest.raises(Denied):
        private_key(case)


async def test_the_log_says_what_was_destroyed_so_that_it_can_be_checked() -> None:
    vault = VaultDesk()
    await vault.open()
    await referred(vault)
    known = await vault.desk.evidence(CASE)
    vault.clock.now = YEAR
    await holds(vault).run()
    last = (await vault.desk.events(CASE))[-1]
    detail = msgspec.json.decode(last.detail)
    assert (last.kind, last.actor, detail["evidence"]) == ("destroyed", "", 3)
    assert len(detail["referrals"]) == 1
    line = vault.desk.log[-1]
    assert (line.what, line.case, line.about) == ("destroy", CASE, detail["proof"])
    assert detail["proof"] == proof_of(list(reversed(known)))
    assert detail["proof"] != proof_of([*known[:2], evidence(3, "other words")])


async def test_it_happens_once() -> None:
    vault = VaultDesk()
    await vault.open()
    vault.clock.now = YEAR
    assert await holds(vault).run() == 1
    assert await holds(vault).run() == 0
    assert vault.kinds() == ["destroy"]


async def test_a_case_that_somebody_works_on_just_now_is_left_for_the_next_round() -> None:
    vault = VaultDesk()
    await vault.open()
    vault.clock.now = YEAR
    commit = vault.desk.commit

    async def moved(change: DeskChange) -> tuple[Case, ...]:
        raise StaleCaseError

    vault.desk.commit = moved  # type: ignore[method-assign]
    assert await holds(vault).run() == 0
    vault.desk.commit = commit  # type: ignore[method-assign]
    assert await holds(vault).run() == 1


async def test_what_was_merged_is_kept_as_long_as_the_case_that_goes_on() -> None:
    vault = VaultDesk()
    case = await vault.open()
    merged = replace(
        case,
        id="case_two",
        state=CaseState.CLOSED,
        decided_at=None,
        merged_into=CASE,
        opened=NOW - 400 * DAY,
        revision=0,
    )
    await vault.desk.commit(DeskChange(cases=(merged,)))
    vault.clock.now = YEAR - 1
    assert await holds(vault).run() == 0
    vault.clock.now = YEAR
    assert await holds(vault).run() == 2


async def test_many_pages_of_cases_are_looked_through() -> None:
    vault = VaultDesk()
    case = await vault.open()
    more = tuple(replace(case, id=f"case_{n:03}", revision=0) for n in range(250))
    await vault.desk.commit(DeskChange(cases=more))
    vault.clock.now = YEAR
    assert await holds(vault).run() == 251
