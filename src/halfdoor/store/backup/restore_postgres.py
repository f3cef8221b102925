"""Restores a backup into PostgreSQL, or moves a house there: whole, checked, only then opened."""

from halfdoor.clock import Clock
from halfdoor.store.backup.blobs import Files, no_files
from halfdoor.store.backup.counting import least_count
from halfdoor.store.backup.folder import BackupFolder
from halfdoor.store.backup.from_postgres import Places
from halfdoor.store.backup.into_postgres import claimed, complete, fill
from halfdoor.store.backup.origins import BackupOrigin, Origin, StoreOrigin
from halfdoor.store.backup.outcome import Restored, check_chain
from halfdoor.store.backup.source import Progress, Snapshot, nothing_told
from halfdoor.store.backup.verify import verify
from halfdoor.store.outerkey import OuterKeyStore
from halfdoor.store.postgres.audit import chains
from halfdoor.store.postgres.lineage import count_restore
from halfdoor.store.postgres.opening import open_store
from halfdoor.store.postgres.outbox import Outbox


async def restore(
    folder: BackupFolder,
    places: Places,
    outer_key: OuterKeyStore,
    progress: Progress,
    *,
    clock: Clock,
    number: int | None = None,
    files: Files = no_files,
) -> Restored:
    """Put a backup of *folder*, the newest unless *number* says another, into *places*.

    The backup is verified before anything is made. `OccupiedError` where there is data already,
    `DamagedBackupError` and what else a folder raises, `DataInUseError`, `StoreUnavailableError`.
    *files* brings along what its rows name, before the copy may be used.
    """
    number, manifest = folder.manifest(number)
    async with claimed(places) as connections:
        verify(folder, manifest, progress)
        origin = BackupOrigin(folder, manifest, progress)
        await fill(connections, places, origin, progress)
        done = await _open_copy(places, origin, outer_key, progress, clock)
        copied = await files(BackupOrigin(folder, manifest, nothing_told))
        await complete(connections)
    return Restored(
        number=number,
        made=manifest.made,
        files=copied.blobs,
        files_missing=copied.missing,
        **done,
    )


async def move(
    snapshot: Snapshot,
    places: Places,
    outer_key: OuterKeyStore,
    progress: Progress,
    *,
    clock: Clock,
    files: Files = no_files,
) -> Restored:
    """Copy a house, which nobody may write to meanwhile, into *places*; the errors of `restore`."""
    async with claimed(places) as connections:
        origin = StoreOrigin(snapshot, progress)
        await fill(connections, places, origin, progress)
        done = await _open_copy(places, origin, outer_key, progress, clock)
        copied = await files(snapshot)
        await complete(connections)
    return Restored(
        number=0,
        made=clock.now_ms(),
        files=copied.blobs,
        files_missing=copied.missing,
        **done,
    )


async def _open_copy(
    places: Places, origin: Origin, outer_key: OuterKeyStore, progress: Progress, clock: Clock
) -> dict[str, int]:
    """Open the copy as a server would, recompute every chain, tell what was left to be told."""
    restores = await count_restore(places[-1][0], least_count(clock.now_ms()))
    store = await open_store(
        places[0][0].dsn,
        outer_key,
        people=places[1][0].dsn if len(places) > 1 else None,
        password=places[0][0].password,
        clock=clock,
        unfinished=True,
    )
    try:
        conversations = 0
        async for report in chains(store):
            check_chain(report.conv, report.detail, ok=report.ok)
            conversations += 1
            progress("recomputing chains", conversations, None)
        if store.database.shared:
            # A restore brings an outbox along also where both sides share a database.
            await Outbox(store.database, store.keys).sweep()
    finally:
        await store.close()
    rows = sum(rows for rows, _ in origin.figures().values())
    return {"rows": rows, "conversations": conversations, "restores": restores}
