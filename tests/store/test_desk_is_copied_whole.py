"""Backup, restore, move and the doctor know the desk's rows, whichever store they lie in."""

from pathlib import Path

import pytest
from tests.store.copies import back_up, empty_places, move, open_places, restore, restore_served
from tests.store.desk_making import NOW, REPORTERS, did, evidence, report, told, whole_change
from tests.store.houses import House, SqliteHouse
from tests.store.making import StoppedClock, Store
from tests.store.postgres_houses import Postgresql

from halfdoor.apps.doctor_desk import staff_log_check
from halfdoor.readers.review.store import DeskChange
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.desk_rows import UB
from halfdoor.store.sqlite.opening import open_store


async def check_whole(store: Store) -> None:
    """See that all of a whole change is there, and that it goes on."""
    desk = store.desk
    assert await desk.reports("case_a") == [report()]
    assert await desk.evidence("case_a") == [evidence()]
    assert await desk.notices(REPORTERS[0], NOW) == [told()]
    assert len(await desk.events("case_a")) == 1
    assert await store.jobs.find(UB, "task_a") is not None
    await desk.commit(DeskChange(log=(did("later"),)))
    assert [line.what for line in await desk.staff_log(0, 9)] == ["file", "later"]
    await store.close()


async def test_a_backup_brings_the_desk_into_either_store(
    house: House, tmp_path: Path, postgresql: Postgresql
) -> None:
    await house.store.desk.commit(whole_change())
    await back_up(house, tmp_path / "backup")
    await restore(tmp_path / "backup", house.key, tmp_path / "new", two_files=not house.apart)
    new = open_store(
        tmp_path / "new", house.key, two_files=not house.apart, clock=StoppedClock(NOW)
    )
    await check_whole(new)
    places = await empty_places(postgresql, two_databases=not house.apart)
    await restore_served(tmp_path / "backup", house.key, places)
    await check_whole(await open_places(places, house.key))


async def test_the_desk_moves_to_postgresql(embedded: SqliteHouse, postgresql: Postgresql) -> None:
    await embedded.store.desk.commit(whole_change())
    await embedded.store.close()
    places = await empty_places(postgresql, two_databases=embedded.apart)
    await move(embedded.store.paths, embedded.key, places)
    await check_whole(await open_places(places, embedded.key))
    await embedded.open()


async def test_the_doctor_counts_the_lines_of_a_staff_log_that_is_whole(either: House) -> None:
    assert (await staff_log_check(either.store.desk)).found.startswith("empty")
    lines = tuple(did(f"act {i}") for i in range(2300))
    await either.store.desk.commit(DeskChange(log=lines))
    found = await staff_log_check(either.store.desk)
    assert (found.result, found.found[:10]) == ("ok", "2300 lines")


@pytest.mark.parametrize("line", [1, 1200, 2000, 2300])
async def test_the_doctor_names_a_staff_log_that_lost_a_line(either: House, line: int) -> None:
    await either.store.desk.commit(DeskChange(log=tuple(did(f"act {i}") for i in range(2300))))
    await either.change("DELETE FROM desk_line WHERE n = ?", line, people=True)
    with pytest.raises(RowMacError):
        await either.store.desk.staff_log(0, 5000)
    found = await staff_log_check(either.store.desk)
    assert found.result == "failed"
    assert f"Lines up to {(line - 1) // 1000 * 1000} are" in found.found
