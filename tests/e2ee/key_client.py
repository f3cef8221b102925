"""Somebody's client as far as keys go: makes them and signs them, by the specification alone."""

import json
from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ONE_TIME = "signed_curve25519"


def unpadded(data: bytes) -> str:
    return b64encode(data).rstrip(b"=").decode()


def canonical(value: Any) -> bytes:
    """Matrix, "Canonical JSON", written down another way than the server's."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class SigningKey:
    """An ed25519 key."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.public = unpadded(self.private.public_key().public_bytes_raw())

    def sign(self, value: dict[str, Any], user: str, name: str | None = None) -> dict[str, Any]:
        """Return *value* with one signature more, by the key called *name* (its public part)."""
        said = {k: v for k, v in value.items() if k not in {"signatures", "unsigned"}}
        signature = unpadded(self.private.sign(canonical(said)))
        signatures = {who: dict(by) for who, by in value.get("signatures", {}).items()}
        signatures.setdefault(user, {})[f"ed25519:{name or self.public}"] = signature
        return {**value, "signatures": signatures}


class KeyedDevice:
    """The keys of one device."""

    def __init__(self, user: str, device: str) -> None:
        self.user, self.device = user, device
        self.signing = SigningKey()
        self.made = 0

    def identity(self, **more: Any) -> dict[str, Any]:
        """Return `device_keys`, signed."""
        said = {
            "user_id": self.user,
            "device_id": self.device,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {
                f"curve25519:{self.device}": self.curve(),
                f"ed25519:{self.device}": self.signing.public,
            },
            **more,
        }
        return self.sign(said)

    def curve(self) -> str:
        # The server never computes with it.
        return unpadded(self.device.encode().ljust(32, b"c")[:32])

    def sign(self, value: dict[str, Any]) -> dict[str, Any]:
        return self.signing.sign(value, self.user, self.device)

    def one_time(self, count: int, **more: Any) -> dict[str, Any]:
        """Return so many new one-time keys, each signed."""
        found = {}
        for _ in range(count):
            self.made += 1
            name = f"{ONE_TIME}:K{self.made:05}"
            key = unpadded(f"{self.device}{self.made}".encode().ljust(32, b"k")[:32])
            found[name] = self.sign({"key": key, **more})
        return found

    def fallback(self) -> dict[str, Any]:
        """Return one new fallback key."""
        return self.one_time(1, fallback=True)


class KeyedPerson:
    """A person's cross-signing keys."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.master, self.self_signing, self.user_signing = SigningKey(), SigningKey(), SigningKey()

    def upload(self, *devices: KeyedDevice) -> dict[str, Any]:
        """Return the body of /keys/device_signing/upload; *devices* sign the master key."""
        master = self.key("master", self.master)
        for device in devices:
            master = device.sign(master)
        return {
            "master_key": master,
            "self_signing_key": self.by_master(self.key("self_signing", self.self_signing)),
            "user_signing_key": self.by_master(self.key("user_signing", self.user_signing)),
        }

    def key(self, usage: str, key: SigningKey) -> dict[str, Any]:
        return {
            "user_id": self.user,
            "usage": [usage],
            "keys": {f"ed25519:{key.public}": key.public},
        }

    def by_master(self, value: dict[str, Any]) -> dict[str, Any]:
        return self.master.sign(value, self.user)
