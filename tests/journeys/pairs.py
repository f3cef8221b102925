"""Two people with different SDKs, and how more of them join."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.journeys.house import House
from tests.journeys.js_client import JsClient
from tests.journeys.nio_client import NioClient
from tests.journeys.person import Message, Person
from tests.journeys.served import Served

PASSWORD = "seven quiet otters row upstream"
KINDS: dict[str, type[JsClient] | type[NioClient]] = {"js": JsClient, "nio": NioClient}
_names = itertools.count(1)


@dataclass
class Pair:
    """Two signed-in people; *left* does what each journey is named for."""

    house: House
    left: Person
    right: Person


def new_name() -> str:
    """A localpart that nobody in this run has."""
    return f"person{next(_names)}"


async def new_account(house: Served) -> str:
    """Register somebody with the journey's password; return the user id."""
    async with house.client() as raw:
        return str((await raw.register(new_name(), PASSWORD))["user_id"])


async def sign_up(house: Served, kind: str, user: str | None = None) -> Person:
    """A device of *user*, or of a new account, signed in by password and not yet syncing."""
    user_id = user or await new_account(house)
    person: Person = await KINDS[kind].open(house)
    await person.login_password(user_id, PASSWORD, device_name=f"journey {kind}")
    return person


@asynccontextmanager
async def visiting(person: Person) -> AsyncIterator[Person]:
    """Somebody who is there for one journey only, and leaves however it ends."""
    try:
        yield person
    finally:
        await person.close()


def bodies(messages: list[Message]) -> list[str | None]:
    """The texts alone, in their order."""
    return [message.body for message in messages]
