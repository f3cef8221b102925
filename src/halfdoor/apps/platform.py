"""The platform API of a house, where its configuration names the platform's keys."""

from halfdoor.apps.house import House
from halfdoor.config.model import Config
from halfdoor.web.app import PlatformGate
from halfdoor.web.router import Route


def platform_doors(house: House, config: Config) -> tuple[PlatformGate, list[Route]] | None:
    """Return the gate and the routes, None where no keys are configured."""
    return None
