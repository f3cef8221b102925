"""What takes longer than a request in a house, joined by hand from the house's rooms."""

from typing import TYPE_CHECKING

from halfdoor.apps.erasing import Erasing
from halfdoor.apps.work import Work
from halfdoor.messaging.farewell import Farewell
from halfdoor.store.erasing import QUEUE as ERASURE
from halfdoor.store.renewal import QUEUE as RENEWAL

if TYPE_CHECKING:
    from halfdoor.apps.house import House


def erasing_in(house: "House") -> Erasing:
    """Return what erases people in *house*, whose rooms stand."""
    store = house.store
    return Erasing(
        store=store.erasures,
        jobs=store.jobs,
        accounts=house.account_store,
        deactivate=house.deactivate,
        people=house.people,
        farewell=Farewell(
            store=store.conversations, rooms=house.rooms, keeper=house.keeper, moves=house.moves
        ),
        remembered=house.audience,
        clock=house.clock,
    )


def work_in(house: "House") -> Work:
    """Return what has the jobs of *house* done, each by whoever knows how."""
    store = house.store
    return Work(store.jobs, {RENEWAL: store.renewal, ERASURE: house.erasing}, house.clock)
