"""The platform's door opens to a request that was signed for itself, once, and to nothing else."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import get_algorithm_by_name
from tests.web.house_fixture import (
    HOUR,
    MINUTE,
    PLATFORM,
    SERVER,
    WholeHouse,
    good,
    refusal,
    whole_house,
)
from tests.web.platform_side import jwk

from halfdoor.web.errors import BusyError
from halfdoor.web.outbound.jwks import JwksFile
from halfdoor.web.platform.keys import PlatformKeys
from halfdoor.web.platform.replays import Replays
from halfdoor.web.platform.signature import SignatureSettings

PATH = f"{PLATFORM}/people"
BODY = b'{"people":[{"user":"alice","age_band":"adult"}]}'
STRANGER = Ed25519PrivateKey.generate()

UNSIGNED = (401, "M_MISSING_TOKEN")
NOT_THEIRS = (401, "M_UNAUTHORIZED")
NOT_FOR_THIS = (403, "M_FORBIDDEN")


async def put(
    house: WholeHouse,
    token: str | None,
    *,
    path: str = PATH,
    body: bytes = BODY,
    method: str = "PUT",
    **query: str,
) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return await house.http.request(
        method, path, content=body, headers=headers, params=query or None
    )


async def check_nothing_was_done(house: WholeHouse) -> None:
    assert not await house.house.people.exists(f"@alice:{SERVER}")


def hs256(house: WholeHouse, encoding: Encoding) -> str:
    """A token whose HMAC key is the platform's public key, which everybody knows."""
    public = house.platform.key.public_key()
    form = PublicFormat.Raw if encoding is Encoding.Raw else PublicFormat.SubjectPublicKeyInfo
    signed = house.platform.sign_request("PUT", PATH, BODY).split(".")
    head = urlsafe_b64encode(b'{"alg":"HS256","kid":"one","typ":"JWT"}').rstrip(b"=")
    text = head + b"." + signed[1].encode()
    proof = get_algorithm_by_name("HS256").sign(text, public.public_bytes(encoding, form))
    return (text + b"." + urlsafe_b64encode(proof).rstrip(b"=")).decode()


def without_algorithm(house: WholeHouse, name: str) -> str:
    head = urlsafe_b64encode(json.dumps({"alg": name, "kid": "one"}).encode()).rstrip(b"=")
    return f"{head.decode()}.{house.platform.sign_request('PUT', PATH, BODY).split('.')[1]}."


def mixed(house: WholeHouse) -> str:
    """A good signature over other claims."""
    head, _, proof = house.platform.sign_request("PUT", PATH, BODY).split(".")
    other = house.platform.sign_request("PUT", PATH, BODY, jti="another").split(".")[1]
    return f"{head}.{other}.{proof}"


def by(**changed: Any) -> Callable[[WholeHouse], str]:
    """A good token but for these claims."""
    return lambda house: house.platform.sign_request("PUT", PATH, BODY, **changed)


def at(**seconds: int) -> Callable[[WholeHouse], str]:
    """A good token but for these times, in seconds from now."""

    def made(house: WholeHouse) -> str:
        now = house.platform.seconds
        times = {name: now + value for name, value in seconds.items()}
        return house.platform.sign_request("PUT", PATH, BODY, **times)

    return made


def signed_with(key: Any, **how: Any) -> Callable[[WholeHouse], str]:
    def made(house: WholeHouse) -> str:
        claims = house.platform.request_claims("PUT", PATH, BODY)
        return house.platform.sign(claims, key=key, **how)

    return made


FORGED: dict[str, Callable[[WholeHouse], str]] = {
    "another key": signed_with(STRANGER),
    "another key under the name of none": signed_with(STRANGER, kid=None),
    "an unknown key": signed_with(STRANGER, kid="three"),
    "one key under the other's name": lambda house: house.platform.sign(
        house.platform.request_claims("PUT", PATH, BODY), kid="two"
    ),
    "no name of a key where there are two": lambda house: house.platform.sign(
        house.platform.request_claims("PUT", PATH, BODY), kid=None
    ),
    "HS256 with the public key as PEM": lambda house: hs256(house, Encoding.PEM),
    "HS256 with the raw public key": lambda house: hs256(house, Encoding.Raw),
    "none": lambda house: without_algorithm(house, "none"),
    "None": lambda house: without_algorithm(house, "None"),
    "claims changed after signing": mixed,
    "no signature": lambda house: by()(house).rpartition(".")[0] + ".",
    "another issuer": by(iss="https://other.example"),
    "the audience of sign-in": lambda house: by(aud=house.platform.audience)(house),
    "another server's audience": by(aud="b.example/_halfdoor/platform/v1"),
    "two audiences": lambda house: by(aud=[house.platform.api_audience, "x"])(house),
    "a sign-in token": lambda house: house.platform.sign_in("alice"),
    "expired": at(exp=-11),
    "good for six minutes": at(exp=360),
    "from the future": at(iat=60, exp=120),
    "no issuer": by(iss=...),
    "no audience": by(aud=...),
    "no expiry": by(exp=...),
    "no time of issue": by(iat=...),
    "no jti": by(jti=...),
    "no method": by(htm=...),
    "no path": by(htu=...),
    "no digest": by(digest=...),
    "an empty jti": by(jti=""),
    "a long jti": by(jti="x" * 129),
    "a jti that is a number": by(jti=7),
    "an expiry that is a text": by(exp="soon"),
    "an expiry that is no number": by(exp=float("nan")),
    "an expiry beyond all time": by(exp=2**80),
    "an issue that is no number": by(iat=float("nan")),
    "a digest that is a list": by(digest=["x"]),
    "no JWT": lambda _: "hda1.abc",
    "three dots": lambda _: "a.b.c",
    "far too long": by(padding="x" * 9000),
}


@pytest.mark.parametrize("why", FORGED)
async def test_a_request_is_refused_with_a_token_that_is_forged(
    house: WholeHouse, why: str
) -> None:
    answer = await put(house, FORGED[why](house))
    assert refusal(answer) == NOT_THEIRS
    await check_nothing_was_done(house)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "DPoP x.y.z"])
async def test_a_request_without_a_token_is_refused(house: WholeHouse, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = await house.http.request("PUT", PATH, content=BODY, headers=headers)
    assert refusal(answer) == UNSIGNED
    await check_nothing_was_done(house)


async def test_a_token_in_the_address_is_no_token(house: WholeHouse) -> None:
    token = house.platform.sign_request("PUT", PATH, BODY)
    assert refusal(await put(house, None, access_token=token)) == UNSIGNED
    await check_nothing_was_done(house)


ELSEWHERE: dict[str, Callable[[WholeHouse], str]] = {
    "another body": lambda house: house.platform.sign_request("PUT", PATH, BODY + b" "),
    "no body": lambda house: house.platform.sign_request("PUT", PATH, b""),
    "a padded digest": lambda house: by(
        digest=house.platform.request_claims("PUT", PATH, BODY)["digest"] + "="
    )(house),
    "another method": by(htm="DELETE"),
    "the method in small letters": by(htm="put"),
    "another path": by(htu=f"{PLATFORM}/connections"),
    "a longer path": by(htu=f"{PATH}/"),
    "a path above": by(htu=PLATFORM),
    "a whole address": by(htu=f"https://a.example{PATH}"),
    "a path with a query": by(htu=f"{PATH}?x=1"),
    "a broken escape": by(htu=f"{PLATFORM}/%zz"),
    "an empty path": by(htu=""),
    "letters that are no path": by(htu=f"{PATH}é"),
}


@pytest.mark.parametrize("what", ELSEWHERE)
async def test_a_token_that_signs_something_else_is_refused(house: WholeHouse, what: str) -> None:
    assert refusal(await put(house, ELSEWHERE[what](house))) == NOT_FOR_THIS
    await check_nothing_was_done(house)


async def test_a_slash_inside_a_name_is_not_the_slash_between_two(house: WholeHouse) -> None:
    for name in ("a/b", "c", "a", "b/c"):
        assert (await house.told("PUT", "/people", {"people": [{"user": name}]})).status_code == 200
    asked = f"{PLATFORM}/connections/a%2Fb/c"
    token = house.platform.sign_request("DELETE", f"{PLATFORM}/connections/a/b%2Fc")
    assert refusal(await put(house, token, path=asked, body=b"", method="DELETE")) == NOT_FOR_THIS
    token = house.platform.sign_request("DELETE", asked)
    assert good(await put(house, token, path=asked, body=b"", method="DELETE")) == {}


async def test_an_escaped_letter_is_the_letter(house: WholeHouse) -> None:
    await house.told("PUT", "/people", {"people": [{"user": "alice"}]})
    signed, asked = f"/people/@alice:{SERVER}", f"/people/%40alice%3A{SERVER}"
    token = house.platform.sign_request("GET", PLATFORM + signed)
    answer = await put(house, token, path=PLATFORM + asked, body=b"", method="GET")
    assert good(answer)["user"] == f"@alice:{SERVER}"


async def test_a_request_is_done_once_and_its_copy_is_refused(house: WholeHouse) -> None:
    token = house.platform.sign_request("PUT", PATH, BODY)
    good(await put(house, token))
    assert refusal(await put(house, token)) == NOT_FOR_THIS
    # Another token with the same name is the same name.
    again = house.platform.sign_request("PUT", PATH, BODY, jti="n1")
    good(await put(house, again))
    house.clock.now += 30_000
    copy = house.platform.sign_request("PUT", PATH, BODY, jti="n1")
    assert refusal(await put(house, copy)) == NOT_FOR_THIS


async def test_of_two_copies_at_the_same_moment_one_is_done(house: WholeHouse) -> None:
    token = house.platform.sign_request("PUT", PATH, BODY)
    answers = await asyncio.gather(*(put(house, token) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200, 403, 403, 403, 403]


async def test_a_refused_request_does_not_use_its_token_up(house: WholeHouse) -> None:
    token = house.platform.sign_request("PUT", PATH, BODY)
    assert refusal(await put(house, token, body=BODY + b" ")) == NOT_FOR_THIS
    good(await put(house, token))


async def test_a_token_from_before_the_last_start_is_refused(house: WholeHouse) -> None:
    # Whether it was used then is not known any more.
    assert refusal(await put(house, at(iat=-1)(house))) == NOT_THEIRS
    await check_nothing_was_done(house)
    good(await put(house, at(iat=0)(house)))


async def test_a_key_that_was_taken_out_of_the_file_signs_nothing_more(house: WholeHouse) -> None:
    good(await put(house, house.platform.sign_request("PUT", PATH, BODY)))
    house.platform.publish(jwk(STRANGER, "EdDSA", "three"))
    answer = await put(house, house.platform.sign_request("PUT", PATH, BODY))
    assert refusal(answer) == NOT_THEIRS
    good(await put(house, signed_with(STRANGER, kid="three")(house)))
    # Alone in the file it needs no name.
    good(await put(house, signed_with(STRANGER, kid=None)(house)))


async def test_keys_that_are_secret_weak_or_for_something_else_sign_nothing(
    house: WholeHouse,
) -> None:
    one = jwk(house.platform.key, "EdDSA", "one")
    token = house.platform.sign_request("PUT", PATH, BODY)
    secret = urlsafe_b64encode(b"a secret that stands in the file").rstrip(b"=").decode()
    for key in (
        {**one, "use": "enc"},
        {**one, "alg": "ES256"},
        {**one, "x": "AAAA"},
        {**one, "crv": "none"},
        {"kty": "oct", "kid": "one", "k": secret},
        {"kid": "one"},
    ):
        house.platform.publish(key)
        assert refusal(await put(house, token)) == NOT_THEIRS
    await check_nothing_was_done(house)


async def test_an_rsa_key_of_1024_bits_signs_nothing(tmp_path: Path) -> None:
    weak = generate_private_key(65_537, 1024)  # noqa: S505 - the key is refused for its length
    async with whole_house(tmp_path) as house:
        assert house.doors is not None
        gate = house.doors[0]
        gate._settings = SignatureSettings(
            issuer=house.platform.issuer,
            audience=house.platform.api_audience,
            algorithms=("RS256",),
        )
        house.platform.publish(jwk(weak, "RS256", "weak"))
        with pytest.warns(match="below the minimum"):
            token = signed_with(weak, algorithm="RS256", kid="weak")(house)
        assert refusal(await put(house, token)) == NOT_THEIRS
        await check_nothing_was_done(house)


async def test_an_algorithm_that_is_not_configured_signs_nothing(house: WholeHouse) -> None:
    strong = generate_private_key(65_537, 2048)
    house.platform.publish(jwk(strong, "RS256", "rsa"))
    token = signed_with(strong, algorithm="RS256", kid="rsa")(house)
    assert refusal(await put(house, token)) == NOT_THEIRS
    # Where the file leaves the algorithm open, the server's own list does not.
    open_key = jwk(strong, "RS256", "rsa")
    del open_key["alg"]
    house.platform.publish(open_key)
    assert refusal(await put(house, token)) == NOT_THEIRS
    await check_nothing_was_done(house)


async def test_a_shared_secret_in_the_file_is_no_key_for_any_algorithm(house: WholeHouse) -> None:
    secret = urlsafe_b64encode(b"a secret that stands in the file").rstrip(b"=").decode()
    house.platform.publish({"kty": "oct", "kid": "one", "k": secret})
    keys = PlatformKeys(JwksFile(house.platform.jwks))
    for algorithm in ("HS256", "HS512", "EdDSA", "none"):
        assert await keys.find("one", algorithm) is None


async def test_without_readable_keys_the_door_stays_shut(house: WholeHouse) -> None:
    token = house.platform.sign_request("PUT", PATH, BODY)
    for text in ("", "[]", "{}", '{"keys":7}', '{"keys":[7]}', "\xff"):
        house.platform.jwks.write_text(text, encoding="latin-1")
        assert refusal(await put(house, token))[0] == 503
    house.platform.jwks.unlink()
    assert refusal(await put(house, token))[0] == 503
    await check_nothing_was_done(house)


async def test_without_configured_keys_there_is_no_platform_interface(tmp_path: Path) -> None:
    async with whole_house(tmp_path, with_jwt=False) as house:
        assert house.doors is None
        token = house.platform.sign_request("PUT", PATH, BODY)
        assert refusal(await put(house, token)) == (404, "M_UNRECOGNIZED")


async def test_the_second_kind_of_key_signs_too(house: WholeHouse) -> None:
    claims = house.platform.request_claims("PUT", PATH, BODY)
    token = house.platform.sign(claims, key=house.platform.other, algorithm="ES256", kid="two")
    good(await put(house, token))


async def test_a_token_for_requests_signs_nobody_in(house: WholeHouse) -> None:
    token = house.platform.sign_request("PUT", PATH, BODY, sub="mallory")
    body = {"type": "org.matrix.login.jwt", "token": token}
    assert refusal(await house.ask("POST", "/login", body)) == (403, "M_FORBIDDEN")


async def test_a_persons_access_token_opens_no_door_of_the_platform(house: WholeHouse) -> None:
    signed = await house.sign_in_by_jwt("bob")
    assert refusal(await put(house, signed["access_token"])) == NOT_THEIRS


def test_no_setting_can_allow_a_shared_secret_or_leave_a_name_open() -> None:
    for algorithms in (("EdDSA", "HS256"), ("none",), ()):
        with pytest.raises(ValueError, match="asymmetric"):
            SignatureSettings(issuer="i", audience="a", algorithms=algorithms)
    for issuer, audience in (("", "a"), ("i", "")):
        with pytest.raises(ValueError, match="must be named"):
            SignatureSettings(issuer=issuer, audience=audience)


def test_what_was_used_is_remembered_until_it_expires_and_then_forgotten() -> None:
    replays = Replays()
    for number in range(10):
        replays.take(str(number), until=MINUTE + number, now=0)
    assert len(replays) == 10
    replays.take("late", until=2 * HOUR, now=MINUTE + 5)
    assert len(replays) == 5
    replays.take("0", until=2 * HOUR, now=HOUR)
    assert len(replays) == 2


def test_a_full_memory_refuses_and_forgets_nothing() -> None:
    replays = Replays(bound=2)
    replays.take("one", until=MINUTE, now=0)
    replays.take("two", until=MINUTE, now=0)
    with pytest.raises(BusyError):
        replays.take("three", until=MINUTE, now=0)
    replays.take("three", until=2 * MINUTE, now=MINUTE)


async def test_nothing_of_the_gate_is_printed(house: WholeHouse) -> None:
    assert house.doors is not None
    gate = house.doors[0]
    assert repr(gate) == "SignedRequests(issuer='https://platform.example')"
    assert repr(gate._keys) == "PlatformKeys(…)"
    token = house.platform.sign_request("PUT", PATH, BODY, jti="canary-jti")
    good(await put(house, token))
    await put(house, token)
    assert "canary-jti" not in repr(gate._replays)
    assert "canary-jti" not in house.log.getvalue()
    assert token not in house.log.getvalue()
