"""A disk of a few megabytes that can be filled and that can refuse to be written.

As root it is a file system of its own. Otherwise the first is a limit on the length of files, and
the second is done by their modes.
"""

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

_MEGABYTE = 1 << 20


class SmallDisk:
    """`folder` lies on it. A part is taken by ballast, which `make_room` throws off."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._megabytes = megabytes
        self._mounted = os.geteuid() == 0
        self._ballast = folder / "ballast"
        folder.mkdir(parents=True)
        if self._mounted:
            _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", str(folder))
            self._ballast.write_bytes(bytes(megabytes * _MEGABYTE // 2))

    def limit(self) -> None:
        """To be called in the process that will fill the disk, before it starts."""
        if not self._mounted:
            most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._megabytes * _MEGABYTE // 2, most))

    def make_room(self, process: int) -> None:
        """What an administrator does who is told that the disk is full."""
        if self._mounted:
            self._ballast.unlink()
        else:
            most = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing on the disk can be written for a while."""
        self._set_writable(yes=False)
        try:
            yield
        finally:
            self._set_writable(yes=True)

    def _set_writable(self, *, yes: bool) -> None:
        if self._mounted:
            _run("mount", "-o", f"remount,{'rw' if yes else 'ro'}", str(self.folder))
            return
        for folder, _, files in os.walk(self.folder):
            for name in files:
                Path(folder, name).chmod(0o600 if yes else 0o400)
            Path(folder).chmod(0o700 if yes else 0o500)

    def give_back(self) -> None:
        """The disk is no more."""
        if self._mounted:
            _run("umount", "--lazy", str(self.folder))


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """A disk of so many megabytes at *folder*, half of which can be used before room is made."""
    disk = SmallDisk(folder, megabytes)
    try:
        yield disk
    finally:
        disk.give_back()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
