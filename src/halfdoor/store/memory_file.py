"""What somebody who checks a log keeps between runs, as a file that is whole or as it was."""

import os
import secrets
from pathlib import Path
from typing import final

from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.frontier import Frontier
from halfdoor.transparency.folding import Fold
from halfdoor.transparency.memory import Memory, read_memory, write_memory


class MemoryFileError(Exception):
    """The file cannot be used; the message says why."""


@final
class MemoryFile:
    """The memory of one log, as one who checks it saw it."""

    def __init__(self, path: Path) -> None:
        """*path* is made with its folders when something is kept."""
        self.path = path

    def read(self, origin: str) -> Memory:
        """Return what is kept, an empty memory of *origin* where nothing is; `MemoryFileError`."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return Memory(origin=origin)
        except OSError as error:
            raise MemoryFileError(f"{self.path} cannot be read: {error.strerror}") from None
        try:
            memory = read_memory(data)
            # A file that somebody edited is refused here, and not as a fault of the log.
            Frontier(memory.size, memory.heads)
            Fold(memory)
            if memory.checkpoint:
                parse_checkpoint(memory.checkpoint)
        except ValueError as error:
            raise MemoryFileError(
                f"{self.path} is no memory of a run ({error}); look why before you remove it"
            ) from None
        return memory

    def write(self, memory: Memory) -> None:
        """Keep *memory* in place of what was there; `MemoryFileError`."""
        new = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with new.open("xb") as file:
                file.write(write_memory(memory))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise MemoryFileError(f"{self.path} cannot be written: {error.strerror}") from None

    def keep_fork(self, fork: tuple[bytes, bytes]) -> Path:
        """Write two signed checkpoints that no honest log can have shown; return their folder."""
        folder = self.path.with_suffix(".evidence")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, data in zip(("seen-before", "shown-now"), fork, strict=True):
                (folder / name).write_bytes(data)
        except OSError as error:
            raise MemoryFileError(f"{folder} cannot be written: {error.strerror}") from None
        return folder
