"""The checks of `halfdoor doctor` that open the embedded store, and try to cheat it."""

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from halfdoor.apps.checks import Check, Result
from halfdoor.apps.doctor_desk import staff_log_check
from halfdoor.apps.doctor_files import files_check
from halfdoor.apps.doctor_log import log_examiner
from halfdoor.apps.doctor_trials import ENOUGH, chains_check, reading_check, wrong_key_check
from halfdoor.clock import SystemClock
from halfdoor.config.model import Config
from halfdoor.store.errors import DataInUseError, OuterKeyError, StoreError
from halfdoor.store.migrate import migration_files
from halfdoor.store.outerkey import KEY_BYTES, OuterKeyFile
from halfdoor.store.sqlite.audit import chains as chain_reports
from halfdoor.store.sqlite.connect import schema_version
from halfdoor.store.sqlite.events import open_row
from halfdoor.store.sqlite.keys import load_keys
from halfdoor.store.sqlite.opening import CONVERSATIONS_FILE, Store, database_paths, open_store
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.wholeness import check_sound, check_whole


async def examine_embedded(config: Config, key: OuterKeyFile, *, chains: bool) -> list[Check]:
    """The checks that open the store of *config*; one at work is left alone."""
    folder = config.data_dir
    two_files = (folder / CONVERSATIONS_FILE).exists()
    try:
        old = _old_schema(folder, two_files=two_files)
        if old is not None:
            return [old]
        store = open_store(folder, key, two_files=two_files)
    except DataInUseError as error:
        result: Result = "failed" if chains else "advice"
        return [Check("store", result, f"{error}.", "Stop the server to look inside.")]
    except StoreError as error:
        return [Check("store", "failed", f"{error}.")]
    found = [Check("store", "ok", "opens with the outer key, schema up to date.")]
    try:
        found.append(wrong_key_check(refused=await _refuses(store, key.path)))
        found.append(reading_check(await store.database.read(_some_bodies(store))))
        found.append(await staff_log_check(store.desk))
        found.append(await files_check(store.media_sweeping, config.media, folder))
        found += await log_examiner(config)(store.log)
        if chains:
            for path in set(store.paths):
                await asyncio.to_thread(check_sound, path)
            found.append(chains_check(list(chain_reports(store))))
    except StoreError as error:
        found.append(Check("store", "failed", f"{error}."))
    finally:
        await store.close()
    return found


def _old_schema(folder: Path, *, two_files: bool) -> Check | None:
    """Opening would upgrade, and that is not for a look around."""
    for path in set(database_paths(folder, two_files=two_files)):
        check_whole(path)
        version = schema_version(path)
        newest = int(migration_files()[-1].name.partition("_")[0])
        if version < newest:
            return Check(
                "store",
                "advice",
                f"{path.name} has schema {version}, this program knows {newest}.",
                "Make a backup; the next `halfdoor up` brings it up to date.",
            )
    return None


async def _refuses(store: Store, path: Path) -> bool:
    """Guess an outer key, as a thief of the data would."""
    guessed = OuterKeyFile(path, secrets.token_bytes(KEY_BYTES))
    try:
        await store.database.read(lambda con: load_keys(con, guessed, SystemClock()))
    except OuterKeyError:
        return True
    return False


def _some_bodies(store: Store) -> Callable[[Any], list[bytes]]:
    sql = statements("maintenance")

    def read(con: Any) -> list[bytes]:
        bodies: list[bytes] = []
        for cb, c, conv, *_head in con.execute(sql["conversations"]):
            for seq, packed, sealed in con.execute(sql["events_of"], (cb, c)):
                row = open_row(store.keys.outer, conv, seq, packed, sealed)
                if row.body is not None:
                    bodies.append(row.body)
            if len(bodies) > ENOUGH:
                break
        return bodies

    return read
