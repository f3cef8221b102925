"""People, custodians and one refusal that says nothing: what the tests of sealing share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from halfdoor.sealing.epochs import NO_EPOCH, Member, NewEpoch, new_epoch
from halfdoor.sealing.labels import Denied, b64
from halfdoor.sealing.shares import EscrowSet
from halfdoor.sealing.suites import X25519, XWING, PrivateKey

ALICE = "@alice:a.example"
BOB = "@bob:a.example"
CONV = "!room:a.example"


@pytest.fixture
def denied() -> Callable[[], AbstractContextManager[None]]:
    """Expect the one refusal, and that it tells neither cause nor context nor anything else."""

    @contextmanager
    def expect() -> Iterator[None]:
        with pytest.raises(Denied) as caught:
            yield
        assert caught.value.args == ()
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert str(caught.value) == "denied"

    return expect


@pytest.fixture(scope="session")
def alice() -> PrivateKey:
    return PrivateKey.generate(XWING)


@pytest.fixture(scope="session")
def bob() -> PrivateKey:
    return PrivateKey.generate(XWING)


@pytest.fixture(scope="session")
def carol() -> PrivateKey:
    return PrivateKey.generate(XWING)


@pytest.fixture(scope="session")
def custodians() -> list[PrivateKey]:
    return [PrivateKey.generate(X25519) for _ in range(5)]


@pytest.fixture(scope="session")
def document() -> Callable[..., dict[str, Any]]:
    """Write the escrow set document of custodians in groups: `document((3, five_keys))`."""

    def write(*groups: tuple[int, list[PrivateKey]], suite: int = X25519) -> dict[str, Any]:
        return {
            "v": 1,
            "entity": "a.example",
            "suite": suite,
            "groups": [
                {
                    "k": k,
                    "custodians": [
                        {
                            "name": f"N{n}",
                            "organisation": "O",
                            "employer": "E",
                            "hpke": b64(key.public.raw),
                            "approval_key": b64(bytes(32)),
                            "notice_url": f"https://n{n}.example/",
                        }
                        for n, key in enumerate(keys)
                    ],
                }
                for k, keys in groups
            ],
            "open_until": 21_100,
        }

    return write


@pytest.fixture(scope="session")
def three_of_five(
    document: Callable[..., dict[str, Any]], custodians: list[PrivateKey]
) -> EscrowSet:
    return EscrowSet.from_document(document((3, custodians)))


@pytest.fixture(scope="session")
def two_groups(document: Callable[..., dict[str, Any]], custodians: list[PrivateKey]) -> EscrowSet:
    return EscrowSet.from_document(document((2, custodians[:3]), (1, custodians[3:])))


@pytest.fixture(scope="session")
def start(alice: PrivateKey, bob: PrivateKey, three_of_five: EscrowSet) -> Callable[..., NewEpoch]:
    """Start an epoch of Alice and Bob; anything may be given otherwise."""

    def begin(**other: Any) -> NewEpoch:
        usual: dict[str, Any] = {
            "entity": "a.example",
            "conv": CONV,
            "epoch": 1,
            "day": 20_780,
            "posture": "standard",
            "prev": NO_EPOCH,
            "members": [Member(ALICE, alice.public), Member(BOB, bob.public)],
            "escrow": [three_of_five],
        }
        return new_epoch(**usual | other)

    return begin


@pytest.fixture(scope="session")
def epoch(start: Callable[..., NewEpoch]) -> NewEpoch:
    return start()
