"""The front door of a house: every route, the error table, the limits."""

from collections.abc import Callable
from typing import Any

from structlog.typing import FilteringBoundLogger

from halfdoor.accounts.session import Session
from halfdoor.apps.gate import Gate
from halfdoor.apps.house import House
from halfdoor.config.model import Config, Limits
from halfdoor.messaging.keep import BusyError
from halfdoor.messaging.reading import Reader
from halfdoor.readers.review.errors import AppealRefusedError, AppealWordsError, UnknownCaseError
from halfdoor.safety.contact import ContactRefused
from halfdoor.store.errors import StoreClosedError, StoreUnavailableError
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App, PlatformGate
from halfdoor.web.errors import ErrorTable
from halfdoor.web.health import MetricsDoor
from halfdoor.web.health import routes as health_routes
from halfdoor.web.limits import limits_from
from halfdoor.web.matrix import (
    account,
    accountdata,
    administration,
    closed_notices,
    devices,
    directory,
    discovery,
    filters,
    members,
    membership,
    notices,
    own_keys,
    postures,
    profiles,
    pushrules,
    receipts,
    relations,
    reports,
    rooms,
    sending,
    state,
    stubs,
    syncing,
    tags,
    timeline,
)
from halfdoor.web.matrix.account_refusals import add_account_refusals
from halfdoor.web.matrix.closed_notices import add_closed_refusal
from halfdoor.web.matrix.kept_filters import KeptFilters
from halfdoor.web.matrix.key_refusals import add_key_refusals
from halfdoor.web.matrix.media_refusals import add_media_refusals
from halfdoor.web.matrix.proofs import Proofs
from halfdoor.web.matrix.refusals import add_refusals
from halfdoor.web.matrix.report_refusals import add_report_refusals
from halfdoor.web.matrix.room_keys_refusals import add_room_keys_refusals
from halfdoor.web.matrix.signing_in import SigningIn
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.matrix.to_device import add_to_device_refusals
from halfdoor.web.metrics import Metrics
from halfdoor.web.request import BodyLimits
from halfdoor.web.router import Route


def error_table() -> ErrorTable:
    """Return how everything that a room refuses is answered; what is not in it is a bare 500."""
    table = ErrorTable()
    add_refusals(table)
    add_account_refusals(table)
    add_report_refusals(table)
    add_media_refusals(table)
    add_key_refusals(table)
    add_room_keys_refusals(table)
    add_to_device_refusals(table)
    table.add(UnknownCaseError, 404, "M_NOT_FOUND", str)
    table.add(AppealRefusedError, 409, "M_FORBIDDEN", str)
    table.add(AppealWordsError, 400, "M_INVALID_PARAM", str)
    table.add(
        StoreUnavailableError,
        503,
        "M_UNKNOWN",
        "The database cannot be written now. Try again.",
        retry_after=5,
    )
    table.add(StoreClosedError, 503, "M_UNKNOWN", "The server is stopping.", retry_after=5)
    return table


def matrix_routes(house: House, about: discovery.Discovery) -> list[Route]:
    """Return every route of the client-server API."""
    mailbox, personal = house.store.mailbox, house.personal
    standing = Standing(house.rooms, mailbox, house.history)
    proofs = Proofs(house.uia, house.clock)
    signing_in = SigningIn(
        login=house.login,
        tokens=house.login_tokens,
        register=house.register,
        refresh=house.refresh,
        devices=house.devices,
        uia=house.uia,
        with_jwt=house.setting.jwt is not None,
        server_name=house.setting.server_name,
        clock=house.clock,
    )
    is_open = house.setting.registration or house.setting.development
    return [
        *discovery.routes(about, _has_password(house)),
        *postures.routes(
            about.allowed, about.default, house.setting.escrow, house.setting.keyring_seconds
        ),
        *stubs.routes(_name_is_free(house) if is_open else None),
        *signing_in.routes(),
        *account.routes(proofs, house.password_change, house.deactivate),
        *devices.routes(house.devices, proofs),
        *profiles.routes(
            house.profiles, house.media.avatars, _profile_changed(house), house.facts.suspended
        ),
        *house.media.routes(),
        *house.e2ee.routes(),
        *own_keys.routes(
            pending=house.pending,
            start_over=house.start_over,
            recovery=house.recovery,
            theft=house.theft,
            proofs=proofs,
            clock=house.clock,
            signed_in=signing_in.signed_in,
            settled=lambda user: house.wakeups.nudge([user]),
        ),
        *syncing.routes(house.syncer, KeptFilters(mailbox)),
        *filters.routes(mailbox),
        *rooms.routes(house.creator, house.moves, mailbox),
        *membership.routes(house.moves),
        *members.routes(house.rooms, standing, house.presenting),
        *state.routes(house.sender, house.moves, standing, house.presenting),
        *sending.routes(house.sender),
        *timeline.routes(house.history, standing),
        *relations.routes(house.history, standing),
        *receipts.routes(house.markers),
        *accountdata.routes(personal, standing),
        *tags.routes(personal, standing),
        *pushrules.routes(personal),
        *directory.routes(_directory(house)),
        *reports.routes(house.desk.reports),
        *notices.routes(house.desk.noticeboard, house.desk.appeals),
        *closed_notices.routes(
            house.desk.noticeboard, house.desk.appeals, house.desk.tickets, house.clock
        ),
        *administration.routes(),
    ]


def build_apps(
    house: House,
    config: Config,
    *,
    base_url: Callable[[], str],
    draining: Callable[[], bool],
    platform: tuple[PlatformGate, list[Route]] | None,
    metrics: Metrics,
    metrics_token: str | None,
    log: FilteringBoundLogger,
) -> list[App]:
    """Return the ASGI application of *house*, and one for its numbers where they have a bind."""
    about = discovery.Discovery(
        base_url=base_url,
        allowed=house.setting.policy.posture.allowed,
        default=house.setting.policy.posture.default,
        contact=_contact(config),
        support_page=config.support.page,
    )
    # No proxy stands in front of a listener of their own.
    proxied = config.behind_proxy and config.metrics_bind is None
    door = MetricsDoor(token=metrics_token, behind_proxy=proxied)
    numbers = health_routes(metrics, door, draining)
    errors = error_table()
    add_closed_refusal(errors, house.desk.tickets, house.clock)
    front = [*matrix_routes(house, about), *(platform[1] if platform is not None else ())]

    def app(routes: list[Route]) -> App:
        return App(
            routes,
            sessions=Gate(house.sessions, house.keyring, house.clock),
            platform=platform[0] if platform is not None else None,
            errors=errors,
            limits=limits_from(config.limits, development=config.development),
            bodies=_bodies(config, config.limits),
            addresses=ClientAddresses(config.trusted_proxies if config.behind_proxy else ()),
            numbers=metrics.requests,
            log=log,
            writes_waiting=lambda: house.store.waiting,
        )

    if config.metrics_bind is None:
        return [app([*front, *numbers])]
    health_alone = [route for route in numbers if route.template == "/health"]
    return [app([*front, *health_alone]), app(numbers)]


def _bodies(config: Config, limits: Limits) -> BodyLimits:
    return BodyLimits(
        max_body_bytes=config.max_body_bytes,
        body_seconds=limits.body_seconds,
        query_tokens=config.development,
    )


def _contact(config: Config) -> discovery.Contact | None:
    support = config.support
    if support.email is None and support.matrix_id is None:
        return None
    return discovery.Contact("m.role.admin", support.email, support.matrix_id)


def _has_password(house: House) -> Callable[[Session], Any]:
    async def has_password(session: Session) -> bool:
        found = await house.account_store.state(session.user)
        return found is not None and found.login is not None

    return has_password


def _name_is_free(house: House) -> Callable[[str], Any]:
    async def check(localpart: str) -> None:
        await house.register.check_free(localpart)

    return check


def _profile_changed(house: House) -> Callable[[Session], Any]:
    async def changed(session: Session) -> None:
        reader = Reader(session.user, session.device, session.id)
        for place in await house.store.mailbox.places(session.user):
            if place.membership == "join":
                try:
                    await house.moves.refresh_profile(reader, place.conv)
                except (ContactRefused, BusyError):
                    # Somebody there must not be shown it; the other rooms are.
                    continue

    return changed


def _directory(house: House) -> Callable[[str, str, int], Any]:
    async def search(user: str, term: str, limit: int) -> list[dict[str, str]]:
        """Find people among the connections of *user*; nobody else can be found here."""
        found = []
        for other in sorted(await house.people.connections(user)):
            shown = await house.facts.member_content(other)
            name = shown.get("displayname", "")
            if term.lower() in name.lower() or term.lower() in other.lower():
                one = {"user_id": other}
                one.update({"display_name": name} if name else {})
                one.update({k: v for k, v in shown.items() if k == "avatar_url"})
                found.append(one)
            if len(found) >= limit:
                break
        return found

    return search
