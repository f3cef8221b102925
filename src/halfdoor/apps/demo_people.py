"""Who lives in the demo, and the escrow set of five custodians who do not exist."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from halfdoor.accounts.errors import UserInUseError
from halfdoor.accounts.records import PersonRecord
from halfdoor.apps.custodian_init import escrow_document, make_key
from halfdoor.apps.house import House
from halfdoor.sealing.shares import EscrowSet

SERVER_NAME: Final = "localhost"
SOURCE: Final = "demo"
_THRESHOLD: Final = 3
_CUSTODIANS: Final = ("Amal", "Björn", "Chidi", "Dolores", "Emi")
_WORDS: Final = (
    "amber", "basil", "cedar", "delta", "ember", "fjord", "gable", "hazel",
    "indigo", "juniper", "kelp", "lilac", "maple", "nettle", "otter", "pebble",
)  # fmt: skip


@dataclass(frozen=True)
class Role:
    """Somebody in the demo: a name, an age band, and one line on who that is."""

    name: str
    band: str
    who: str


ROLES: Final = (
    Role("ada", "adult", "an adult, connected with ben"),
    Role("ben", "adult", "an adult, connected with ada"),
    Role("mia", "13-15", "14 years old"),
    Role("vic", "adult", "an adult stranger, connected with nobody"),
    Role("lea", "16-17", "16 years old, and chose to have direct messages"),
    Role("tom", "adult", "an adult whom the platform connected with lea"),
)


class Account(msgspec.Struct, frozen=True):
    """A seeded account with the password that this demo drew for it."""

    user_id: str
    password: str
    who: str

    def __repr__(self) -> str:
        """Name the account, without its password."""
        return f"Account({self.user_id!r})"


def demo_escrow_set(path: Path, entity: str) -> EscrowSet:
    """Return the 3-of-5 set of *entity* in the demo, made and kept at *path* where there is none.

    The custodians are invented and their private keys are thrown away at once: what the demo
    seals to them nobody will ever open.
    """
    if path.exists():
        return EscrowSet.from_document(msgspec.json.decode(path.read_bytes()))
    public = [
        make_key(
            name=name,
            organisation="Demonstration",
            employer="Nobody",
            notice_url=f"https://{name.lower()}.example/notices",
            passphrase=secrets.token_urlsafe(24),
            demonstration=True,
        ).public
        for name in _CUSTODIANS
    ]
    made = escrow_document(entity=entity, groups=[(_THRESHOLD, public)])
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(made.document)
    return made


def seeded_accounts(path: Path) -> list[Account]:
    """Return the accounts of this demo with their passwords, drawn and kept where there are none.

    *path* lies beside the outer key, mode 0600: a copy of the data holds no password. An earlier
    release may have had fewer people; whom it knew keeps their password.
    """
    known: dict[str, Account] = {}
    if path.exists():
        kept = msgspec.json.decode(path.read_bytes(), type=list[Account])
        known = {account.user_id: account for account in kept}
    accounts = [_account(role, known) for role in ROLES]
    if list(known.values()) != accounts:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(accounts))
    return accounts


def _account(role: Role, known: Mapping[str, Account]) -> Account:
    user_id = f"@{role.name}:{SERVER_NAME}"
    return known.get(user_id) or Account(user_id, _password(), role.who)


async def seed(house: House, accounts: Sequence[Account]) -> None:
    """Make the people of the demo; who is there already stays as they are."""
    now = house.clock.now_ms()
    for role, account in zip(ROLES, accounts, strict=True):
        facts = PersonRecord(user=account.user_id, age_band=role.band, age_source=SOURCE)
        try:
            await house.register.make(role.name, account.password, facts, now)
        except UserInUseError:
            continue
        await house.profiles.set(account.user_id, "displayname", role.name.title())
    by_name = {role.name: account.user_id for role, account in zip(ROLES, accounts, strict=True)}
    for one, other in (("ada", "ben"), ("tom", "lea")):
        await house.people.connect(by_name[one], by_name[other], "platform", now)
    await house.people.choose_dm(by_name["lea"], choice=True)


def _password() -> str:
    return "-".join(secrets.choice(_WORDS) for _ in range(5)) + f"-{secrets.randbelow(1000):03}"
