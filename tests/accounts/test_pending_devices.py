"""A device that cannot open the account waits; who lets it in, and what it may not do meanwhile."""

import pytest
from msgspec.structs import replace
from tests.accounts.little_accounts import HOUR, NOW, PASSWORD, LittleAccounts

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.errors import (
    ForbiddenError,
    NotFoundError,
    PendingError,
    UnknownTokenError,
)
from halfdoor.accounts.pending import check_live, check_writes, short_code
from halfdoor.accounts.session import LoginRequest, Session, SignedIn
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import XWING, PrivateKey

ALICE = "@alice:a.example"


async def two(house: LittleAccounts, *, refresh: bool = False) -> tuple[SignedIn, SignedIn]:
    """Return a live session and one that waits."""
    live = await house.jwt_login()
    waiting = await house.jwt_login(refresh=refresh)
    assert waiting.session.pending
    return live, waiting


async def let_in(house: LittleAccounts, live: Session, target: str) -> None:
    shown = next(one for one in await house.pending.waiting(live) if one.session == target)
    await house.pending.approve(live, target, shown.code)


async def test_a_waiting_session_is_refused_wherever_it_would_act(house: LittleAccounts) -> None:
    _, waiting = await two(house)
    session = await house.who(waiting.access_token)
    assert session.pending
    assert not house.keyring.holds(session.id)
    for check in (check_live, check_writes):
        with pytest.raises(PendingError):
            check(session)
    with pytest.raises(PendingError):
        await house.recovery.make(session)
    with pytest.raises(PendingError):
        await house.deactivate.own(session)


async def test_a_waiting_session_cannot_let_itself_in(house: LittleAccounts) -> None:
    _, waiting = await two(house)
    with pytest.raises(PendingError):
        await let_in(house, waiting.session, waiting.session.id)


async def test_a_waiting_session_takes_no_other_session_away(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    with pytest.raises(PendingError):
        await house.devices.logout_all(waiting.session)
    with pytest.raises(PendingError):
        await house.devices.delete(waiting.session, [live.session.device])
    with pytest.raises(PendingError):
        await house.password_change.change(waiting.session, PASSWORD, logout_others=True)
    with pytest.raises(PendingError):
        await house.pending.refuse(waiting.session, live.session.id)
    # Nor by signing in under the name of the other's device.
    third = await house.jwt_login(device=live.session.device)
    assert third.session.device != live.session.device
    await house.who(live.access_token)


async def test_a_waiting_session_may_end_itself(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    await house.devices.logout(waiting.session)
    with pytest.raises(UnknownTokenError):
        await house.who(waiting.access_token)
    assert (await house.state()).pending == ()
    assert await house.pending.waiting(live.session) == []


async def test_another_code_lets_nobody_in(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    for code in ("", "0000 0000 0000 0000 0000", short_code(bytes(32))):
        with pytest.raises(ForbiddenError):
            await house.pending.approve(live.session, waiting.session.id, code)
    assert (await house.who(waiting.access_token)).pending


async def test_nobody_is_let_in_twice_or_who_does_not_wait(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    code = (await house.pending.waiting(live.session))[0].code
    await house.pending.approve(live.session, waiting.session.id, code)
    for target in (waiting.session.id, live.session.id, "nobody"):
        with pytest.raises(NotFoundError):
            await house.pending.approve(live.session, target, code)


async def test_a_session_whose_key_is_not_open_approves_nothing(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    house.keyring.forget(live.session.id)
    with pytest.raises(Denied):
        await let_in(house, live.session, waiting.session.id)
    assert (await house.who(waiting.access_token)).pending


async def test_an_approval_for_another_session_opens_nothing(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    other = await house.jwt_login()
    await let_in(house, live.session, other.session.id)
    state = await house.state()
    blob = next(one for one in state.pending if one.session == other.session.id)
    mine = next(one for one in state.pending if one.session == waiting.session.id)
    moved = replace(mine, approval=blob.approval, approved=blob.approved)
    await house.store.commit(replace(change_of(state), put_pending=(moved,)))
    house.sessions.forget(ALICE)
    assert (await house.who(waiting.access_token)).pending


async def test_an_approval_that_somebody_made_up_opens_nothing(house: LittleAccounts) -> None:
    _, waiting = await two(house)
    state = await house.state()
    mine = state.pending[0]
    stranger = PrivateKey.generate(XWING)
    forged = stranger.public.seal(b"", stranger.raw)
    for approved in (state.account.kid, stranger.kid):
        state = await house.state()
        row = replace(mine, approval=forged, approved=approved)
        await house.store.commit(replace(change_of(state), put_pending=(row,)))
        house.sessions.forget(ALICE)
        assert (await house.who(waiting.access_token)).pending


async def test_both_screens_show_the_same_code_and_the_approved_one_comes_alive(
    house: LittleAccounts,
) -> None:
    live, waiting = await two(house)
    seen = await house.pending.waiting(live.session)
    own = await house.pending.waiting(waiting.session)
    assert [one.code for one in seen] == [one.code for one in own]
    assert len("".join(seen[0].code.split())) == 20
    await house.pending.approve(live.session, waiting.session.id, seen[0].code)
    session = await house.who(waiting.access_token)
    assert not session.pending
    assert session.kid == live.session.kid
    assert house.secrets_of(session.id) == house.secrets_of(live.session.id)
    # Nothing of the approval is left, and the token opens the key by itself from now on.
    state = await house.state()
    assert state.pending == ()
    assert not any(one.pending for one in state.tokens)
    house.keyring.forget(session.id)
    assert await house.who(waiting.access_token) == session


async def test_a_waiting_session_sees_no_other_that_waits(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    await house.jwt_login()
    assert len(await house.pending.waiting(live.session)) == 2
    assert [one.session for one in await house.pending.waiting(waiting.session)] == [
        waiting.session.id
    ]


async def test_the_approval_stays_until_both_slots_hold_the_key(house: LittleAccounts) -> None:
    live, waiting = await two(house, refresh=True)
    assert waiting.refresh_token is not None
    await let_in(house, live.session, waiting.session.id)
    await house.who(waiting.access_token)
    state = await house.state()
    assert [
        (one.kind, one.pending) for one in state.tokens if one.session == waiting.session.id
    ] in (
        [("acc", False), ("ref", True)],
        [("ref", True), ("acc", False)],
    )
    assert len(state.pending) == 1
    house.keyring.forget(waiting.session.id)
    new = await house.refresh.refresh(waiting.refresh_token, NOW)
    session = await house.who(new.access_token)
    assert not session.pending
    state = await house.state()
    assert state.pending == ()
    assert not any(one.pending for one in state.tokens)
    house.keyring.forget(session.id)
    await house.who(new.access_token)
    assert house.secrets_of(session.id) == house.secrets_of(live.session.id)


async def test_a_refresh_keeps_a_waiting_session_waiting_and_its_code(
    house: LittleAccounts,
) -> None:
    live, waiting = await two(house, refresh=True)
    assert waiting.refresh_token is not None
    before = await house.pending.waiting(live.session)
    new = await house.refresh.refresh(waiting.refresh_token, NOW + HOUR)
    assert (await house.who(new.access_token, NOW + HOUR)).pending
    assert await house.pending.waiting(live.session) == before
    await let_in(house, live.session, waiting.session.id)
    assert not (await house.who(new.access_token, NOW + HOUR)).pending


async def test_a_refresh_after_the_approval_brings_a_live_pair(house: LittleAccounts) -> None:
    live, waiting = await two(house, refresh=True)
    assert waiting.refresh_token is not None
    await let_in(house, live.session, waiting.session.id)
    new = await house.refresh.refresh(waiting.refresh_token, NOW)
    session = await house.who(new.access_token)
    assert not session.pending
    assert (await house.state()).pending == ()
    assert house.secrets_of(session.id) == house.secrets_of(live.session.id)


async def test_a_live_session_can_send_a_waiting_one_away(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    await house.pending.refuse(live.session, waiting.session.id)
    with pytest.raises(UnknownTokenError):
        await house.who(waiting.access_token)
    with pytest.raises(NotFoundError):
        await house.pending.refuse(live.session, live.session.id)


async def test_the_recovery_key_lets_a_waiting_session_in(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    assert live.recovery_key is not None
    for wrong in ("", "nonsense", live.recovery_key[:-1]):
        with pytest.raises(ForbiddenError):
            await house.pending.recover(waiting.session, wrong)
    with house.keyring.request(waiting.session.id):
        session = await house.who(waiting.access_token)
        await house.pending.recover(session, live.recovery_key)
    session = await house.who(waiting.access_token)
    assert not session.pending
    assert house.secrets_of(session.id) == house.secrets_of(live.session.id)


async def test_a_new_recovery_key_ends_the_one_before(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    assert live.recovery_key is not None
    new = await house.recovery.make(live.session)
    assert await house.recovery.has_way_back(ALICE)
    with pytest.raises(ForbiddenError):
        await house.pending.recover(waiting.session, live.recovery_key)
    await house.pending.recover(waiting.session, new.text)
    assert not (await house.who(waiting.access_token)).pending
    assert new.kit["rec"] != (live.recovery_kit or {})["rec"]


async def test_a_login_by_password_after_a_login_by_jwt_has_a_way_back(
    house: LittleAccounts,
) -> None:
    live = await house.jwt_login()
    await house.password_change.change(live.session, PASSWORD, logout_others=False)
    second = await house.login.password("alice", PASSWORD, LoginRequest(), NOW)
    assert not second.session.pending
    assert house.secrets_of(second.session.id) == house.secrets_of(live.session.id)


async def test_sessions_that_wait_push_out_each_other_and_nobody_else(
    house: LittleAccounts,
) -> None:
    live = await house.jwt_login()
    waiting = [await house.jwt_login(now=NOW + n) for n in range(21)]
    state = await house.state()
    assert {one.id for one in state.sessions} == {
        live.session.id,
        *(one.session.id for one in waiting[1:]),
    }
    assert house.news.of("devices_gone") == [(waiting[0].session.device,)]
    with pytest.raises(UnknownTokenError):
        await house.who(waiting[0].access_token)
    await house.who(live.access_token)


async def test_an_approval_of_a_key_that_was_replaced_is_not_taken_and_can_be_given_again(
    house: LittleAccounts,
) -> None:
    live, waiting = await two(house)
    await let_in(house, live.session, waiting.session.id)
    state = await house.state()
    row = replace(state.pending[0], approved=bytes(32))
    await house.store.commit(replace(change_of(state), put_pending=(row,)))
    house.sessions.forget(ALICE)
    assert (await house.who(waiting.access_token)).pending
    await let_in(house, live.session, waiting.session.id)
    assert not (await house.who(waiting.access_token)).pending
