"""Sealed files in a bucket of an S3-compatible server."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from obstore.exceptions import BaseError
from obstore.store import S3Store

from halfdoor.messaging.media_store import BlobStoreUnavailableError
from halfdoor.store.blobs.objects import ObjectBlobs

if TYPE_CHECKING:
    from obstore.store import ClientConfig

_SECONDS: Final = timedelta(seconds=30)


class BucketPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bucket is, and by which key one may use it; the secret is never shown."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"BucketPlace({self.endpoint!r}, {self.bucket!r})"

    def __rich_repr__(self) -> Any:
        """Show rich tracebacks no more than `repr`."""
        yield self.endpoint
        yield self.bucket


def bucket_blobs(place: BucketPlace) -> ObjectBlobs:
    """Return the blobs in a bucket; `BlobStoreUnavailableError` where it cannot be set up.

    An `http` address is for loopback alone: the configuration refuses any other.
    """
    options: ClientConfig = {"timeout": _SECONDS, "connect_timeout": timedelta(seconds=5)}
    if place.endpoint.startswith("http://"):
        options["allow_http"] = True
    where = f"bucket {place.bucket} at {place.endpoint}"
    try:
        if place.ca_file is not None:
            options["root_certificate"] = place.ca_file.read_bytes()
        store = S3Store(
            place.bucket,
            endpoint=place.endpoint,
            region=place.region,
            access_key_id=place.access_key,
            secret_access_key=place.secret_key,
            client_options=options,
            retry_config={"max_retries": 3, "retry_timeout": _SECONDS},
        )
    except (BaseError, OSError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise BlobStoreUnavailableError(f"{where} cannot be used: {said}") from None
    return ObjectBlobs(store, where)
