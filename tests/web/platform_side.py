"""The platform as its own backend would be written: it signs people in, and its requests."""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class PlatformSide:
    """Keys of the platform, and the file with their public halves."""

    issuer = "https://platform.example"
    audience = "halfdoor-a"

    def __init__(self, folder: Path, server: str, now_ms: Callable[[], int]) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.other = ec.generate_private_key(ec.SECP256R1())
        self.jwks = folder / "jwks.json"
        self.api_audience = f"{server}/_halfdoor/platform/v1"
        self._now_ms = now_ms
        self.publish(jwk(self.key, "EdDSA", "one"), jwk(self.other, "ES256", "two"))

    def publish(self, *keys: dict[str, Any]) -> None:
        """Replace the file of public keys."""
        self.jwks.write_text(json.dumps({"keys": keys}))

    @property
    def seconds(self) -> int:
        return self._now_ms() // 1000

    def sign(
        self,
        claims: dict[str, Any],
        *,
        key: Any = None,
        algorithm: str = "EdDSA",
        kid: str | None = "one",
    ) -> str:
        """A JWT with these claims, as they are."""
        headers = {"kid": kid} if kid else None
        return jwt.encode(claims, key or self.key, algorithm, headers=headers)

    def sign_in_claims(self, subject: str, **changed: Any) -> dict[str, Any]:
        """What a sign-in token says; a claim that is changed to `...` is left out."""
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": self.seconds,
            "exp": self.seconds + 300,
            "age_band": "adult",
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def sign_in(self, subject: str, **changed: Any) -> str:
        """A token with which *subject* signs in."""
        return self.sign(self.sign_in_claims(subject, **changed))

    def request_claims(self, method: str, path: str, body: bytes, **changed: Any) -> dict[str, Any]:
        """What the token of a request says; a claim that is changed to `...` is left out."""
        digest = urlsafe_b64encode(sha256(body).digest()).rstrip(b"=").decode()
        claims = {
            "iss": self.issuer,
            "aud": self.api_audience,
            "iat": self.seconds,
            "exp": self.seconds + 60,
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": path,
            "digest": digest,
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def sign_request(self, method: str, path: str, body: bytes = b"", **changed: Any) -> str:
        """The token of one request."""
        return self.sign(self.request_claims(method, path, body, **changed))


def jwk(key: Any, algorithm: str, kid: str) -> dict[str, Any]:
    """The public half of *key* as a JWK."""
    described: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(
        key.public_key(), as_dict=True
    )
    return {**described, "kid": kid, "alg": algorithm, "use": "sig"}
