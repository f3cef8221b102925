"""What the desk sends to other machines: webhooks to the platform, referrals to an authority.

Without its configuration nothing leaves, and no HTTP client is in memory.
"""

from typing import TYPE_CHECKING, Final, Protocol, final

from halfdoor.apps import announcing
from halfdoor.apps.work import Worker
from halfdoor.config.errors import ConfigError
from halfdoor.store.jobs import Job, JobStore

if TYPE_CHECKING:
    from halfdoor.apps.house import House

# The queue of `readers.review.referrals`, which few houses have in memory.
REFER: Final = "refer"
# Work of these queues waits for other machines.
BESIDE = frozenset({announcing.QUEUE, REFER})


class Client(Protocol):
    """An HTTP client that is to be closed."""

    async def aclose(self) -> None:
        """Close its connections."""


@final
class Outgoing:
    """The workers of the queues that leave the house, and what they need to be closed."""

    def __init__(self, house: "House") -> None:
        """`ConfigError` for a secret or password that cannot be read."""
        self._house = house
        self._clients: list[Client] = []
        # Hears how many webhooks in a row the platform did not take, 0 once it takes them again.
        self.report: announcing.Tell = _silence
        nothing = Dropping(house.store.jobs)
        self.announces = house.setting.webhooks.url is not None
        self.workers: dict[str, Worker] = {
            announcing.QUEUE: self._announcing() if self.announces else nothing,
            REFER: self._referring() if house.setting.cyber_tip.send else nothing,
        }

    async def begin(self) -> None:
        """See to it that the telling goes on from where it stands, or begins now."""
        if self.announces:
            await announcing.begin(self._house.store.jobs, self._house.clock.now_ms())

    async def close(self) -> None:
        """Close what is open to other machines."""
        for client in self._clients:
            await client.aclose()

    def _announcing(self) -> Worker:
        # An HTTP client is a tenth of this process's memory; most houses need none.
        from halfdoor.web.outbound.jwks_url import outbound_client  # noqa: PLC0415
        from halfdoor.web.outbound.webhooks import (  # noqa: PLC0415
            DeliveryError,
            SecretError,
            WebhookPost,
            read_secret,
        )

        place = self._house.setting.webhooks
        if place.url is None or place.secret_file is None:
            raise ConfigError(
                "webhooks.secret_file", "without it a message could come from anybody."
            )
        try:
            secret = read_secret(place.secret_file)
        except SecretError as error:
            raise ConfigError("webhooks.secret_file", f"{error}.") from None
        client = outbound_client()
        self._clients.append(client)
        post = WebhookPost(client, place.url, secret)
        return announcing.Announcing(
            self._house.desk.store,
            post,
            self._house.store.jobs,
            away=(DeliveryError,),
            tell=self._tell,
        )

    def _tell(self, missed: int) -> None:
        # Who reports is set once the server has its log, which is after this was made.
        self.report(missed)

    def _referring(self) -> Worker:
        from halfdoor.apps.referring import Referring  # noqa: PLC0415
        from halfdoor.web.outbound.cyber_tip import CyberTipline  # noqa: PLC0415
        from halfdoor.web.outbound.jwks_url import outbound_client  # noqa: PLC0415

        tip = self._house.setting.cyber_tip
        if tip.username is None or tip.password_file is None:
            raise ConfigError("cyber_tip.send", "to send, it takes username and password_file.")
        try:
            password = tip.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(
                "cyber_tip.password_file", f"{tip.password_file} cannot be read."
            ) from None
        client = outbound_client()
        self._clients.append(client)
        tipline = CyberTipline(client, tip.username, password, tip.endpoint)
        return Referring(self._house.desk.vault.filing, tipline, self._house.store.jobs)


def _silence(_missed: int) -> None:
    """Tell nobody: a house that no server runs has no log."""


@final
class Dropping:
    """Ends jobs that a configuration of earlier left: what they tell is told no more."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    async def step(self, job: Job, now: int) -> Job | None:
        """End *job*."""
        await self._jobs.end(job)
        return None
