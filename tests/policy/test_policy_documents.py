"""Every key explains itself, in the schema and in the operators' document."""

from pathlib import Path

import pytest

from halfdoor.policy.explain import rows, spelled
from halfdoor.policy.keys import Key, every_key, find_key
from halfdoor.policy.load import load
from halfdoor.policy.model import Bands, Policy
from halfdoor.policy.review import Help, Part, Queue, Reason

DOCUMENT = Path(__file__).parents[2] / "docs" / "policy.md"
KEYS = list(every_key(Policy))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_has_an_explanation_that_names_each_choice(key: Key) -> None:
    assert len(key.meaning) > 20
    many = len(key.choices) > 2
    assert not many or all(f"{choice}:" in key.meaning for choice in key.choices)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_and_every_choice_stands_in_the_operators_document(key: Key) -> None:
    said = DOCUMENT.read_text()
    for band in ("under13", "13-15", "16-17", "adult", "unknown"):
        short = key.name.removeprefix(f"bands.{band}.")
        if short != key.name:
            assert f"`{short}`" in said
            break
    else:
        assert f"`{key.name}`" in said
    for choice in key.choices:
        assert f"`{choice}`" in said


def test_the_table_in_the_document_is_the_default_policy() -> None:
    lines = DOCUMENT.read_text().splitlines()
    table = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| `") and line.count("|") == 7
    ]
    written = {
        f"bands.{band}.{name}": value
        for name, *values in table
        for band, value in zip(
            ("under13", "13-15", "16-17", "adult", "unknown"), values, strict=True
        )
    }
    default = {
        row.key: row.value.strip('"') for row in rows(load()) if row.key.startswith("bands.")
    }
    assert written == default


def test_the_rows_are_all_keys_once_with_their_values() -> None:
    said = list(rows(load()))
    named = dict.fromkeys(row.key.partition("[")[0] for row in said)
    assert list(named) == [key.name for key in KEYS]
    assert len({row.key for row in said}) == len(said)
    values = {row.key: row.value for row in said}
    assert values["entity.regions"] == '["*"]'
    assert values["bands.adult.first_contact.messages"] == "1"
    assert values["escrow.set"] == "(not set)"


@pytest.mark.parametrize("entry", [Reason, Queue, Help], ids=lambda entry: entry.__name__)
def test_every_key_of_an_entry_stands_in_the_operators_document(entry: type[Part]) -> None:
    said = DOCUMENT.read_text()
    for key in every_key(entry):
        assert len(key.meaning) > 8
        assert f"`{key.name}`" in said
        assert all(f"`{choice}`" in said for choice in key.choices)


def test_each_entry_of_a_list_of_tables_is_a_row_of_its_own() -> None:
    policy = load()
    said = {row.key: row for row in rows(policy)}
    first = said["review.queues[0]"]
    assert first.value == '{name = "child_safety", title = "Child safety", role = "child_safety"}'
    assert first.meaning == "The queues that cases wait in. Child safety"
    assert f"review.reasons[{len(policy.review.reasons) - 1}]" in said
    assert "review.reasons" not in said


def test_the_numbers_in_the_document_are_those_of_the_default_policy() -> None:
    said = DOCUMENT.read_text()
    for row in rows(load()):
        if row.key.startswith("review.") and row.value.isdigit():
            assert f"| `{row.key}` | {row.value} |" in said


def test_a_row_is_spelled_as_a_file_spells_it() -> None:
    assert spelled(load(), "bands.13-15.dm.enabled") == 'bands.13-15.dm.enabled = "off"'
    with pytest.raises(KeyError):
        spelled(load(), "bands.13-15.dm.nothing")


@pytest.mark.parametrize("name", ["", "nothing", "entity.nothing", "version.more", "bands.13-15.x"])
def test_there_is_no_key_of_a_name_that_is_none(name: str) -> None:
    assert find_key(Policy, name) is None


def test_a_band_that_does_not_exist_has_no_rules() -> None:
    with pytest.raises(KeyError):
        Bands().of("12")
