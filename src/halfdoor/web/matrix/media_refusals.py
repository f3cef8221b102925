"""What a client is told when a file is refused (CS-API, "Content repository")."""

from typing import Final

from halfdoor.messaging import media_errors
from halfdoor.messaging import media_store as stores
from halfdoor.messaging.thumbnails import NoPictureError, ThumbnailsBusyError
from halfdoor.web.errors import ErrorTable

_NOT_THERE: Final = "There is no such file here."
_QUOTA: Final = "You keep as many files, or as much, as one person may."


def add_media_refusals(table: ErrorTable) -> None:
    """Enter everything that is refused about files."""
    table.add(media_errors.NotYetUploadedError, 504, "M_NOT_YET_UPLOADED", str)
    table.add(media_errors.TooManyTransfersError, 429, "M_LIMIT_EXCEEDED", str, retry_after=1)
    table.add(stores.QuotaError, 403, "M_FORBIDDEN", _QUOTA)
    table.add(
        stores.MediaTakenError, 409, "M_CANNOT_OVERWRITE_MEDIA", "There is a file there already."
    )
    table.add(stores.NoMediaError, 404, "M_NOT_FOUND", _NOT_THERE)
    table.add(stores.NoBlobError, 404, "M_NOT_FOUND", _NOT_THERE)
    table.add(
        stores.BlobStoreUnavailableError,
        503,
        "M_UNKNOWN",
        "Files cannot be kept or read now. Try again.",
        retry_after=5,
    )
    table.add(NoPictureError, 400, "M_UNKNOWN", "No small picture can be made of this file.")
    table.add(ThumbnailsBusyError, 503, "M_UNKNOWN", "Too many pictures wait.", retry_after=1)
