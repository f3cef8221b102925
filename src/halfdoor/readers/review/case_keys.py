"""The key pair of a case: what reporters seal to, and what opens it (SEALING §6)."""

from halfdoor.readers.review.records import Case
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import XWING, PrivateKey, PublicKey


def new_case_key() -> tuple[bytes, bytes]:
    """Return `key_public` and `key_sealed` of a new case, each `suite ‖ raw`.

    The store seals the private one under the outer account key before it is written.
    """
    key = PrivateKey.generate(XWING)
    return key.public.to_bytes(), bytes([key.suite]) + key.raw


def public_key(case: Case) -> PublicKey:
    """Return the key that evidence for *case* is sealed to; `Denied` where it has none."""
    return PublicKey.from_bytes(case.key_public)


def private_key(case: Case) -> PrivateKey:
    """Return the key that opens the evidence of *case*.

    `Denied` where it was destroyed, or is not the one that belongs to the public key.
    """
    if not case.key_sealed:
        raise Denied
    key = PrivateKey.from_bytes(case.key_sealed[0], case.key_sealed[1:])
    if key.public.to_bytes() != case.key_public:
        raise Denied
    return key
