"""Key files of logs and witnesses: made once, for their owner alone, apart from the data."""

import base64
from pathlib import Path

import pytest

from halfdoor.merkle.checkpoint import Head, check_signed
from halfdoor.merkle.keys import Kind
from halfdoor.merkle.tree import EMPTY_ROOT
from halfdoor.store.errors import NoteKeyError
from halfdoor.store.note_key_file import make_note_key, read_note_key


def made(tmp_path: Path, kind: Kind = Kind.ED25519) -> Path:
    path = tmp_path / "log.key"
    make_note_key(path, "example.com/access", kind, outside=tmp_path / "data")
    return path


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = path.read_bytes()
    with pytest.raises(NoteKeyError, match="never replaced"):
        made(tmp_path)
    assert path.read_bytes() == before


def test_a_key_inside_the_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoteKeyError, match="lies inside"):
        make_note_key(tmp_path / "data" / "k", "a", Kind.ED25519, outside=tmp_path / "data")
    with pytest.raises(NoteKeyError, match="lies inside"):
        read_note_key(made(tmp_path), Kind.ED25519, outside=tmp_path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(NoteKeyError, match="chmod 600"):
        read_note_key(path, Kind.ED25519, outside=tmp_path / "data")


def test_the_key_of_a_log_is_none_of_a_witness(tmp_path: Path) -> None:
    with pytest.raises(NoteKeyError, match="another purpose"):
        read_note_key(made(tmp_path), Kind.COSIGNATURE, outside=tmp_path / "data")


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak", "x" * 256])
def test_a_name_that_no_note_may_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoteKeyError, match="cannot be the name"):
        make_note_key(tmp_path / "k", name, Kind.ED25519, outside=tmp_path / "data")
    assert not (tmp_path / "k").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[1:],
        lambda text: text.replace("PRIVATE+KEY+", ""),
        lambda text: text[:-10],
        lambda text: text.replace("+access", "+excess").replace("access", "excess"),
        lambda text: "+".join(text.split("+", 4)[:4]) + "+",
        lambda text: text + "more",
        lambda text: "\udcff",
    ],
    ids=["empty", "first", "mark", "short", "name", "nothing", "more", "bytes"],
)
def test_what_is_no_key_is_refused_without_a_word_of_it(tmp_path: Path, spoil: object) -> None:
    path = made(tmp_path)
    text = path.read_text()
    assert callable(spoil)
    path.write_bytes(spoil(text).encode(errors="surrogateescape"))
    with pytest.raises(NoteKeyError, match="holds no key") as caught:
        read_note_key(path, Kind.ED25519, outside=tmp_path / "data")
    assert text.split("+", 4)[4].strip() not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_is_read_back_as_it_was_made_and_is_not_printed(tmp_path: Path) -> None:
    path = made(tmp_path)
    key = read_note_key(path, Kind.ED25519, outside=tmp_path / "data")
    check_signed(key.sign(Head("example.com/access", 0, EMPTY_ROOT)), key.public)
    seed = base64.b64decode(path.read_text().split("+", 4)[4])[1:]
    assert repr(key) == "SigningKey('example.com/access')"
    assert repr(seed) not in repr(key)


def test_a_key_has_the_form_that_go_reads(tmp_path: Path) -> None:
    mark, word, name, key_id, material = made(tmp_path).read_text().strip().split("+", 4)
    key = read_note_key(tmp_path / "log.key", Kind.ED25519, outside=tmp_path / "data")
    assert (mark, word, name) == ("PRIVATE", "KEY", "example.com/access")
    assert key_id == key.public.id.hex()
    assert len(base64.b64decode(material)) == 33
