"""Where things lie when nobody said where."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from halfdoor.config.model import Config


def outer_key_file(config: Config, environ: Mapping[str, str]) -> Path:
    """The file of the outer key: the one named, or a place of the user's own outside `data_dir`.

    That place is `$XDG_DATA_HOME/halfdoor/outer-<16 hex digits of the data folder's path>.key`
    (XDG base directories), so that each data folder has its own key and finds it again.
    """
    if config.outer_key_file is not None:
        return config.outer_key_file
    return default_outer_key_file(config.data_dir, environ)


def default_outer_key_file(data_dir: Path, environ: Mapping[str, str]) -> Path:
    """The place of the outer key of *data_dir* when none is configured."""
    named = environ.get("XDG_DATA_HOME")
    home = Path(named) if named else Path(environ.get("HOME") or Path.home()) / ".local/share"
    digest = sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
    return home / "halfdoor" / f"outer-{digest}.key"
