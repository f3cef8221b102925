"""What takes longer than a request in a house, joined by hand from the house's rooms."""

from typing import TYPE_CHECKING

from halfdoor.apps.enforcing import Enforcing
from halfdoor.apps.erasing import Erasing
from halfdoor.apps.holding import Holding
from halfdoor.apps.outgoing import BESIDE
from halfdoor.apps.telling_work import TellingWork
from halfdoor.apps.work import Work, Worker
from halfdoor.messaging.farewell import Farewell
from halfdoor.messaging.removal import Removal
from halfdoor.messaging.server_notices import ServerNotices
from halfdoor.messaging.server_user import server_user
from halfdoor.readers.review.freezing import QUEUE as FREEZE
from halfdoor.readers.review.judging import ENFORCE
from halfdoor.readers.review.telling import QUEUE as TELL
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
        files=store.media_sweeping,
        clock=house.clock,
        preserved_days=house.setting.policy.review.desk.freeze_days,
        contested_days=house.setting.policy.review.desk.appeal_days,
    )


def work_in(house: "House") -> Work:
    """Return what has the jobs of *house* done, each by whoever knows how."""
    store = house.store
    workers: dict[str, Worker] = {RENEWAL: store.renewal, ERASURE: house.erasing}
    workers |= desk_workers(house) | house.outgoing.workers | dict(house.e2ee.keys.workers)
    return Work(store.jobs, workers, house.clock, BESIDE, (ENFORCE,))


def desk_workers(house: "House") -> dict[str, Worker]:
    """Return who does what follows from reports and decisions in *house*."""
    store, desk = house.store, house.desk
    speaker = server_user(house.setting.server_name)
    enforcing = Enforcing(
        desk=desk.store,
        people=house.people,
        sessions=house.devices,
        removal=Removal(
            store=store.conversations, rooms=house.rooms, keeper=house.keeper, server=speaker
        ),
        wakeups=house.wakeups,
        jobs=store.jobs,
    )
    voice = ServerNotices(
        keeper=house.keeper,
        store=store.conversations,
        mailbox=store.mailbox,
        rooms=house.rooms,
        keys=house.facts,
        keyring=house.keyring,
        wakeups=house.wakeups,
        server_name=house.setting.server_name,
        k_id=store.secrets().k_id,
        clock=house.clock,
    )
    telling = TellingWork(
        jobs=store.jobs,
        desk=desk.store,
        telling=desk.telling,
        voice=voice,
        accounts=house.account_store,
        clock=house.clock,
    )
    return {
        ENFORCE: enforcing,
        FREEZE: Holding(store.retention, store.jobs),
        TELL: telling,
    }
