"""Cases of the vault exist for those with its role, and for nobody else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.readers.review.deciding import ANNA, CARA, LEA, REVIEW
from tests.readers.review.vault_desk import VaultDesk

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Vault, VaultRegion
from halfdoor.readers.review.errors import RoleError, UnknownCaseError
from halfdoor.readers.review.records import Case, CaseState
from halfdoor.readers.review.store import Counts
from halfdoor.readers.review.vault import check_sees, check_view, counts_for, lies_in_vault, viewer

ROLES = st.frozensets(st.sampled_from(["reviewer", "lead", "auditor", "admin"]))


async def case(**changes: Any) -> Case:
    return await VaultDesk().open(**changes)


@given(ROLES)
def test_no_other_roles_together_make_up_for_the_one(roles: frozenset[str]) -> None:
    staff = StaffMember(id="x", name="X", roles=roles, place="FI")
    counts = [
        Counts("child_safety", CaseState.OPEN, 3, 1),
        Counts("harassment", CaseState.OPEN, 1, 1),
    ]
    assert "child_safety" not in [one.queue for one in counts_for(staff, counts, REVIEW)]


@pytest.mark.parametrize("role", ["lead", "auditor", "admin"])
def test_whoever_answers_for_the_desk_reads_the_numbers_of_all_other_queues(role: str) -> None:
    staff = StaffMember(id="x", name="X", roles=frozenset({role}), place="FI")
    counts = [
        Counts("child_safety", CaseState.OPEN, 3, 1),
        Counts("harassment", CaseState.OPEN, 1, 1),
        Counts("harassment", CaseState.CLAIMED, 2, 1),
    ]
    assert counts_for(staff, counts, REVIEW) == counts[1:]


@pytest.mark.parametrize("staff", [ANNA, LEA])
async def test_to_others_such_a_case_is_one_that_does_not_exist(staff: StaffMember) -> None:
    with pytest.raises(UnknownCaseError) as hidden:
        check_sees(staff, await case(), REVIEW)
    with pytest.raises(UnknownCaseError) as nowhere:
        check_sees(staff, None, REVIEW)
    assert str(hidden.value) == str(nowhere.value)


async def test_it_stays_in_the_vault_whatever_queue_it_goes_to() -> None:
    appeal = await case(queue="harassment")
    assert lies_in_vault(appeal, REVIEW)
    with pytest.raises(UnknownCaseError):
        check_sees(LEA, appeal, REVIEW)
    assert lies_in_vault(await case(child_safety=False), REVIEW)


async def test_an_ordinary_case_is_not_the_vaults_to_see() -> None:
    ordinary = await case(child_safety=False, queue="harassment")
    assert check_sees(LEA, ordinary, REVIEW) is ordinary
    with pytest.raises(RoleError):
        check_sees(CARA, ordinary, REVIEW)


async def test_pictures_are_viewed_by_nobody_unless_the_policy_says_so() -> None:
    with pytest.raises(RoleError):
        check_view(CARA, await case(), REVIEW, media=True)
    check_view(CARA, await case(), REVIEW, media=False)


@pytest.mark.parametrize(
    ("place", "works", "may"),
    [("US", "US", True), ("US", "FI", False), ("FI", "US", False), (None, "US", False)],
)
async def test_of_two_places_the_stricter_law_holds(
    place: str | None, works: str, may: bool
) -> None:
    allowed = VaultRegion(region="US", media="child_safety")
    review = replace(REVIEW, vault=Vault(regions=(allowed,)))
    staff = replace(CARA, place=works)
    if may:
        check_view(staff, await case(region=place), review, media=True)
        return
    with pytest.raises(RoleError):
        check_view(staff, await case(region=place), review, media=True)


async def test_where_even_words_are_viewed_by_nobody_a_case_is_decided_without() -> None:
    review = replace(
        REVIEW, vault=Vault(regions=(VaultRegion(region="DE", media="nobody", text="nobody"),))
    )
    with pytest.raises(RoleError):
        check_view(CARA, await case(region="DE"), review, media=False)
    assert viewer(review.vault, "DE", media=False) == "nobody"


async def test_the_law_of_the_vault_binds_no_other_case() -> None:
    ordinary = await case(child_safety=False, queue="harassment")
    check_view(ANNA, ordinary, REVIEW, media=True)
