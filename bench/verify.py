"""How fast a stranger checks a public log, from a folder, on one core.

    python -m bench.verify [--entries 1000000] [--new 1000] [--profile]

Writes an honest log into a temporary folder, checks all of it, adds entries, and checks those.
"""

import argparse
import asyncio
import cProfile
import os
import platform
import pstats
import tempfile
import time
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from halfdoor.apps.verifying import verify
from halfdoor.merkle.bundles import bundle
from halfdoor.merkle.checkpoint import Checkpoint, Head
from halfdoor.merkle.note import Note
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tiles import WIDTH, tiles_of
from halfdoor.merkle.tree import leaf_hash, root_of_hashes
from halfdoor.merkle.trust_policy import TrustPolicy, parse_policy
from halfdoor.sealing.labels import b64, canonical
from halfdoor.store.log_folder import FolderFiles
from halfdoor.store.memory_file import MemoryFile
from halfdoor.transparency.entries import (
    MetaEntry,
    PolicyEntry,
    PreserveEntry,
    Referrals,
    ReleaseEntry,
    ReviewEntry,
)
from halfdoor.transparency.leaf import leaf_of
from halfdoor.transparency.source import document_path
from halfdoor.transparency.verifying import Verdict

ORIGIN = "example.com/access"
LOG = SigningKey.of_log(ORIGIN, bytes(32))
WITNESSES = [SigningKey.of_witness(f"w.example/{n}", bytes([n]) * 32) for n in range(1, 5)]


def policy() -> TrustPolicy:
    """Three of four witnesses."""
    names = [f"w{number}" for number in range(1, 5)]
    keys = zip(names, WITNESSES, strict=True)
    lines = [f"log {LOG.public}", *(f"witness {name} {key.public}" for name, key in keys)]
    return parse_policy(
        "\n".join([*lines, f"group all 3 {' '.join(names)}", "quorum all\n"]).encode()
    )


def leaf(number: int, today: int, document: str) -> bytes:
    """Return the leaf *number*, of the kinds that a busy house writes."""
    digest = b64(sha256(number.to_bytes(8, "big")).digest())
    if number == 0:
        entry = PolicyEntry(
            entity="example", day=today, escrow_set=None, documents={"policy.toml": document}
        )
        return leaf_of(entry)
    if number % 4 == 1:
        return leaf_of(
            MetaEntry(
                entity="example",
                day=today,
                request_commit=digest,
                ground="authority-request",
                jurisdiction="ZZ",
                authority_class="police",
                categories=("account",),
                subjects=1,
                notice_by_day=today + 90,
            )
        )
    if number % 4 == 2:
        return leaf_of(
            PreserveEntry(
                entity="example",
                day=today,
                scope_commit=digest,
                conversations=1,
                epochs=64,
                end_day=today + 90,
            )
        )
    if number % 4 == 3:
        return leaf_of(
            ReviewEntry(
                entity="example",
                day=today,
                of_day=today,
                cases_opened={"spam": 12, "harassment": 3},
                items=40,
                auto_cases=2,
                reviewers=5,
                referrals=Referrals(),
                batch_root=digest,
            )
        )
    return leaf_of(
        ReleaseEntry(
            entity="example", day=today, version=f"v{number}", wheels={"server.whl": digest}
        )
    )


def write(folder: Path, path: str, data: bytes) -> int:
    place = folder / ("checkpoint/latest" if path == "checkpoint" else path)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.write_bytes(data)


def publish(folder: Path, leaves: list[bytes], now: int) -> int:
    """Write the log of *leaves* as it is published, and return its bytes."""
    size, written = len(leaves), 0
    rows = [[leaf_hash(one) for one in leaves]]
    while len(rows[-1]) >= WIDTH:
        row = rows[-1]
        full = range(0, len(row) // WIDTH * WIDTH, WIDTH)
        rows.append([root_of_hashes(row[at : at + WIDTH]) for at in full])
    for tile in tiles_of(size):
        at = tile.index * WIDTH
        data = b"".join(rows[tile.level or 0][at : at + tile.width])
        written += write(folder, tile.path, data)
        if tile.level == 0:
            path = tile.path.replace("tile/0/", "tile/entries/")
            written += write(folder, path, bundle(leaves[at : at + tile.width]))
    head = Head(ORIGIN, size, root_of_hashes(rows[0]))
    signed = LOG.sign(head)
    lines = [key.cosign(signed.note.text, now) for key in WITNESSES]
    note = Note(signed.note.text, (*signed.note.signatures, *lines))
    return written + write(folder, "checkpoint", str(Checkpoint(head, note)).encode())


def checked(folder: Path, memory: MemoryFile) -> tuple[float, Verdict]:
    """Check the log in *folder*, and return how many seconds of this process it took."""
    begun = time.process_time()
    verdict = asyncio.run(
        verify(
            FolderFiles(folder),
            policy(),
            ORIGIN,
            memory,
            now=int(time.time()),
            progress=lambda done, of: None,
        )
    )
    return time.process_time() - begun, verdict


def main() -> None:
    reading = argparse.ArgumentParser(description="How fast a public log is checked.")
    reading.add_argument("--entries", type=int, default=1_000_000)
    reading.add_argument("--new", type=int, default=1_000)
    reading.add_argument("--profile", action="store_true")
    asked = reading.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"msgspec {version('msgspec')}, cryptography {version('cryptography')}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder, memory = Path(name, "log"), MemoryFile(Path(name, "memory.json"))
        now = int(time.time())
        text = canonical({"policy": "example"})
        document = b64(sha256(text).digest())
        write(folder, document_path(document), text)
        every = [leaf(n, now // 86_400, document) for n in range(asked.entries + asked.new)]
        size = publish(folder, every[: asked.entries], now)
        print(
            f"{asked.entries} entries: {size / asked.entries:.0f} bytes each on disk, "
            f"of them {sum(map(len, every)) / len(every):.0f} the entry"
        )
        profile = cProfile.Profile()
        if asked.profile:
            profile.enable()
        begun = time.monotonic()
        taken, verdict = checked(folder, memory)
        waited = time.monotonic() - begun
        profile.disable()
        assert verdict.good, verdict.findings
        print(
            f"whole: {taken:.2f} s of one core, {asked.entries / taken:.0f} entries/s; "
            f"{waited:.2f} s on the clock, {asked.entries / waited:.0f} entries/s"
        )
        if asked.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        publish(folder, every, int(time.time()))
        begun = time.monotonic()
        taken, verdict = checked(folder, memory)
        waited = time.monotonic() - begun
        assert verdict.good, verdict.findings
        assert verdict.size == len(every)
        print(
            f"{asked.new} new: {taken:.3f} s of one core, {waited:.3f} s on the clock; "
            f"memory file {memory.path.stat().st_size} bytes"
        )


if __name__ == "__main__":
    main()
