"""JWTs of the platform: each way of cheating with one, and what a believed one brings."""

from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.accounts.little_accounts import (
    NOW,
    PLATFORM_KEY,
    FakeKeySource,
    LittleAccounts,
    jwk_of,
    signed,
)

from halfdoor.accounts.errors import ForbiddenError, ForeignRegionError, KeysUnavailableError
from halfdoor.accounts.jwt import JwtSettings, Platform
from halfdoor.accounts.session import LoginRequest

SECONDS = NOW // 1000
SETTINGS = JwtSettings(issuer="https://platform.example", audience="halfdoor-a")
STRANGER = Ed25519PrivateKey.generate()


def unsigned() -> str:
    """Return the claims of a good JWT with the algorithm `none`."""
    body = pyjwt.decode(signed("alice"), options={"verify_signature": False})
    return pyjwt.encode(body, "", "none", headers={"kid": "one"})


def signed_with_the_public_key(form: Encoding) -> str:
    """Return a JWT whose HMAC key is the platform's public key, which everybody knows."""
    if form is Encoding.Raw:
        public = PLATFORM_KEY.public_key().public_bytes(form, PublicFormat.Raw)
    else:
        public = PLATFORM_KEY.public_key().public_bytes(form, PublicFormat.SubjectPublicKeyInfo)
    header = pyjwt.utils.base64url_encode(b'{"alg":"HS256","kid":"one","typ":"JWT"}')
    body = signed("alice").split(".")[1].encode()
    algorithm = pyjwt.get_algorithm_by_name("HS256")
    proof = algorithm.sign(header + b"." + body, public)
    return b".".join((header, body, pyjwt.utils.base64url_encode(proof))).decode()


def altered() -> str:
    """Return a good JWT whose subject was changed after it was signed."""
    head, _, proof = signed("alice").split(".")
    return ".".join((head, signed("mallory", key=STRANGER).split(".")[1], proof))


FORGED = {
    "the algorithm none": unsigned(),
    "none in other letters": unsigned().replace(
        unsigned().split(".")[0],
        pyjwt.utils.base64url_encode(b'{"alg":"nOnE","kid":"one"}').decode(),
    ),
    "HS256 with the public key as PEM": signed_with_the_public_key(Encoding.PEM),
    "HS256 with the raw public key": signed_with_the_public_key(Encoding.Raw),
    "another key under the same name": signed("alice", key=STRANGER),
    "an unknown key": signed("alice", key=STRANGER, kid="two"),
    "claims changed after signing": altered(),
    "no signature": signed("alice").rsplit(".", 1)[0] + ".",
    "another audience": signed("alice", aud="halfdoor-b"),
    "another issuer": signed("alice", iss="https://other.example"),
    "expired": signed("alice", exp=SECONDS - 31),
    "not yet valid": signed("alice", nbf=SECONDS + 31),
    "issued in the future": signed("alice", iat=SECONDS + 31, exp=SECONDS + 600),
    "issued long ago": signed("alice", iat=SECONDS - 631, exp=SECONDS + 600),
    "no expiry": signed("alice", drop=("exp",)),
    "no time of issue": signed("alice", drop=("iat",)),
    "no issuer": signed("alice", drop=("iss",)),
    "no audience": signed("alice", drop=("aud",)),
    "no subject": signed("alice", drop=("sub",)),
    "a subject that is no name": signed("Al ice"),
    "a subject of another server": signed("@alice:b.example"),
    "an expiry beyond all time": signed("alice", exp=2**60),
    "an age band that is a list": signed("alice", age_band=["adult"]),
    "a region with half a surrogate": signed("alice", region="\ud800"),
    "an age source that is a book": signed("alice", age_source="x" * 256),
    "nothing": "",
    "no JWT": "hda1.abc",
    "three dots": "a.b.c",
    "far too long": signed("alice", padding="x" * 20_000),
}


@pytest.mark.parametrize("why", FORGED)
async def test_a_jwt_is_refused_with(house: LittleAccounts, why: str) -> None:
    with pytest.raises(ForbiddenError):
        await house.login.jwt(FORGED[why], LoginRequest(), NOW)
    assert not await house.store.exists("@alice:a.example")


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "None", ""])
def test_no_setting_can_allow_a_shared_secret_or_none(algorithm: str) -> None:
    with pytest.raises(ValueError, match="asymmetric"):
        JwtSettings(issuer="i", audience="a", algorithms=("EdDSA", algorithm))


@pytest.mark.parametrize("names", [{"issuer": ""}, {"audience": ""}, {"algorithms": ()}])
def test_an_empty_setting_is_no_permission(names: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        JwtSettings(**({"issuer": "i", "audience": "a"} | names))


async def test_a_secret_in_the_key_set_signs_nothing() -> None:
    source = FakeKeySource()
    secret = b"an HMAC key that leaked into the set"
    source.keys = [{"kty": "oct", "kid": "one", "k": pyjwt.utils.base64url_encode(secret).decode()}]
    with pytest.raises(ForbiddenError):
        await Platform(SETTINGS, source).check(signed("alice", key=secret, algorithm="HS256"), NOW)
    with pytest.raises(ForbiddenError):
        await Platform(SETTINGS, source).check(signed("alice"), NOW)


async def test_a_key_for_encryption_or_another_algorithm_signs_nothing() -> None:
    for change in ({"use": "enc"}, {"alg": "ES256"}):
        source = FakeKeySource()
        source.keys = [source.keys[0] | change]
        with pytest.raises(ForbiddenError):
            await Platform(SETTINGS, source).check(signed("alice"), NOW)


async def test_a_jwt_that_names_no_key_is_believed_only_where_there_is_one_key() -> None:
    source = FakeKeySource()
    platform = Platform(SETTINGS, source)
    assert (await platform.check(signed("alice", kid=None), NOW)).subject == "alice"
    source.keys.append(jwk_of(STRANGER, "two"))
    with pytest.raises(ForbiddenError):
        await Platform(SETTINGS, source).check(signed("alice", kid=None), NOW)


async def test_a_new_key_is_found_and_unknown_names_do_not_make_us_fetch_in_a_loop() -> None:
    source = FakeKeySource()
    platform = Platform(SETTINGS, source)
    await platform.check(signed("alice"), NOW)
    for _ in range(5):
        with pytest.raises(ForbiddenError):
            await platform.check(signed("alice", key=STRANGER, kid="two"), NOW)
    assert source.reads == 1
    source.keys.append(jwk_of(STRANGER, "two"))
    later = NOW + 60_000
    assert (await platform.check(signed("alice", later, key=STRANGER, kid="two"), later)).subject
    assert source.reads == 2


async def test_keys_that_were_read_stay_good_while_the_platform_is_away() -> None:
    source = FakeKeySource()
    source.fails = True
    platform = Platform(SETTINGS, source)
    with pytest.raises(KeysUnavailableError):
        await platform.check(signed("alice"), NOW)
    source.fails = False
    await platform.check(signed("alice"), NOW)
    source.fails = True
    later = NOW + 3_600_000
    assert (await platform.check(signed("alice", later), later)).subject


async def test_a_person_of_another_entity_is_sent_away_and_no_account_is_made(
    house: LittleAccounts,
) -> None:
    with pytest.raises(ForeignRegionError):
        await house.login.jwt(signed("alice", region="US"), LoginRequest(), NOW)
    assert not await house.store.exists("@alice:a.example")


async def test_the_first_login_makes_the_account_its_key_and_a_recovery_key(
    house: LittleAccounts,
) -> None:
    token = signed("alice", age_band="13-15", age_source="id-check", region="FI", name="Alice")
    signed_in = await house.login.jwt(token, LoginRequest(), NOW)
    person = await house.people.person("@alice:a.example")
    assert (person.age_band, person.age_source, person.region) == ("13-15", "id-check", "FI")
    assert await house.profiles.field("@alice:a.example", "displayname") == "Alice"
    assert not signed_in.session.pending
    assert signed_in.recovery_key is not None
    assert signed_in.recovery_kit is not None
    assert signed_in.recovery_kit["user"] == "@alice:a.example"
    assert house.news.of("new_user_key") == [False]
    # Session slots alone would be lost with the phone.
    assert {one.name for one in (await house.state()).slots} == {"rec"}


async def test_a_claim_that_names_no_age_band_is_an_unknown_age(house: LittleAccounts) -> None:
    await house.login.jwt(signed("alice", age_band="grown-up"), LoginRequest(), NOW)
    assert (await house.people.person("@alice:a.example")).age_band is None


async def test_a_guardian_is_named_as_the_subject_is(house: LittleAccounts) -> None:
    await house.login.jwt(signed("alice", guardian="mother"), LoginRequest(), NOW)
    assert (await house.people.person("@alice:a.example")).guardian == "@mother:a.example"
    with pytest.raises(ForbiddenError):
        await house.login.jwt(signed("bob", guardian="@g:b.example"), LoginRequest(), NOW)


@pytest.mark.parametrize("name", ["\ud800", "x" * 256, "a\x00b", 7, None])
async def test_a_name_that_is_no_short_text_is_left_out(
    house: LittleAccounts, name: object
) -> None:
    await house.login.jwt(signed("alice", name=name), LoginRequest(), NOW)
    assert await house.profiles.all("@alice:a.example") == {}


async def test_a_later_jwt_changes_the_facts_that_it_names_and_no_others(
    house: LittleAccounts,
) -> None:
    await house.login.jwt(
        signed("alice", age_band="16-17", guardian="@g:a.example"), LoginRequest(), NOW
    )
    await house.login.jwt(signed("alice", age_band="adult"), LoginRequest(), NOW)
    person = await house.people.person("@alice:a.example")
    assert (person.age_band, person.guardian) == ("adult", "@g:a.example")


async def test_a_second_device_by_jwt_alone_waits(house: LittleAccounts) -> None:
    first = await house.jwt_login()
    second = await house.jwt_login()
    assert second.session.pending
    assert second.session.kid is None
    assert second.recovery_key is None
    assert not house.keyring.holds(second.session.id)
    assert [one.session for one in house.news.of("pending")] == [second.session.id]
    assert (await house.state()).account.kid == first.session.kid


async def test_a_recovery_key_in_the_login_opens_the_session_at_once(
    house: LittleAccounts,
) -> None:
    first = await house.jwt_login()
    second = await house.jwt_login(recovery_key=first.recovery_key)
    assert not second.session.pending
    assert house.secrets_of(second.session.id) == house.secrets_of(first.session.id)


async def test_a_wrong_recovery_key_in_the_login_opens_no_session(house: LittleAccounts) -> None:
    await house.jwt_login()
    other = await house.jwt_login("bob")
    for text in (other.recovery_key, "", "EsTC " * 12, "x" * 10_000):
        with pytest.raises(ForbiddenError):
            await house.jwt_login(recovery_key=text)
    assert len((await house.state()).sessions) == 1
