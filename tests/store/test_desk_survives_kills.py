"""A server that dies while people report loses none of it, and keeps nothing by half."""

import asyncio
import os
import signal
import traceback

import pytest
from tests.store.desk_making import NOW, case, did, evidence, happened, report, told
from tests.store.houses import House
from tests.store.making import Store
from tests.store.postgres_houses import PostgresHouse

from halfdoor.readers.review.records import Task
from halfdoor.readers.review.store import DeskChange
from halfdoor.store.desk_rows import UB

ACKNOWLEDGED = 25
_CONNECTED = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'halfdoor'
"""


def filed(name: str) -> DeskChange:
    """Return what one report makes, a row of every kind."""
    return DeskChange(
        cases=(case(f"case_{name}"),),
        reports=(report(f"rep_{name}", f"case_{name}"),),
        evidence=(evidence(f"evd_{name}", f"case_{name}"),),
        events=(happened(case=f"case_{name}"),),
        log=(did("file", case=f"case_{name}"),),
        notices=(told(f"ntc_{name}", case=f"case_{name}"),),
        tasks=(Task(id=f"task_{name}", queue="enforce", run_at=NOW, payload=b""),),
    )


async def write(house: House, acknowledge: int) -> None:
    """File reports, some at once, and acknowledge each once it is durable."""
    store = await house.open_with(house.key)

    async def one_after_another(who: str) -> None:
        for number in range(1000):
            await store.desk.commit(filed(f"{who}{number}"))
            os.write(acknowledge, f"{who}{number}\n".encode())

    await asyncio.gather(*(one_after_another(who) for who in "abc"))


def killed(house: House) -> list[str]:
    """Return what a process acknowledged that was killed in the middle of its work."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            asyncio.run(write(house, writing))
        except BaseException:  # noqa: BLE001 - nothing of the test may go on in this process
            traceback.print_exc()
        finally:
            os._exit(3)
    os.close(writing)
    lines: list[str] = []
    with os.fdopen(reading) as told_by:
        for line in told_by:
            lines.append(line.strip())
            if len(lines) == ACKNOWLEDGED:
                os.kill(child, signal.SIGKILL)
    _, ended = os.waitpid(child, 0)
    assert os.WIFSIGNALED(ended)
    return lines


async def nobody_writes(house: House) -> None:
    """Wait until the server has noticed that the process is gone, and ended its transactions."""
    if not isinstance(house, PostgresHouse):
        return
    for _ in range(1000):
        if not (await house.ask(_CONNECTED, people=True))[0][0]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a connection of the killed process stays")


async def check_whole(store: Store, name: str) -> None:
    """See that a report is there with all that was written with it."""
    desk, kept = store.desk, f"case_{name}"
    assert await desk.case(kept) is not None
    assert [one.id for one in await desk.reports(kept)] == [f"rep_{name}"]
    assert [one.id for one in await desk.evidence(kept)] == [f"evd_{name}"]
    assert [one.kind for one in await desk.events(kept)] == ["reported"]
    assert await desk.notice(told().user, f"ntc_{name}") is not None
    assert await store.jobs.find(UB, f"task_{name}") is not None


async def test_no_report_is_lost_or_kept_by_half_where_the_server_is_killed(house: House) -> None:
    await house.store.close()
    acknowledged = await asyncio.to_thread(killed, house)
    assert len(acknowledged) >= ACKNOWLEDGED
    await nobody_writes(house)
    store = await house.open()
    kept = [row[0] for row in await house.ask("SELECT id FROM desk_case", people=True)]
    assert {f"case_{name}" for name in acknowledged} <= set(kept)
    for one in kept:
        await check_whole(store, one.removeprefix("case_"))
    for table in ("report", "evidence", "event", "notice", "line"):
        rows = await house.ask(f"SELECT 1 FROM desk_{table}", people=True)  # noqa: S608
        assert len(rows) == len(kept)
    log = await store.desk.staff_log(0, 9999)
    assert [line.n for line in log] == list(range(1, len(kept) + 1))
    assert sorted(line.case or "" for line in log) == sorted(kept)
    numbers = [event.number for event in await store.desk.events_after(0, 9999)]
    assert numbers == list(range(1, len(kept) + 1))


@pytest.mark.parametrize("step", ["plan", "numbered", "lengthened", "job_of"])
async def test_a_failure_at_any_step_leaves_nothing_of_the_change(
    house: House, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError(step)

    for store in ("sqlite", "postgres"):
        monkeypatch.setattr(f"halfdoor.store.{store}.desk.{step}", fail)
    with pytest.raises(MemoryError):
        await house.store.desk.commit(filed("a"))
    for table in ("case", "report", "evidence", "event", "notice", "line", "head"):
        assert await house.ask(f"SELECT 1 FROM desk_{table}", people=True) == []  # noqa: S608
    assert await house.ask("SELECT 1 FROM job", people=True) == []
    monkeypatch.undo()
    await house.store.desk.commit(filed("a"))
    await check_whole(house.store, "a")
