"""Logging in with a password: who is let in, and what a login leaves behind."""

import asyncio

import pytest
from tests.accounts.little_accounts import NOW, PASSWORD, LittleAccounts

from halfdoor.accounts.errors import (
    DeactivatedError,
    ForbiddenError,
    InvalidParameterError,
    InvalidUsernameError,
    LimitedError,
    UserInUseError,
    WeakPasswordError,
)
from halfdoor.accounts.passwords import Passwords
from halfdoor.accounts.session import LoginRequest
from halfdoor.accounts.store import AccountStore

HERE = LoginRequest()


async def test_a_wrong_password_is_refused(house: LittleAccounts) -> None:
    await house.alice()
    with pytest.raises(ForbiddenError):
        await house.login.password("alice", PASSWORD + "!", HERE, NOW)


@pytest.mark.parametrize("name", ["nobody", "@nobody:a.example", "@alice:b.example", "a b\x00", ""])
async def test_an_unknown_name_is_answered_like_a_wrong_password(
    house: LittleAccounts, name: str
) -> None:
    await house.alice()
    with pytest.raises(ForbiddenError, match="wrong user name or password"):
        await house.login.password(name, PASSWORD, HERE, NOW)


async def test_an_unknown_name_costs_as_much_work_as_a_wrong_password(
    house: LittleAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretched: list[bytes] = []
    verify = house.passwords._run

    async def count(function: object, *args: bytes) -> object:
        stretched.append(args[-1])
        return await verify(function, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(house.passwords, "_run", count)
    with pytest.raises(ForbiddenError):
        await house.login.password("nobody", PASSWORD, HERE, NOW)
    assert [len(salt) for salt in stretched] == [16]


async def test_an_account_without_a_password_lets_no_password_in(house: LittleAccounts) -> None:
    await house.jwt_login("alice")
    with pytest.raises(ForbiddenError):
        await house.login.password("alice", "", HERE, NOW)


async def test_half_a_surrogate_is_no_password(house: LittleAccounts) -> None:
    await house.alice()
    with pytest.raises(ForbiddenError):
        await house.login.password("alice", "\ud800" * 12, HERE, NOW)
    with pytest.raises(InvalidParameterError):
        await house.passwords.make("\ud800" * 12)


@pytest.mark.parametrize(
    "password", ["short", "password1234", "alice12345", "aaaaaaaaaaaa", "qwertyuiop12"]
)
async def test_a_weak_or_known_password_is_refused(house: LittleAccounts, password: str) -> None:
    with pytest.raises(WeakPasswordError):
        await house.register.register("alice", password, HERE, NOW)


async def test_a_password_beyond_all_measure_is_refused_before_it_is_stretched(
    house: LittleAccounts,
) -> None:
    with pytest.raises(InvalidParameterError):
        await house.register.register("alice", "x" * 100_000, HERE, NOW)
    await house.alice()
    with pytest.raises(ForbiddenError):
        await house.login.password("alice", "x" * 100_000, HERE, NOW)


async def test_development_takes_any_password(store: AccountStore) -> None:
    house = LittleAccounts(store, development=True)
    await house.register.register("bob", "bob", HERE, NOW)
    assert (await house.login.password("bob", "bob", HERE, NOW)).session.user == "@bob:a.example"
    house.close()


@pytest.mark.parametrize(
    "name", ["Alice", "al ice", "älice", "", "a" * 250, "_bridge", "a:b", "a\n"]
)
async def test_a_name_that_is_none_is_refused(house: LittleAccounts, name: str) -> None:
    with pytest.raises(InvalidUsernameError):
        await house.register.check_free(name)


async def test_a_name_is_given_once(house: LittleAccounts) -> None:
    await house.alice()
    with pytest.raises(UserInUseError):
        await house.alice()


async def test_two_who_register_the_same_name_at_once_get_one_account(
    house: LittleAccounts,
) -> None:
    answers = await asyncio.gather(house.alice(), house.alice(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["SignedIn", "UserInUseError"]
    assert len((await house.state()).sessions) == 1


async def test_a_person_whom_the_platform_made_cannot_be_impersonated(
    house: LittleAccounts,
) -> None:
    await house.people.claim("@alice:a.example", {})
    with pytest.raises(UserInUseError):
        await house.alice()


async def test_nobody_registers_where_registration_is_closed(house: LittleAccounts) -> None:
    house.register._open = False
    with pytest.raises(ForbiddenError):
        await house.alice()


async def test_too_many_wrong_passwords_are_throttled_and_the_right_one_too(
    store: AccountStore,
) -> None:
    house = LittleAccounts(store, throttled=True)
    await house.alice()
    here = LoginRequest(ip="192.0.2.1")
    for _ in range(6):
        with pytest.raises(ForbiddenError):
            await house.login.password("alice", "wrong", here, NOW)
    with pytest.raises(LimitedError) as refused:
        await house.login.password("alice", PASSWORD, here, NOW)
    assert 0 < refused.value.retry_after_ms <= 20_000
    # Another address of the same person is not locked out by that.
    elsewhere = LoginRequest(ip="192.0.2.2")
    await house.login.password("alice", PASSWORD, elsewhere, NOW)
    house.close()


async def test_more_logins_than_threads_can_wait_for_are_told_to_come_back() -> None:
    passwords = Passwords(threads=1, waiting=1)
    answers = await asyncio.gather(
        *(passwords.verify("x", None) for _ in range(4)), return_exceptions=True
    )
    assert [type(one).__name__ for one in answers] == [
        "NoneType",
        "NoneType",
        "LimitedError",
        "LimitedError",
    ]
    passwords.close()


async def test_a_closed_account_lets_nobody_in_and_keeps_its_name(house: LittleAccounts) -> None:
    signed_in = await house.alice()
    await house.deactivate.own(signed_in.session)
    with pytest.raises(ForbiddenError):
        await house.login.password("alice", PASSWORD, HERE, NOW)
    with pytest.raises(DeactivatedError):
        await house.jwt_login("alice")
    with pytest.raises(UserInUseError):
        await house.alice()


@pytest.mark.parametrize("device", ["", "a b", "x" * 256, "a\x00b", "\ud800", "a\nb"])
async def test_a_device_id_that_no_client_needs_is_refused(
    house: LittleAccounts, device: str
) -> None:
    with pytest.raises(InvalidParameterError):
        await house.alice(device=device)


@pytest.mark.parametrize("name", ["alice", "Alice", "@alice:a.example"])
async def test_the_right_password_opens_the_same_user_key_on_every_device(
    house: LittleAccounts, name: str
) -> None:
    first = await house.alice()
    second = await house.login.password(name, PASSWORD, HERE, NOW)
    assert not second.session.pending
    assert second.session.device != first.session.device
    assert house.secrets_of(first.session.id) == house.secrets_of(second.session.id)
    assert second.recovery_key is None
    assert second.refresh_token is None
    assert second.expires_in_ms is None


async def test_a_second_login_on_a_device_ends_the_first(house: LittleAccounts) -> None:
    first = await house.alice(device="PHONE")
    second = await house.login.password("alice", PASSWORD, LoginRequest(device="PHONE"), NOW)
    assert second.session.device == "PHONE"
    state = await house.state()
    assert [one.id for one in state.sessions] == [second.session.id]
    assert {one.session for one in state.tokens} == {second.session.id}
    assert not house.keyring.holds(first.session.id)


async def test_an_account_made_by_an_administrator_gets_its_key_at_the_first_login(
    house: LittleAccounts,
) -> None:
    user = await house.register.make("alice", PASSWORD, None, NOW)
    assert (await house.state(user)).account.kid is None
    assert (await house.people.public_key(user)) is None
    signed_in = await house.login.password("alice", PASSWORD, HERE, NOW)
    assert not signed_in.session.pending
    public = await house.people.public_key(user)
    assert public is not None
    assert public.kid == signed_in.session.kid
    assert house.news.of("new_user_key") == [False]


async def test_two_first_logins_at_once_make_one_user_key(house: LittleAccounts) -> None:
    await house.register.make("alice", PASSWORD, None, NOW)
    both = await asyncio.gather(
        house.login.password("alice", PASSWORD, HERE, NOW),
        house.login.password("alice", PASSWORD, HERE, NOW),
    )
    assert both[0].session.kid == both[1].session.kid
    keys = {house.secrets_of(one.session.id) for one in both}
    assert len(keys) == 1
