"""Signing keys of people, and the signatures made with them, are checked before they are kept."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2ee.key_client import KeyedDevice, KeyedPerson, SigningKey
from tests.messaging.whole_house import Client, WholeHouse, whole_house
from tests.web.matrix.key_house import KEYS, friends, give_keys, keyed, query

KEYS_PATH = f"{KEYS}/device_signing/upload"
SIGNATURES = f"{KEYS}/signatures/upload"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as opened:
        yield opened


async def refusal(client: Client, path: str, body: dict[str, Any]) -> tuple[int, str | None]:
    status, answer = await client.any_status("POST", path, body)
    return status, answer.get("errcode")


async def failure(client: Client, user: str, target: str, signed: Any) -> str:
    """Upload one signature that is refused, and return why."""
    answer = await client.ask("POST", SIGNATURES, {user: {target: signed}})
    errcode: str = answer["failures"][user][target]["errcode"]
    return errcode


def proof(client: Client, session: str) -> dict[str, Any]:
    name = client.user[1:].partition(":")[0]
    return {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": client.user},
        "password": f"lamp-otter-{name}-cedar-93",
        "session": session,
    }


async def signing(house: WholeHouse, name: str) -> tuple[Client, KeyedDevice, KeyedPerson]:
    """Return somebody whose device and signing keys are here."""
    client, device = await keyed(house, name)
    person = KeyedPerson(client.user)
    await client.ask("POST", KEYS_PATH, person.upload(device))
    return client, device, person


async def test_signing_keys_of_the_wrong_form_or_owner_are_refused(house: WholeHouse) -> None:
    ada, device = await keyed(house, "ada")
    person = KeyedPerson(ada.user)
    good = person.upload(device)
    master = good["master_key"]
    stranger = KeyedPerson("@ben:localhost").upload()["master_key"]
    other = SigningKey().public
    for body, refused in (
        ({}, (400, "M_MISSING_PARAM")),
        ({"self_signing_key": good["self_signing_key"]}, (400, "M_MISSING_PARAM")),
        ({"master_key": "text"}, (400, "M_BAD_JSON")),
        ({"master_key": {**master, "usage": ["self_signing"]}}, (400, "M_BAD_JSON")),
        ({"master_key": {**master, "keys": {}}}, (400, "M_BAD_JSON")),
        ({"master_key": {**master, "keys": {f"ed25519:{other}": "AAAA"}}}, (400, "M_BAD_JSON")),
        ({"master_key": stranger}, (400, "M_INVALID_PARAM")),
    ):
        assert await refusal(ada, KEYS_PATH, body) == refused
    assert (await query(ada, ada.user))["master_keys"] == {}


async def test_signing_keys_need_the_signature_of_the_master_key(house: WholeHouse) -> None:
    ada, device = await keyed(house, "ada")
    person, other = KeyedPerson(ada.user), KeyedPerson(ada.user)
    good = person.upload(device)
    for name in ("self_signing_key", "user_signing_key"):
        unsigned = {**good[name], "signatures": {}}
        forged = other.master.sign(unsigned, ada.user, person.master.public)
        for bad in (unsigned, forged):
            refused = await refusal(ada, KEYS_PATH, {**good, name: bad})
            assert refused == (400, "M_INVALID_SIGNATURE")
    theirs = KeyedDevice(ada.user, ada.device)
    bad = {**good, "master_key": theirs.sign(person.key("master", person.master))}
    assert await refusal(ada, KEYS_PATH, bad) == (400, "M_INVALID_SIGNATURE")


async def test_the_first_keys_need_no_proof_others_do(house: WholeHouse) -> None:
    ada, device, person = await signing(house, "ada")
    # The same again changes nothing, and asks for nothing.
    await ada.ask("POST", KEYS_PATH, person.upload(device))
    another = KeyedPerson(ada.user).upload(device)
    status, asked = await ada.any_status("POST", KEYS_PATH, another)
    assert (status, "errcode" in asked) == (401, False)
    assert (await query(ada, ada.user))["master_keys"][ada.user] == person.upload(device)[
        "master_key"
    ]
    await ada.ask("POST", KEYS_PATH, {**another, "auth": proof(ada, asked["session"])})
    assert (await query(ada, ada.user))["master_keys"][ada.user] == another["master_key"]


async def test_a_wrong_proof_replaces_nothing(house: WholeHouse) -> None:
    ada, device, person = await signing(house, "ada")
    another = KeyedPerson(ada.user).upload(device)
    asked = (await ada.any_status("POST", KEYS_PATH, another))[1]
    wrong = {**proof(ada, asked["session"]), "password": "guessed"}
    assert (await refusal(ada, KEYS_PATH, {**another, "auth": wrong}))[0] == 401
    found = (await query(ada, ada.user))["master_keys"][ada.user]
    assert found["keys"] == {f"ed25519:{person.master.public}": person.master.public}


async def test_a_user_signing_key_is_shown_to_its_owner_alone(house: WholeHouse) -> None:
    (ada, _, _), (ben, _, _) = await signing(house, "ada"), await signing(house, "ben")
    await friends(house, ada, ben)
    seen = await query(ada, ada.user, ben.user)
    assert set(seen["master_keys"]) == set(seen["self_signing_keys"]) == {ada.user, ben.user}
    assert set(seen["user_signing_keys"]) == {ada.user}


async def test_signatures_by_the_wrong_key_are_refused_each_by_itself(house: WholeHouse) -> None:
    ada, device, person = await signing(house, "ada")
    identity = device.identity()
    # Neither the master key nor the key for other people may sign a device.
    for key in (person.master, person.user_signing):
        signed = key.sign(identity, ada.user)
        assert await failure(ada, ada.user, ada.device, signed) == "M_INVALID_SIGNATURE"
    public = person.self_signing.public
    forged = SigningKey().sign(identity, ada.user, public)
    assert await failure(ada, ada.user, ada.device, forged) == "M_INVALID_SIGNATURE"
    assert await failure(ada, ada.user, ada.device, identity) == "M_INVALID_SIGNATURE"
    good = person.self_signing.sign(identity, ada.user)
    other = person.self_signing.sign({**identity, "algorithms": []}, ada.user)
    assert await failure(ada, ada.user, ada.device, other) == "M_INVALID_PARAM"
    assert await failure(ada, ada.user, "NONE", good) == "M_NOT_FOUND"
    assert await failure(ada, ada.user, ada.device, "text") == "M_BAD_JSON"
    assert await refusal(ada, SIGNATURES, {ada.user: "text"}) == (400, "M_BAD_JSON")
    both = {ada.user: {ada.device: good, "NONE": good}}
    answer = await ada.ask("POST", SIGNATURES, both)
    assert list(answer["failures"][ada.user]) == ["NONE"]
    shown = (await query(ada, ada.user))["device_keys"][ada.user][ada.device]["signatures"]
    assert f"ed25519:{public}" in shown[ada.user]


async def test_a_device_signs_the_master_key_later_and_everybody_sees_it(
    house: WholeHouse,
) -> None:
    ada, ben = (await signing(house, "ada"))[0], await house.person("ben")
    await friends(house, ada, ben)
    second = await house.device(ada.user)
    device = await give_keys(second)
    master = (await query(ada, ada.user))["master_keys"][ada.user]
    public = next(iter(master["keys"].values()))
    answer = await second.ask("POST", SIGNATURES, {ada.user: {public: device.sign(master)}})
    assert answer == {"failures": {}}
    shown = (await query(ben, ada.user))["master_keys"][ada.user]["signatures"][ada.user]
    assert set(shown) == {f"ed25519:{ada.device}", f"ed25519:{second.device}"}


async def test_whom_somebody_verified_is_seen_by_nobody_else(house: WholeHouse) -> None:
    people = [await signing(house, name) for name in ("ada", "ben", "cat")]
    (ada, _, adas), (ben, _, bens), (cat, _, _) = people
    await friends(house, ada, ben)
    await friends(house, ben, cat)
    signed = adas.user_signing.sign(bens.key("master", bens.master), ada.user)
    await ada.ask("POST", SIGNATURES, {ben.user: {bens.master.public: signed}})
    seen = [(await query(one, ben.user))["master_keys"][ben.user] for one in (ada, ben, cat)]
    assert [ada.user in one["signatures"] for one in seen] == [True, False, False]


async def test_keys_of_strangers_cannot_be_signed_and_look_as_if_they_were_not_there(
    house: WholeHouse,
) -> None:
    (ada, _, adas), (ben, bens_device, bens) = [await signing(house, n) for n in ("ada", "ben")]
    signed = adas.user_signing.sign(bens.key("master", bens.master), ada.user)
    assert await failure(ada, ben.user, bens.master.public, signed) == "M_NOT_FOUND"
    await friends(house, ada, ben)
    # Another person's devices are theirs to sign.
    device = adas.user_signing.sign(bens_device.identity(), ada.user)
    assert await failure(ada, ben.user, ben.device, device) == "M_NOT_FOUND"


async def test_signatures_on_a_replaced_key_are_gone(house: WholeHouse) -> None:
    (ada, _, adas), (ben, device, bens) = [await signing(house, n) for n in ("ada", "ben")]
    await friends(house, ada, ben)
    signed = adas.user_signing.sign(bens.key("master", bens.master), ada.user)
    await ada.ask("POST", SIGNATURES, {ben.user: {bens.master.public: signed}})
    another = KeyedPerson(ben.user).upload(device)
    asked = (await ben.any_status("POST", KEYS_PATH, another))[1]
    await ben.ask("POST", KEYS_PATH, {**another, "auth": proof(ben, asked["session"])})
    assert (await query(ada, ben.user))["master_keys"][ben.user] == another["master_key"]
