"""Profiles: fields come and go, and stay small."""

import pytest
from tests.accounts.little_accounts import LittleAccounts, signed

from halfdoor.accounts.errors import InvalidParameterError, NotFoundError
from halfdoor.accounts.session import LoginRequest

ALICE = "@alice:a.example"


async def test_a_person_nobody_knows_has_no_profile(house: LittleAccounts) -> None:
    with pytest.raises(NotFoundError):
        await house.profiles.all(ALICE)
    with pytest.raises(NotFoundError):
        await house.profiles.set(ALICE, "displayname", "A")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("displayname", None),
        ("displayname", "x" * 256),
        ("avatar_url", 7),
        ("avatar_url", "https://tracker.example/a.png"),
        ("", "x"),
        ("x" * 256, "x"),
        ("a\nb", "x"),
        ("big", "x" * 70_000),
    ],
)
async def test_a_field_that_no_profile_may_have_is_refused(
    house: LittleAccounts, name: str, value: object
) -> None:
    await house.alice()
    with pytest.raises(InvalidParameterError):
        await house.profiles.set(ALICE, name, value)


async def test_fields_are_set_read_and_cleared(house: LittleAccounts) -> None:
    await house.alice()
    assert await house.profiles.all(ALICE) == {}
    await house.profiles.set(ALICE, "displayname", "Alice ü 🐎")
    await house.profiles.set(ALICE, "avatar_url", "mxc://a.example/abc")
    await house.profiles.set(ALICE, "org.example.pronouns", {"en": ["she"], "n": 1})
    assert await house.profiles.field(ALICE, "displayname") == "Alice ü 🐎"
    assert await house.profiles.field(ALICE, "org.example.pronouns") == {"en": ["she"], "n": 1}
    await house.profiles.delete(ALICE, "avatar_url")
    await house.profiles.delete(ALICE, "avatar_url")
    with pytest.raises(NotFoundError):
        await house.profiles.field(ALICE, "avatar_url")
    assert set(await house.profiles.all(ALICE)) == {"displayname", "org.example.pronouns"}


async def test_the_platforms_name_is_only_a_beginning(house: LittleAccounts) -> None:
    await house.login.jwt(signed("alice", name="Alice"), LoginRequest(), 1_795_000_000_000)
    await house.profiles.set(ALICE, "displayname", "Ally")
    await house.login.jwt(signed("alice", name="Alice"), LoginRequest(), 1_795_000_000_000)
    assert await house.profiles.field(ALICE, "displayname") == "Ally"
