"""A folder unless a bucket is named; what cannot be used is said at the start, without secrets."""

from pathlib import Path

import pytest

from halfdoor.apps.blobs import blobs_of, folder_of, quota_of
from halfdoor.config.errors import ConfigError
from halfdoor.config.load import load
from halfdoor.config.media import S3, Media

S3_TABLE = "[media.s3]\nendpoint = 'https://s3.example.org'\nbucket = 'b'\n"
KEY = "credentials_file = 'key'\n"


def loaded(tmp_path: Path, text: str) -> Media:
    file = tmp_path / "halfdoor.toml"
    file.write_text(text)
    return load(file, environ={}).media


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        (S3_TABLE, "media.s3.endpoint"),
        (S3_TABLE.replace("https", "http") + KEY, "media.s3.endpoint"),
        (S3_TABLE.replace("//", "//me:secret@") + KEY, "media.s3.endpoint"),
        ("[media.s3]\nbucket = 'b'\n", "media.s3.endpoint"),
        ("[media]\nfolder = 'here'\n" + S3_TABLE + KEY, "media.folder"),
        ("[media]\nmax_upload_bytes = 3\n", "media.max_upload_bytes"),
        (
            (
                "[database]\nurl = 'postgresql://u@localhost/x'\n"
                "[bus]\nnats_url = 'nats://127.0.0.1:4222'\n"
            ),
            "media.folder",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, setting: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)
    assert refused.value.setting == setting
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("said", ["", "no colon", "key:", ":secret", "key:sec ret", "a:b\nc:d"])
def test_a_key_that_is_none_is_refused_and_not_repeated(tmp_path: Path, said: str) -> None:
    (tmp_path / "key").write_text(said)
    s3 = S3(endpoint="https://s3.example.org", bucket="b", credentials_file=tmp_path / "key")
    with pytest.raises(ConfigError, match="one line") as refused:
        blobs_of(Media(s3=s3), tmp_path)
    assert "secret" not in str(refused.value).replace("secret key", "")


def test_a_key_file_or_an_authority_that_is_not_there_is_refused(tmp_path: Path) -> None:
    s3 = S3(endpoint="https://s3.example.org", bucket="b", credentials_file=tmp_path / "key")
    with pytest.raises(ConfigError, match="cannot be read"):
        blobs_of(Media(s3=s3), tmp_path)
    (tmp_path / "key").write_text("key:value\n")
    more = S3(
        endpoint="https://s3.example.org",
        bucket="b",
        credentials_file=tmp_path / "key",
        ca_file=tmp_path / "ca.pem",
    )
    with pytest.raises(ConfigError, match="cannot be used"):
        blobs_of(Media(s3=more), tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be made"):
        blobs_of(Media(folder=tmp_path / "file" / "media"), tmp_path)


def test_files_lie_beside_the_database_unless_said_otherwise(tmp_path: Path) -> None:
    blobs = blobs_of(Media(), tmp_path)
    blobs.close()
    assert (tmp_path / "media").stat().st_mode & 0o777 == 0o700
    assert folder_of(loaded(tmp_path, "[media]\nfolder = 'there'\n"), tmp_path) == (
        tmp_path / "there"
    )


def test_a_bucket_is_used_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key:value\n")
    blobs = blobs_of(loaded(tmp_path, S3_TABLE + KEY), tmp_path)
    assert repr(blobs) == "ObjectBlobs('bucket b at https://s3.example.org')"
    blobs.close()


def test_a_person_has_the_quota_that_is_configured(tmp_path: Path) -> None:
    media = loaded(tmp_path, "[media]\nquota_bytes = 5000\nquota_files = 7\n")
    assert (quota_of(media).bytes, quota_of(media).files) == (5000, 7)
