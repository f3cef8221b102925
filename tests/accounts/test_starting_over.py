"""Starting over (SEALING §8 no. 53): the owner has time to object, and nothing is destroyed."""

import pytest
from tests.accounts.little_accounts import DAY, HOUR, NOW, PASSWORD, LittleAccounts, signed

from halfdoor.accounts.errors import ForbiddenError, NotFoundError, UnknownTokenError
from halfdoor.accounts.pending import check_writes
from halfdoor.accounts.session import LoginRequest, SignedIn
from halfdoor.accounts.uia import Proof

ALICE = "@alice:a.example"
PROOF = Proof(stage="org.matrix.login.jwt")
DUE = NOW + 72 * HOUR


async def two(house: LittleAccounts) -> tuple[SignedIn, SignedIn]:
    live = await house.jwt_login()
    return live, await house.jwt_login()


async def test_while_another_session_lives_nothing_happens_for_three_days(
    house: LittleAccounts,
) -> None:
    live, waiting = await two(house)
    before = await house.state()
    answer = await house.start_over.ask(waiting.session, PROOF, NOW)
    assert (answer.now, answer.due) == (False, DUE)
    assert (await house.who(waiting.access_token, DUE - 1)).pending
    after = await house.state()
    assert after.account.kid == before.account.kid
    assert set(after.slots) == set(before.slots)
    await house.who(live.access_token, DUE - 1)
    assert house.news.of("started_over") == []
    assert [one.due for one in house.news.of("start_over_asked")] == [DUE]


async def test_one_tap_of_the_owner_cancels_it_for_good(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    answer = await house.start_over.ask(waiting.session, PROOF, NOW)
    await house.start_over.cancel(live.session)
    later = await house.who(waiting.access_token, DUE + DAY)
    assert later.pending
    assert (await house.state()).account.kid == live.session.kid
    assert await house.start_over.standing(live.session) is None
    # The key that was shown opens nothing.
    with pytest.raises(ForbiddenError):
        await house.pending.recover(waiting.session, answer.recovery_key)
    with pytest.raises(NotFoundError):
        await house.start_over.cancel(live.session)


async def test_a_live_session_does_not_start_over(house: LittleAccounts) -> None:
    live = await house.jwt_login()
    with pytest.raises(ForbiddenError):
        await house.start_over.ask(live.session, PROOF, NOW)


async def test_a_second_wish_does_not_shorten_the_first(house: LittleAccounts) -> None:
    _, waiting = await two(house)
    other = await house.jwt_login()
    await house.start_over.ask(waiting.session, PROOF, NOW)
    with pytest.raises(ForbiddenError):
        await house.start_over.ask(other.session, PROOF, NOW + DAY)
    again = await house.start_over.ask(waiting.session, PROOF, NOW + DAY)
    assert again.due == NOW + DAY + 72 * HOUR


async def test_logging_out_takes_the_wish_along(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    await house.start_over.ask(waiting.session, PROOF, NOW)
    await house.devices.logout(waiting.session)
    assert await house.start_over.standing(live.session) is None


async def test_an_approval_takes_the_place_of_the_wish(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    await house.start_over.ask(waiting.session, PROOF, NOW)
    shown = (await house.pending.waiting(live.session))[0]
    await house.pending.approve(live.session, waiting.session.id, shown.code)
    session = await house.who(waiting.access_token, DUE + DAY)
    assert session.kid == live.session.kid
    assert await house.start_over.standing(live.session) is None


async def test_after_three_days_the_new_key_is_in_force_and_opens_no_old_history(
    house: LittleAccounts,
) -> None:
    live, waiting = await two(house)
    answer = await house.start_over.ask(waiting.session, PROOF, NOW)
    old = house.secrets_of(live.session.id)
    session = await house.who(waiting.access_token, DUE)
    assert not session.pending
    state = await house.state()
    assert session.kid == state.account.kid != live.session.kid
    held = house.keyring._kept.held[session.id]
    assert old not in [key.raw for key in held.keys.values()]
    assert [one.blob for one in state.former] == [None]
    assert house.news.of("started_over") == [None]
    assert house.news.of("new_user_key") == [False, True]
    # The recovery key that was shown then is the way back from now on.
    third = await house.jwt_login(now=DUE, recovery_key=answer.recovery_key)
    assert house.secrets_of(third.session.id) == house.secrets_of(session.id)


async def test_the_owners_session_reads_for_thirty_days_more_and_writes_nothing(
    house: LittleAccounts,
) -> None:
    live, waiting = await two(house)
    old = house.secrets_of(live.session.id)
    await house.start_over.ask(waiting.session, PROOF, NOW)
    await house.who(waiting.access_token, DUE)
    reading = await house.who(live.access_token, DUE)
    assert reading.closed
    assert not reading.pending
    assert house.secrets_of(reading.id) == old
    with pytest.raises(ForbiddenError):
        check_writes(reading)
    with pytest.raises(ForbiddenError):
        await house.recovery.make(reading)
    await house.who(live.access_token, DUE + 30 * DAY - 1)
    with pytest.raises(UnknownTokenError):
        await house.who(live.access_token, DUE + 30 * DAY)
    assert await house.sessions.sweep(DUE + 30 * DAY) == 1
    assert await house.sessions.sweep(DUE + 31 * DAY) == 0
    assert [one.id for one in (await house.state()).sessions] == [waiting.session.id]


async def test_a_closed_session_lets_nobody_in_to_the_new_key(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    await house.start_over.ask(waiting.session, PROOF, NOW)
    await house.who(waiting.access_token, DUE)
    third = await house.jwt_login(now=DUE)
    closed = await house.who(live.access_token, DUE)
    shown = (await house.pending.waiting(closed))[0]
    with pytest.raises(ForbiddenError):
        await house.pending.approve(closed, third.session.id, shown.code)


async def test_where_nobody_could_object_it_takes_effect_at_once(house: LittleAccounts) -> None:
    live = await house.jwt_login()
    later = NOW + 31 * DAY
    waiting = await house.jwt_login(now=later)
    answer = await house.start_over.ask(waiting.session, PROOF, later)
    assert answer.now
    session = await house.who(waiting.access_token, later)
    assert not session.pending
    assert session.kid != live.session.kid
    assert house.news.of("started_over") == [None]
    assert house.news.of("start_over_asked") == []
    # Unused for a month, and still not destroyed.
    assert (await house.who(live.access_token, later)).closed


async def test_a_session_that_only_waits_cannot_object(house: LittleAccounts) -> None:
    live = await house.jwt_login()
    await house.devices.logout(live.session)
    waiting = await house.jwt_login()
    await house.jwt_login()
    answer = await house.start_over.ask(waiting.session, PROOF, NOW)
    assert answer.now


async def test_the_old_recovery_key_gives_the_old_history_back(house: LittleAccounts) -> None:
    live, waiting = await two(house)
    assert live.recovery_key is not None
    old = house.secrets_of(live.session.id)
    await house.start_over.ask(waiting.session, PROOF, NOW)
    session = await house.who(waiting.access_token, DUE)
    with pytest.raises(ForbiddenError):
        await house.pending.recover(session, "nonsense")
    await house.pending.recover(session, live.recovery_key)
    house.keyring.forget(session.id)
    await house.who(waiting.access_token, DUE)
    assert old in [key.raw for key in house.keyring._kept.held[session.id].keys.values()]


async def test_a_proof_by_password_gives_the_new_key_a_password_slot(
    house: LittleAccounts,
) -> None:
    live = await house.alice()
    await house.password_change.reset(ALICE, PASSWORD + " again")
    waiting = await house.login.password("alice", PASSWORD + " again", LoginRequest(), NOW)
    auth = {"type": "m.login.password", "password": PASSWORD + " again"}
    proof = await house.uia.check(ALICE, auth, "start over", NOW)
    await house.start_over.ask(waiting.session, proof, NOW)
    await house.who(waiting.access_token, DUE)
    third = await house.login.password("alice", PASSWORD + " again", LoginRequest(), DUE)
    assert not third.session.pending
    assert third.session.kid != live.session.kid
    assert signed("alice")
