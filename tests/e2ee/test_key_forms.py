"""Whatever is changed about a signed key, it is refused; no client can cause a server error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.e2ee.key_client import KeyedDevice, KeyedPerson, unpadded

from halfdoor.e2ee.cross_signing import check_cross_signing
from halfdoor.e2ee.errors import BadKeysError, KeyRelayError, TooManyKeysError
from halfdoor.e2ee.key_checks import (
    check_device_keys,
    check_one_time_keys,
    decoded,
    signing_key_of,
)
from halfdoor.e2ee.key_store import UserKeys
from halfdoor.e2ee.signatures import check_signed

ADA = "@ada:a.example"
DEVICE = KeyedDevice(ADA, "DEV")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(given_=JSON)
def test_any_json_is_a_key_or_refused(given_: Any) -> None:
    for check in (
        lambda: check_device_keys(given_, ADA, "DEV"),
        lambda: check_cross_signing({"master_key": given_}, ADA, UserKeys()),
        lambda: check_signed(given_, ADA, UserKeys(), ADA, UserKeys(), "DEV"),
    ):
        with pytest.raises(KeyRelayError):
            check()


@given(name=st.sampled_from(sorted(DEVICE.identity())), value=JSON)
def test_a_device_key_that_was_changed_is_refused(name: str, value: Any) -> None:
    identity = DEVICE.identity()
    if value == identity[name]:
        return
    with pytest.raises(KeyRelayError):
        check_device_keys({**identity, name: value}, ADA, "DEV")


@given(raw=st.binary(min_size=32, max_size=32))
def test_a_key_has_one_spelling(raw: bytes) -> None:
    text = unpadded(raw)
    assert decoded(text) == raw
    for other in (text + "=", text[:-1], text + "A", " " + text, text.replace("/", "_") + "\n"):
        with pytest.raises(BadKeysError):
            decoded(other)


def test_what_others_say_about_a_key_is_not_kept_with_it() -> None:
    identity = DEVICE.identity(more="said by the device itself")
    extra = KeyedPerson(ADA).self_signing.sign(identity, ADA)
    kept = check_device_keys({**extra, "unsigned": {"name": "a phone"}}, ADA, "DEV")
    assert kept == check_device_keys(identity, ADA, "DEV")
    assert signing_key_of(kept, "DEV") == DEVICE.signing.public


def test_too_long_or_too_many_keys_are_refused() -> None:
    with pytest.raises(TooManyKeysError):
        check_device_keys(DEVICE.identity(more="x" * 10_000), ADA, "DEV")
    many: dict[str, Any] = {f"signed_curve25519:{n}": {} for n in range(501)}
    with pytest.raises(TooManyKeysError):
        check_one_time_keys(many, ADA, "DEV", DEVICE.signing.public, fallback=False)
