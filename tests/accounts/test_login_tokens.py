"""Login tokens: good once, not for long, for one account."""

import pytest
from tests.accounts.little_accounts import MINUTE, NOW, LittleAccounts

from halfdoor.accounts.errors import ForbiddenError, PendingError, UnknownTokenError
from halfdoor.accounts.session import LoginRequest

HERE = LoginRequest()


async def test_a_used_login_token_is_refused(house: LittleAccounts) -> None:
    signed_in = await house.alice()
    text, _ = await house.tokens.make(signed_in.session, NOW)
    await house.login.login_token(text, HERE, NOW)
    with pytest.raises(ForbiddenError):
        await house.login.login_token(text, HERE, NOW)


async def test_an_old_login_token_is_refused_and_used_up_by_the_attempt(
    house: LittleAccounts,
) -> None:
    signed_in = await house.alice()
    text, lifetime = await house.tokens.make(signed_in.session, NOW)
    for now in (NOW + lifetime, NOW):
        with pytest.raises(ForbiddenError):
            await house.login.login_token(text, HERE, now)


async def test_another_kind_of_token_logs_nobody_in(house: LittleAccounts) -> None:
    signed_in = await house.alice(refresh=True)
    assert signed_in.refresh_token is not None
    text, _ = await house.tokens.make(signed_in.session, NOW)
    for other in (signed_in.access_token, signed_in.refresh_token, text[:-1], text + "=", "", "é"):
        with pytest.raises(ForbiddenError):
            await house.login.login_token(other, HERE, NOW)
    with pytest.raises(UnknownTokenError):
        await house.who(text)
    with pytest.raises(UnknownTokenError):
        await house.refresh.refresh(text, NOW)


async def test_a_session_that_waits_makes_no_login_token(house: LittleAccounts) -> None:
    await house.jwt_login()
    waiting = await house.jwt_login()
    with pytest.raises(PendingError):
        await house.tokens.make(waiting.session, NOW)


async def test_a_login_token_signs_its_own_account_in_and_the_session_waits(
    house: LittleAccounts,
) -> None:
    signed_in = await house.alice()
    text, lifetime = await house.tokens.make(signed_in.session, NOW)
    assert lifetime == 2 * MINUTE
    second = await house.login.login_token(text, HERE, NOW)
    assert second.session.user == "@alice:a.example"
    # It opens no slot: somebody who read it over a shoulder opens nothing either.
    assert second.session.pending
