"""Where the sealed files of a house lie: a folder, or a bucket."""

from pathlib import Path
from typing import Final

from halfdoor.config.errors import ConfigError
from halfdoor.config.media import S3, Media
from halfdoor.messaging.media_store import BlobStoreUnavailableError, Quota
from halfdoor.store.blobs.bucket import BucketPlace, bucket_blobs
from halfdoor.store.blobs.folder import folder_blobs
from halfdoor.store.blobs.objects import ObjectBlobs

FOLDER: Final = "media"


def blobs_of(media: Media, data_dir: Path) -> ObjectBlobs:
    """Return where files lie; `ConfigError` where they cannot."""
    try:
        if media.s3.endpoint is not None:
            return bucket_blobs(_bucket(media.s3, media.s3.endpoint))
        return folder_blobs(folder_of(media, data_dir))
    except BlobStoreUnavailableError as error:
        raise ConfigError("media", f"{error}.") from None


def folder_of(media: Media, data_dir: Path) -> Path:
    """Return the folder of files, where they lie in one."""
    return media.folder or data_dir / FOLDER


def quota_of(media: Media) -> Quota:
    """Return what one person may keep."""
    return Quota(bytes=media.quota_bytes, files=media.quota_files)


def _bucket(s3: S3, endpoint: str) -> BucketPlace:
    if s3.bucket is None or s3.credentials_file is None:
        raise ConfigError("media.s3", "it takes endpoint, bucket and credentials_file together.")
    try:
        said = s3.credentials_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            "media.s3.credentials_file", f"{s3.credentials_file} cannot be read."
        ) from None
    access, colon, secret = said.partition(":")
    if not colon or not access or not secret or len(said.split()) != 1:
        raise ConfigError(
            "media.s3.credentials_file", "it holds one line: access key, colon, secret key."
        )
    return BucketPlace(
        endpoint=endpoint,
        bucket=s3.bucket,
        region=s3.region,
        access_key=access,
        secret_key=secret,
        ca_file=s3.ca_file,
    )
