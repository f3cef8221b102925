"""Checks a log from outside: joins its address or folder, the pinned policy and the memory."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.trust_policy import TrustPolicy, parse_policy
from halfdoor.store.log_folder import FolderFiles
from halfdoor.store.memory_file import MemoryFile
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.source import Source
from halfdoor.transparency.verifying import Progress, Verdict, Verifier


class VerifyError(Exception):
    """The run cannot begin; the message says what is missing."""


def is_address(where: str) -> bool:
    """Tell whether *where* is an address, rather than a folder."""
    return "://" in where


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[Source]:
    """Yield the log at an address or in a folder; `VerifyError` where it can be neither."""
    if not is_address(where):
        yield FolderFiles(Path(where))
        return
    # Who reads a folder needs no HTTP client, nor its package.
    from halfdoor.web.outbound.addresses import AddressError  # noqa: PLC0415
    from halfdoor.web.outbound.log_source import HttpSource, log_client  # noqa: PLC0415

    async with log_client() as client:
        try:
            source = HttpSource(client, where)
        except AddressError as error:
            raise VerifyError(str(error)) from None
        yield source


def read_policy(path: Path) -> tuple[str, TrustPolicy]:
    """Return the origin and the policy of a pinned policy file; `VerifyError`."""
    try:
        policy = parse_policy(path.read_bytes())
    except OSError as error:
        raise VerifyError(f"{path} cannot be read: {error.strerror}") from None
    except RefusedError as error:
        raise VerifyError(f"{path}: {error}") from None
    if len(policy.logs) != 1:
        raise VerifyError(f"{path} names {len(policy.logs)} logs; a log has one origin for ever")
    if policy.holds(()):
        raise VerifyError(f"{path} asks for no witness, and one key can sign two trees")
    return policy.logs[0].key.name, policy


def memory_path(state: Path, origin: str, where: str) -> Path:
    """Return where the memory of *origin* as seen at *where* is kept below *state*."""
    seen_at = where.rstrip("/") if is_address(where) else str(Path(where).resolve())
    digest = hashlib.sha256(f"{origin}\n{seen_at}".encode()).hexdigest()
    return state / f"{digest[:32]}.json"


async def verify(
    source: Source,
    policy: TrustPolicy,
    origin: str,
    memory: MemoryFile | None,
    *,
    now: int,
    progress: Progress,
) -> Verdict:
    """Check a log, going on from *memory*, and keep there what was found good.

    *now* in s since 1970. `UnreachableError` and `MemoryFileError` where nothing can be said.
    """
    known = Memory(origin=origin) if memory is None else memory.read(origin)
    keep: Callable[[Memory], None] = _forget if memory is None else memory.write
    verdict = await Verifier(source, policy, known, now=now, progress=progress, keep=keep).run()
    if verdict.good:
        keep(verdict.memory)
    return verdict


def spelled(origin: str, verdict: Verdict) -> dict[str, Any]:
    """Return what a run found as plain values, for JSON."""
    policy = verdict.policy
    return {
        "v": 1,
        "good": verdict.good,
        "origin": origin,
        "size": verdict.size,
        "time": verdict.time,
        "findings": verdict.findings,
        "policy": None if policy is None else {"index": policy.index, "entry": policy.entry},
        "coming": [{"index": one.index, "entry": one.entry} for one in verdict.coming],
        "custodians": [
            {
                "document": name,
                "set": circle.set.hex(),
                "thresholds": circle.thresholds,
                "seats": circle.seats,
                "employed_by_operator": circle.employed_by_operator,
                "alone": circle.alone,
                "words": circle.words,
            }
            for name, circle in verdict.circles.items()
        ],
        "numbers": verdict.numbers,
    }


def _forget(_memory: Memory) -> None:
    """Keep nothing: every run begins anew."""
