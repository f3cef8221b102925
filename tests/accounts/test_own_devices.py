"""The devices of an account: seen, named, ended."""

import pytest
from tests.accounts.little_accounts import NOW, PASSWORD, LittleAccounts

from halfdoor.accounts.errors import InvalidParameterError, NotFoundError, UnknownTokenError
from halfdoor.accounts.session import LoginRequest

ALICE = "@alice:a.example"


async def test_a_device_of_somebody_else_is_not_there(house: LittleAccounts) -> None:
    first = await house.alice(device="PHONE")
    await house.register.register("bob", PASSWORD, LoginRequest(device="TABLET"), NOW)
    with pytest.raises(NotFoundError):
        await house.devices.one(ALICE, "TABLET")
    with pytest.raises(NotFoundError):
        await house.devices.rename(first.session, "TABLET", "mine now")
    await house.devices.delete(first.session, ["TABLET"])
    assert (await house.devices.one("@bob:a.example", "TABLET")).id == "TABLET"


@pytest.mark.parametrize("name", ["x" * 256, "\ud800", "a\x00b"])
async def test_a_name_that_no_device_needs_is_refused(house: LittleAccounts, name: str) -> None:
    first = await house.alice(device="PHONE")
    with pytest.raises(InvalidParameterError):
        await house.devices.rename(first.session, "PHONE", name)


async def test_devices_are_listed_renamed_and_deleted(house: LittleAccounts) -> None:
    first = await house.alice(device="PHONE")
    request = LoginRequest(device="LAPTOP", display_name="laptop")
    second = await house.login.password("alice", PASSWORD, request, NOW + 1)
    assert [(one.id, one.display_name) for one in await house.devices.all(ALICE)] == [
        ("PHONE", None),
        ("LAPTOP", "laptop"),
    ]
    await house.devices.rename(first.session, "LAPTOP", "office")
    assert (await house.devices.one(ALICE, "LAPTOP")).display_name == "office"
    await house.devices.delete(first.session, ["LAPTOP", "UNKNOWN"])
    assert [one.id for one in await house.devices.all(ALICE)] == ["PHONE"]
    with pytest.raises(UnknownTokenError):
        await house.who(second.access_token)
    assert await house.devices.all("@nobody:a.example") == []


async def test_a_device_keeps_its_name_through_a_new_login(house: LittleAccounts) -> None:
    first = await house.alice(device="PHONE")
    await house.devices.rename(first.session, "PHONE", "my phone")
    request = LoginRequest(device="PHONE", display_name="client 2.0")
    await house.login.password("alice", PASSWORD, request, NOW)
    assert (await house.devices.one(ALICE, "PHONE")).display_name == "my phone"
