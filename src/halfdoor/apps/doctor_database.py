"""The checks of `halfdoor doctor` that open PostgreSQL, also while servers use it."""

import secrets

from halfdoor.apps.checks import Check
from halfdoor.apps.doctor_desk import staff_log_check
from halfdoor.apps.doctor_files import files_check
from halfdoor.apps.doctor_log import log_examiner
from halfdoor.apps.doctor_trials import ENOUGH, chains_check, reading_check, wrong_key_check
from halfdoor.apps.stores import DatabasePlace
from halfdoor.clock import SystemClock
from halfdoor.config.model import Config
from halfdoor.store.errors import OuterKeyError, StoreError
from halfdoor.store.outerkey import KEY_BYTES, OuterKeyFile
from halfdoor.store.postgres.audit import chains as chain_reports
from halfdoor.store.postgres.audit import some_bodies
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.migrate import is_behind
from halfdoor.store.postgres.opening import PostgresStore, addresses, open_store


async def examine_database(
    place: DatabasePlace, key: OuterKeyFile, config: Config, *, chains: bool
) -> list[Check]:
    """The checks that open the database at *place*; servers may go on using it."""
    try:
        for address, sides in addresses(place.url, place.people_url, place.password):
            if await is_behind(address, sides):
                return [
                    Check(
                        "store",
                        "advice",
                        "the database has an older schema than this program.",
                        "Make a backup; the next `halfdoor up` brings it up to date.",
                    )
                ]
        store = await open_store(place.url, key, people=place.people_url, password=place.password)
    except StoreError as error:
        return [Check("store", "failed", f"{error}.")]
    found = [Check("store", "ok", "PostgreSQL opens with the outer key, schema up to date.")]
    try:
        found.append(wrong_key_check(refused=await _refuses(store, key)))
        found.append(reading_check(await some_bodies(store, ENOUGH)))
        found.append(await staff_log_check(store.desk))
        found.append(await files_check(store.media_sweeping, config.media, config.data_dir))
        found += await log_examiner(config)(store.log)
        if chains:
            found.append(chains_check([report async for report in chain_reports(store)]))
    except StoreError as error:
        found.append(Check("store", "failed", f"{error}."))
    finally:
        await store.close()
    return found


async def _refuses(store: PostgresStore, key: OuterKeyFile) -> bool:
    """Guess an outer key, as a thief of the data would."""
    guessed = OuterKeyFile(key.path, secrets.token_bytes(KEY_BYTES))
    try:
        await Keys(guessed, SystemClock()).refresh(store.database)
    except OuterKeyError:
        return True
    return False
