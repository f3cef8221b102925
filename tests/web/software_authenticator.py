"""A WebAuthn authenticator in software: ES256 passkeys that can be made, used, copied and bent.

It plays browser and authenticator together (WebAuthn Level 3, §5 and §6), as far as a relying party
can see them; `cbor2` and `cryptography` do the encoding and the signing.
"""

import copy
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ES256 = -7


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Passkey:
    """A credential: its id, its key, whose it is, and how often it signed."""

    id: bytes
    key: EllipticCurvePrivateKey
    rp_id: str
    user_handle: bytes
    count: int = 0

    def cose(self) -> bytes:
        """Return the public key as a COSE_Key (RFC 9053 §7.1)."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        encoded: bytes = cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y})
        return encoded


@dataclass
class SoftwareAuthenticator:
    """Somebody's key ring at *origin*. *verifies* is whether it asks for finger or PIN.

    *counts* off plays authenticators that keep no counter.
    """

    origin: str
    verifies: bool = True
    counts: bool = True
    passkeys: list[Passkey] = field(default_factory=list)

    def copied(self) -> "SoftwareAuthenticator":
        """Return a clone, as malware would make one: the same keys, the counters as they stand."""
        return SoftwareAuthenticator(
            self.origin, self.verifies, self.counts, [copy.copy(one) for one in self.passkeys]
        )

    def create(self, options: dict[str, Any], **bent: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.create`; *bent* replaces parts of the answer."""
        assert {"type": "public-key", "alg": ES256} in options["pubKeyCredParams"]
        held = {one.id for one in self.passkeys}
        assert not held & {unb64(one["id"]) for one in options.get("excludeCredentials", [])}
        passkey = Passkey(
            id=bent.get("credential", os.urandom(32)),
            key=generate_private_key(SECP256R1()),
            rp_id=options["rp"]["id"],
            user_handle=unb64(options["user"]["id"]),
        )
        self.passkeys.append(passkey)
        attested = bytes(16) + len(passkey.id).to_bytes(2, "big") + passkey.id + passkey.cose()
        data = self._authenticator_data(passkey, ATTESTED, **bent) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "id": b64(bent.get("beside", passkey.id)),
            "rawId": b64(bent.get("beside", passkey.id)),
            "type": "public-key",
            "response": {
                "clientDataJSON": self._client_data("webauthn.create", options, **bent),
                "attestationObject": b64(attestation),
            },
        }

    def get(self, options: dict[str, Any], **bent: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.get` with the newest passkey for that host."""
        passkey = [one for one in self.passkeys if one.rp_id == options["rpId"]][-1]
        if self.counts:
            passkey.count += 1
        data = self._authenticator_data(passkey, 0, **bent)
        client = self._client_data("webauthn.get", options, **bent)
        signature = passkey.key.sign(data + sha256(unb64(client)).digest(), ECDSA(SHA256()))
        return {
            "id": b64(bent.get("credential", passkey.id)),
            "rawId": b64(bent.get("credential", passkey.id)),
            "type": "public-key",
            "response": {
                "clientDataJSON": client,
                "authenticatorData": b64(data),
                "signature": b64(bent.get("signature", signature)),
                "userHandle": b64(bent.get("user_handle", passkey.user_handle)),
            },
        }

    def _authenticator_data(self, passkey: Passkey, always: int, **bent: Any) -> bytes:
        who = USER_PRESENT | (USER_VERIFIED if self.verifies else 0)
        flags: int = always | bent.get("flags", who)
        rp_id: str = bent.get("rp_id", passkey.rp_id)
        count: int = bent.get("count", passkey.count)
        return sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client_data(self, kind: str, options: dict[str, Any], **bent: Any) -> str:
        said = {
            "type": bent.get("type", kind),
            "challenge": bent.get("challenge", options["challenge"]),
            "origin": bent.get("origin", self.origin),
            "crossOrigin": False,
        }
        return b64(json.dumps(said).encode())
