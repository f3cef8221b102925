"""A platform cannot lift what the review desk decided, and the desk not what the platform said."""

from typing import Any

from msgspec.structs import replace
from tests.web.house_fixture import SERVER, WholeHouse, good, refusal

from halfdoor.accounts.records import MeasureRecord

ALICE = f"@alice:{SERVER}"


async def suspend(house: WholeHouse, *, suspended: bool) -> None:
    good(await house.told("PUT", "/people/alice/suspension", {"suspended": suspended}))


async def decide(house: WholeHouse, *measures: MeasureRecord) -> None:
    await house.house.people.change({ALICE: {"measures": measures}})


async def test_neither_lifts_the_other(house: WholeHouse) -> None:
    await house.person("alice")
    token = (await house.sign_in("alice"))["access_token"]

    async def create() -> Any:
        return await house.ask("POST", "/createRoom", {}, token=token)

    held = MeasureRecord(id="dec.1", kind="suspended", decision="dec", starts=1)
    await suspend(house, suspended=True)
    await decide(house, held)
    await suspend(house, suspended=False)
    assert refusal(await create()) == (403, "M_USER_SUSPENDED")
    # Nor do facts that the platform repeats.
    body = {"people": [{"user": "alice", "age_band": "adult", "region": "FI"}]}
    good(await house.told("PUT", "/people", body))
    assert refusal(await create()) == (403, "M_USER_SUSPENDED")
    await suspend(house, suspended=True)
    await decide(house, replace(held, reversed=2))
    assert refusal(await create()) == (403, "M_USER_SUSPENDED")
    await suspend(house, suspended=False)
    good(await create())


async def test_the_platform_puts_no_measures_into_a_record(house: WholeHouse) -> None:
    await house.person("alice")
    body = {"people": [{"user": "alice", "measures": []}]}
    assert (await house.told("PUT", "/people", body)).status_code == 400
