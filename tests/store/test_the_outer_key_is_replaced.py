"""A new outer key takes the old one's place; wherever that stops, the house opens and goes on."""

import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.store.houses import House, SqliteHouse
from tests.store.making import ALICE, BOB, Store, event, found, say
from tests.store.postgres_houses import PostgresHouse

from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import unwrap_data_key
from halfdoor.store import rotation
from halfdoor.store.errors import OuterKeyError
from halfdoor.store.outerkey import OuterKeyFile, outer_key_file, successor_path
from halfdoor.store.rotation import former_keys, prepare, remove_former, rotate
from halfdoor.store.sqlite.opening import Store as SqliteStore

DATA_KEYS = "SELECT generation, wrapped FROM data_key"


def key_path(house: House) -> Path:
    return house.folder / "keys" / "outer.key"


async def opened_by(house: House, key: bytes) -> int:
    """Return how many data keys in the files *key* opens."""
    opened = 0
    for generation, wrapped in await house.ask(DATA_KEYS):
        try:
            unwrap_data_key(key, generation, bytes(wrapped))
        except Denied:
            continue
        opened += 1
    return opened


async def replace(house: House) -> rotation.Rotated:
    """Replace the key of a house as a command does."""
    return await rotate(
        opened_key(house), house.data, house.store.rewrap, now_ms=house.clock.now_ms()
    )


def opened_key(house: House) -> OuterKeyFile:
    """Return the key that the open store holds."""
    key = house.store.keys._store
    assert isinstance(key, OuterKeyFile)
    return key


async def a_conversation(store: Store) -> str:
    at = await found(store, ALICE, BOB)
    return (await say(store, at, event(at.conv, ALICE, (BOB,)))).conv


async def is_readable(store: Store, conv: str) -> bool:
    events = await store.conversations.events(conv, after=0, before=99, limit=9, newest_first=True)
    return bool(events) and events[0].body is not None


async def test_the_old_key_opens_nothing_and_the_new_one_everything(house: House) -> None:
    conv = await a_conversation(house.store)
    old = key_path(house).read_bytes()
    assert await opened_by(house, old) == len(await house.ask(DATA_KEYS)) > 1
    done = await replace(house)
    new = key_path(house).read_bytes()
    assert new != old
    assert done.data_keys == await opened_by(house, new) == len(await house.ask(DATA_KEYS))
    assert await opened_by(house, old) == 0
    assert await is_readable(house.store, conv)
    await house.reopen()
    assert await is_readable(house.store, conv)


async def test_no_file_keeps_what_the_old_key_opens(house: House) -> None:
    await a_conversation(house.store)
    before = [bytes(wrapped) for _, wrapped in await house.ask(DATA_KEYS)]
    raw = await house.raw()
    assert any(one in raw for one in before)
    await replace(house)
    raw = await cleaned(house, before)
    assert not any(one in raw for one in before)


async def cleaned(house: House, secrets: list[bytes]) -> bytes:
    """Return the bytes of the files, once PostgreSQL could clean the table of the keys.

    It keeps what a snapshot of anybody's still sees, such as that of its own housekeeping.
    """
    raw = await house.raw()
    for _ in range(20):
        if isinstance(house.store, SqliteStore) or not any(one in raw for one in secrets):
            break
        await house.store.keys.rewrite(house.store.database)
        raw = await house.raw()
    return raw


async def test_the_old_key_is_kept_for_its_owner_alone_until_it_is_removed(house: House) -> None:
    old = key_path(house).read_bytes()
    done = await replace(house)
    (former,) = former_keys(key_path(house))
    assert str(former) == done.former
    assert former.name == "outer.key.old-2026-09-21"
    assert former.read_bytes() == old
    for path in (former, key_path(house)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = await replace(house)
    assert again.former.endswith("outer.key.old-2026-09-21-2")
    assert len(remove_former(key_path(house))) == 2
    assert former_keys(key_path(house)) == []
    await house.reopen()


async def test_keys_that_are_made_afterwards_lie_under_the_new_one(house: House) -> None:
    await a_conversation(house.store)
    await replace(house)
    house.clock.now += 40 * 86_400_000
    conv = await a_conversation(house.store)
    assert await opened_by(house, key_path(house).read_bytes()) == len(await house.ask(DATA_KEYS))
    await house.reopen()
    assert await is_readable(house.store, conv)


async def test_a_key_of_before_is_refused_and_it_is_said_since_when(house: House) -> None:
    old = key_path(house).read_bytes()
    await replace(house)
    await house.store.close()
    with pytest.raises(OuterKeyError, match=r"replaced by `halfdoor key rotate` on 2026-09-21 at"):
        await house.open_with(OuterKeyFile(key_path(house), old))
    await house.open()


async def stop_after_making(house: House) -> None:
    prepare(opened_key(house), house.data)


async def stop_while_making(house: House) -> None:
    """The disk kept the name of the new key, and not its bytes."""
    path = successor_path(key_path(house))
    path.write_bytes(b"cut short")
    path.chmod(0o600)


async def stop_after_wrapping(house: House) -> None:
    await house.store.rewrap(prepare(opened_key(house), house.data))


async def stop_after_keeping(house: House) -> None:
    await stop_after_wrapping(house)
    os.link(key_path(house), key_path(house).with_name("outer.key.old-2026-09-21"))


STOPS = (stop_while_making, stop_after_making, stop_after_wrapping, stop_after_keeping)


@pytest.mark.parametrize("stop", STOPS, ids=lambda one: one.__name__)
async def test_a_house_opens_wherever_it_stopped_and_the_same_again_finishes_it(
    house: House, stop: Callable[[House], Awaitable[None]]
) -> None:
    conv = await a_conversation(house.store)
    old = key_path(house).read_bytes()
    await stop(house)
    await house.reopen()
    assert await is_readable(house.store, conv)
    # A key made now must not lie under another than the rest.
    house.clock.now += 40 * 86_400_000
    later = await a_conversation(house.store)
    await house.reopen()
    await replace(house)
    assert not successor_path(key_path(house)).exists()
    assert [one.read_bytes() for one in former_keys(key_path(house))] == [old]
    assert await opened_by(house, old) == 0
    await house.reopen()
    assert await is_readable(house.store, conv)
    assert await is_readable(house.store, later)


async def test_a_link_to_the_key_is_not_replaced(embedded: SqliteHouse, tmp_path: Path) -> None:
    link = tmp_path / "link.key"
    link.symlink_to(key_path(embedded))
    key = outer_key_file(link, embedded.data, make=False)
    with pytest.raises(OuterKeyError, match="is a link"):
        await rotate(key, embedded.data, embedded.store.rewrap, now_ms=embedded.clock.now_ms())
    assert not successor_path(link).exists()
    await embedded.reopen()


async def test_a_former_key_is_not_removed_while_the_new_one_has_not_its_place(
    house: House,
) -> None:
    await stop_after_keeping(house)
    with pytest.raises(OuterKeyError, match="not finished"):
        remove_former(key_path(house))
    await house.reopen()


async def test_a_transaction_that_fails_leaves_every_key_under_the_old_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    conv = await a_conversation(house.store)
    old = key_path(house).read_bytes()
    wraps = []

    def wrap(self: OuterKeyFile, generation: int, data_key: bytes) -> bytes:
        wraps.append(generation)
        if len(wraps) > 1:
            raise OuterKeyError("the second one fails")
        return original(self, generation, data_key)

    original = OuterKeyFile.wrap
    with monkeypatch.context() as patched:
        patched.setattr(OuterKeyFile, "wrap", wrap)
        with pytest.raises(OuterKeyError, match="the second one"):
            await replace(house)
    assert await opened_by(house, old) == len(await house.ask(DATA_KEYS))
    assert await is_readable(house.store, conv)
    await replace(house)
    assert await opened_by(house, old) == 0


async def test_another_server_goes_on_and_takes_the_new_key_when_it_is_laid_beside(
    served: PostgresHouse,
) -> None:
    conv = await a_conversation(served.store)
    # The other server has a copy of the key in a folder of its own.
    elsewhere = served.folder / "elsewhere" / "outer.key"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(key_path(served).read_bytes())
    elsewhere.chmod(0o600)
    other = await served.open_with(outer_key_file(elsewhere, served.data, make=False))
    await replace(served)
    with pytest.raises(OuterKeyError, match="Copy the key that was made then"):
        await other.keys.refresh(other.database)
    # What it had in memory still opens.
    assert await is_readable(other, conv)
    served.clock.now += 40 * 86_400_000
    with pytest.raises(OuterKeyError, match="Copy the key"):
        await other.keys.ready_month(other.database)
    successor_path(elsewhere).write_bytes(key_path(served).read_bytes())
    successor_path(elsewhere).chmod(0o600)
    await a_conversation(other)
    new = key_path(served).read_bytes()
    assert await opened_by(served, new) == len(await served.ask(DATA_KEYS))
    # The same command there finds the data done, and puts the file in place.
    key = other.keys._store
    assert isinstance(key, OuterKeyFile)
    await rotate(key, served.data, other.rewrap, now_ms=served.clock.now_ms())
    assert elsewhere.read_bytes() == new
    await other.close()


async def test_no_key_is_shown(house: House) -> None:
    done = await replace(house)
    key = key_path(house).read_bytes()
    shown = f"{opened_key(house)!r} {done!r} {house.store.keys!r} {house.store.keys._accounts!r}"
    assert key.hex() not in shown
    assert repr(key) not in shown
