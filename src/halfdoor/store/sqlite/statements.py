"""Reads the SQL of a room's named files: blocks that begin with `-- name: …`."""

from importlib.resources import files
from typing import Final

_MARK: Final = "-- name: "


def statements(name: str) -> dict[str, str]:
    """Return the statements of `store/sqlite/<name>.sql` by their names; comments are left out."""
    return parse((files("halfdoor.store.sqlite") / f"{name}.sql").read_text())


def parse(text: str) -> dict[str, str]:
    """Return the named statements of *text*; a name used twice is a `ValueError`."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.splitlines():
        if line.startswith(_MARK):
            name = line.removeprefix(_MARK).strip()
            if name in found:
                raise ValueError(f"two statements are named {name}")
            lines = found[name] = []
        elif lines is not None and line.strip() and not line.lstrip().startswith("--"):
            lines.append(line.strip())
    return {name: " ".join(lines).rstrip(";") for name, lines in found.items()}
