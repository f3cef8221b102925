"""What `halfdoor staff` does on a house: accounts, links and roles, and nobody's message."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.apps.opened_house import ask, open_house
from tests.web.software_authenticator import SoftwareAuthenticator

from halfdoor.apps.house import House
from halfdoor.apps.setting import ConsolePlace
from halfdoor.apps.verbs import (
    ChangeStaffRoles,
    EndStaff,
    InviteStaff,
    InviteStaffAgain,
    ListStaff,
    RemoveStaffPasskey,
    StaffInvited,
    Verb,
)

ORIGIN = "https://desk.example.org"
ROBIN = InviteStaff(name="Robin", roles=("reviewer",), place="DE")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = open_house(tmp_path)
    opened.setting = replace(opened.setting, console=ConsolePlace(public_url=ORIGIN))
    yield opened
    await opened.close()


async def done(house: House, verb: Verb) -> Any:
    answer = await ask(house, verb)
    assert answer["answer"] == "done", answer
    return answer["result"]


async def refused(house: House, verb: Verb) -> tuple[str, str]:
    answer = await ask(house, verb)
    return answer["kind"], answer["text"]


async def join(house: House, verb: Verb = ROBIN) -> tuple[str, SoftwareAuthenticator, str]:
    """Invite somebody and let them make a passkey; return id, keys and session."""
    made = await done(house, verb)
    link = made["address"].rpartition("/")[2]
    doors, now = house.desk.staff_doors(ORIGIN), house.clock.now_ms()
    keys = SoftwareAuthenticator(ORIGIN)
    answer = keys.create(await doors.begin_joining(link, now))
    entered = await doors.finish_joining(link, answer, now)
    return made["id"], keys, entered.token


async def test_without_a_console_nobody_is_invited(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    kind, text = await refused(house, ROBIN)
    assert kind == "usage"
    assert "console.public_url" in text
    assert (await done(house, ListStaff()))["staff"] == []
    await house.close()


@pytest.mark.parametrize("roles", [(), ("admin", "lead"), ("boss",)])
async def test_roles_that_nobody_may_hold_are_refused(house: House, roles: tuple[str, ...]) -> None:
    assert (await refused(house, msgspec.structs.replace(ROBIN, roles=roles)))[0] == "usage"
    assert (await done(house, ListStaff()))["staff"] == []


@pytest.mark.parametrize(
    "verb",
    [
        InviteStaffAgain(id="stf_nobody"),
        ChangeStaffRoles(id="stf_nobody", roles=("lead",)),
        EndStaff(id="stf_nobody"),
        RemoveStaffPasskey(id="stf_nobody", passkey="x"),
    ],
    ids=lambda verb: str(verb.__struct_config__.tag),
)
async def test_who_is_not_there_is_not_changed(house: House, verb: Verb) -> None:
    assert (await refused(house, verb))[0] == "failed"


async def test_an_invitation_leads_to_the_console_and_is_good_once(house: House) -> None:
    made = await done(house, ROBIN)
    assert made["address"].startswith(f"{ORIGIN}/join/hdi1.")
    assert made["expires"] == house.clock.now_ms() + 24 * 3_600_000
    (listed,) = (await done(house, ListStaff()))["staff"]
    assert (listed["state"], listed["passkeys"]) == ("invited", [])
    name, _, token = await join(house)
    one = next(each for each in (await done(house, ListStaff()))["staff"] if each["id"] == name)
    assert one["state"] == "active"
    assert len(one["passkeys"]) == 1
    assert (await house.desk.staff_sessions.admit(token, house.clock.now_ms())).member.id == name


async def test_the_staff_log_of_the_house_has_every_step_in_its_chain(house: House) -> None:
    name, _, _ = await join(house)
    await done(house, ChangeStaffRoles(id=name, roles=("lead",)))
    await done(house, EndStaff(id=name))
    lines = await house.desk.store.staff_log(0, 100)
    assert [(one.staff, one.what, one.about) for one in lines if one.what != "join"] == [
        ("operator", "invite", name),
        ("operator", "roles", name),
        ("operator", "end", name),
    ]
    assert [one.n for one in lines] == [1, 2, 3, 4]
    assert len({one.chain for one in lines}) == 4


async def test_a_passkey_that_was_lost_is_removed_and_another_made(house: House) -> None:
    name, keys, token = await join(house)
    (listed,) = (await done(house, ListStaff()))["staff"]
    await done(house, RemoveStaffPasskey(id=name, passkey=listed["passkeys"][0]["name"]))
    doors, now = house.desk.staff_doors(ORIGIN), house.clock.now_ms()
    for attempt in (
        doors.finish_sign_in(keys.get(await doors.begin_sign_in(now)), now),
        house.desk.staff_sessions.admit(token, now),
    ):
        with pytest.raises(Exception, match="sign"):
            await attempt
    again = await done(house, InviteStaffAgain(id=name))
    assert again["id"] == name
    link = again["address"].rpartition("/")[2]
    answer = SoftwareAuthenticator(ORIGIN).create(await doors.begin_joining(link, now))
    assert (await doors.finish_joining(link, answer, now)).session.member.id == name


async def test_accounts_outlive_a_restart_and_no_link_is_in_the_files(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    house.setting = replace(house.setting, console=ConsolePlace(public_url=ORIGIN))
    made = await done(house, ROBIN)
    name, keys, token = await join(house, msgspec.structs.replace(ROBIN, name="Kim"))
    await house.close()
    link = made["address"].rpartition("/")[2]
    raw = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    for secret in (link, token, "Robin", "Kim"):
        assert secret.encode() not in raw
        assert secret.partition(".")[2].encode() not in raw or "." not in secret
    house = open_house(tmp_path)
    doors, now = house.desk.staff_doors(ORIGIN), house.clock.now_ms()
    entered = await doors.finish_sign_in(keys.get(await doors.begin_sign_in(now)), now)
    assert entered.session.member.id == name
    assert (await doors.invited(link, now)).id == made["id"]
    await house.close()


def test_an_invitation_is_not_printed() -> None:
    assert "secret" not in repr(StaffInvited("stf_x", f"{ORIGIN}/join/secret", 0))
