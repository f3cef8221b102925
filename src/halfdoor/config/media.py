"""The settings of files: how large, how many, and where the sealed bytes lie."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from halfdoor.config.section import Section


class S3(Section, frozen=True, kw_only=True):
    """An S3-compatible bucket for files, in place of a folder."""

    endpoint: Annotated[
        str | None,
        Meta(
            description="Address of the server: https, or http on loopback. With it files lie in "
            "the bucket. Let the bucket drop unfinished multipart uploads after a day."
        ),
    ] = None
    bucket: Annotated[str | None, Meta(description="Name of the bucket, which must exist.")] = None
    region: Annotated[str, Meta(description="Region that requests are signed for.")] = "us-east-1"
    credentials_file: Annotated[
        Path | None,
        Meta(description="File with `access-key:secret-key` on one line, mode 0600."),
    ] = None
    ca_file: Annotated[
        Path | None,
        Meta(description="Certificate of who vouches for the server's name (PEM)."),
    ] = None


class Media(Section, frozen=True, kw_only=True):
    """Files that people send. They lie sealed, apart from the database."""

    folder: Annotated[
        Path | None,
        Meta(
            description="Where sealed files lie (0700), else `media` in `data_dir`. Several "
            "servers on one database need one that they share, or a bucket."
        ),
    ] = None
    max_upload_bytes: Annotated[
        int, Meta(ge=1024, description="Largest file (413), which clients are told.")
    ] = 104_857_600
    quota_bytes: Annotated[
        int, Meta(ge=1024, description="Bytes that the files of one person may have in all (403).")
    ] = 5_368_709_120
    quota_files: Annotated[
        int, Meta(ge=1, description="Files that one person may have at once (403).")
    ] = 20_000
    s3: S3 = S3()
