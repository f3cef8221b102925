"""How a command reaches a house: through the running server's socket, or by opening it itself."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, final

import msgspec

from halfdoor.apps.control import answer
from halfdoor.apps.hardening import harden
from halfdoor.apps.house import House
from halfdoor.apps.server import setting_of
from halfdoor.apps.stores import has_data
from halfdoor.apps.verbs import Verb
from halfdoor.config.model import Config, Jwt
from halfdoor.store.errors import DataInUseError
from halfdoor.web.control import Done, Kind, Refused, socket_address

# Closing the account of somebody who is in many conversations takes its time.
ANSWER_SECONDS: Final = 120.0
_MAX_ANSWER_BYTES: Final = 4_194_304
_PART: Final = 65_536

T = TypeVar("T")
Send = Callable[[bytes], bytes]

_decode: Final = msgspec.json.Decoder(Done | Refused).decode


class UnreachableError(Exception):
    """There is no house to ask, or it does not answer; the text says what to do."""


class RefusedError(Exception):
    """The house did not do it; `kind` says what sort of refusal it is, the text why."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@final
class Reached:
    """A house that can be asked."""

    def __init__(self, send: Send) -> None:
        """*send* takes a request and returns the answer, each without its line end."""
        self._send = send

    def ask(self, verb: Verb, kind: type[T]) -> T:
        """Have *verb* done and return its result, a *kind*; `RefusedError`, `UnreachableError`."""
        raw = self._send(msgspec.json.encode(verb))
        try:
            said = _decode(raw)
            if isinstance(said, Refused):
                raise RefusedError(said.kind, said.text)
            return msgspec.json.decode(said.result, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise UnreachableError(
                "the server answered something else: is it of another version?"
            ) from None


@contextlib.contextmanager
def reach(data_dir: Path | None, load: Callable[[], Config]) -> Iterator[Reached]:
    """Give the house in *data_dir*, or in that of the configuration that *load* reads.

    A server that runs needs no configuration here, only the folder. `UnreachableError`, and where
    the house has to be opened whatever `ConfigError`, `PolicyError` or `StoreError` that meets.
    """
    if data_dir is not None and listens(data_dir):
        yield Reached(partial(send_to, data_dir))
        return
    config = load()
    folder = config.data_dir
    if not listens(folder):
        if not has_data(config):
            where = folder if config.database.url is None else "the database"
            raise UnreachableError(f"there is no data in {where} yet: start the server once.")
        try:
            opened = _Opened(config)
        except DataInUseError as error:
            # Somebody took it since: a server that was starting listens by now.
            if not listens(folder):
                raise UnreachableError(
                    f"{error}, or try again in a moment. It listens on no control socket: it is a"
                    " server that starts or stops, or another command."
                ) from None
        else:
            with contextlib.closing(opened):
                yield Reached(opened.send)
            return
    yield Reached(partial(send_to, folder))


def listens(folder: Path) -> bool:
    """Tell whether a server listens in *folder*; `UnreachableError` where one may not ask it."""
    try:
        with socket_address(folder) as address, socket.socket(socket.AF_UNIX) as probe:
            probe.connect(address)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        return False
    except OSError as error:
        raise UnreachableError(
            f"the control socket in {folder} cannot be used: {error.strerror}. Run this as the"
            " server's own user, or as root."
        ) from None
    return True


def send_to(folder: Path, request: bytes) -> bytes:
    """Send *request* to the server that listens in *folder* and return what it answers."""
    try:
        with socket_address(folder) as address, socket.socket(socket.AF_UNIX) as server:
            server.settimeout(ANSWER_SECONDS)
            server.connect(address)
            # Who may not ask is told so before the request is read, and that breaks the pipe.
            with contextlib.suppress(BrokenPipeError):
                server.sendall(request + b"\n")
            return _line(server)
    except TimeoutError:
        raise UnreachableError(
            "the server has not answered yet. It may still be doing it: look with user show."
        ) from None
    except OSError as error:
        raise UnreachableError(f"the server did not answer: {error.strerror}.") from None


def _line(server: socket.socket) -> bytes:
    said = b""
    while b"\n" not in said:
        part = server.recv(_PART)
        if not part or len(said) > _MAX_ANSWER_BYTES:
            raise UnreachableError("the server did not answer: it is stopping.")
        said += part
    return said.partition(b"\n")[0]


@final
class _Opened:
    """A stopped house, opened for some requests by this process."""

    def __init__(self, config: Config) -> None:
        harden()
        # Nobody signs in here, so the platform's keys are not fetched.
        setting = setting_of(msgspec.structs.replace(config, jwt=Jwt()))
        self._runner = asyncio.Runner()
        try:
            self._house = self._runner.run(House.open(setting))
        except BaseException:
            self._runner.close()
            raise

    def send(self, request: bytes) -> bytes:
        """Do what *request* asks and return the answer."""
        return self._runner.run(answer(self._house, request))

    def close(self) -> None:
        """Make everything durable and let the data directory go."""
        try:
            self._runner.run(self._house.close())
        finally:
            self._runner.close()
