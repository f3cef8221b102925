"""`halfdoor`, which kills itself at one step of a send.

`python -m tests.journeys.dying_node STEP COUNT WORD…` runs the command of these words; the process
dies by SIGKILL when it comes to that step for the COUNT-th time.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from halfdoor.cli.main import main
from halfdoor.messaging.keep import Keeper
from halfdoor.store.postgres import database as postgres_database
from halfdoor.store.postgres.conversations import PostgresConversations
from halfdoor.store.sqlite.commits import Committer
from halfdoor.store.sqlite.conversations import SqliteConversations

# In the order in which a message passes them; the first writes of a process are not yet a crowd.
COUNTS = {
    "before the write": 150,
    "before the commit": 30,
    "while it commits": 30,
    "after the commit": 30,
    "before anybody is woken": 150,
    "before the answer": 150,
}
# On the embedded store a commit is one call within the process.
STEPS = list(COUNTS)
STEPS_EMBEDDED = [step for step in STEPS if step != "while it commits"]


def program(step: str) -> list[str]:
    """The beginning of a command line that runs `halfdoor` until *step*."""
    return [sys.executable, "-m", "tests.journeys.dying_node", step, str(COUNTS[step])]


def arm(step: str, count: int) -> None:
    """Let this process die at *step*, the *count*-th time."""
    left = count

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    {
        "before the write": _before_the_write,
        "before the commit": _before_the_commit,
        "while it commits": _while_it_commits,
        "after the commit": _after_the_commit,
        "before anybody is woken": _before_the_wake,
        "before the answer": _before_the_answer,
    }[step](pass_by)


def _before_the_write(pass_by: Callable[[], None]) -> None:
    for store in (SqliteConversations, PostgresConversations):
        append: Any = store.append

        async def dying(self: Any, item: Any, append: Any = append) -> Any:
            pass_by()
            return await append(self, item)

        store.append = dying  # type: ignore[method-assign]


def _before_the_commit(pass_by: Callable[[], None]) -> None:
    conclude: Any = Committer.conclude
    commit: Any = postgres_database._commit

    def dying(self: Any, jobs: list[Any]) -> None:
        pass_by()
        conclude(self, jobs)

    async def dying_too(con: Any) -> None:
        pass_by()
        await commit(con)

    Committer.conclude = dying  # type: ignore[method-assign]
    postgres_database._commit = dying_too


def _while_it_commits(pass_by: Callable[[], None]) -> None:
    commit: Any = postgres_database._commit

    async def dying(con: Any) -> None:
        under_way = asyncio.ensure_future(commit(con))
        # Sent off; nobody hears whether it became durable.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        pass_by()
        await under_way

    postgres_database._commit = dying


def _after_the_commit(pass_by: Callable[[], None]) -> None:
    conclude: Any = Committer.conclude
    commit: Any = postgres_database._commit

    def dying(self: Any, jobs: list[Any]) -> None:
        conclude(self, jobs)
        pass_by()

    async def dying_too(con: Any) -> None:
        await commit(con)
        pass_by()

    Committer.conclude = dying  # type: ignore[method-assign]
    postgres_database._commit = dying_too


def _before_the_wake(pass_by: Callable[[], None]) -> None:
    take: Any = Keeper.take

    def dying(self: Any, *arguments: Any) -> None:
        pass_by()
        take(self, *arguments)

    Keeper.take = dying  # type: ignore[assignment,method-assign]


def _before_the_answer(pass_by: Callable[[], None]) -> None:
    take: Any = Keeper.take

    def dying(self: Any, *arguments: Any) -> None:
        take(self, *arguments)
        pass_by()

    Keeper.take = dying  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    point, number, *words = sys.argv[1:]
    arm(point, int(number))
    sys.argv = [str(Path(sys.executable).with_name("halfdoor")), *words]
    main()
