"""The product's own backend: it signs people in and tells the server who they are."""

import base64
import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from tests.journeys.raw_client import RawClient

ISSUER = "https://platform.example"
AUDIENCE = "halfdoor"
ALGORITHM = "ES256"
_API = "/_halfdoor/platform/v1"
_KEY_ID = "platform-1"


class Platform:
    """Holds the platform's signing key; *directory* gets the public half as `jwks.json`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.jwks = directory / "jwks.json"
        described = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        described.update(kid=_KEY_ID, alg=ALGORITHM, use="sig")
        self.jwks.write_text(json.dumps({"keys": [described]}))

    def __repr__(self) -> str:
        return f"Platform(jwks={str(self.jwks)!r})"

    def sign_in(self, localpart: str) -> str:
        """A token with which *localpart*, an adult, signs in."""
        return self._sign({"aud": AUDIENCE, "sub": localpart, "age_band": "adult"})

    def sign_request(self, server_name: str, method: str, path: str, body: bytes) -> str:
        """A token for this one request to the platform API and for no other."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=")
        return self._sign(
            {
                "aud": f"{server_name}{_API}",
                "htm": method,
                "htu": path,
                "digest": digest.decode(),
            }
        )

    def _sign(self, claims: dict[str, Any]) -> str:
        now = int(time.time())
        standard = {"iss": ISSUER, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
        return jwt.encode(
            {**standard, **claims}, self._key, algorithm=ALGORITHM, headers={"kid": _KEY_ID}
        )


async def make_person(client: RawClient, platform: Platform, localpart: str, friend: str) -> str:
    """Tell the server of an adult connected with *friend*; nobody signs in. Return the user id."""
    server_name = friend.partition(":")[2]
    user_id = f"@{localpart}:{server_name}"
    people = [{"user": user_id, "age_band": "adult", "age_source": "journey"}]
    told = await _put(client, platform, server_name, "/people", {"people": people})
    assert told["results"] == [{"user": user_id, "result": "created"}], told
    pairs = {"connections": [[user_id, friend]]}
    told = await _put(client, platform, server_name, "/connections", pairs)
    assert [one["result"] for one in told["results"]] == ["connected"], told
    return user_id


async def _put(
    client: RawClient, platform: Platform, server_name: str, what: str, said: dict[str, Any]
) -> Any:
    """One call of the platform API, signed."""
    path, body = f"{_API}{what}", json.dumps(said).encode()
    token = platform.sign_request(server_name, "PUT", path, body)
    answer = await client.http.put(
        path,
        content=body,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}\n{client.explain()}"
    return answer.json()
