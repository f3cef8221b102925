"""Writes a log of `public_log` into a folder, as a mirror keeps it, and the policy beside it."""

import time
from pathlib import Path

from tests.transparency.log_fakes import KEYS, LOG
from tests.transparency.public_log import DAY_MS, PublicLog

from halfdoor.transparency.source import CHECKPOINT, REPORT, day_path


async def recent_log(days: int = 3) -> PublicLog:
    """A log that ends now: what checks it has the clock of this machine."""
    log = PublicLog()
    log.clock.now = int(time.time() * 1000) - days * DAY_MS
    await log.append(log.policy())
    for _ in range(days):
        await log.night()
    return log


def policy_text(quorum: int = 3) -> str:
    lines = [f"log {LOG.public}"]
    lines += [f"witness {name} {key.public}" for name, key in KEYS.items()]
    return "\n".join([*lines, f"group all {quorum} {' '.join(KEYS)}", "quorum all", ""])


def write_policy(path: Path) -> Path:
    path.write_text(policy_text())
    return path


async def shown_files(log: PublicLog) -> dict[str, bytes]:
    """Every path that the log shows, with its bytes."""
    paths = [CHECKPOINT, REPORT, *map(day_path, log.store.days), *log.documents, *log.files.files]
    found = {path: await log.get(path) for path in paths}
    return {path: data for path, data in found.items() if data is not None}


async def write_log(log: PublicLog, folder: Path) -> Path:
    """Write what the log shows, over what was there."""
    for path, data in (await shown_files(log)).items():
        place = folder / ("checkpoint/latest" if path == CHECKPOINT else path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder
