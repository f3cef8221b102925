"""Whose signatures make a checkpoint count: logs, witnesses, groups, quorum (C2SP tlog-policy)."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from halfdoor.merkle.checkpoint import Checkpoint, check_signed
from halfdoor.merkle.cosignature import check_cosigned
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import Kind, VerifierKey

MOST_BYTES: Final = 262_144
_MOST_NAMES: Final = 256
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
NONE: Final = "none"


class Log(NamedTuple):
    """A log by its key, and where it is, if that is said."""

    key: VerifierKey
    url: str | None = None


class Witness(NamedTuple):
    """A witness by its key, and where it takes checkpoints, if that is said."""

    key: VerifierKey
    url: str | None = None


class Group(NamedTuple):
    """Names of which at least *least* have to vouch."""

    least: int
    members: tuple[str, ...]


class TrustPolicy(NamedTuple):
    """A policy file: every name once, the quorum one of them or `none`."""

    logs: tuple[Log, ...]
    witnesses: dict[str, Witness]
    groups: dict[str, Group]
    quorum: str

    def holds(self, vouching: Iterable[str]) -> bool:
        """Tell whether these witnesses are a quorum."""
        return self._vouched(self.quorum, frozenset(vouching))

    def _vouched(self, name: str, vouching: frozenset[str]) -> bool:
        if name == NONE or name in vouching:
            return True
        group = self.groups.get(name)
        if group is None:
            return False
        return sum(self._vouched(one, vouching) for one in group.members) >= group.least

    def quorum_time(self, times: dict[str, int]) -> int | None:
        """Return the earliest time (s) by which a quorum had cosigned, None where none has.

        *times* are those of valid cosignatures by witness name. With q of n, the q-th smallest
        (SEALING §4): one witness cannot move it back alone.
        """
        vouching: set[str] = set()
        for name, time in sorted(times.items(), key=lambda one: one[1]):
            vouching.add(name)
            if self.holds(vouching):
                return time
        return None

    def check(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Refuse unless one of the logs signed *checkpoint* and a quorum cosigned it.

        Returns the time (s) of each valid cosignature by witness name. Raises `RefusedError`.
        """
        log = next((one for one in self.logs if one.key.name == checkpoint.head.origin), None)
        if log is None:
            raise RefusedError("checkpoint-origin", f"{checkpoint.head.origin!r} is not known")
        check_signed(checkpoint, log.key)
        times = self.cosigned(checkpoint)
        if not self.holds(times):
            raise RefusedError(
                "witness-quorum", f"{len(times)} of {len(self.witnesses)} witnesses cosigned it"
            )
        return times

    def cosigned(self, checkpoint: Checkpoint) -> dict[str, int]:
        """Return when each witness that did so cosigned; `RefusedError` for a forged line."""
        found = {name: check_cosigned(checkpoint, one.key) for name, one in self.witnesses.items()}
        return {name: time for name, time in found.items() if time is not None}


def parse_policy(data: bytes) -> TrustPolicy:
    """Return the policy of a file; `RefusedError` names the line that is wrong."""
    if len(data) > MOST_BYTES:
        raise RefusedError("trust-policy", f"it is longer than {MOST_BYTES} bytes")
    # Octets above 0x7f are opaque; this keeps each of them apart.
    written = data.decode(errors="surrogateescape")
    if _CONTROL.search(written):
        raise RefusedError("trust-policy", "it holds a control character")
    reading = _Reading()
    for number, line in enumerate(written.split("\n"), 1):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words == [""] or words[0].startswith("#"):
            continue
        try:
            reading.take(words)
        except RefusedError as error:
            raise RefusedError("trust-policy", f"line {number}: {error.why}") from None
    return reading.finish()


class _Reading:
    """A policy file as far as it was read."""

    def __init__(self) -> None:
        self.logs: list[Log] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._in_group: set[str] = set()

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._log(vkey, url)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witness(name, vkey, url)
            case ["group", name, least, *members] if members:
                self._group(name, least, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise RefusedError("trust-policy", "it is no log, witness, group or quorum line")

    def finish(self) -> TrustPolicy:
        if self.quorum is None:
            raise RefusedError("trust-policy", "it has no quorum line")
        return TrustPolicy(tuple(self.logs), self.witnesses, self.groups, self.quorum)

    def _log(self, vkey: str, url: list[str]) -> None:
        key = VerifierKey.parse(vkey)
        if key.kind is not Kind.ED25519:
            raise RefusedError("trust-policy", "the key is not that of a log")
        if any(one.key.public == key.public or one.key.name == key.name for one in self.logs):
            raise RefusedError("trust-policy", "this log was named before")
        self.logs.append(Log(key, *url))

    def _witness(self, name: str, vkey: str, url: list[str]) -> None:
        self._check_new(name)
        key = VerifierKey.parse(vkey)
        if key.kind is Kind.ED25519:
            raise RefusedError("trust-policy", "the key is not that of a witness")
        if any(one.key.public == key.public for one in self.witnesses.values()):
            raise RefusedError("trust-policy", "this witness was named before")
        self.witnesses[name] = Witness(key, *url)

    def _group(self, name: str, least: str, members: list[str]) -> None:
        self._check_new(name)
        for one in members:
            self._check_known(one)
            if one in self._in_group:
                raise RefusedError("trust-policy", f"{one!r} is a member twice")
            self._in_group.add(one)
        known = {"any": 1, "all": len(members)}.get(least)
        if known is None:
            if _NUMBER.fullmatch(least) is None or int(least) > len(members):
                raise RefusedError("trust-policy", "its threshold is not 1 to its members")
            known = int(least)
        self.groups[name] = Group(known, tuple(members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise RefusedError("trust-policy", "there is a second quorum line")
        if name != NONE:
            self._check_known(name)
        self.quorum = name

    def _check_new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise RefusedError("trust-policy", f"{name!r} was named before")
        if len(self.witnesses) + len(self.groups) >= _MOST_NAMES:
            raise RefusedError("trust-policy", f"it names more than {_MOST_NAMES}")

    def _check_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise RefusedError("trust-policy", f"{name!r} is not named before")
