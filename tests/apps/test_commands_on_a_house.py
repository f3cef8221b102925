import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.apps.opened_house import (
    CANARIES,
    PASSWORD,
    SERVER,
    Person,
    ask,
    make,
    open_house,
    user,
)

from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.house import House
from halfdoor.apps.verbs import (
    BeginLog,
    ChangeStaffRoles,
    Connect,
    ContinueRenewal,
    CreateUser,
    Deactivate,
    EndStaff,
    ExplainContact,
    InviteStaff,
    InviteStaffAgain,
    ListStaff,
    ListUsers,
    PrepareKey,
    RemoveFormerKeys,
    RemoveStaffPasskey,
    RenewAccountKey,
    ResetPassword,
    RotateKey,
    ShowKey,
    ShowLog,
    ShowUser,
    Suspend,
    Unsuspend,
    Verb,
)
from halfdoor.store.sqlite.opening import Store

NEW = "nine slow barges pass the lock"


@pytest.fixture(params=["one file", "two files"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    house = open_house(tmp_path, two_files=request.param == "two files")
    yield house
    await house.close()


async def refused(house: House, verb: Verb | bytes) -> tuple[str, str]:
    answer = await ask(house, verb)
    assert answer["answer"] == "refused", answer
    return answer["kind"], answer["text"]


async def done(house: House, verb: Verb) -> Any:
    answer = await ask(house, verb)
    assert answer["answer"] == "done", answer
    return answer["result"]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\xff\xfe\n",
        b"null",
        b"[]",
        b'"user.list"',
        b"{}",
        b'{"verb":"message.read","user":"ada"}',
        b'{"verb":"user.delete","user":"ada"}',
        b'{"verb":["user.list"]}',
        b'{"verb":"user.show"}',
        b'{"verb":"user.show","user":7}',
        b'{"verb":"user.show","user":""}',
        b'{"verb":"user.show","user":"ada","room":"!a:example.org"}',
        b'{"verb":"user.show","user":"\\ud800"}',
        b'{"verb":"user.list","limit":0}',
        b'{"verb":"user.list","limit":1e9}',
        b'{"verb":"user.create","localpart":"ada"}',
        b'{"verb":"user.create","localpart":"ada","password":"x","age_band":"elderly"}',
        b'{"verb":"user.suspend","user":"' + b"a" * 256 + b'"}',
        b'{"verb":' * 10_000,
        b"[" * 10_000,
    ],
)
async def test_what_is_no_request_is_refused_and_not_quoted(house: House, raw: bytes) -> None:
    kind, text = await refused(house, raw)
    assert kind == "usage"
    assert text == "this is no request that the server knows."
    assert await house.account_store.user_ids("", 10) == []


@pytest.mark.parametrize(
    "verb",
    [
        ResetPassword(user="nobody", password=NEW),
        Suspend(user="nobody"),
        Unsuspend(user="nobody"),
        Deactivate(user="nobody"),
        Connect(a="nobody", b="ada"),
        Connect(a="ada", b="nobody"),
        ShowUser(user="nobody"),
        ExplainContact(a="ada", b="nobody"),
    ],
    ids=repr,
)
async def test_nothing_is_done_about_somebody_who_is_not_there(house: House, verb: Verb) -> None:
    await make(house, "ada", "adult")
    assert await refused(house, verb) == ("failed", "there is no such account.")
    assert await house.account_store.user_ids("", 10) == [user("ada")]


@pytest.mark.parametrize("name", ["@ada:elsewhere.org", "@ada", "a b", "ada\x00", "@:example.org"])
async def test_a_name_of_another_server_or_of_none_is_wrong_use(house: House, name: str) -> None:
    await make(house, "ada", "adult")
    assert (await refused(house, ShowUser(user=name)))[0] == "usage"


async def test_a_name_that_is_taken_is_not_made_again(house: House) -> None:
    await make(house, "ada", "adult")
    kind, text = await refused(house, CreateUser(localpart="ada", password=NEW))
    assert (kind, text) == ("failed", "this name is taken.")


async def test_whom_the_platform_named_keeps_what_it_said(house: House) -> None:
    child = PersonRecord(user=user("mia"), age_band="13-15", age_source="platform")
    await house.people.put([child])
    verb = CreateUser(localpart="mia", password=NEW, age_band="adult")
    assert (await refused(house, verb))[0] == "failed"
    assert await house.people.person(user("mia")) == child


@pytest.mark.parametrize("name", ["Ada", "a:b", "_bridge", "ü", "@ada:example.org"])
async def test_a_name_that_nobody_may_have_is_wrong_use(house: House, name: str) -> None:
    assert (await refused(house, CreateUser(localpart=name, password=NEW)))[0] == "usage"


@pytest.mark.parametrize("password", ["short", "password1234", "ada-ada-ada-ada"])
async def test_a_weak_password_makes_no_account_and_is_not_quoted(
    house: House, password: str
) -> None:
    kind, text = await refused(house, CreateUser(localpart="ada", password=password))
    assert kind == "failed"
    assert password not in text
    assert await house.account_store.user_ids("", 10) == []


async def test_a_weak_password_resets_nothing(house: House) -> None:
    await make(house, "ada", "adult")
    before = await house.account_store.state(user("ada"))
    assert (await refused(house, ResetPassword(user="ada", password="short")))[0] == "failed"
    assert await house.account_store.state(user("ada")) == before


@pytest.mark.parametrize(
    ("one", "other"), [("adult", "13-15"), ("16-17", "adult"), (None, "16-17"), (None, None)]
)
async def test_an_adult_and_a_minor_are_not_connected_by_the_way(
    house: House, one: str | None, other: str | None
) -> None:
    await make(house, "one", one)
    await make(house, "other", other)
    assert (await refused(house, Connect(a="one", b="other")))[0] == "refused"
    assert not await house.people.connected(user("one"), user("other"))
    await done(house, Connect(a="one", b="other", sure=True))
    assert await house.people.connected(user("one"), user("other"))


async def test_nobody_is_connected_with_or_explained_to_themselves(house: House) -> None:
    await make(house, "ada", "adult")
    assert (await refused(house, Connect(a="ada", b=user("ada"))))[0] == "usage"
    assert (await refused(house, ExplainContact(a="ada", b="ada")))[0] == "usage"


async def test_a_closed_account_gets_no_password(house: House) -> None:
    await make(house, "ada", "adult")
    await done(house, Deactivate(user="ada"))
    assert await refused(house, ResetPassword(user="ada", password=NEW)) == (
        "failed",
        "this account was closed.",
    )
    assert (await refused(house, CreateUser(localpart="ada", password=NEW)))[0] == "failed"
    await done(house, Deactivate(user="ada"))


async def test_a_row_that_somebody_changed_stops_the_command(house: House) -> None:
    await make(house, "ada", "13-15")
    await make(house, "ben", "adult")

    def swap(con: Any) -> None:
        con.execute(
            "UPDATE person SET (sealed, mac) = (SELECT sealed, mac FROM person WHERE user_id = ?)"
            " WHERE user_id = ?",
            (user("ben"), user("ada")),
        )

    assert isinstance(house.store, Store)
    await house.store.database.write(swap)
    house.people.forget(user("ada"))
    for verb in (ShowUser(user="ada"), ListUsers(), ExplainContact(a="ada", b="ben")):
        kind, text = await refused(house, verb)
        assert kind == "failed"
        assert "without the outer key" in text


# --- what is done ---------------------------------------------------------------------------------


async def test_an_account_made_here_can_be_signed_in_to(house: House) -> None:
    verb = CreateUser(localpart="ada", password=NEW, age_band="adult")
    assert await done(house, verb) == {"users": [user("ada")]}
    ada = Person(house, "ada")
    assert "access_token" in await ada.sign_in(NEW)
    facts = await done(house, ShowUser(user="ada"))
    assert (facts["age_band"], facts["age_source"]) == ("adult", "operator")
    assert (facts["devices"], facts["signed_in_once"], facts["way_back"]) == (1, True, True)


async def test_without_a_band_the_age_stays_unknown(house: House) -> None:
    await done(house, CreateUser(localpart="ada", password=NEW))
    facts = await done(house, ShowUser(user=user("ada")))
    assert facts["age_band"] is facts["age_source"] is None
    assert (facts["devices"], facts["signed_in_once"], facts["way_back"]) == (0, False, False)
    assert facts["password"] is True


async def test_a_reset_password_leaves_history_closed(house: House) -> None:
    """SEALING §8 no. 27: the administrator signs in with the new password and reads nothing."""
    ada, ben = Person(house, "ada"), Person(house, "ben")
    for person in (ada, ben):
        await make(house, person.name, "adult")
        await person.sign_in()
    await house.people.connect(ada.user, ben.user, "platform", house.clock.now_ms())
    room = await ada.room_with([ben.user], is_direct=True)
    await ada.write(room, "between us")
    slots = (await state_of(house, "ada")).slots

    reset = await done(house, ResetPassword(user="ada", password=NEW))
    assert reset == {"user": ada.user, "history_closed": True}
    # No slot was added, changed or dropped.
    assert (await state_of(house, "ada")).slots == slots
    intruder = Person(house, "ada")
    assert "errcode" in await intruder.sign_in(PASSWORD)
    assert (await intruder.sign_in(NEW))["org.halfdoor.pending"] is True
    for path in (f"/rooms/{quote(room)}/messages?dir=b", "/joined_rooms"):
        status, answer = await intruder.call("GET", path)
        assert (status, answer["org.halfdoor.pending"]) == (403, True)
    facts = await done(house, ShowUser(user="ada"))
    assert (facts["devices"], facts["waiting"]) == (2, 1)
    # Nothing opens but the device that was there.
    assert facts["way_back"] is False
    seen = await ada.must("GET", f"/rooms/{quote(room)}/messages?dir=b")
    assert "between us" in json.dumps(seen)


async def state_of(house: House, name: str) -> Any:
    return await house.account_store.state(user(name))


async def test_a_reset_before_the_first_login_says_that_nothing_was_there(house: House) -> None:
    await make(house, "ada", "adult")
    assert (await done(house, ResetPassword(user="ada", password=NEW)))["history_closed"] is False
    assert "org.halfdoor.pending" not in await Person(house, "ada").sign_in(NEW)


async def test_the_suspended_write_nothing_until_that_is_lifted(house: House) -> None:
    ada, ben = Person(house, "ada"), Person(house, "ben")
    for person in (ada, ben):
        await make(house, person.name, "adult")
        await person.sign_in()
    await done(house, Connect(a="ada", b="ben"))
    room = await ada.room_with([ben.user])
    await done(house, Suspend(user="ada"))
    send = f"/rooms/{quote(room)}/send/m.room.message/t"
    status, answer = await ada.call("PUT", send, {"msgtype": "m.text", "body": "hello"})
    assert (status, answer["errcode"]) == (403, "M_USER_SUSPENDED")
    assert (await done(house, ShowUser(user="ada")))["suspended"] is True
    await done(house, Unsuspend(user="ada"))
    assert (await done(house, ShowUser(user="ada")))["suspended"] is False
    await ada.write(room, "hello again")


async def test_a_closed_account_is_left_with_nothing(house: House) -> None:
    ada = Person(house, "ada")
    await make(house, "ada", "adult")
    await ada.sign_in()
    assert await done(house, Deactivate(user="ada")) == {"users": [ada.user]}
    assert (await ada.call("GET", "/sync"))[0] == 401
    facts = await done(house, ShowUser(user="ada"))
    assert (facts["deactivated"], facts["devices"], facts["password"]) == (True, 0, False)
    assert facts["way_back"] is False


async def test_everybody_is_listed_once_in_order_page_by_page(house: House) -> None:
    names = ["eva", "ada", "cem", "ben"]
    for name in names:
        await make(house, name, "adult")
    # Somebody whom the platform named and who never signed in.
    await house.people.put([PersonRecord(user=user("dan"), age_band="16-17")])
    listed: list[str] = []
    page = await done(house, ListUsers(limit=2))
    while page["more"]:
        listed += [one["user"] for one in page["users"]]
        page = await done(house, ListUsers(after=listed[-1], limit=2))
    listed += [one["user"] for one in page["users"]]
    assert listed == [user(name) for name in ("ada", "ben", "cem", "dan", "eva")]


# --- who may write to whom ------------------------------------------------------------------------


async def test_an_adult_stranger_to_a_child_is_explained_from_the_live_facts(house: House) -> None:
    await make(house, "vic", "adult")
    await make(house, "mia", "13-15")
    told = await done(house, ExplainContact(a="vic", b="mia"))
    assert told["allowed"] is False
    said = "\n".join(told["sentences"])
    assert "contact.adult_minor_unconnected" in said
    # Both directions, by whole ids.
    assert f"{user('vic')} to {user('mia')}: refused" in said
    assert f"{user('mia')} to {user('vic')}: refused" in said


async def test_what_changes_between_two_people_changes_the_explanation(house: House) -> None:
    await make(house, "ada", "adult")
    await make(house, "ben", "adult")
    first = await done(house, ExplainContact(a="ada", b=user("ben")))
    assert first["allowed"] is True
    assert "a message request" in "\n".join(first["sentences"])
    await done(house, Connect(a="ada", b="ben"))
    known = await done(house, ExplainContact(a="ada", b="ben"))
    assert "an ordinary invite" in "\n".join(known["sentences"])
    await done(house, Suspend(user="ada"))
    stopped = await done(house, ExplainContact(a="ada", b="ben"))
    assert stopped["allowed"] is False
    assert f"{user('ada')} is suspended" in "\n".join(stopped["sentences"])
    assert (await done(house, ExplainContact(a="ben", b="ada")))["allowed"] is True


async def test_a_block_is_not_told(house: House) -> None:
    await make(house, "ada", "adult")
    await make(house, "ben", "adult")
    before = await ask(house, ExplainContact(a="ada", b="ben"))
    await house.people.block(user("ben"), user("ada"), house.clock.now_ms())
    assert await ask(house, ExplainContact(a="ada", b="ben")) == before


# --- nothing that people wrote ------------------------------------------------------------------


async def test_no_answer_holds_anything_that_people_wrote(house: House) -> None:
    ada, ben = Person(house, "ada"), Person(house, "ben")
    for person in (ada, ben):
        await make(house, person.name, "adult", CANARIES["password"])
        await person.sign_in(CANARIES["password"], CANARIES["device"])
    await house.people.connect(ada.user, ben.user, "platform", house.clock.now_ms())
    name = {"displayname": CANARIES["profile"]}
    await ada.must("PUT", f"/profile/{quote(ada.user)}/displayname", name)
    room = await ada.room_with([ben.user], name=CANARIES["room"], topic=CANARIES["topic"])
    await ada.write(room, CANARIES["message"])
    kept = f"/user/{quote(ada.user)}/account_data/org.example.kept"
    await ada.must("PUT", kept, {"is": CANARIES["account data"]})
    seen = json.dumps(await ada.must("GET", "/sync"))
    assert all(CANARIES[one] in seen for one in ("message", "room", "account data"))

    every: list[Verb] = [
        CreateUser(localpart="ada", password=CANARIES["password"]),
        CreateUser(localpart="eva", password=CANARIES["password"]),
        ResetPassword(user="eva", password=CANARIES["password"]),
        ShowUser(user="ada"),
        ListUsers(),
        Connect(a="ada", b="ben"),
        ExplainContact(a="ada", b="ben"),
        Suspend(user="ada"),
        Unsuspend(user="ada"),
        Deactivate(user="ada"),
        ShowUser(user="ada"),
        PrepareKey(),
        RotateKey(),
        ShowKey(),
        RemoveFormerKeys(),
        RenewAccountKey(),
        ContinueRenewal(),
        BeginLog(),
        ShowLog(),
        InviteStaff(name="Robin", roles=("reviewer",), place="DE", people=(ada.user,)),
        InviteStaffAgain(id="stf_nobody"),
        ListStaff(),
        ChangeStaffRoles(id="stf_nobody", roles=("lead",)),
        RemoveStaffPasskey(id="stf_nobody", passkey="none"),
        EndStaff(id="stf_nobody"),
    ]
    assert {type(verb) for verb in every} == set(Verb.__args__)
    answers = "\n".join([json.dumps(await ask(house, verb)) for verb in every])
    assert ada.user in answers
    assert [what for what, canary in CANARIES.items() if canary in answers] == []
    assert room not in answers


def test_the_verbs_are_a_closed_list_and_none_is_about_a_conversation() -> None:
    tags = {kind.__struct_config__.tag for kind in Verb.__args__}
    assert tags == {
        "user.create",
        "user.reset_password",
        "user.suspend",
        "user.unsuspend",
        "user.deactivate",
        "user.connect",
        "user.show",
        "user.list",
        "policy.explain",
        "staff.invite",
        "staff.invite_again",
        "staff.list",
        "staff.roles",
        "staff.end",
        "staff.remove_passkey",
        "key.show",
        "key.prepare",
        "key.rotate",
        "key.remove_former",
        "key.renew_account",
        "key.continue_renewal",
        "log.begin",
        "log.show",
    }


def test_a_password_is_in_no_printed_request() -> None:
    for verb in (
        CreateUser(localpart="ada", password=NEW),
        ResetPassword(user="ada", password=NEW),
    ):
        assert NEW not in repr(verb)
        assert NEW in msgspec.json.encode(verb).decode()


async def test_the_house_of_another_name_is_named(house: House) -> None:
    assert (await refused(house, ShowUser(user="@ada:elsewhere.org")))[1] == (
        f"that is no user of {SERVER}."
    )
