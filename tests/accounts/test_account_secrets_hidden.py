"""No password, token or key of an account shows in what is printed."""

import logging

import pytest
from tests.accounts.little_accounts import K_LOOKUP, NOW, PASSWORD, LittleAccounts

from halfdoor.accounts.errors import ForbiddenError, UnknownTokenError
from halfdoor.accounts.records import (
    FormerKey,
    LoginRecord,
    PendingRecord,
    SlotRecord,
    StartOverRecord,
    TokenRecord,
)
from halfdoor.accounts.session import LoginRequest, Refreshed
from halfdoor.accounts.signin import Given
from halfdoor.accounts.tokens import Mint, NewToken, ReadToken
from halfdoor.accounts.uia import Proof
from halfdoor.sealing.slots import PasswordSecrets

SECRET = b"do not show this"
TEXT = "hda1.do-not-show-this"

SHOWN = {
    "login": (LoginRecord(salt=SECRET, verifier=SECRET), "LoginRecord(…)"),
    "slot": (
        SlotRecord(name="pw", kid=b"k", blob=SECRET, salt=SECRET, public=SECRET),
        "SlotRecord(name='pw', kid=6b)",
    ),
    "token": (
        TokenRecord(lookup=SECRET, session="S", kind="acc", pair=1, kid=SECRET, blob=SECRET),
        "TokenRecord(session='S', kind='acc', pair=1)",
    ),
    "pending": (
        PendingRecord(session="S", device="D", kid=b"k", public=SECRET, asked=1, approval=SECRET),
        "PendingRecord(session='S', kid=6b)",
    ),
    "former": (
        FormerKey(kid=b"k", public=SECRET, next_kid=b"l", closed=1, readable_until=2, blob=SECRET),
        "FormerKey(kid=6b, next_kid=6c)",
    ),
    "wish": (
        StartOverRecord(session="S", asked=1, due=2, kid=b"k", public=SECRET, approval=SECRET),
        "StartOverRecord(session='S', due=2)",
    ),
    "new token": (NewToken(TEXT, SECRET, SECRET), "NewToken(…)"),
    "read token": (ReadToken(1, SECRET, SECRET), "ReadToken(…)"),
    "mint": (Mint(SECRET), "Mint(…)"),
    "refreshed": (
        Refreshed(access_token=TEXT, refresh_token=TEXT, expires_in_ms=1),
        "Refreshed(…)",
    ),
    "request": (
        LoginRequest(device="D", recovery_key=TEXT),
        "LoginRequest(device='D', refresh=False)",
    ),
    "given": (
        Given(secrets=PasswordSecrets(SECRET, SECRET)),
        "Given(password=True)",
    ),
    "proof": (
        Proof(stage="m.login.password", secrets=PasswordSecrets(SECRET, SECRET)),
        "Proof(stage='m.login.password')",
    ),
}


@pytest.mark.parametrize("what", SHOWN)
def test_a_secret_is_not_shown_by(what: str) -> None:
    value, shown = SHOWN[what]
    assert repr(value) == str(value) == f"{value}" == shown


@pytest.fixture
def loud(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


async def test_what_a_login_makes_shows_in_no_log_and_no_traceback(
    house: LittleAccounts, loud: pytest.LogCaptureFixture
) -> None:
    signed_in = await house.alice(refresh=True)
    waiting = await house.jwt_login("bob")
    assert signed_in.refresh_token is not None
    assert waiting.recovery_key is not None
    await house.who(signed_in.access_token)
    shown = [repr(signed_in), repr(waiting), repr(await house.state()), loud.text]
    shown += [repr(getattr(house, name)) for name in vars(house)]
    with pytest.raises(ForbiddenError) as wrong:
        await house.login.password("alice", PASSWORD + "!", LoginRequest(), NOW)
    shown.append(repr(wrong.value))
    with pytest.raises(UnknownTokenError) as unknown:
        await house.who(signed_in.access_token + "x")
    shown += [repr(unknown.value), str(unknown.value), str(unknown.getrepr(style="short"))]
    for text in shown:
        for secret in (
            PASSWORD,
            signed_in.access_token,
            signed_in.refresh_token,
            waiting.recovery_key,
            K_LOOKUP.hex(),
            repr(K_LOOKUP)[2:-1],
        ):
            assert secret not in text
