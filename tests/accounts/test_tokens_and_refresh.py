"""Access and refresh tokens: what each opens, how pairs follow each other, how they end."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from tests.accounts.little_accounts import DAY, HOUR, NOW, PASSWORD, LittleAccounts

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.errors import UnknownTokenError
from halfdoor.accounts.session import LoginRequest, Refreshed, SignedIn
from halfdoor.accounts.store import AccountStore
from halfdoor.ids import bucket
from halfdoor.sealing.slots import make_token


async def hard(house: LittleAccounts, token: str, now: int = NOW) -> None:
    with pytest.raises(UnknownTokenError) as refused:
        await house.who(token, now)
    assert not refused.value.soft_logout


async def pair(house: LittleAccounts) -> tuple[SignedIn, str]:
    signed_in = await house.alice(refresh=True)
    assert signed_in.refresh_token is not None
    return signed_in, signed_in.refresh_token


@pytest.mark.parametrize(
    "text", ["", "hda1.", "hda1.AAAA", "x" * 5000, "hda1." + "A" * 46, "é", "\ud800", "hda1.\x00"]
)
async def test_a_text_that_is_no_token_opens_nothing(house: LittleAccounts, text: str) -> None:
    await house.alice()
    await hard(house, text)
    with pytest.raises(UnknownTokenError):
        await house.refresh.refresh(text, NOW)


async def test_a_token_of_the_other_kind_opens_nothing(house: LittleAccounts) -> None:
    signed_in, refresh = await pair(house)
    await hard(house, refresh)
    await hard(house, refresh.replace("hdr1.", "hda1."))
    for text in (signed_in.access_token, signed_in.access_token.replace("hda1.", "hdr1.")):
        with pytest.raises(UnknownTokenError):
            await house.refresh.refresh(text, NOW)


async def test_what_a_row_is_found_by_is_no_token(house: LittleAccounts) -> None:
    signed_in, _ = await pair(house)
    for row in (await house.state()).tokens:
        for kind in ("acc", "ref"):
            await hard(house, make_token(kind, bucket(signed_in.session.user), row.lookup))


async def test_an_expired_access_token_is_a_soft_logout_and_its_slot_is_gone(
    house: LittleAccounts,
) -> None:
    signed_in, refresh = await pair(house)
    assert signed_in.expires_in_ms == HOUR
    assert (await house.who(signed_in.access_token, NOW + HOUR - 1)).user == "@alice:a.example"
    for _ in range(2):
        with pytest.raises(UnknownTokenError) as refused:
            await house.who(signed_in.access_token, NOW + HOUR)
        assert refused.value.soft_logout
    state = await house.state()
    assert [bool(one.blob) for one in sorted(state.tokens, key=lambda one: one.kind)] == [
        False,
        True,
    ]
    again = await house.refresh.refresh(refresh, NOW + HOUR)
    assert (await house.who(again.access_token, NOW + HOUR)).id == signed_in.session.id


async def test_the_sweep_takes_expired_slots_and_leaves_the_soft_logout(
    house: LittleAccounts,
) -> None:
    signed_in, _ = await pair(house)
    assert await house.sessions.sweep(NOW + HOUR) == 1
    assert await house.sessions.sweep(NOW + HOUR) == 0
    assert {one.kind for one in (await house.state()).tokens if one.blob} == {"ref"}
    with pytest.raises(UnknownTokenError) as refused:
        await house.who(signed_in.access_token, NOW + HOUR)
    assert refused.value.soft_logout


async def test_a_login_that_asks_for_no_refresh_token_has_no_expiry(
    house: LittleAccounts,
) -> None:
    signed_in = await house.alice()
    assert (await house.who(signed_in.access_token, NOW + 3650 * DAY)).user
    assert {one.kind for one in (await house.state()).tokens} == {"acc"}


async def test_a_lost_answer_can_be_asked_for_again(house: LittleAccounts) -> None:
    signed_in, refresh = await pair(house)
    await house.who(signed_in.access_token)
    lost = [await house.refresh.refresh(refresh, NOW) for _ in range(5)]
    # The old pair still works: nobody knows yet that an answer arrived.
    await house.who(signed_in.access_token)
    got = await house.refresh.refresh(refresh, NOW)
    assert (await house.who(got.access_token)).id == signed_in.session.id
    for one in lost:
        await hard(house, one.access_token)
        with pytest.raises(UnknownTokenError):
            await house.refresh.refresh(one.refresh_token, NOW)


async def test_the_old_pair_is_gone_after_the_first_use_of_the_new_one(
    house: LittleAccounts,
) -> None:
    signed_in, refresh = await pair(house)
    new = await house.refresh.refresh(refresh, NOW)
    await house.who(new.access_token)
    await hard(house, signed_in.access_token)
    with pytest.raises(UnknownTokenError):
        await house.refresh.refresh(refresh, NOW)
    assert len((await house.state()).tokens) == 2


async def test_the_first_use_may_be_of_the_new_refresh_token(house: LittleAccounts) -> None:
    signed_in, refresh = await pair(house)
    new = await house.refresh.refresh(refresh, NOW)
    newer = await house.refresh.refresh(new.refresh_token, NOW)
    await hard(house, signed_in.access_token)
    with pytest.raises(UnknownTokenError):
        await house.refresh.refresh(refresh, NOW)
    # The answer with the newer pair may have been lost too.
    await house.who(new.access_token)
    await house.who(newer.access_token)
    await hard(house, new.access_token)


async def test_answers_nobody_used_do_not_pile_up(house: LittleAccounts) -> None:
    _, refresh = await pair(house)
    for _ in range(20):
        await house.refresh.refresh(refresh, NOW)
    assert len((await house.state()).tokens) == 2 + 2 * 3


async def test_every_pair_opens_the_same_user_key(house: LittleAccounts) -> None:
    signed_in, refresh = await pair(house)
    key = house.secrets_of(signed_in.session.id)
    new: Refreshed = await house.refresh.refresh(refresh, NOW)
    house.keyring.forget(signed_in.session.id)
    await house.who(new.access_token)
    assert house.secrets_of(signed_in.session.id) == key


async def test_logout_kills_both_tokens_and_the_open_key(house: LittleAccounts) -> None:
    signed_in, refresh = await pair(house)
    await house.who(signed_in.access_token)
    with house.keyring.request(signed_in.session.id):
        await house.devices.logout(signed_in.session)
        assert not house.keyring.holds(signed_in.session.id)
    await hard(house, signed_in.access_token)
    with pytest.raises(UnknownTokenError):
        await house.refresh.refresh(refresh, NOW)
    state = await house.state()
    assert (state.tokens, state.sessions, state.devices) == ((), (), ())
    assert house.news.of("devices_gone") == [(signed_in.session.device,)]


async def test_logging_out_everywhere_ends_every_session(house: LittleAccounts) -> None:
    first, _ = await pair(house)
    second = await house.login.password("alice", PASSWORD, LoginRequest(), NOW)
    await house.who(second.access_token)
    await house.devices.logout_all(first.session)
    await hard(house, first.access_token)
    await hard(house, second.access_token)


async def test_a_refresh_that_a_logout_overtakes_brings_nothing_back(
    house: LittleAccounts,
) -> None:
    signed_in, refresh = await pair(house)
    decide = house.refresh._decide
    before = await house.state()
    _, answer = decide(before, house.refresh._mint.read(refresh, "ref"), NOW)
    await house.devices.logout(signed_in.session)
    await hard(house, answer.access_token)
    with pytest.raises(UnknownTokenError):
        await house.refresh.refresh(refresh, NOW)


async def test_a_slot_that_was_moved_to_another_session_opens_nothing(
    house: LittleAccounts,
) -> None:
    first, _ = await pair(house)
    second = await house.login.password("alice", PASSWORD, LoginRequest(), NOW)
    state = await house.state()
    mine = next(one for one in state.tokens if one.session == second.session.id)
    theirs = next(
        one for one in state.tokens if one.session != second.session.id and one.kind == "acc"
    )
    for moved in (
        replace(mine, session=first.session.id),
        replace(mine, blob=theirs.blob),
        replace(mine, kid=bytes(32)),
    ):
        state = await house.state()
        await house.store.commit(replace(change_of(state), put_tokens=(moved,)))
        house.sessions.forget("@alice:a.example")
        house.keyring.forget(first.session.id)
        house.keyring.forget(second.session.id)
        await hard(house, second.access_token)


async def test_a_slot_that_was_moved_to_another_user_opens_nothing(
    house: LittleAccounts,
) -> None:
    await house.alice()
    state = await house.state()
    bob = await house.register.register("bob", PASSWORD, LoginRequest(), NOW)
    bobs = await house.state("@bob:a.example")
    theirs = bobs.tokens[0]
    stolen = replace(theirs, blob=state.tokens[0].blob, kid=state.tokens[0].kid)
    await house.store.commit(replace(change_of(bobs), put_tokens=(stolen,)))
    house.sessions.forget("@bob:a.example")
    house.keyring.forget(bob.session.id)
    await hard(house, bob.access_token)


async def test_a_refresh_slot_does_not_open_as_an_access_slot(house: LittleAccounts) -> None:
    signed_in, refresh = await pair(house)
    state = await house.state()
    row = next(one for one in state.tokens if one.kind == "ref")
    await house.store.commit(replace(change_of(state), put_tokens=(replace(row, kind="acc"),)))
    house.sessions.forget("@alice:a.example")
    house.keyring.forget(signed_in.session.id)
    await hard(house, refresh.replace("hdr1.", "hda1."))


async def test_a_session_in_use_needs_no_look_at_the_store(house: LittleAccounts) -> None:
    signed_in = await house.alice()
    first = await house.who(signed_in.access_token)
    house.sessions._store = None  # type: ignore[assignment]
    assert await house.who(signed_in.access_token) is first
    # The key went with the keyring's time; the remembered slot opens it again.
    house.keyring.forget(signed_in.session.id)
    assert await house.who(signed_in.access_token) is first
    assert house.keyring.holds(signed_in.session.id)


async def test_a_logout_that_overtakes_a_request_is_not_forgotten(house: LittleAccounts) -> None:
    signed_in = await house.alice()
    gate, found = asyncio.Event(), asyncio.Event()
    find = house.store.find_token

    async def slow(ub: int, lookup: bytes) -> Any:
        answer = await find(ub, lookup)
        found.set()
        await gate.wait()
        return answer

    house.sessions._store = replace_find(house.store, slow)
    asking = asyncio.create_task(house.who(signed_in.access_token))
    await found.wait()
    await house.devices.logout(signed_in.session)
    gate.set()
    with pytest.raises(UnknownTokenError):
        await asking
    assert not house.keyring.holds(signed_in.session.id)


def replace_find(store: AccountStore, find: Any) -> Any:
    """Return a store that is *store* but for one method."""
    methods = {"find_token": find, "seen": store.seen, "lapsed": store.lapsed}
    return SimpleNamespace(**methods)


async def test_use_is_noted_now_and_then(house: LittleAccounts) -> None:
    signed_in = await house.alice()
    await house.sessions.authenticate(signed_in.access_token, NOW + HOUR, "192.0.2.7")
    device = await house.devices.one("@alice:a.example", signed_in.session.device)
    assert (device.last_seen, device.last_ip) == (NOW + HOUR, "192.0.2.7")
    session = (await house.state()).session(signed_in.session.id)
    assert session is not None
    assert session.last_used == NOW + HOUR
