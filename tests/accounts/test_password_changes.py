"""Changing passwords: by the owner, and by an administrator, who opens nothing (§8 no. 27)."""

import pytest
from msgspec.structs import replace
from tests.accounts.little_accounts import NOW, PASSWORD, LittleAccounts

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.errors import (
    DeactivatedError,
    ForbiddenError,
    NotFoundError,
    UnknownTokenError,
    WeakPasswordError,
)
from halfdoor.accounts.session import LoginRequest
from halfdoor.accounts.signin import Given

ALICE = "@alice:a.example"
OTHER = "nine loud otters swim"
HERE = LoginRequest()


async def test_after_an_administrators_reset_history_stays_closed(house: LittleAccounts) -> None:
    first = await house.alice()
    before = await house.state()
    await house.password_change.reset(ALICE, OTHER)
    after = await house.state()
    assert after.slots == before.slots
    assert after.tokens == before.tokens
    assert after.account.kid == before.account.kid
    waiting = await house.login.password("alice", OTHER, HERE, NOW)
    assert waiting.session.pending
    assert not house.keyring.holds(waiting.session.id)
    with pytest.raises(ForbiddenError):
        await house.login.password("alice", PASSWORD, HERE, NOW)
    # The owner, who is still signed in, lets the new session in.
    shown = (await house.pending.waiting(first.session))[0]
    await house.pending.approve(first.session, waiting.session.id, shown.code)
    assert not (await house.who(waiting.access_token)).pending


async def test_a_reset_back_to_the_old_password_opens_nothing_either(
    house: LittleAccounts,
) -> None:
    await house.alice()
    await house.password_change.reset(ALICE, PASSWORD)
    # The same words under another salt are another key.
    assert (await house.login.password("alice", PASSWORD, HERE, NOW)).session.pending


async def test_a_reset_gives_an_account_of_the_platform_a_login_and_no_slot(
    house: LittleAccounts,
) -> None:
    await house.jwt_login()
    await house.password_change.reset(ALICE, OTHER)
    assert {one.name for one in (await house.state()).slots} == {"rec"}
    assert (await house.login.password("alice", OTHER, HERE, NOW)).session.pending


async def test_a_waiting_session_changes_the_login_and_no_slot(house: LittleAccounts) -> None:
    await house.alice()
    await house.password_change.reset(ALICE, OTHER)
    waiting = await house.login.password("alice", OTHER, HERE, NOW)
    before = await house.state()
    await house.password_change.change(waiting.session, OTHER + " too", logout_others=False)
    assert (await house.state()).slots == before.slots
    assert (await house.login.password("alice", OTHER + " too", HERE, NOW)).session.pending


async def test_the_owners_change_opens_the_account_with_the_new_password_only(
    house: LittleAccounts,
) -> None:
    first = await house.alice()
    await house.password_change.change(first.session, OTHER, logout_others=False)
    with pytest.raises(ForbiddenError):
        await house.login.password("alice", PASSWORD, HERE, NOW)
    second = await house.login.password("alice", OTHER, HERE, NOW)
    assert not second.session.pending
    assert house.secrets_of(second.session.id) == house.secrets_of(first.session.id)
    assert len([one for one in (await house.state()).slots if one.name == "pw"]) == 1


async def test_a_change_can_end_the_other_sessions_and_never_its_own(
    house: LittleAccounts,
) -> None:
    first = await house.alice()
    second = await house.login.password("alice", PASSWORD, HERE, NOW)
    await house.password_change.change(first.session, OTHER, logout_others=True)
    await house.who(first.access_token)
    with pytest.raises(UnknownTokenError):
        await house.who(second.access_token)
    assert house.news.of("devices_gone") == [(second.session.device,)]


async def test_a_login_that_a_change_overtakes_is_refused(house: LittleAccounts) -> None:
    first = await house.alice()
    state = await house.state()
    assert state.login is not None
    secrets = await house.passwords.verify(PASSWORD, state.login)
    await house.password_change.change(first.session, OTHER, logout_others=False)
    with pytest.raises(ForbiddenError):
        await house.sign_in.open(ALICE, HERE, Given(secrets=secrets, login=state.login), NOW)
    assert len((await house.state()).sessions) == 1


async def test_a_password_slot_that_was_exchanged_opens_nothing(house: LittleAccounts) -> None:
    await house.alice()
    await house.register.register("bob", PASSWORD, HERE, NOW)
    state, bobs = await house.state(), await house.state("@bob:a.example")
    mine = next(one for one in state.slots if one.name == "pw")
    theirs = next(one for one in bobs.slots if one.name == "pw")
    for blob in (theirs.blob, b"", bytes(124)):
        state = await house.state()
        moved = replace(mine, blob=blob)
        await house.store.commit(replace(change_of(state), put_slots=(moved,)))
        assert (await house.login.password("alice", PASSWORD, HERE, NOW)).session.pending


async def test_weak_passwords_are_refused_from_everybody(house: LittleAccounts) -> None:
    first = await house.alice()
    with pytest.raises(WeakPasswordError):
        await house.password_change.change(first.session, "password1234", logout_others=False)
    with pytest.raises(WeakPasswordError):
        await house.password_change.reset(ALICE, "password1234")


async def test_nobody_and_closed_accounts_get_no_new_password(house: LittleAccounts) -> None:
    with pytest.raises(NotFoundError):
        await house.password_change.reset(ALICE, OTHER)
    first = await house.alice()
    await house.deactivate.own(first.session)
    with pytest.raises(DeactivatedError):
        await house.password_change.reset(ALICE, OTHER)


async def test_closing_an_account_leaves_no_slot_token_or_wrap(house: LittleAccounts) -> None:
    first = await house.alice(refresh=True)
    await house.recovery.make(first.session)
    await house.jwt_login()
    await house.deactivate.own(first.session)
    state = await house.state()
    assert (state.slots, state.tokens, state.sessions, state.devices) == ((), (), (), ())
    assert (state.pending, state.former, state.login, state.start_over) == ((), (), None, None)
    assert (state.account.kid, state.account.public) == (None, None)
    assert await house.people.public_key(ALICE) is None
    assert await house.profiles.all(ALICE) == {}
    with pytest.raises(UnknownTokenError):
        await house.who(first.access_token)
    assert house.news.of("deactivated") == [None]
    await house.deactivate.account(ALICE)
