import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.sealing.backup import GENERATION, BackupKey
from halfdoor.sealing.labels import Denied, enc, expand
from halfdoor.sealing.outer import unwrap_data_key, wrap_data_key
from halfdoor.sealing.symmetric import cipher

KEY, OTHER = BackupKey(b"\x41" * 32), BackupKey(b"\x42" * 32)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(Denied):
        BackupKey(bytes(size))


def test_a_part_does_not_open_under_another_folders_key() -> None:
    name, sealed = KEY.seal(b"rows")
    with pytest.raises(Denied):
        OTHER.open(name, sealed)


def test_a_part_does_not_open_under_another_parts_name() -> None:
    one, sealed = KEY.seal(b"rows")
    other, _ = KEY.seal(b"other rows")
    assert one != other
    with pytest.raises(Denied):
        KEY.open(other, sealed)


@given(st.binary(max_size=200), st.data())
def test_a_part_with_any_bit_flipped_or_cut_off_does_not_open(
    part: bytes, data: st.DataObject
) -> None:
    name, sealed = KEY.seal(part)
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    changed = bytearray(sealed)
    changed[bit // 8] ^= 1 << bit % 8
    for bad in (
        bytes(changed),
        sealed[: data.draw(st.integers(0, len(sealed) - 1))],
        sealed + b"x",
    ):
        with pytest.raises(Denied):
            KEY.open(name, bad)


def test_a_part_sealed_for_a_name_that_is_not_its_own_does_not_open() -> None:
    # Who holds the key but made a mistake: the seal is right, and the name says something else.
    name, _ = KEY.seal(b"rows")
    aead = cipher(expand(b"\x41" * 32, enc("backup-part", name)))
    made = aead.encrypt(bytes(12), b"other rows", enc("backup-part", name))
    with pytest.raises(Denied):
        KEY.open(name, made)


def test_a_manifest_does_not_open_as_another() -> None:
    sealed = KEY.seal_manifest(7, b"what there is")
    assert KEY.open_manifest(7, sealed) == b"what there is"
    for key, number, bad in ((KEY, 8, sealed), (OTHER, 7, sealed), (KEY, 7, sealed[:-1])):
        with pytest.raises(Denied):
            key.open_manifest(number, bad)


def test_a_manifest_is_no_part_and_a_part_no_manifest() -> None:
    name, sealed = KEY.seal(b"rows")
    with pytest.raises(Denied):
        KEY.open_manifest(1, sealed)
    with pytest.raises(Denied):
        KEY.open(name, KEY.seal_manifest(1, b"rows"))


@given(st.binary(max_size=2000))
def test_a_part_comes_back_and_is_the_same_bytes_each_time(part: bytes) -> None:
    name, sealed = KEY.seal(part)
    assert KEY.open(name, sealed) == part
    assert KEY.seal(part) == (name, sealed)
    assert len(name) == 32
    assert len(sealed) == len(part) + 16


def test_the_wrapped_key_cannot_be_taken_for_a_data_key() -> None:
    outer, key = b"\x01" * 32, b"\x02" * 32
    wrapped = wrap_data_key(outer, GENERATION, key)
    assert unwrap_data_key(outer, GENERATION, wrapped) == key
    # Account keys begin at 1, holds at 128, months at 256 (SEALING §2).
    for generation in (1, 2, 127, 128, 255, 256, 684, 65_535):
        with pytest.raises(Denied):
            unwrap_data_key(outer, generation, wrapped)


def test_the_key_of_a_backup_prints_nothing() -> None:
    assert repr(KEY) == f"{KEY}" == "BackupKey(…)"
