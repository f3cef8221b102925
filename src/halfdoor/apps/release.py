"""Which release runs here: its version, a digest over its files, and whether they were changed."""

import base64
import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from halfdoor.apps.checks import Check

_PACKAGE: Final = "halfdoor"
# Made by the interpreter beside what was installed, and different on each machine.
_MADE_HERE: Final = "__pycache__"


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What is installed: *digest* is SHA-256 (hex) over name and content of all *files*.

    *changed* names files that differ from what the installer wrote down (the RECORD of PEP 376),
    or that it did not write; None where nothing was written down, as in a working tree.
    """

    version: str
    digest: str
    files: int
    changed: tuple[str, ...] | None


def release() -> Release:
    """Read every file of the installed package; some milliseconds, so not in an event loop."""
    root = Path(str(files(_PACKAGE)))
    found = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and _MADE_HERE not in path.parts
    }
    return release_of(found, *_recorded())


def release_of(found: dict[str, bytes], version: str, recorded: dict[str, bytes]) -> Release:
    """Return the release that the files *found* are, compared with what was *recorded*. Pure."""
    whole = hashlib.sha256()
    for name in sorted(found):
        whole.update(f"{name}\n{found[name].hex()}\n".encode())
    names = sorted(found.keys() | recorded.keys())
    changed = tuple(name for name in names if found.get(name) != recorded.get(name))
    return Release(
        version=version,
        digest=whole.hexdigest(),
        files=len(found),
        changed=changed if recorded else None,
    )


def release_check(found: Release) -> Check:
    """What `halfdoor doctor` says of a release."""
    name, said = "release", f"{found.version}, {found.files} files, digest {found.digest[:16]}…"
    if found.changed is None:
        return Check(
            name, "ok", f"{said} A working tree: there is nothing that it could be compared with."
        )
    if found.changed:
        first = ", ".join(found.changed[:3])
        return Check(
            name,
            "failed",
            f"{said} {len(found.changed)} of them are not as they were installed: {first}.",
            "Install this version anew, and find out who changed it.",
        )
    return Check(name, "ok", f"{said} All are as they were installed.")


def _recorded() -> tuple[str, dict[str, bytes]]:
    """Return the version, and the SHA-256 of each file of the package that was installed."""
    try:
        known = distribution(_PACKAGE)
    except PackageNotFoundError:
        return "unknown", {}
    recorded = {}
    for one in known.files or ():
        within = one.parts[0] == _PACKAGE and _MADE_HERE not in one.parts
        if within and one.hash is not None and one.hash.mode == "sha256":
            padded = one.hash.value + "=" * (-len(one.hash.value) % 4)
            recorded["/".join(one.parts[1:])] = base64.urlsafe_b64decode(padded)
    return known.version, recorded
