"""The settings written down: as a commented file for `halfdoor init`, as a page for the docs."""

import textwrap
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from halfdoor.config.settings import Setting, Table, tables

_WIDTH = 92


_FILE_HEAD = """\
# Halfdoor's configuration. Every setting is here with its default; take away the `#` to
# change one. `HALFDOOR_...` variables and flags of `halfdoor up` win over this file.
# Secrets stand in files of their own, never here. Check with `halfdoor doctor`.
"""


def toml(chosen: Mapping[str, Any] | None = None) -> str:
    """A configuration file in which every setting stands explained, with its default, commented.

    *chosen* (by dotted name) are the settings to be set; they stand uncommented.
    """
    return _FILE_HEAD + "".join(_table(table, chosen or {}) for table in tables())


def markdown() -> str:
    """docs/configuration.md, whole."""
    return "\n".join([_HEAD, *(_section(table) for table in tables() if table.settings)])


def _table(table: Table, chosen: Mapping[str, Any]) -> str:
    # A header alone is harmless, and an uncommented setting below needs it.
    head = f"\n{_comment(table.meaning)}\n[{table.name}]\n" if table.name else ""
    return head + "".join(
        f"\n{_comment(one.meaning)}\n{_line(one, chosen)}\n" for one in table.settings
    )


_HEAD = """\
# Configuration

One file, `halfdoor.toml`; `halfdoor init` writes it with every setting explained. Settings are
read from that file, then from the environment (`HALFDOOR_PORT`, and for a setting in a table
`HALFDOOR_JWT_ISSUER`; lists are separated by commas), then from the flags of `halfdoor up`; the
last one wins. Unknown settings are refused with a hint, so a typing error never goes unnoticed.

Secrets are given by the path of a file, never inline. A path of the form `credential:NAME` reads
the systemd credential of that name (`LoadCredential=`). Relative paths start at the folder of the
file.

This page is written by `halfdoor.config.document` from the same explanations.
"""


def _section(table: Table) -> str:
    head = f"## `[{table.name}]`\n\n{table.meaning}\n" if table.name else "## Top of the file\n"
    rows = [
        f"| `{one.name.rpartition('.')[2]}` | {_kind(one)} | {_default(one)} "
        f"| {_cell(one.meaning)} |"
        for one in table.settings
    ]
    return "\n".join(
        [head, "| setting | kind | default | meaning |", "|---|---|---|---|", *rows, ""]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _comment(text: str) -> str:
    lines = textwrap.wrap(" ".join(text.split()), _WIDTH)
    return "\n".join(f"# {line}" for line in lines)


def _line(setting: Setting, chosen: Mapping[str, Any]) -> str:
    name = setting.name.rpartition(".")[2]
    if setting.name in chosen:
        return f"{name} = {_spell(chosen[setting.name])}"
    if setting.default is None:
        return f'#{name} = "…"'
    return f"#{name} = {_spell(setting.default)}"


def _spell(value: Any) -> str:
    """TOML and JSON write strings, numbers, booleans and lists of them alike."""
    return msgspec.json.encode(value).decode()


def _default(setting: Setting) -> str:
    return "not set" if setting.default is None else f"`{_spell(setting.default)}`"


def _kind(setting: Setting) -> str:
    kind = setting.kind
    arguments = get_args(kind)
    if setting.is_list:
        inner = get_args(arguments[0])
        return f"list of {', '.join(map(str, inner))}" if inner else "list of text"
    if arguments:
        return "one of " + ", ".join(map(str, arguments))
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    return names.get(kind.__name__, "path")
