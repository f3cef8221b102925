"""What holds a secret does not print it, in any of the ways Python has."""

from halfdoor.sealing.envelope import EventFields, EventKeys, EventSealer
from halfdoor.sealing.epochs import NewEpoch
from halfdoor.sealing.labels import MacKey
from halfdoor.sealing.media import MediaSealer
from halfdoor.sealing.opening.events import EventOpener
from halfdoor.sealing.opening.media import MediaOpener
from halfdoor.sealing.outer import OuterKeys
from halfdoor.sealing.slots import password_secrets
from halfdoor.sealing.suites import X25519, XWING, PrivateKey

SECRET = b"\x41" * 32
HH = b"\x07" * 32


def test_a_private_key_prints_its_kid() -> None:
    for suite, raw in ((X25519, SECRET), (XWING, SECRET * 3)):
        key = PrivateKey.from_bytes(suite, raw)
        assert repr(key) == f"{key}" == f"PrivateKey(kid={key.kid.hex()})"
        assert repr(key.public) == f"PublicKey(suite={suite}, kid={key.kid.hex()})"


def test_password_secrets_print_nothing() -> None:
    assert repr(password_secrets("x", bytes(16))) == "PasswordSecrets(…)"


def test_what_stands_for_an_epochs_key_prints_nothing() -> None:
    assert repr(MacKey(SECRET)) == "MacKey(…)"
    assert repr(EventKeys(SECRET, HH)) == "EventKeys(…)"
    assert repr(EventSealer(SECRET, HH)) == "EventSealer(…)"
    assert repr(EventOpener(SECRET, HH)) == "EventOpener(…)"


def test_a_new_epoch_prints_its_hash(epoch: NewEpoch) -> None:
    assert repr(epoch) == f"NewEpoch(hh={epoch.header.hh.hex()})"


def test_outer_keys_print_their_numbers() -> None:
    keys = OuterKeys({683: SECRET, 682: SECRET})
    keys.seal(682, "event", "!r:x", [1], b"body")
    assert repr(keys) == "OuterKeys([682, 683])"
    assert "AAAA" not in str(vars(keys)["_cipher"])


def test_media_in_work_prints_its_id() -> None:
    sealer, opener = MediaSealer(SECRET, "m"), MediaOpener(SECRET, "m")
    sealer.update(b"AAAA")
    assert repr(sealer) == "MediaSealer('m')"
    assert repr(opener) == "MediaOpener('m')"


def test_clear_fields_print_what_the_server_sees_anyway() -> None:
    fields = EventFields(event_id="$1", sender="@a:x", device="", ts=1, type="m.room.message")
    before = repr(fields)
    assert fields.bound
    assert repr(fields) == before
