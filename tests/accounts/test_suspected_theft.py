"""Suspected theft: a new user key, the old one readable to its owner alone."""

import pytest
from msgspec.structs import replace
from tests.accounts.little_accounts import NOW, PASSWORD, LittleAccounts

from halfdoor.accounts.errors import ForbiddenError, PendingError, UnknownTokenError
from halfdoor.accounts.session import LoginRequest
from halfdoor.accounts.uia import Proof

ALICE = "@alice:a.example"
PROOF = Proof(stage="org.matrix.login.jwt")


async def test_every_other_session_and_slot_is_gone(house: LittleAccounts) -> None:
    first = await house.alice(refresh=True)
    thief = await house.login.password("alice", PASSWORD, LoginRequest(refresh=True), NOW)
    await house.who(first.access_token)
    answer = await house.theft.suspect(first.session, PROOF, NOW)
    for token in (thief.access_token, first.access_token):
        with pytest.raises(UnknownTokenError):
            await house.who(token)
    for refresh in (thief.refresh_token, first.refresh_token):
        assert refresh is not None
        with pytest.raises(UnknownTokenError):
            await house.refresh.refresh(refresh, NOW)
    # The password was not in the request, so it opens nothing, and a recovery key is shown.
    state = await house.state()
    assert {one.name for one in state.slots} == {"rec"}
    assert answer.recovery_key is not None
    assert (await house.login.password("alice", PASSWORD, LoginRequest(), NOW)).session.pending


async def test_what_the_thief_holds_opens_nothing_that_comes_after(
    house: LittleAccounts,
) -> None:
    first = await house.alice()
    old = house.secrets_of(first.session.id)
    answer = await house.theft.suspect(first.session, PROOF, NOW)
    session = await house.who(answer.access_token)
    assert house.secrets_of(session.id) != old
    public = await house.people.public_key(ALICE)
    assert public is not None
    assert public.kid == session.kid
    assert house.news.of("new_user_key") == [False, True]
    assert house.news.of("reseal_account_data") == [first.session.id]


async def test_the_owner_reads_on_with_the_new_key_also_after_a_second_theft(
    house: LittleAccounts,
) -> None:
    first = await house.jwt_login()
    keys = [house.secrets_of(first.session.id)]
    session = first.session
    for _ in range(2):
        answer = await house.theft.suspect(session, PROOF, NOW)
        session = await house.who(answer.access_token)
        keys.append(house.secrets_of(session.id))
        house.keyring.forget(session.id)
        await house.who(answer.access_token)
        held = house.keyring._kept.held[session.id].keys.values()
        assert {key.raw for key in held} == set(keys)
    # The recovery key that the person wrote down before the thefts is still theirs.
    again = await house.jwt_login(recovery_key=first.recovery_key)
    assert house.secrets_of(again.session.id) == keys[-1]
    house.keyring.forget(again.session.id)
    await house.who(again.access_token)
    assert len(house.keyring._kept.held[again.session.id].keys) == 3


async def test_a_password_that_was_proved_keeps_opening(house: LittleAccounts) -> None:
    first = await house.alice()
    auth = {"type": "m.login.password", "password": PASSWORD}
    proof = await house.uia.check(ALICE, auth, "theft", NOW)
    answer = await house.theft.suspect(first.session, proof, NOW)
    assert answer.recovery_key is None
    second = await house.login.password("alice", PASSWORD, LoginRequest(), NOW)
    assert second.session.kid == answer.session.kid


async def test_a_session_that_waits_or_was_replaced_suspects_nothing(
    house: LittleAccounts,
) -> None:
    first = await house.jwt_login()
    waiting = await house.jwt_login()
    with pytest.raises(PendingError):
        await house.theft.suspect(waiting.session, PROOF, NOW)
    with pytest.raises(ForbiddenError):
        await house.theft.suspect(replace(first.session, closed=True), PROOF, NOW)
