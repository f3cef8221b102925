"""A public log with something in it, its app, and the app behind a real socket for a browser."""

import asyncio
import contextlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.transparency.log_fakes import POLICY
from tests.transparency.public_log import ENTITY, PublicLog

from halfdoor.apps.publiclog import log_app
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.sealing.labels import b64
from halfdoor.sealing.shares import EscrowSet
from halfdoor.sealing.suites import X25519, PrivateKey
from halfdoor.transparency.entries import (
    NoticeEntry,
    OpenEntry,
    Referrals,
    RefusedEntry,
    ReviewEntry,
)
from halfdoor.web.app import App
from halfdoor.web.connection import Connection
from halfdoor.web.logs import configure
from halfdoor.web.publiclog.reading import Reading
from halfdoor.web.reception import Patience, Reception


def policy_file(policy: TrustPolicy = POLICY) -> bytes:
    """*policy* as its file."""
    lines = [f"log {one.key}" for one in policy.logs]
    lines += [f"witness {name} {one.key}" for name, one in policy.witnesses.items()]
    lines += [
        f"group {name} {one.least} {' '.join(one.members)}" for name, one in policy.groups.items()
    ]
    return "\n".join([*lines, f"quorum {policy.quorum}", ""]).encode()


def commit(number: int) -> str:
    """The commitment of the grant of this number."""
    return b64(bytes([number]) * 32)


def escrow_document(employers: list[str], *, k: int = 3) -> dict[str, Any]:
    """An escrow set whose custodians work for *employers*."""
    return {
        "v": 1,
        "entity": ENTITY,
        "suite": 1,
        "groups": [
            {
                "k": k,
                "custodians": [
                    {
                        "name": f"Custodian {n}",
                        "organisation": f"Organisation {n}",
                        "employer": employer,
                        "hpke": b64(PrivateKey.generate(X25519).public.raw),
                        "approval_key": b64(bytes(32)),
                        "notice_url": f"https://n{n}.example/",
                    }
                    for n, employer in enumerate(employers, 1)
                ],
            }
        ],
        "open_until": None,
    }


async def grown_log(employers: list[str] | None = None) -> PublicLog:
    """An honest log of some days: custodians, grants, a notice, a review."""
    log = PublicLog()
    document = escrow_document(employers or ["example", "Court", "Court", "Ombud", "Church"])
    digest = log.document(document)
    found = EscrowSet.from_document(document).hash
    await log.append(log.policy(escrow_set=b64(found), more={"escrow-set.json": digest}))
    await log.night()
    for number, (jurisdiction, authority) in enumerate(
        [("FI", "court"), ("FI", "police"), ("US", "prosecutor"), ("ZZ", "court")], 1
    ):
        await log.append(
            log.grant(
                commit(number),
                escrow_set=b64(found),
                jurisdiction=jurisdiction,
                authority_class=authority,
            )
        )
    about: dict[str, Any] = {"entity": ENTITY, "day": log.day, "grant_commit": commit(1)}
    await log.append(
        OpenEntry(**about, epochs_opened=3, events_opened=120, events_disclosed=17, outcome="full"),
        RefusedEntry(**about | {"grant_commit": commit(2)}, position=1, reason="scope"),
        NoticeEntry(**about, conversations=1, epochs=4, subjects=1, others=1, bundles=()),
    )
    await log.night()
    await log.append(
        ReviewEntry(
            entity=ENTITY,
            day=log.day,
            of_day=log.day - 1,
            cases_opened={"bullying": 9, "sextortion": 4, "hate": 2},
            items=31,
            auto_cases=3,
            reviewers=5,
            referrals=Referrals(ncmec=2, items={"US": 2, "FI": 1}),
            batch_root=commit(9),
        )
    )
    await log.night()
    return log


def shown(log: PublicLog) -> tuple[App, Reading, io.StringIO]:
    """The app around *log*, what it last saw of it (nothing yet), and what it writes to its log."""
    written = io.StringIO()
    logger = configure("debug", stream=written, console=False)

    def now() -> int:
        return log.clock.now // 1000

    reading = Reading(log, POLICY, now)
    return log_app(reading, policy_file(), logger, now=now), reading, written


@dataclass
class Running:
    """A log on a socket of this machine."""

    url: str
    log: PublicLog
    reading: Reading
    loop: asyncio.AbstractEventLoop

    def renew(self) -> None:
        """Let the server look at the log."""
        asyncio.run_coroutine_threadsafe(self.reading.renew(), self.loop).result(20)


@contextlib.contextmanager
def running(log: PublicLog) -> Iterator[Running]:
    """Serve *log* until the block ends."""
    ready = threading.Event()
    found: list[Running] = []
    stops: list[asyncio.Event] = []

    async def serve() -> None:
        app, reading, _ = shown(log)
        await reading.renew()
        reception = Reception(app, Patience())
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(reception), "127.0.0.1", 0)
        url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        found.append(Running(url, log, reading, loop))
        stops.append(asyncio.Event())
        ready.set()
        await stops[0].wait()
        server.close()
        reception.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(stops[0].set)
        thread.join(10)
