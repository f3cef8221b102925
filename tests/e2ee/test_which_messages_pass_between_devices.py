"""Between devices passes what encryption and verification need, to devices that are there."""

import msgspec
import pytest

from halfdoor.e2ee.to_device import (
    MAX_CONTENT_BYTES,
    MOST_TARGETS,
    BadMessagesError,
    ToDevice,
    TooManyTargetsError,
    TypeRefusedError,
    addressed,
    check_type,
    contents_of,
    repeat_key,
)

ALICE = "@alice:a.example"


@pytest.mark.parametrize(
    "type",
    ["", "*", "m.room.message", "m.key.verification.", "m.key.verification.chat",
     "org.halfdoor.pending", "m.room.encrypted.more", "M.DUMMY"],
)  # fmt: skip
def test_what_neither_encrypts_nor_verifies_is_refused(type: str) -> None:
    with pytest.raises(TypeRefusedError):
        check_type(type)


@pytest.mark.parametrize(
    "type",
    ["m.room.encrypted", "m.room_key_request", "m.room_key.withheld", "m.secret.request",
     "m.dummy", "m.key.verification.request", "m.key.verification.mac"],
)  # fmt: skip
def test_what_clients_send_to_encrypt_and_verify_passes(type: str) -> None:
    check_type(type)


@pytest.mark.parametrize(
    "body",
    [{}, {"messages": []}, {"messages": {ALICE: []}}, {"messages": {ALICE: {"PHONE": "text"}}}],
)
def test_messages_of_another_shape_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(BadMessagesError):
        contents_of(body)


def test_too_many_devices_are_refused() -> None:
    devices: dict[str, object] = {f"D{number}": {} for number in range(MOST_TARGETS + 1)}
    with pytest.raises(TooManyTargetsError):
        contents_of({"messages": {ALICE: devices}})


def test_a_content_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooManyTargetsError):
        contents_of({"messages": {ALICE: {"PHONE": {"a": "x" * MAX_CONTENT_BYTES}}}})


def test_a_device_that_is_not_there_gets_nothing() -> None:
    assert addressed({"GONE": b"{}"}, ["PHONE"]) == {}


def test_a_star_reaches_every_device_and_a_named_one_gets_its_own() -> None:
    found = addressed({"*": b'{"a":1}', "PHONE": b'{"a":2}'}, ["PHONE", "TABLET"])
    assert found == {"PHONE": b'{"a":2}', "TABLET": b'{"a":1}'}


def test_contents_come_out_as_they_went_in() -> None:
    content = {"algorithm": "m.olm.v1", "n": [1, {"ä": None}]}
    (encoded,) = contents_of({"messages": {ALICE: {"PHONE": content}}})[ALICE].values()
    assert msgspec.json.decode(encoded) == content


def test_a_repeat_is_told_by_sender_device_type_and_transaction() -> None:
    first = repeat_key(ALICE, "PHONE", "m.dummy", "1")
    assert first == repeat_key(ALICE, "PHONE", "m.dummy", "1")
    others = [
        repeat_key(ALICE, "TABLET", "m.dummy", "1"),
        repeat_key(ALICE, "PHONE", "m.room_key", "1"),
        repeat_key(ALICE, "PHONE", "m.dummy", "2"),
        repeat_key(ALICE + "x", "PHONE", "m.dummy", "1"),
    ]
    assert len({first, *others}) == 5


def test_a_waiting_message_does_not_print_its_content() -> None:
    assert "secret" not in repr(ToDevice("m.dummy", ALICE, b'{"a":"secret"}'))
