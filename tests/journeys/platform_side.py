"""The product's own backend: it signs people in and tells the server who they are."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm
from tests.journeys.raw_client import RawClient

ISSUER = "https://platform.example"
AUDIENCE = "halfdoor"
ALGORITHM = "ES256"
_KEY_ID = "platform-1"


class Platform:
    """Holds the platform's signing key; *directory* gets the public half as `jwks.json`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        self.jwks = directory / "jwks.json"
        described = ECAlgorithm.to_jwk(public, as_dict=True)
        described.update(kid=_KEY_ID, alg=ALGORITHM, use="sig")
        self.jwks.write_text(json.dumps({"keys": [described]}))
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (directory / "platform.pem").write_bytes(pem)

    def __repr__(self) -> str:
        return f"Platform(jwks={str(self.jwks)!r})"

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign *claims*, valid for five minutes from now."""
        now = int(time.time())
        standard = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(
            {**standard, **claims}, self._key, algorithm=ALGORITHM, headers={"kid": _KEY_ID}
        )

    def sign_in(self, localpart: str) -> str:
        """A token with which *localpart*, an adult, signs in."""
        return self.sign({"sub": localpart, "age_band": "adult"})


async def make_person(client: RawClient, platform: Platform, localpart: str, friend: str) -> str:
    """Tell the server of an adult connected with *friend*; nobody signs in. Return the user id."""
    server_name = friend.partition(":")[2]
    user_id = f"@{localpart}:{server_name}"
    people = [{"user_id": user_id, "age_band": "adult", "age_source": "platform"}]
    await _tell(client, platform, "people", {"people": people})
    await _tell(client, platform, "connections", {"connections": [[user_id, friend]]})
    return user_id


async def _tell(client: RawClient, platform: Platform, what: str, body: dict[str, Any]) -> Any:
    """One call of the platform API, signed."""
    answer = await client.http.post(
        f"/_halfdoor/platform/v1/{what}",
        json=body,
        headers={"Authorization": f"Bearer {platform.sign({'sub': 'platform'})}"},
    )
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}\n{client.explain()}"
    return answer.json()
