"""The settings of the public log: its name, its key, its witnesses, and where its files lie."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from halfdoor.config.section import Section


class Log(Section, frozen=True, kw_only=True):
    """The public access log. All four are given together; `halfdoor log init` then begins it."""

    origin: Annotated[
        str | None,
        Meta(
            description="Name of the log, such as `example.org/access`. It stands in every "
            "checkpoint and can never be changed: whoever follows a log stops at another."
        ),
    ] = None
    key_file: Annotated[
        Path | None,
        Meta(
            description="The key that signs checkpoints, made by `halfdoor log key`, mode 0600, "
            "outside `data_dir` and `folder`. Copy it to another place."
        ),
    ] = None
    witnesses: Annotated[
        Path | None,
        Meta(
            description="Policy file (C2SP tlog-policy) with the log's key, the witnesses with "
            "their addresses, and how many of them are needed."
        ),
    ] = None
    folder: Annotated[
        Path | None,
        Meta(
            description="Folder of the published files: tiles, entries, documents. Back it up with "
            "the database. Of several servers on one database, one has a log and its folder."
        ),
    ] = None
