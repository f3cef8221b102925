"""One test per cell of SAFETY §5.1: each pair of age bands, connected or not, blocked, ignored.

What is expected stands in two tables written by hand beside this file; see their heads.
"""

import csv
from itertools import product
from pathlib import Path

import pytest

from halfdoor.policy.load import load, policy_from
from halfdoor.policy.model import Policy
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import (
    ContactRefused,
    Person,
    Relation,
    Request,
    Start,
    check_group,
    may_start,
)

HERE = Path(__file__).parent
NOW = 1_790_000_000_000
DEFAULT = load()
MUTUALS = policy_from({"bands": {"13-15": {"dm": {"enabled": "mutuals"}}}}, "mutuals.toml")
GUARDED = (AgeBand.UNDER_13, AgeBand.FROM_13)


def read_cells(name: str) -> list[dict[str, str]]:
    lines = (HERE / name).read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def expand(name: str, situations: list[str]) -> list[tuple[str, str, bool, bool, bool, str, str]]:
    first, second = ("sender", "recipient") if "contact" in name else ("inviter", "invitee")
    return [
        (
            cell[first],
            cell[second],
            cell["connected"] == "yes",
            blocked,
            ignored,
            situation,
            cell[situation],
        )
        for cell in read_cells(name)
        for situation in situations
        for blocked, ignored in product((False, True), repeat=2)
    ]


CONTACT = expand("contact_cells.csv", ["default", "willing", "mutuals"])
GROUP = expand("group_cells.csv", ["default", "listed"])


def person(name: str, band: str, other: str, situation: str) -> Person:
    age = AgeBand(band)
    if situation == "default":
        return Person(user_id=name, band=age)
    if age in GUARDED:
        return Person(
            user_id=name,
            band=age,
            guardian="@guardian:hd.example",
            guardian_allows=frozenset({other}),
            dm_choice=True,
        )
    return Person(user_id=name, band=age, dm_choice=True)


def answer(start: Start) -> str:
    if isinstance(start, Request):
        return f"request:{start.messages_left}:{start.kinds.value}"
    return "connected"


@pytest.mark.parametrize("name", ["contact_cells.csv", "group_cells.csv"])
def test_the_table_has_every_pair_of_bands_connected_and_not(name: str) -> None:
    cells = read_cells(name)
    first, second, connected, *_ = cells[0]
    pairs = [(cell[first], cell[second], cell[connected]) for cell in cells]
    bands = [band.value for band in AgeBand]
    assert sorted(pairs) == sorted(product(bands, bands, ["yes", "no"]))


@pytest.mark.parametrize(
    ("sender", "recipient", "connected", "blocked", "ignored", "situation", "expected"), CONTACT
)
def test_contact_of_two_is_as_the_table_says(
    sender: str,
    recipient: str,
    connected: bool,
    blocked: bool,
    ignored: bool,
    situation: str,
    expected: str,
) -> None:
    policy: Policy = MUTUALS if situation == "mutuals" else DEFAULT
    alice = person("@alice:hd.example", sender, "@bob:hd.example", situation)
    bob = person("@bob:hd.example", recipient, "@alice:hd.example", situation)
    relation = Relation(
        connected=connected, blocked_by_recipient=blocked, ignored_by_recipient=ignored
    )
    if expected == "connected" or expected.startswith("request:"):
        start = may_start(policy, alice, bob, relation, NOW)
        assert answer(start) == expected
        assert start.shown is (not blocked and not ignored)
    else:
        with pytest.raises(ContactRefused) as refused:
            may_start(policy, alice, bob, relation, NOW)
        assert refused.value.reason == expected


@pytest.mark.parametrize(
    ("inviter", "invitee", "connected", "blocked", "ignored", "situation", "expected"), GROUP
)
def test_bringing_somebody_into_a_group_is_as_the_table_says(
    inviter: str,
    invitee: str,
    connected: bool,
    blocked: bool,
    ignored: bool,
    situation: str,
    expected: str,
) -> None:
    alice = person("@alice:hd.example", inviter, "@bob:hd.example", situation)
    bob = person("@bob:hd.example", invitee, "@alice:hd.example", situation)
    relation = Relation(
        connected=connected, blocked_by_recipient=blocked, ignored_by_recipient=ignored
    )
    pairs = {(alice.user_id, bob.user_id)} if connected else set()
    if expected == "connected" or expected.startswith("request:"):
        invite = check_group(DEFAULT, [alice], pairs, alice, bob, relation, NOW)
        assert answer(invite.start) == expected
        assert invite.start.shown is (not blocked and not ignored)
    else:
        with pytest.raises(ContactRefused) as refused:
            check_group(DEFAULT, [alice], pairs, alice, bob, relation, NOW)
        assert refused.value.reason == expected
