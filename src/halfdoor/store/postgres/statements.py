"""Reads this store's SQL from its named files: statements, and the columns of each COPY."""

import re
from importlib.resources import files
from typing import Final, NamedTuple

from halfdoor.store.sqlite.statements import parse

_COPY: Final = re.compile(r"COPY ([a-z_]+) \(([a-z_0-9, ]+)\) FROM STDIN")


class Copy(NamedTuple):
    """A table that rows are copied into, and their columns."""

    table: str
    columns: list[str]


def statements(name: str) -> dict[str, str]:
    """Return the statements of `store/postgres/<name>.sql` by their names."""
    return parse((files("halfdoor.store.postgres") / f"{name}.sql").read_text())


def copies() -> dict[str, Copy]:
    """Return the COPY statements of `copies.sql` by their names, as the driver takes them."""
    found = {}
    for name, text in statements("copies").items():
        match = _COPY.fullmatch(text)
        if match is None:
            raise ValueError(f"{name} is no COPY with its columns")
        found[name] = Copy(match[1], match[2].split(", "))
    return found
