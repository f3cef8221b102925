"""The plain definition of what clients see holds as well where every request meets either node."""

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.messaging.little_house import LittleHouse
from tests.messaging.test_every_client_sees_the_same import SLOWED, Clients
from tests.messaging.two_little_nodes import NodeHouse, two_nodes


class ClientsOfTwoNodes(Clients):
    """Requests go to nodes by turns that change, and of the hints between them some are lost."""

    slowed = (*SLOWED, "glances", "standings", "receipts")

    def make_house(self) -> LittleHouse:
        self.lost = itertools.cycle([False])
        return two_nodes(lambda: not next(self.lost))

    @rule(turns=st.lists(st.integers(0, 1), min_size=1, max_size=5))
    def balance(self, turns: list[int]) -> None:
        assert isinstance(self.house, NodeHouse)
        for node in self.house.peers:
            node.turns = itertools.cycle(turns)

    @rule(lost=st.lists(st.booleans(), min_size=1, max_size=4))
    def lose_hints(self, lost: list[bool]) -> None:
        self.lost = itertools.cycle(lost)

    @rule()
    def restart_the_other(self) -> None:
        assert isinstance(self.house, NodeHouse)
        self.house.peers[1].start()


ClientsOfTwoNodes.TestCase.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None
)
TestEveryClientOfTwoNodes = ClientsOfTwoNodes.TestCase
