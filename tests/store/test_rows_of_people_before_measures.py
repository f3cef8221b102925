"""A person's row from before there were measures bears its mac; one with them is bound too."""

from typing import Any

import msgspec
import pytest

from halfdoor.accounts.records import MeasureRecord, PersonRecord
from halfdoor.sealing.outer import OuterKeys, RowMacError, check_row_mac, row_mac
from halfdoor.store.accounts_rows import AccountRows

EVE = "@eve:x"
KEY = bytes(32)
MEASURE = MeasureRecord(id="dec.1", kind="no_media", decision="dec", starts=1, ends=2)


class PersonRecordBefore(msgspec.Struct, frozen=True, kw_only=True):
    """A person as it was kept in the first releases."""

    user: str
    age_band: str | None = None
    age_source: str | None = None
    guardian: str | None = None
    region: str | None = None
    suspended: bool = False
    dm_choice: bool | None = None
    guardian_allows: tuple[str, ...] = ()


class Keys:
    """One data key, and macs under it."""

    account = 2

    def __init__(self) -> None:
        self.outer = OuterKeys({2: KEY})

    def row_mac(self, table: str, partition: str, pk: list[Any], row: list[Any]) -> bytes:
        return row_mac(KEY, table, partition, pk, row)

    def check_row_mac(
        self, table: str, partition: str, pk: list[Any], row: list[Any], found: bytes
    ) -> None:
        check_row_mac(KEY, table, partition, pk, row, found)

    def may_be_newer(self, generation: int) -> bool:
        return False


def test_a_row_from_before_opens_without_measures() -> None:
    rows = AccountRows(Keys())
    before = PersonRecordBefore(user=EVE, age_band="adult", suspended=True, guardian_allows=("@a",))
    row = rows.seal("person", EVE, (EVE,), before)
    found = rows.open("person", EVE, (EVE,), (row.sealed, row.mac), PersonRecord)
    assert found == PersonRecord(
        user=EVE, age_band="adult", suspended=True, guardian_allows=("@a",)
    )
    # And what is written without measures bears the mac that it had before.
    assert rows.seal("person", EVE, (EVE,), found).mac == row.mac


def test_a_row_with_measures_and_nothing_newer_bears_the_mac_it_had() -> None:
    class PersonRecordWithMeasures(PersonRecordBefore, frozen=True, kw_only=True):
        """A person as it was kept before anything was said of their device."""

        measures: tuple[MeasureRecord, ...] = ()

    rows = AccountRows(Keys())
    before = PersonRecordWithMeasures(user=EVE, measures=(MEASURE,))
    row = rows.seal("person", EVE, (EVE,), before)
    found = rows.open("person", EVE, (EVE,), (row.sealed, row.mac), PersonRecord)
    assert found == PersonRecord(user=EVE, measures=(MEASURE,))
    assert rows.seal("person", EVE, (EVE,), found).mac == row.mac


def test_nobody_says_of_a_device_that_it_checks_but_the_platform() -> None:
    rows = AccountRows(Keys())
    records = [
        PersonRecord(user=EVE, measures=measures, device_checks=checks)
        for measures in ((), (MEASURE,))
        for checks in (False, True)
    ]
    kept = [rows.seal("person", EVE, (EVE,), record) for record in records]
    assert len({row.mac for row in kept}) == len(kept)
    for one in kept:
        for other in kept:
            if one is not other:
                with pytest.raises(RowMacError):
                    rows.open("person", EVE, (EVE,), (one.sealed, other.mac), PersonRecord)
    for record, row in zip(records, kept, strict=True):
        assert rows.open("person", EVE, (EVE,), (row.sealed, row.mac), PersonRecord) == record


def test_nobody_takes_a_measure_out_of_a_row_or_puts_one_in() -> None:
    rows = AccountRows(Keys())
    free = PersonRecord(user=EVE)
    bound = PersonRecord(user=EVE, measures=(MEASURE,))
    one, other = (rows.seal("person", EVE, (EVE,), record) for record in (free, bound))
    assert rows.open("person", EVE, (EVE,), (other.sealed, other.mac), PersonRecord) == bound
    for sealed, mac in ((one.sealed, other.mac), (other.sealed, one.mac)):
        with pytest.raises(RowMacError):
            rows.open("person", EVE, (EVE,), (sealed, mac), PersonRecord)
