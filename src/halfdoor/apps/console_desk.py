"""The desk as the console's pages ask it, joined by hand."""

from typing import final

from halfdoor.apps.console_appeals import ConsoleAppeals
from halfdoor.apps.console_cases import ConsoleCases
from halfdoor.apps.console_decisions import ConsoleDecisions
from halfdoor.apps.console_house import ConsoleHouse
from halfdoor.apps.console_numbers import ConsoleBoards, ConsoleWellness
from halfdoor.apps.console_office import ConsoleOffice
from halfdoor.apps.console_reveals import ConsoleReveals
from halfdoor.apps.house import House
from halfdoor.config.model import Config


@final
class ConsoleDesk:
    """Implements `web.console.desk.Desk`: nothing is decided here, only put into pages' words."""

    def __init__(self, house: House, config: Config) -> None:
        desk = house.desk
        self.policy = desk.review
        self.cases = ConsoleCases(desk)
        self.reveals = ConsoleReveals(desk)
        self.decisions = ConsoleDecisions(desk)
        self.appeals = ConsoleAppeals(desk)
        self.wellness = ConsoleWellness(desk)
        self.boards = ConsoleBoards(desk)
        self.offices = ConsoleOffice(
            house.setting, desk.staff, desk.staff_sessions, desk.invitations, house.clock
        )
        self.houses = ConsoleHouse(house, config)
