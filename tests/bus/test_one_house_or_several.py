"""A house without a bus has its database for itself; houses with one share it."""

import pytest
from tests.bus.nats_server import NatsServer
from tests.bus.two_nodes import Entity

from halfdoor.apps.house import House
from halfdoor.bus.place import BusPlace
from halfdoor.store.errors import DataInUseError
from halfdoor.store.postgres.occupancy import Occupancy


async def test_a_second_house_without_a_bus_is_refused_and_one_with_a_bus_is_not(
    house_site: Entity, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Occupancy.take, "__defaults__", (0.1,))
    bus = BusPlace(nats.url)
    alone = await House.open(house_site.setting("alone", None), house_site.clock)
    assert alone.nodes is None
    for other in (None, bus):
        with pytest.raises(DataInUseError, match="nats_url"):
            await House.open(house_site.setting("other", other), house_site.clock)
    await alone.close()
    first = await House.open(house_site.setting("first", bus), house_site.clock)
    second = await House.open(house_site.setting("second", bus), house_site.clock)
    with pytest.raises(DataInUseError, match="nats_url"):
        await House.open(house_site.setting("other", None), house_site.clock)
    await second.close()
    await first.close()
    assert "127.0.0.1" not in repr(first.nodes)
