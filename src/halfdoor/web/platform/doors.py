"""The platform's door: its gate and its routes, for a house whose configuration opens it."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from halfdoor.accounts.people import People
from halfdoor.accounts.profile import Profiles
from halfdoor.clock import Clock
from halfdoor.config.errors import ConfigError
from halfdoor.config.model import Config
from halfdoor.policy.model import Policy
from halfdoor.web.outbound.jwks import JwksFile
from halfdoor.web.platform.erasure import Erasures, PlatformErasure
from halfdoor.web.platform.openapi import document
from halfdoor.web.platform.operations import ROOT, Operation
from halfdoor.web.platform.people import PlatformPeople
from halfdoor.web.platform.signature import (
    SignatureSettings,
    SignedRequests,
    UsedNames,
    audience_of,
)
from halfdoor.web.platform.ties import PlatformTies
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route


class PlatformSetting(Protocol):
    """What the platform's door needs of a house's setting."""

    @property
    def policy(self) -> Policy:
        """The policy in force: it says who is at home here."""


class PlatformHouse(Protocol):
    """What the platform's door needs of a house."""

    @property
    def setting(self) -> PlatformSetting:
        """What the house was built from."""

    @property
    def used_names(self) -> UsedNames | None:
        """The names of requests that were done at any node; None where there is one."""

    @property
    def people(self) -> People:
        """Facts, connections, blocks."""

    @property
    def profiles(self) -> Profiles:
        """What people show of themselves."""

    @property
    def erasing(self) -> Erasures:
        """What erases people."""

    @property
    def clock(self) -> Clock:
        """The time."""


def platform_doors(
    house: PlatformHouse, config: Config
) -> tuple[SignedRequests, list[Route]] | None:
    """Return gate and routes, or None where no keys are configured: the door stays shut.

    `ConfigError` where there are keys and no issuer.
    """
    keys = config.platform_api.jwks_file
    if keys is None:
        return None
    issuer = config.platform_api.issuer or config.jwt.issuer
    if issuer is None:
        raise ConfigError(
            "platform_api.issuer", "with keys it must be set, or any issuer would do."
        )
    settings = SignatureSettings(
        issuer=issuer,
        audience=audience_of(config.server_name),
        algorithms=tuple(config.jwt.algorithms),
        leeway_s=config.jwt.leeway_seconds,
    )
    gate = SignedRequests(settings, JwksFile(keys), house.clock, house.used_names)
    return gate, routes(
        house.people,
        house.profiles,
        house.erasing,
        server=config.server_name,
        is_home_of=house.setting.policy.entity.is_home_of,
        clock=house.clock,
    )


def routes(
    people: People,
    profiles: Profiles,
    erasures: Erasures,
    *,
    server: str,
    is_home_of: Callable[[str | None], bool],
    clock: Clock,
) -> list[Route]:
    """Return every route below `/_halfdoor/platform/v1`, with the document that describes them.

    *is_home_of* says whether people of a region belong to this entity.
    """
    operations = [
        *PlatformPeople(people, profiles, server=server, is_home_of=is_home_of).operations(),
        *PlatformErasure(erasures, server=server).operations(),
        *PlatformTies(people, server=server, clock=clock).operations(),
    ]
    return [*(one.route() for one in operations), _described(operations)]


def _described(operations: list[Operation]) -> Route:
    # Made once: the operations do not change while the server runs.
    described = msgspec.Raw(msgspec.json.encode(document(operations)))

    async def openapi(_request: Request, _session: None) -> Response:
        return json_response(described)

    return Route("GET", f"{ROOT}/openapi.json", openapi, auth="none")
