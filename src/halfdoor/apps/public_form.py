"""The public form of a house: one listener, and the room that takes what comes in there."""

from collections.abc import Sequence
from typing import Final, final

from structlog.typing import FilteringBoundLogger

from halfdoor.accounts.errors import LimitedError
from halfdoor.apps.gate import Gate
from halfdoor.apps.house import House
from halfdoor.config.model import Config
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.removal import Company
from halfdoor.readers.review.case_names import CaseNames
from halfdoor.readers.review.outside import OutsideReports
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App
from halfdoor.web.console.assets import Assets
from halfdoor.web.errors import ErrorTable
from halfdoor.web.limits import limits_from
from halfdoor.web.matrix.report_refusals import add_report_refusals
from halfdoor.web.metrics import Metrics
from halfdoor.web.public.report_form import PublicForm
from halfdoor.web.request import BodyLimits
from halfdoor.web.serve import Listener

_BUSY: Final = "Too many reports came in just now: send it again in some minutes."


@final
class Pairs:
    """Finds the conversations of two people, as `readers.review.outside.Together` asks."""

    def __init__(self, mailbox: MailboxStore, company: Company) -> None:
        self._mailbox = mailbox
        self._company = company

    async def together(self, one: str, other: str, most: int) -> Sequence[str]:
        """Return at most so many conversations that are theirs alone, also ones that one left."""
        theirs = {place.conv for place in await self._mailbox.places(other)}
        common = [place.conv for place in await self._mailbox.places(one) if place.conv in theirs]
        return [conv for conv in common[-most:] if await self._company.is_pair(conv)]


def outside_reports(house: House) -> OutsideReports:
    """Return what takes reports from outside into *house*."""
    return OutsideReports(
        desk=house.desk.store,
        review=house.desk.review,
        facts=house.facts,
        together=Pairs(house.store.mailbox, Company(house.rooms)),
        names=CaseNames(house.store.secrets().receipts),
        server=house.setting.server_name,
        clock=house.clock,
    )


def public_app(
    house: House, config: Config, public_url: str, metrics: Metrics, log: FilteringBoundLogger
) -> App:
    """Return what everybody reaches at *public_url*."""
    errors = ErrorTable()
    add_report_refusals(errors)
    errors.add(
        LimitedError,
        429,
        "M_LIMIT_EXCEEDED",
        lambda _error: _BUSY,
        extras=lambda error: {"retry_after_ms": error.retry_after_ms},
    )
    form = PublicForm(
        outside=outside_reports(house),
        review=house.desk.review,
        assets=Assets(),
        origin=public_url.rstrip("/"),
        server=house.setting.server_name,
        per_hour=config.public_form.per_hour,
        now=house.clock.now_ms,
    )
    return App(
        form.routes(),
        # Nobody comes in here with a token of a person's account.
        sessions=Gate(house.sessions, house.keyring, house.clock),
        platform=None,
        errors=errors,
        limits=limits_from(config.limits, development=config.development),
        bodies=BodyLimits(
            max_body_bytes=config.max_body_bytes, body_seconds=config.limits.body_seconds
        ),
        addresses=ClientAddresses(config.trusted_proxies if config.behind_proxy else ()),
        numbers=metrics.requests,
        log=log,
    )


def public_listener(
    house: House, config: Config, public_url: str, metrics: Metrics, log: FilteringBoundLogger
) -> Listener:
    """Return the listener of the public form; TLS and proxies are the server's own."""
    return Listener(
        app=public_app(house, config, public_url, metrics, log),
        bind=config.public_form.bind,
        port=config.public_form.port,
        tls_cert=config.tls_cert,
        tls_key=config.tls_key,
        behind_proxy=config.behind_proxy,
        trusted_proxies=tuple(config.trusted_proxies),
        connections=config.limits.connections,
        header_seconds=config.limits.header_seconds,
    )
