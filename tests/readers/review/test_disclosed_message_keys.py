"""A disclosed key opens one Megolm message of the session that signed it, and nothing else."""

import base64
import hmac
import json
from typing import Any

import msgspec
import pytest
import vodozemac
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.review.megolm import ROOM, Talk, plain

from halfdoor.readers.review.disclosed_key import DisclosedKey, open_disclosed
from halfdoor.readers.review.disclosures import MessageKey, RatchetKey
from halfdoor.readers.review.megolm_evidence import Proof, opened_by_key
from halfdoor.readers.review.megolm_message import parse_message
from halfdoor.readers.review.megolm_plaintext import read_plaintext
from halfdoor.sealing.labels import Denied


def opened(content: dict[str, Any], key: bytes, room: str = ROOM) -> dict[str, Any]:
    found = opened_by_key(json.dumps(content).encode(), room, MessageKey(key))
    said: dict[str, Any] = json.loads(found.content)
    return said


def changed(content: dict[str, Any], at: int) -> dict[str, Any]:
    """Return *content* with one bit of its ciphertext, counted from either end, turned."""
    text = content["ciphertext"]
    raw = bytearray(base64.b64decode(text + "=" * (-len(text) % 4)))
    raw[at] ^= 1
    return {**content, "ciphertext": base64.b64encode(raw).decode().rstrip("=")}


def test_the_message_before_and_the_one_behind_stay_closed() -> None:
    talk = Talk()
    said = [talk.say(f"word {n}") for n in range(3)]
    key = talk.key(1)
    for neighbour in (said[0], said[2]):
        with pytest.raises(Denied):
            opened(neighbour, key)
    assert opened(said[1], key)["body"] == "word 1"


def test_the_key_of_the_same_place_in_another_session_opens_nothing() -> None:
    one, other = Talk(), Talk()
    said, elsewhere = one.say("here"), other.say("there")
    with pytest.raises(Denied):
        opened(said, other.key(0))
    with pytest.raises(Denied):
        opened({**said, "session_id": elsewhere["session_id"]}, one.key(0))
    with pytest.raises(Denied):
        opened({**said, "ciphertext": elsewhere["ciphertext"]}, one.key(0))


def test_a_message_carried_over_from_another_room_is_refused() -> None:
    talk = Talk()
    said = talk.say("only here")
    with pytest.raises(Denied):
        opened(said, talk.key(0), "!other:a.example")


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(0, id="version"),
        pytest.param(2, id="index"),
        pytest.param(10, id="ciphertext"),
        pytest.param(-72, id="mac"),
        pytest.param(-65, id="end of the mac"),
        pytest.param(-64, id="signature"),
        pytest.param(-1, id="end of the signature"),
    ],
)
def test_one_turned_bit_is_refused(at: int) -> None:
    talk = Talk()
    with pytest.raises(Denied):
        opened(changed(talk.say("as it was"), at), talk.key(0))


def test_a_message_that_members_could_have_made_but_the_sender_did_not_sign_is_refused() -> None:
    """All members have the ratchet: another one's signature under it proves nothing."""
    talk, forger = Talk(), Talk()
    said, forged = talk.say("mine"), forger.say("not mine")
    first, second = parse_message(said["ciphertext"]), parse_message(forged["ciphertext"])
    end = -64
    raw = base64.b64decode(said["ciphertext"] + "==")[:end] + second.signature
    assert first.signature != second.signature
    with pytest.raises(Denied):
        opened({**said, "ciphertext": base64.b64encode(raw).decode()}, talk.key(0))


def test_a_mac_over_nothing_does_not_stand_for_a_signature() -> None:
    talk, forger = Talk(), Talk()
    message = parse_message(talk.say("mine")["ciphertext"])
    other = parse_message(forger.say("not mine")["ciphertext"])
    mac = hmac.digest(talk.key(0)[32:64], b"", "sha256")[:8]
    raw = message.covered[0] + mac + other.signature
    forged = {**talk.say("x"), "ciphertext": base64.b64encode(raw).decode()}
    with pytest.raises(Denied):
        opened(forged, talk.key(0))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x08", id="no value"),
        pytest.param(b"\x0a\x00", id="an index of bytes"),
        pytest.param(b"\x10\x05", id="a ciphertext that is a number"),
        pytest.param(b"\x08\x00\x12\x05abc", id="longer than there is"),
        pytest.param(b"\x00\x05", id="field zero"),
        pytest.param(b"\x08\x00\x1b", id="an open group"),
        pytest.param(b"\x08\x00\x1c", id="the end of no group"),
        pytest.param(b"\x08\x00\x1b\x24", id="the end of another group"),
        pytest.param(b"\x08\x00\x1e\x00", id="an unknown kind"),
        pytest.param(b"\x2d\x00", id="a cut number"),
        pytest.param(b"\x08" + b"\xff" * 11, id="an endless number"),
    ],
)
def test_framing_that_no_client_reads_is_refused(body: bytes) -> None:
    raw = b"\x03" + body + bytes(72)
    with pytest.raises(Denied):
        parse_message(base64.b64encode(raw).decode())


@pytest.mark.parametrize("length", [0, 79, 81, 96, 112])
def test_a_key_is_of_eighty_bytes(length: int) -> None:
    with pytest.raises(Denied):
        DisclosedKey.from_bytes(bytes(length))


@pytest.mark.parametrize("length", [0, 32, 127, 129])
def test_a_ratchet_is_of_a_hundred_and_twenty_eight_bytes(length: int) -> None:
    with pytest.raises(Denied):
        DisclosedKey.from_ratchet(bytes(length))


@pytest.mark.parametrize("part", [slice(0, 32), slice(32, 64)], ids=["aes", "mac"])
def test_a_key_with_a_forged_part_opens_nothing(part: slice) -> None:
    talk = Talk()
    said = talk.say("I wrote you a long enough message that noise is surely noise " * 3)
    forged = bytearray(talk.key(0))
    forged[part] = bytes(32)
    with pytest.raises(Denied):
        opened(said, bytes(forged))


def test_a_chosen_iv_changes_no_more_than_the_characters_that_are_shown_as_loose() -> None:
    talk = Talk()
    said = talk.encrypt(plain("you are a toad", ROOM))
    key = bytearray(talk.key(0))
    truth = opened_by_key(json.dumps(said).encode(), ROOM, MessageKey(bytes(key)))
    assert truth.loose == '{"type": "m.room'
    # The reporter makes "m.room" of the type "n.room": what follows stays.
    key[64 + 10] ^= ord("m") ^ ord("n")
    lied = opened_by_key(json.dumps(said).encode(), ROOM, MessageKey(bytes(key)))
    assert (lied.type, lied.loose) == ("n.room.message", '{"type": "n.room')
    assert json.loads(lied.content)["body"] == "you are a toad"


def test_the_ratchet_leaves_nothing_to_choose() -> None:
    talk = Talk()
    said = json.dumps(talk.say("you are a toad")).encode()
    found = opened_by_key(said, ROOM, RatchetKey(talk.ratchet(0)))
    assert (found.proof, found.loose) == (Proof.RATCHET_KEY, "")
    for wrong in (talk.ratchet(0)[:-1] + b"\0", bytes(128)):
        with pytest.raises(Denied):
            opened_by_key(said, ROOM, RatchetKey(wrong))


def test_the_ratchet_of_a_later_message_does_not_open_an_earlier_one() -> None:
    talk = Talk()
    said = [json.dumps(talk.say(f"word {n}")).encode() for n in range(3)]
    with pytest.raises(Denied):
        opened_by_key(said[1], ROOM, RatchetKey(talk.ratchet(2)))
    with pytest.raises(Denied):
        opened_by_key(said[1], ROOM, RatchetKey(talk.ratchet(0)))


@pytest.mark.parametrize("length", [0, 16, 32, 64, 79, 81, 128, 160])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    talk = Talk()
    said = talk.say("short")
    with pytest.raises(Denied):
        opened(said, talk.key(0).ljust(160, b"\0")[:length])


@pytest.mark.parametrize("length", [0, 80, 127, 129])
def test_a_ratchet_of_another_length_is_refused(length: int) -> None:
    talk = Talk()
    said = json.dumps(talk.say("short")).encode()
    with pytest.raises(Denied):
        opened_by_key(said, ROOM, RatchetKey(talk.ratchet(0).ljust(160, b"\0")[:length]))


@pytest.mark.parametrize(
    "broken",
    [
        {"algorithm": "m.olm.v1.curve25519-aes-sha2"},
        {"algorithm": "m.megolm.v2"},
        {"session_id": ""},
        {"session_id": "AAAA"},
        {"session_id": "!" * 43},
        {"session_id": 7},
        {"ciphertext": ""},
        {"ciphertext": "not base64!"},
        {"ciphertext": "AAAA"},
        {"ciphertext": {"body": "olm"}},
        {"ciphertext": base64.b64encode(b"\x03" * 200).decode()},
        {"ciphertext": base64.b64encode(b"\x03\x08" + b"\xff" * 200).decode()},
    ],
)
def test_what_is_no_megolm_message_is_refused(broken: dict[str, Any]) -> None:
    talk = Talk()
    with pytest.raises(Denied):
        opened({**talk.say("whole"), **broken}, talk.key(0))


@pytest.mark.parametrize(
    "pt",
    [
        b"",
        b"not JSON",
        b"[]",
        b"{}",
        b'"text"',
        b"\xff\xfe",
        b'{"type":"m.room.message","content":{},"room_id":null}',
        b'{"type":"m.room.message","content":{}}',
        b'{"type":"m.room.message","content":"body","room_id":"!room:a.example"}',
        b'{"type":7,"content":{},"room_id":"!room:a.example"}',
        b"[" * 60_000,
    ],
)
def test_what_is_no_event_is_refused_though_it_opens(pt: bytes) -> None:
    talk = Talk()
    with pytest.raises(Denied):
        opened(talk.encrypt(pt), talk.key(0))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b'"\\ud800"', "\N{REPLACEMENT CHARACTER}"),
        (b'"a\\udc00b"', "a\N{REPLACEMENT CHARACTER}b"),
        (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        (b"9007199254740993", "9007199254740993"),
        (b"1" * 5_000, "1" * 5_000),
        (b"-12", -12),
        (b"1e999", "1e999"),
        (b"1.5", 1.5),
        (b"NaN", "NaN"),
        (b"null", None),
    ],
)
def test_what_only_some_client_reads_is_shown_all_the_same(said: bytes, shown: object) -> None:
    talk = Talk()
    pt = b'{"type":"m.x","room_id":"!room:a.example","content":{"said":' + said + b"}}"
    content = opened(talk.encrypt(pt), talk.key(0))
    assert content == {"said": shown}
    # Whatever shows it can write it down again.
    assert msgspec.json.decode(msgspec.json.encode(content)) == content


def test_what_lies_too_deep_is_left_out_and_the_rest_is_shown() -> None:
    talk = Talk()
    deep = b'{"x":' * 300 + b"1" + b"}" * 300
    pt = b'{"type":"m.x","room_id":"!room:a.example","content":{"body":"toad","d":' + deep + b"}}"
    content = opened(talk.encrypt(pt), talk.key(0))
    assert content["body"] == "toad"
    assert json.dumps(content).count("{") == 101


@pytest.mark.parametrize("content", [b"", b"not JSON", b"[]", b"\xff", b"[" * 60_000])
def test_a_content_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(Denied):
        opened_by_key(content, ROOM, MessageKey(Talk().key(0)))


@pytest.mark.parametrize("said", [7, None, "", "short", "%", [], {}])
def test_a_nonsense_commitment_protects_nobody_from_a_report(said: object) -> None:
    talk = Talk()
    content = {**talk.say("toad"), "org.halfdoor.franking.commitment": said}
    assert opened(content, talk.key(0))["body"] == "toad"


def test_keys_and_messages_are_not_printed() -> None:
    talk = Talk()
    said, key = talk.say("canary"), talk.key(0)
    shown = [
        DisclosedKey.from_bytes(key),
        MessageKey(key),
        RatchetKey(talk.ratchet(0)),
        parse_message(said["ciphertext"]),
        opened_by_key(json.dumps(said).encode(), ROOM, MessageKey(key)),
        read_plaintext(plain("canary", ROOM)),
    ]
    assert [repr(one) for one in shown] == [
        "DisclosedKey(…)",
        "MessageKey(…)",
        "RatchetKey(…)",
        f"MegolmMessage(index=0, {len(parse_message(said['ciphertext']).ciphertext)} bytes)",
        "Disclosed(message_key)",
        f"Plaintext({ROOM!r})",
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.integers(0, 300))
def test_what_the_clients_library_encrypts_opens(text: str, skipped: int) -> None:
    talk = Talk()
    for _ in range(skipped):
        talk.sender.encrypt(b"")
    assert opened(talk.say(text), talk.key(skipped))["body"] == text


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_a_client_opens_is_reportable_however_it_is_framed(data: st.DataObject) -> None:
    """The clients' library reads framing leniently: a sender must not slip through by it."""
    talk = Talk()
    message = parse_message(talk.say("framed")["ciphertext"])
    usual = message.covered[0]
    index, rest = usual[1:3], usual[3:]
    more = data.draw(
        st.lists(
            st.sampled_from(
                [
                    b"\x18\x05",
                    b"\x22\x03abc",
                    b"\x2d\0\0\0\0",
                    b"\x31" + bytes(8),
                    b"\x08\x80\x00",
                    b"\x1b\x08\x05\x1c",
                    b"\x1b\x1c",
                ]
            ),
            max_size=3,
        )
    )
    body = b"".join(data.draw(st.permutations([index, rest, *more])))
    cut = data.draw(st.integers(0, 2))
    framed = b"\x03" + body[: len(body) - cut] + message.mac + message.signature
    text = base64.b64encode(framed).decode().rstrip("=")
    try:
        theirs = talk.recipient.decrypt(vodozemac.MegolmMessage.from_base64(text)).plaintext
    except ValueError:
        theirs = None
    key = DisclosedKey.from_bytes(talk.key(0))
    try:
        ours = open_disclosed(talk.sender.session_id, parse_message(text), key)
    except Denied:
        ours = None
    if theirs is not None:
        assert ours == bytes(theirs)
