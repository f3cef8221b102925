"""Roles come from the policy, sessions are short, and an account that ends is out at once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accounts.staff_room import HOUR, MINUTE, NOW, StaffRoom

from halfdoor.accounts.errors import ForbiddenError, InvalidParameterError, NotFoundError
from halfdoor.accounts.staff_errors import NotSignedInError, RolesError
from halfdoor.accounts.staff_roles import ROLES, checked_roles
from halfdoor.accounts.staff_secrets import StaffSecrets


@pytest.fixture
def room() -> StaffRoom:
    return StaffRoom()


# --- roles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "roles",
    [(), ("boss",), ("reviewer", "boss"), ("",), ("Admin",)]
    + [("admin", role) for role in sorted(ROLES - {"admin"})],
)
async def test_roles_that_nobody_may_hold_are_refused(
    room: StaffRoom, roles: tuple[str, ...]
) -> None:
    with pytest.raises(RolesError):
        await room.accounts.invite(by=None, name="Robin", roles=roles, place="DE", now=NOW)
    entered, _ = await room.joined("reviewer")
    with pytest.raises(RolesError):
        await room.accounts.change_roles(
            by=None, id=entered.session.member.id, roles=roles, now=NOW
        )
    assert (await room.sessions.admit(entered.token, NOW)).member.roles == {"reviewer"}


@given(st.sets(st.sampled_from(sorted(ROLES)), min_size=1))
def test_an_admin_stands_alone_and_the_others_stand_together(roles: set[str]) -> None:
    if "admin" in roles and len(roles) > 1:
        with pytest.raises(RolesError):
            checked_roles(roles)
    else:
        assert set(checked_roles(roles)) == roles


@pytest.mark.parametrize("name", ["", " Robin", "Robin\n", "a\u202eb", "a\0b", "x" * 61])
async def test_a_pseudonym_is_what_one_can_see(room: StaffRoom, name: str) -> None:
    with pytest.raises(InvalidParameterError):
        await room.accounts.invite(by=None, name=name, roles=("lead",), place="DE", now=NOW)


@pytest.mark.parametrize("place", ["", "de", "DEU", "D1", "DE\n"])
async def test_a_place_is_a_country(room: StaffRoom, place: str) -> None:
    with pytest.raises(InvalidParameterError):
        await room.accounts.invite(by=None, name="Robin", roles=("lead",), place=place, now=NOW)


async def test_own_accounts_are_user_ids(room: StaffRoom) -> None:
    with pytest.raises(InvalidParameterError):
        await room.accounts.invite(
            by=None, name="Robin", roles=("lead",), place="DE", people=("robin",), now=NOW
        )
    made = await room.accounts.invite(
        by=None, name="Robin", roles=("lead",), place="DE", people=["@r:example.org"] * 2, now=NOW
    )
    assert made.staff.member().people == ("@r:example.org",)


@pytest.mark.parametrize("role", sorted(ROLES - {"admin"}))
async def test_nobody_but_an_admin_changes_accounts(room: StaffRoom, role: str) -> None:
    entered, _ = await room.joined(role)
    other, _ = await room.joined("reviewer", name="Kim")
    by, id = entered.session.member, other.session.member.id  # noqa: A001
    before = room.log.whats()
    for refused in (
        room.accounts.invite(by=by, name="Ann", roles=("lead",), place="DE", now=NOW),
        room.accounts.invite_again(by=by, id=id, now=NOW),
        room.accounts.change_roles(by=by, id=id, roles=("lead",), now=NOW),
        room.accounts.end(by=by, id=id, now=NOW),
        room.accounts.remove_passkey(by=by, id=id, passkey="x", now=NOW),
        room.sessions.end(by=by, name="x", now=NOW),
    ):
        with pytest.raises(ForbiddenError):
            await refused
    assert room.log.whats() == before


async def test_an_admin_does_not_change_their_own_roles(room: StaffRoom) -> None:
    admin = await room.admin()
    with pytest.raises(ForbiddenError):
        await room.accounts.change_roles(by=admin, id=admin.id, roles=("lead",), now=NOW)


async def test_other_roles_hold_from_the_next_request_on(room: StaffRoom) -> None:
    entered, _ = await room.joined("reviewer")
    id = entered.session.member.id  # noqa: A001
    await room.accounts.change_roles(by=await room.admin(), id=id, roles=("auditor",), now=NOW)
    assert (await room.sessions.admit(entered.token, NOW)).member.roles == {"auditor"}
    assert ("roles", id) in [(what, about) for _, what, about in room.log.lines]


async def test_what_one_does_not_want_to_see_is_ones_own_to_say(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    member = await room.accounts.opt_out(entered.session.member, ["violence", "violence"], NOW)
    assert member.opted_out == {"violence"}
    assert (await room.sessions.admit(entered.token, NOW)).member == member
    with pytest.raises(InvalidParameterError):
        await room.accounts.opt_out(member, ["a b"], NOW)


@pytest.mark.parametrize("id", ["stf_nobody", ""])
async def test_who_is_not_there_is_not_found(room: StaffRoom, id: str) -> None:
    for asked in (
        room.accounts.end(by=None, id=id, now=NOW),
        room.accounts.invite_again(by=None, id=id, now=NOW),
        room.accounts.change_roles(by=None, id=id, roles=("lead",), now=NOW),
        room.accounts.remove_passkey(by=None, id=id, passkey="x", now=NOW),
    ):
        with pytest.raises(NotFoundError):
            await asked
    assert room.log.lines == []


async def test_a_passkey_that_is_not_there_is_not_removed(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    before = room.log.lines[:]
    with pytest.raises(NotFoundError):
        await room.accounts.remove_passkey(
            by=None, id=entered.session.member.id, passkey="none", now=NOW
        )
    assert room.log.lines == before
    await room.sessions.admit(entered.token, NOW)


async def test_every_change_is_in_the_log_with_who_did_it(room: StaffRoom) -> None:
    admin = await room.admin()
    made = await room.accounts.invite(by=admin, name="Robin", roles=("lead",), place="DE", now=NOW)
    id = made.staff.id  # noqa: A001
    await room.accounts.change_roles(by=admin, id=id, roles=("reviewer",), now=NOW)
    await room.accounts.invite_again(by=None, id=id, now=NOW)
    await room.accounts.end(by=admin, id=id, now=NOW)
    assert room.log.lines[2:] == [
        (admin.id, "invite", id),
        (admin.id, "roles", id),
        ("operator", "invite", id),
        (admin.id, "end", id),
    ]


# --- sessions -------------------------------------------------------------------------------------


async def test_the_end_of_an_account_ends_its_sessions_at_once(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    other, _ = await room.joined(name="Kim")
    await room.accounts.end(by=None, id=entered.session.member.id, now=NOW)
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW)
    await room.sessions.admit(other.token, NOW)
    with pytest.raises(NotFoundError):
        await room.accounts.end(by=None, id=entered.session.member.id, now=NOW)


async def test_a_session_row_that_was_left_behind_does_not_outlive_its_account(
    room: StaffRoom,
) -> None:
    # A sign-in on another server that came between.
    entered, _ = await room.joined()
    kept = dict(room.store.kept)
    await room.accounts.end(by=None, id=entered.session.member.id, now=NOW)
    room.store.kept = kept
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW)


async def test_without_a_sign_a_session_ends_and_with_signs_it_goes_on(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    now = NOW
    for _ in range(4):
        now += 19 * MINUTE
        await room.sessions.admit(entered.token, now)
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, now + 20 * MINUTE)


async def test_a_session_ends_however_busy_it_is(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    assert entered.session.ends == NOW + 8 * HOUR
    for now in range(NOW, NOW + 8 * HOUR, 10 * MINUTE):
        await room.sessions.admit(entered.token, now)
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW + 8 * HOUR)


async def test_after_signing_out_the_token_is_nothing(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    await room.sessions.sign_out(entered.token, NOW)
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW)
    await room.sessions.sign_out(entered.token, NOW)
    assert room.log.whats().count("sign_out") == 1


@pytest.mark.parametrize("token", ["", "hds1.", "hds1." + "A" * 43, "hda1." + "A" * 43, "é"])
async def test_a_made_up_token_is_nobody(room: StaffRoom, token: str) -> None:
    await room.joined()
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(token, NOW)


async def test_an_invitation_is_no_session_and_a_session_no_invitation(room: StaffRoom) -> None:
    link = await room.link()
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(link.replace("hdi1.", "hds1."), NOW)


async def test_the_mark_of_a_session_is_its_own_and_no_way_to_it(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    other, _ = await room.joined(name="Kim")
    session = await room.sessions.admit(entered.token, NOW)
    assert session.csrf != other.session.csrf
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(f"hds1.{session.csrf}", NOW)


async def test_an_admin_sees_sessions_and_ends_one(room: StaffRoom) -> None:
    entered, _ = await room.joined()
    admin = await room.admin()
    (mine,) = [
        one for one in await room.sessions.live(NOW) if one.staff == entered.session.member.id
    ]
    await room.sessions.end(by=admin, name=mine.name, now=NOW)
    with pytest.raises(NotSignedInError):
        await room.sessions.admit(entered.token, NOW)
    assert room.log.lines[-1] == (admin.id, "session_ended", entered.session.member.id)
    assert mine.name not in {one.name for one in await room.sessions.live(NOW)}


async def test_what_has_expired_is_swept_away(room: StaffRoom) -> None:
    await room.joined()
    await room.link(name="Kim")
    assert await room.sessions.sweep(NOW + 8 * HOUR) == 1
    assert await room.sessions.sweep(NOW + 25 * HOUR) == 2
    assert room.store.kept == {}


# --- secrets --------------------------------------------------------------------------------------


async def test_nothing_prints_a_secret(room: StaffRoom) -> None:
    made = await room.accounts.invite(by=None, name="Robin", roles=("lead",), place="DE", now=NOW)
    entered, _ = await room.joined()
    opening = room.sessions.opening("stf_robin", NOW)
    drawn = room.secrets.make("session")
    said = " ".join(
        map(repr, (made, entered, entered.session, opening, drawn, room.secrets, room.store.kept))
    )
    said += " ".join(map(repr, room.store.keys.values()))
    for secret in (made.link, entered.token, entered.session.csrf, opening.token, drawn.text):
        assert secret not in said
    for passkey in room.store.keys.values():
        assert repr(passkey.public_key)[2:-1] not in said
    assert repr(b"k" * 32) not in said


def test_lookups_depend_on_the_key_and_the_kind() -> None:
    one, other = StaffSecrets(b"1" * 32), StaffSecrets(b"2" * 32)
    made = one.make("session")
    assert one.read("session", made.text) == made.lookup
    assert other.read("session", made.text) != made.lookup
    assert one.read("invitation", made.text) is None
    assert one.passkey(b"x") != other.passkey(b"x")
    assert one.ends(one.challenge("a", NOW), "a", NOW) == NOW + 300_000
    assert other.ends(one.challenge("a", NOW), "a", NOW) is None
    assert one.ends(one.challenge("a", NOW), "b", NOW) is None
    assert one.ends(b"", "a", NOW) is None


def test_no_record_can_hold_a_password() -> None:
    from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken

    fields: Any = [
        name for kind in (StaffRecord, PasskeyRecord, StaffToken) for name in kind.__struct_fields__
    ]
    assert not [name for name in fields if "password" in name or "secret" in name]
    assert json.dumps(fields)
