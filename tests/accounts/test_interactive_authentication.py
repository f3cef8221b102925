"""User-interactive authentication: what proves who is there, and what does not."""

from typing import Any

import pytest
from tests.accounts.little_accounts import MINUTE, NOW, PASSWORD, LittleAccounts, signed

from halfdoor.accounts.errors import ForbiddenError, LimitedError, UiaNeededError
from halfdoor.accounts.session import LoginRequest
from halfdoor.accounts.store import AccountStore
from halfdoor.accounts.uia import named_user

ALICE = "@alice:a.example"
DELETE = "POST /_matrix/client/v3/delete_devices"


async def needed(
    house: LittleAccounts, auth: dict[str, Any] | None, operation: str = DELETE, now: int = NOW
) -> UiaNeededError:
    with pytest.raises(UiaNeededError) as refused:
        await house.uia.check(ALICE, auth, operation, now)
    return refused.value


async def test_without_proof_the_flows_are_named(house: LittleAccounts) -> None:
    await house.alice()
    answer = await needed(house, None)
    assert answer.flows == (("m.login.password",),)
    assert answer.completed == ()
    assert answer.params == {}
    assert answer.errcode is None
    assert len(answer.session) >= 20


async def test_an_account_without_a_password_proves_itself_by_jwt(house: LittleAccounts) -> None:
    await house.jwt_login()
    assert (await needed(house, None)).flows == (("org.matrix.login.jwt",),)


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "m.login.password", "password": "wrong"},
        {"type": "m.login.password"},
        {"type": "m.login.password", "password": None},
        {"type": "m.login.password", "password": PASSWORD, "user": "bob"},
        {
            "type": "m.login.password",
            "password": PASSWORD,
            "identifier": {"type": "m.id.user", "user": "@bob:a.example"},
        },
        {"type": "m.login.dummy"},
        {"type": "org.matrix.login.jwt", "token": signed("alice")},
        {"type": 7},
        {"type": ["m.login.password"]},
    ],
)
async def test_what_proves_nothing_is_refused_with_the_flows_again(
    house: LittleAccounts, auth: dict[str, Any]
) -> None:
    await house.alice()
    begun = await needed(house, None)
    answer = await needed(house, {**auth, "session": begun.session})
    assert answer.session == begun.session
    assert answer.errcode == "M_FORBIDDEN"
    assert answer.error


async def test_the_right_password_is_proof_with_or_without_the_session(
    house: LittleAccounts,
) -> None:
    await house.alice()
    begun = await needed(house, None)
    auth = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "alice"},
        "password": PASSWORD,
    }
    for one in ({**auth, "session": begun.session}, auth):
        proof = await house.uia.check(ALICE, one, DELETE, NOW)
        assert proof.stage == "m.login.password"
        assert proof.secrets is not None


async def test_a_session_is_for_one_operation_of_one_user_and_ends(house: LittleAccounts) -> None:
    await house.alice()
    begun = await needed(house, None)
    for operation, now in (("POST other", NOW), (DELETE, NOW + 15 * MINUTE)):
        answer = await needed(house, {"session": begun.session}, operation, now)
        assert answer.session != begun.session
    assert (await needed(house, {"session": begun.session})).session == begun.session
    assert (await needed(house, {"session": 7})).session != begun.session


async def test_only_a_fresh_jwt_of_the_same_person_is_proof(house: LittleAccounts) -> None:
    await house.jwt_login()
    old = signed("alice", NOW - 6 * MINUTE, exp=NOW // 1000 + 300)
    for token in (old, signed("bob"), "", None):
        auth = {"type": "org.matrix.login.jwt", "token": token}
        assert (await needed(house, auth)).errcode == "M_FORBIDDEN"
    auth = {"type": "org.matrix.login.jwt", "token": signed("alice", NOW - 5 * MINUTE)}
    assert (await house.uia.check(ALICE, auth, DELETE, NOW)).stage == "org.matrix.login.jwt"


async def test_guessing_is_throttled(store: AccountStore) -> None:
    house = LittleAccounts(store, throttled=True)
    await house.alice()
    auth = {"type": "m.login.password", "password": "wrong"}
    for _ in range(6):
        await needed(house, auth)
    with pytest.raises(LimitedError):
        await house.uia.check(ALICE, auth, DELETE, NOW)
    house.close()


async def test_registration_asks_for_the_stage_that_proves_nothing(house: LittleAccounts) -> None:
    register = "POST /_matrix/client/v3/register"
    with pytest.raises(UiaNeededError) as begun:
        house.uia.check_dummy(None, register, NOW)
    assert begun.value.flows == (("m.login.dummy",),)
    with pytest.raises(UiaNeededError) as refused:
        house.uia.check_dummy({"type": "m.login.password"}, register, NOW)
    assert refused.value.errcode == "M_FORBIDDEN"
    house.uia.check_dummy({"type": "m.login.dummy", "session": begun.value.session}, register, NOW)


async def test_begun_authentications_do_not_pile_up(house: LittleAccounts) -> None:
    await house.alice()
    for n in range(10_050):
        with pytest.raises(UiaNeededError):
            house.uia.check_dummy(None, str(n), NOW)
    assert repr(house.uia) == "Uia(10000 begun)"


@pytest.mark.parametrize(
    ("body", "user"),
    [
        ({"identifier": {"type": "m.id.user", "user": "alice"}}, "alice"),
        ({"user": "alice"}, "alice"),
        ({"identifier": {"type": "m.id.phone", "user": "bob"}, "user": "alice"}, "alice"),
        ({"identifier": "alice"}, None),
        ({"user": 7}, None),
        ({}, None),
    ],
)
def test_a_login_body_names_its_user_in_either_form(body: dict[str, Any], user: str | None) -> None:
    assert named_user(body) == user


async def test_a_login_without_a_known_name_is_throttled_by_what_was_typed(
    store: AccountStore,
) -> None:
    house = LittleAccounts(store, throttled=True)
    for _ in range(6):
        with pytest.raises(ForbiddenError):
            await house.login.password("@x:b.example", "wrong", LoginRequest(), NOW)
    with pytest.raises(LimitedError):
        await house.login.password("@x:b.example", "wrong", LoginRequest(), NOW)
    house.close()
