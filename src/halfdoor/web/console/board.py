"""The board: inflow, backlog and times as pictures, each with its numbers in a table below."""

from halfdoor.web.console.charts import WIDE, Bars, bars
from halfdoor.web.console.console import BOARD, Doors
from halfdoor.web.console.pages import SEVERITY
from halfdoor.web.console.visit import Visit
from halfdoor.web.response import Response
from halfdoor.web.router import Route


def routes(doors: Doors) -> list[Route]:
    """`/board`. Counts and times of cases; nobody's own numbers."""
    policy = doors.desk.policy
    titles = {one.name: one.title for one in policy.queues}

    async def board(visit: Visit) -> Response:
        figures = await doors.desk.boards.figures(visit.staff)
        backlog = [(titles.get(one.queue, one.queue), one) for one in figures.backlog]
        spread = sorted(figures.spread, key=lambda one: one.rank)
        return doors.pages.page(
            "board.html",
            visit=visit,
            figures=figures,
            backlog=backlog,
            spread=spread,
            inflow=bars(
                "Cases opened and decided each day",
                [day[5:] for day in figures.days],
                [Bars("opened", figures.opened), Bars("decided", figures.decided)],
                WIDE,
            ),
            waiting=bars(
                "Cases by queue",
                [title for title, _ in backlog],
                [
                    Bars("waiting", tuple(one.waiting for _, one in backlog)),
                    Bars("in work", tuple(one.worked for _, one in backlog)),
                ],
            ),
            times=bars(
                "Median minutes by severity",
                [SEVERITY[one.rank] for one in spread],
                [
                    Bars("to claim", tuple(one.claim_median or 0 for one in spread)),
                    Bars("to decide", tuple(one.decide_median or 0 for one in spread)),
                ],
            ),
        )

    return [doors.get("/board", BOARD, board)]
