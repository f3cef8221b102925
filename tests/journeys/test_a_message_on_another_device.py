"""Devices come, wait, expire and return; the conversation is the same on each of them."""

import pytest
from tests.journeys.house import House
from tests.journeys.js_client import JsClient
from tests.journeys.pairs import (
    KINDS,
    PASSWORD,
    Pair,
    bodies,
    new_account,
    new_name,
    sign_up,
    visiting,
)
from tests.journeys.pending_device import approve, check_shows_nothing, waiting_devices
from tests.journeys.person import Person, becomes, eventually, meet, sees, whole_history
from tests.journeys.platform_side import Platform, make_person

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_second_device_with_the_password_reads_the_history(
    house: House, pair: Pair
) -> None:
    room_id = await meet(pair.left, pair.right)
    written = [f"long ago {number}" for number in range(30)]
    for number, body in enumerate(written):
        await (pair.left, pair.right)[number % 2].send(room_id, body)

    for kind, user in (("js", pair.right.user_id), ("nio", pair.left.user_id)):
        async with visiting(await sign_up(house, kind, user)) as second:
            await second.start()
            await becomes(second, room_id, "join")
            assert bodies(await whole_history(second, room_id)) == written


async def test_a_session_with_a_short_lived_token_renews_it_and_misses_nothing(
    house: House, pair: Pair
) -> None:
    person = await JsClient.open(house)
    async with visiting(person):
        user_id = await new_account(house)
        await person.login_password(user_id, PASSWORD, device_name="short-lived", refresh=True)
        first_token = person.access_token
        # An SDK notices that its token expired when it asks again: a short poll makes it ask.
        await person.start(poll_milliseconds=500)
        room_id = await meet(pair.left, person)
        sent: list[str] = []
        for renewals in (1, 2):
            await eventually(
                person.session,
                lambda now, renewals=renewals: bool(now["renewals"] >= renewals),  # type: ignore[misc]
                f"the token is renewed for the {renewals}. time",
                explain=person.explain,
            )
            for writer in (pair.left, person):
                event_id = await writer.send(room_id, f"after renewal {renewals}")
                sent.append(event_id)
                await sees(person, room_id, event_id)
                await sees(pair.left, room_id, event_id)

        session = await person.session()
        assert session["soft_logouts"] >= 2
        assert session["access_token"] != first_token
        assert [one.event_id for one in await whole_history(person, room_id)] == sent


async def test_an_expired_token_is_a_soft_logout_and_a_lost_answer_to_refresh_does_not_matter(
    house: House,
) -> None:
    async with house.client() as raw:
        await raw.login(await new_account(house), PASSWORD, refresh=True)
        old = dict(raw.credentials)
        assert 0 < old["expires_in_ms"] <= 3000
        whoami = "/_matrix/client/v3/account/whoami"

        async def look() -> dict[str, object]:
            answer = await raw.http.get(whoami, headers=raw.headers())
            return {"status": answer.status_code, **answer.json()}

        refusal = await eventually(
            look,
            lambda answer: answer["status"] == 401,
            "the token expires",
            explain=house.explain,
        )
        assert refusal["errcode"] == "M_UNKNOWN_TOKEN"
        assert refusal["soft_logout"] is True

        async with house.client() as anonymous:
            refresh = {"refresh_token": old["refresh_token"]}
            lost = await anonymous.ask("POST", "/_matrix/client/v3/refresh", refresh)
            again = await anonymous.ask("POST", "/_matrix/client/v3/refresh", refresh)
        assert len({old["access_token"], lost["access_token"], again["access_token"]}) == 3
        raw.credentials = {**old, **again}
        assert (await raw.ask("GET", whoami))["device_id"] == old["device_id"]


@pytest.mark.parametrize("kind", ["js", "nio"])
async def test_a_device_without_a_secret_shows_nothing_until_another_approves_it(
    house: House, platform: Platform, pair: Pair, kind: str
) -> None:
    name = new_name()
    async with (
        house.client() as first,
        house.client() as behind_the_app,
        visiting(await KINDS[kind].open(house)) as pending,
    ):
        user_id = (await first.login_jwt(platform.sign_in(name)))["user_id"]
        room_id = await pair.left.create_dm(user_id)
        await becomes(pair.left, room_id, "join")
        event_id = await pair.left.send(room_id, "for your eyes")
        await first.join(room_id)

        await pending.login_jwt(platform.sign_in(name))
        behind_the_app.credentials = {
            "user_id": pending.user_id,
            "device_id": pending.device_id,
            "access_token": pending.access_token,
        }
        # Its long poll ends as soon as it is approved.
        await pending.start()
        await check_shows_nothing(behind_the_app, room_id)
        assert await pending.membership(room_id) is None

        await approve(first, behind_the_app)

        await becomes(pending, room_id, "join")
        assert (await sees(pending, room_id, event_id)).body == "for your eyes"
        answer = await pending.send(room_id, "on a screen of its own")
        for person in (pair.left, pending):
            assert (await sees(person, room_id, answer)).body == "on a screen of its own"
        assert bodies(await whole_history(pending, room_id)) == [
            "for your eyes",
            "on a screen of its own",
        ]
        assert await waiting_devices(first) == []


@pytest.mark.parametrize("kind", ["js", "nio"])
async def test_a_message_to_somebody_who_never_signed_in_is_there_when_they_do(
    house: House, platform: Platform, pair: Pair, kind: str
) -> None:
    name = new_name()
    async with house.client() as backend:
        user_id = await make_person(backend, platform, name, pair.left.user_id)
    room_id = await pair.left.create_dm(user_id)
    await becomes(pair.left, room_id, "join")
    event_id = await pair.left.send(room_id, "welcome, whenever you come")

    async with visiting(await KINDS[kind].open(house)) as newcomer:
        await newcomer.login_jwt(platform.sign_in(name))
        await newcomer.start()
        await becomes(newcomer, room_id, "invite")
        await _sync_once(house, pair.left)
        await newcomer.accept(room_id)

        await becomes(newcomer, room_id, "join")
        seen = await sees(newcomer, room_id, event_id)
        assert (seen.sender, seen.body) == (pair.left.user_id, "welcome, whenever you come")
        answer = await newcomer.send(room_id, "here I am")
        assert (await sees(pair.left, room_id, answer)).body == "here I am"
        assert bodies(await whole_history(newcomer, room_id)) == [
            "welcome, whenever you come",
            "here I am",
        ]


async def _sync_once(house: House, person: Person) -> None:
    """One `/sync` of that person's own session: a request in which the server may act for them."""
    async with house.client() as raw:
        raw.credentials = {"access_token": person.access_token}
        await raw.sync()
