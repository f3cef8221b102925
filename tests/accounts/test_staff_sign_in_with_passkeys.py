"""Staff come in by a passkey that verified its owner, made once at an invitation; nothing else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.accounts.staff_room import HOUR, NOW, ORIGIN, StaffRoom
from tests.web.software_authenticator import USER_PRESENT, USER_VERIFIED, SoftwareAuthenticator, b64

from halfdoor.accounts.errors import ConflictError, ForbiddenError, NotFoundError
from halfdoor.accounts.staff_ceremonies import is_copied
from halfdoor.accounts.staff_errors import (
    InvitationSpentError,
    NotSignedInError,
    SignInRefusedError,
)
from halfdoor.accounts.staff_sign_in import SignedIn


@pytest.fixture
def room() -> StaffRoom:
    return StaffRoom()


async def signed(room: StaffRoom, keys: SoftwareAuthenticator, **bent: Any) -> SignedIn:
    return await room.doors.finish_sign_in(
        keys.get(await room.doors.begin_sign_in(NOW), **bent), NOW
    )


# --- refused --------------------------------------------------------------------------------------

BENT: list[dict[str, Any]] = [
    {"flags": USER_PRESENT},  # nobody showed a finger or a PIN
    {"flags": 0},
    {"origin": "https://evil.example"},
    {"origin": f"{ORIGIN}:8443"},
    {"rp_id": "evil.example"},
    {"type": "webauthn.create"},
    {"challenge": b64(b"of our own making" * 5)},
    {"signature": b"0" * 70},
    {"user_handle": b"stf_somebody-else"},
    {"user_handle": b""},
    {"credential": b"unknown" * 4},
]


@pytest.mark.parametrize("bent", BENT)
async def test_a_signature_of_another_kind_signs_nobody_in(
    room: StaffRoom, bent: dict[str, Any]
) -> None:
    _, keys = await room.joined()
    with pytest.raises(SignInRefusedError):
        await signed(room, keys, **bent)
    assert "sign_in" not in room.log.whats()
    await signed(room, keys)


MADE_OTHERWISE: list[dict[str, Any]] = [
    *BENT[:7],
    {"flags": USER_VERIFIED},
    {"beside": b"another" * 4},
    {"credential": b"x" * 1024},
    {"credential": b""},
]


@pytest.mark.parametrize("bent", MADE_OTHERWISE)
async def test_a_passkey_made_in_another_way_is_not_kept(
    room: StaffRoom, bent: dict[str, Any]
) -> None:
    if bent.get("type"):
        bent = {"type": "webauthn.get"}
    link, keys = await room.link(), SoftwareAuthenticator(ORIGIN)
    options = await room.doors.begin_joining(link, NOW)
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_joining(link, keys.create(options, **bent), NOW)
    assert room.store.keys == {}
    # The link is as good as before.
    again = await room.doors.begin_joining(link, NOW)
    await room.doors.finish_joining(link, SoftwareAuthenticator(ORIGIN).create(again), NOW)


@pytest.mark.parametrize(
    "credential",
    [{}, {"id": 7}, {"id": "a", "rawId": "a", "type": "public-key", "response": {}}, {"id": None}],
)
async def test_what_is_no_answer_of_a_browser_is_refused(
    room: StaffRoom, credential: dict[str, Any]
) -> None:
    await room.joined()
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_sign_in(credential, NOW)
    link = await room.link(name="Kim")
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_joining(link, credential, NOW)


async def test_an_authenticator_that_verifies_nobody_is_refused_from_the_start(
    room: StaffRoom,
) -> None:
    link, keys = await room.link(), SoftwareAuthenticator(ORIGIN, verifies=False)
    options = await room.doors.begin_joining(link, NOW)
    assert options["authenticatorSelection"]["userVerification"] == "required"
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_joining(link, keys.create(options), NOW)


async def test_one_answer_signs_in_once(room: StaffRoom) -> None:
    _, keys = await room.joined()
    # Without a counter, so that nothing but the challenge tells them apart.
    keys.counts = False
    answer = keys.get(await room.doors.begin_sign_in(NOW))
    await room.doors.finish_sign_in(answer, NOW)
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_sign_in(answer, NOW)


async def test_of_two_who_bring_one_answer_at_once_one_comes_in(room: StaffRoom) -> None:
    _, keys = await room.joined()
    keys.counts = False
    answer = keys.get(await room.doors.begin_sign_in(NOW))
    ended = await asyncio.gather(
        *(room.doors.finish_sign_in(answer, NOW) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, SignedIn) for one in ended) == 1
    assert all(isinstance(one, SignedIn | SignInRefusedError | ConflictError) for one in ended)


async def test_a_challenge_ends_and_serves_for_one_purpose(room: StaffRoom) -> None:
    entered, keys = await room.joined()
    late = keys.get(await room.doors.begin_sign_in(NOW))
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_sign_in(late, NOW + 300_000)
    # One for a further passkey does not make one at an invitation, nor the other way round.
    adding = await room.doors.begin_adding(entered.session, NOW)
    link = await room.link(name="Kim")
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_joining(link, SoftwareAuthenticator(ORIGIN).create(adding), NOW)
    joining = await room.doors.begin_joining(link, NOW)
    made = SoftwareAuthenticator(ORIGIN).create(joining)
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_adding(entered.session, made, NOW)


async def test_a_further_passkey_is_added_by_whoever_asked_for_it_alone(room: StaffRoom) -> None:
    robin, _ = await room.joined(name="Robin")
    kim, _ = await room.joined(name="Kim")
    asked = await room.doors.begin_adding(robin.session, NOW)
    made = SoftwareAuthenticator(ORIGIN).create(asked)
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_adding(kim.session, made, NOW)
    assert len(room.store.keys) == 2


async def test_the_passkey_of_another_person_is_not_registered_again(room: StaffRoom) -> None:
    _, keys = await room.joined(name="Robin")
    theirs = keys.passkeys[0].id
    link = await room.link(name="Mallory")
    options = await room.doors.begin_joining(link, NOW)
    forged = SoftwareAuthenticator(ORIGIN).create(options, credential=theirs)
    with pytest.raises(SignInRefusedError):
        await room.doors.finish_joining(link, forged, NOW)
    assert (await signed(room, keys)).session.member.name == "Robin"


async def test_a_copied_passkey_is_noticed_by_its_counter(
    room: StaffRoom, caplog: pytest.LogCaptureFixture
) -> None:
    _, keys = await room.joined()
    thief = keys.copied()
    await signed(room, keys)
    await signed(room, keys)
    with caplog.at_level(logging.CRITICAL), pytest.raises(SignInRefusedError):
        await signed(room, thief)
    assert "copied" in caplog.text
    assert room.log.whats()[-1] == "passkey_copied"


def test_a_counter_that_does_not_go_up_is_a_copy_unless_there_is_none() -> None:
    assert not is_copied(0, 0)
    assert not is_copied(0, 1)
    assert not is_copied(5, 6)
    assert is_copied(5, 5)
    assert is_copied(5, 4)
    assert is_copied(5, 0)


# --- invitations ----------------------------------------------------------------------------------


async def test_a_link_is_good_once(room: StaffRoom) -> None:
    link = await room.link()
    options = [await room.doors.begin_joining(link, NOW) for _ in range(2)]
    made = [SoftwareAuthenticator(ORIGIN).create(one) for one in options]
    await room.doors.finish_joining(link, made[0], NOW)
    for late in (
        room.doors.finish_joining(link, made[1], NOW),
        room.doors.begin_joining(link, NOW),
        room.doors.invited(link, NOW),
    ):
        with pytest.raises(InvitationSpentError):
            await late
    assert len(room.store.keys) == 1


async def test_of_many_who_use_one_link_at_once_one_joins(room: StaffRoom) -> None:
    link = await room.link()
    options = [await room.doors.begin_joining(link, NOW) for _ in range(5)]
    ended = await asyncio.gather(
        *(
            room.doors.finish_joining(link, SoftwareAuthenticator(ORIGIN).create(one), NOW)
            for one in options
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, SignedIn) for one in ended) == 1
    assert sum(isinstance(one, InvitationSpentError) for one in ended) == 4
    assert len(room.store.keys) == 1


async def test_a_link_ends_when_the_policy_says(room: StaffRoom) -> None:
    link = await room.link()
    assert (await room.doors.invited(link, NOW + 24 * HOUR - 1)).name == "Robin"
    with pytest.raises(InvitationSpentError):
        await room.doors.invited(link, NOW + 24 * HOUR)


async def test_another_spelling_of_a_link_is_no_link(room: StaffRoom) -> None:
    link = await room.link()
    near = (link[:-1], link + "A", link.upper(), link[:-1] + chr(ord(link[-1]) ^ 1))
    for wrong in (*near, "", "hdi1.", f"hdi1.{'é' * 43}", link.replace("hdi1", "hds1")):
        with pytest.raises(InvitationSpentError):
            await room.doors.invited(wrong, NOW)


async def test_the_link_itself_is_kept_nowhere(room: StaffRoom) -> None:
    link = await room.link()
    (row,) = room.store.kept.values()
    assert link.removeprefix("hdi1.").encode() not in row.lookup
    assert link not in repr(row) + str(room.store.kept)
    # 256 bits, in base64url.
    assert len(link.removeprefix("hdi1.")) == 43


async def test_a_newer_link_takes_the_place_of_the_older(room: StaffRoom) -> None:
    first = await room.accounts.invite(by=None, name="Robin", roles=("lead",), place="DE", now=NOW)
    second = await room.accounts.invite_again(by=None, id=first.staff.id, now=NOW)
    with pytest.raises(InvitationSpentError):
        await room.doors.invited(first.link, NOW)
    assert (await room.doors.invited(second.link, NOW)).id == first.staff.id


async def test_the_link_of_an_account_that_has_ended_leads_nowhere(room: StaffRoom) -> None:
    made = await room.accounts.invite(by=None, name="Robin", roles=("lead",), place="DE", now=NOW)
    await room.accounts.end(by=None, id=made.staff.id, now=NOW)
    with pytest.raises(InvitationSpentError):
        await room.doors.invited(made.link, NOW)


async def test_only_a_demonstration_lets_a_link_sign_in(room: StaffRoom) -> None:
    link = await room.link()
    with pytest.raises(SignInRefusedError):
        await room.doors.enter_by_link(link, NOW)
    demo = StaffRoom(demo=True)
    link = await demo.link()
    entered = await demo.doors.enter_by_link(link, NOW)
    assert entered.session.demo
    assert (await demo.sessions.admit(entered.token, NOW)).demo
    with pytest.raises(InvitationSpentError):
        await demo.doors.enter_by_link(link, NOW)
    # On the same data without the demonstration, what a link began is over.
    room.sessions._store = demo.store
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW)


# --- rows that were left behind -------------------------------------------------------------------


@pytest.fixture
def left(room: StaffRoom) -> Callable[[Any], Awaitable[None]]:
    """Put back what an account had, as a sign-in on another server that came between would."""

    async def leave(change: Any) -> None:
        kept, keys = dict(room.store.kept), dict(room.store.keys)
        await change
        room.store.kept, room.store.keys = kept, keys

    return leave


async def test_a_passkey_that_was_left_behind_does_not_outlive_its_account(
    room: StaffRoom, left: Callable[[Any], Awaitable[None]]
) -> None:
    entered, keys = await room.joined()
    name = entered.session.member.id
    await left(room.accounts.end(by=None, id=name, now=NOW))
    with pytest.raises(SignInRefusedError):
        await signed(room, keys)
    del room.store.staff[name]
    with pytest.raises(SignInRefusedError):
        await signed(room, keys)
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW)
    with pytest.raises(NotFoundError):
        await room.doors.begin_adding(entered.session, NOW)


async def test_a_link_that_was_left_behind_does_not_outlive_its_account(
    room: StaffRoom, left: Callable[[Any], Awaitable[None]]
) -> None:
    made = await room.accounts.invite(by=None, name="Robin", roles=("lead",), place="DE", now=NOW)
    await left(room.accounts.end(by=None, id=made.staff.id, now=NOW))
    with pytest.raises(InvitationSpentError):
        await room.doors.invited(made.link, NOW)
    del room.store.staff[made.staff.id]
    with pytest.raises(InvitationSpentError):
        await room.doors.invited(made.link, NOW)


# --- allowed --------------------------------------------------------------------------------------


async def test_whoever_was_invited_makes_a_passkey_and_signs_in_with_it(room: StaffRoom) -> None:
    joined, keys = await room.joined("reviewer", name="Robin")
    assert joined.session.member.roles == {"reviewer"}
    assert not joined.session.demo
    entered = await signed(room, keys)
    assert entered.session.member.id == joined.session.member.id
    assert entered.token != joined.token
    assert room.log.whats() == ["invite", "join", "sign_in"]
    options = await room.doors.begin_sign_in(NOW)
    # Nobody is asked who they are, so nobody learns who works here.
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert options["rpId"] == "desk.example.org"


async def test_a_person_may_have_several_passkeys_and_lose_one(room: StaffRoom) -> None:
    entered, first = await room.joined()
    member = entered.session.member
    second = SoftwareAuthenticator(ORIGIN)
    options = await room.doors.begin_adding(entered.session, NOW)
    assert [one["id"] for one in options["excludeCredentials"]] == [b64(first.passkeys[0].id)]
    made = await room.doors.finish_adding(entered.session, second.create(options), NOW)
    assert (await signed(room, second)).session.member == member
    assert (await signed(room, first)).session.member == member
    await room.accounts.remove_passkey(by=None, id=member.id, passkey=made.name, now=NOW)
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW)
    with pytest.raises(SignInRefusedError):
        await signed(room, second)
    await signed(room, first)


async def test_authenticators_without_a_counter_sign_in_again_and_again(room: StaffRoom) -> None:
    _, keys = await room.joined()
    keys.counts = False
    for _ in range(3):
        await signed(room, keys)


async def test_the_line_in_the_log_stands_before_the_session(room: StaffRoom) -> None:
    _, keys = await room.joined()
    sessions = await room.store.tokens("session")

    async def broken(*_args: Any, **_kwargs: Any) -> None:
        raise ConflictError("the log cannot be written")

    room.log.note = broken  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        await signed(room, keys)
    assert await room.store.tokens("session") == sessions


async def test_asking_for_challenges_writes_nothing(room: StaffRoom) -> None:
    before = dict(room.store.kept)
    for _ in range(5):
        await room.doors.begin_sign_in(NOW)
    assert room.store.kept == before


async def test_who_is_no_admin_invites_nobody(room: StaffRoom) -> None:
    entered, _ = await room.joined("lead")
    with pytest.raises(ForbiddenError):
        await room.accounts.invite(
            by=entered.session.member, name="Kim", roles=("lead",), place="DE", now=NOW
        )
