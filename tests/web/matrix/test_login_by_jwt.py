"""A JWT of the platform signs somebody in; one that is not the platform's makes nothing."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import get_algorithm_by_name
from tests.web.house_fixture import PLATFORM, SERVER, WholeHouse, good, refusal, whole_house

ALICE = f"@alice:{SERVER}"
STRANGER = Ed25519PrivateKey.generate()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as house:
        yield house


async def login(house: WholeHouse, token: str, **more: Any) -> httpx.Response:
    body = {"type": "org.matrix.login.jwt", "token": token, **more}
    return await house.ask("POST", "/login", body)


def hs256(house: WholeHouse, form: Encoding) -> str:
    """A token whose HMAC key is the platform's public key, which everybody knows."""
    kind = PublicFormat.Raw if form is Encoding.Raw else PublicFormat.SubjectPublicKeyInfo
    secret = house.platform.key.public_key().public_bytes(form, kind)
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"one","typ":"JWT"}').rstrip(b"=")
    text = head + b"." + house.platform.sign_in("alice").split(".")[1].encode()
    proof = get_algorithm_by_name("HS256").sign(text, secret)
    return (text + b"." + urlsafe_b64encode(proof).rstrip(b"=")).decode()


def unsigned(house: WholeHouse) -> str:
    head = urlsafe_b64encode(b'{"alg":"none","kid":"one"}').rstrip(b"=").decode()
    return f"{head}.{house.platform.sign_in('alice').split('.')[1]}."


def altered(house: WholeHouse) -> str:
    head, _, proof = house.platform.sign_in("mallory").split(".")
    return f"{head}.{house.platform.sign_in('alice').split('.')[1]}.{proof}"


def by(**changed: Any) -> Callable[[WholeHouse], str]:
    return lambda house: house.platform.sign_in("alice", **changed)


def at(**seconds: int) -> Callable[[WholeHouse], str]:
    def made(house: WholeHouse) -> str:
        now = house.platform.seconds
        return by(**{name: now + value for name, value in seconds.items()})(house)

    return made


def stranger(**how: Any) -> Callable[[WholeHouse], str]:
    def made(house: WholeHouse) -> str:
        return house.platform.sign(house.platform.sign_in_claims("alice"), key=STRANGER, **how)

    return made


FORGED: dict[str, Callable[[WholeHouse], str]] = {
    "the algorithm none": unsigned,
    "HS256 with the public key as PEM": lambda house: hs256(house, Encoding.PEM),
    "HS256 with the raw public key": lambda house: hs256(house, Encoding.Raw),
    "another key under the same name": stranger(),
    "an unknown key": stranger(kid="three"),
    "a key without a name": stranger(kid=None),
    "claims changed after signing": altered,
    "another audience": by(aud="halfdoor-b"),
    "another issuer": by(iss="https://other.example"),
    "expired": at(exp=-31),
    "issued long ago": at(iat=-700),
    "from the future": at(iat=60, exp=600),
    "no expiry": by(exp=...),
    "no audience": by(aud=...),
    "no issuer": by(iss=...),
    "no subject": by(sub=...),
    "a subject that is no name": by(sub="Al ice"),
    "a subject of another server": by(sub="@alice:b.example"),
    "a claim that is a list": by(age_band=["adult"]),
    "a region of another entity": by(region="US"),
    "far too long": by(padding="x" * 20_000),
    "the signature of a request": lambda house: house.platform.sign_request(
        "PUT", f"{PLATFORM}/people", b"", sub="alice"
    ),
    "nothing": lambda _: "",
    "no JWT": lambda _: "hda1.abc",
}


@pytest.mark.parametrize("why", FORGED)
async def test_a_jwt_is_refused_and_no_account_is_made(house: WholeHouse, why: str) -> None:
    answer = await login(house, FORGED[why](house))
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert not await house.house.people.exists(ALICE)
    assert await house.house.account_store.state(ALICE) is None


async def test_without_the_platforms_keys_nobody_is_turned_away_for_good(house: WholeHouse) -> None:
    house.platform.jwks.unlink()
    answer = await login(house, house.platform.sign_in("alice"))
    assert refusal(answer) == (503, "M_UNKNOWN")
    assert answer.headers["retry-after"]


async def test_the_first_login_makes_the_account_and_shows_a_recovery_key_once(
    house: WholeHouse,
) -> None:
    signed = await house.sign_in_by_jwt("alice", device_id="PHONE")
    assert (signed["user_id"], signed["device_id"]) == (ALICE, "PHONE")
    # Session slots alone would be lost with the phone.
    assert len(signed["org.halfdoor.recovery_key"].split()) >= 12
    kit = signed["org.halfdoor.recovery_kit"]
    assert kit["user"] == ALICE
    assert "org.halfdoor.pending" not in signed
    second = await house.sign_in_by_jwt("alice", device_id="TABLET")
    assert "org.halfdoor.recovery_key" not in second
    assert "org.halfdoor.recovery_kit" not in second


async def test_what_the_jwt_says_of_a_person_is_known(house: WholeHouse) -> None:
    token = house.platform.sign_in("alice", age_band="13-15", region="FI", name="Alice")
    good(await login(house, token))
    facts = good(await house.told("GET", "/people/alice"))
    assert (facts["age_band"], facts["region"]) == ("13-15", "FI")
    assert facts["display_name"] == "Alice"


async def test_a_full_user_id_is_the_same_person(house: WholeHouse) -> None:
    await house.sign_in_by_jwt("alice")
    signed = good(await login(house, house.platform.sign_in(ALICE)))
    assert signed["user_id"] == ALICE


async def test_a_suspended_person_can_still_sign_in_and_read(house: WholeHouse) -> None:
    await house.sign_in_by_jwt("alice")
    good(await house.told("PUT", "/people/alice/suspension", {"suspended": True}))
    signed = await house.sign_in_by_jwt("alice")
    good(await house.ask("GET", "/sync", token=signed["access_token"], timeout=0))
    assert good(await house.told("GET", "/people/alice"))["suspended"]


async def test_a_closed_account_stays_closed(house: WholeHouse) -> None:
    signed = await house.sign_in_by_jwt("alice")
    proof = house.jwt_proof("alice")
    good(await house.proven("POST", "/account/deactivate", signed["access_token"], proof=proof))
    answer = await login(house, house.platform.sign_in("alice"))
    assert refusal(answer) == (403, "M_USER_DEACTIVATED")


@pytest.mark.parametrize("key", ["", "EsTC " * 12, "x" * 9000, 7])
async def test_a_wrong_recovery_key_opens_no_session(house: WholeHouse, key: Any) -> None:
    await house.sign_in_by_jwt("alice")
    answer = await login(
        house, house.platform.sign_in("alice"), **{"org.halfdoor.recovery_key": key}
    )
    assert answer.status_code in {400, 403}
    state = await house.house.account_store.state(ALICE)
    assert state is not None
    assert len(state.sessions) == 1


async def test_the_recovery_key_opens_the_session_at_once(house: WholeHouse) -> None:
    first = await house.sign_in_by_jwt("alice")
    key = {"org.halfdoor.recovery_key": first["org.halfdoor.recovery_key"]}
    second = good(await login(house, house.platform.sign_in("alice"), **key))
    assert "org.halfdoor.pending" not in second
    good(await house.ask("GET", "/joined_rooms", token=second["access_token"]))
