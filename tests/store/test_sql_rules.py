"""The SQL keeps to what also runs on many machines: one bucket a statement (SCALE §7)."""

import re
import sqlite3
from pathlib import Path

import pytest

from halfdoor.store.migrate import migration_files
from halfdoor.store.sqlite import statements as statements_module
from halfdoor.store.sqlite.statements import parse

REFERENCE = {"data_key", "secret", "counter", "mark"}
# Sweeps that no request calls, and tables of a few rows for the whole entity.
EXEMPT = re.compile(r"(^|_)(maintenance|keys)$")

STATEMENTS = [
    (file.stem, name, text)
    for file in sorted(Path(statements_module.__file__).parent.glob("*.sql"))
    for name, text in parse(file.read_text()).items()
]


def tables(side: str) -> dict[str, str]:
    """Return the bucket column of every table of *side*."""
    con = sqlite3.connect(":memory:")
    for file in migration_files((side,)):
        con.executescript(file.read_text())
    found = {}
    for (table,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        columns = [row[1] for row in con.execute(f"PRAGMA table_info({table})")]
        if table not in REFERENCE and not table.startswith("sqlite_"):
            assert columns[0] in {"cb", "ub"}, table
            found[table] = columns[0]
    con.close()
    return found


CONVERSATIONS, PEOPLE = tables("conversations"), tables("people")
BUCKETS = CONVERSATIONS | PEOPLE


def named(text: str) -> list[str]:
    """Return the tables a statement names, in order."""
    found = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)", text)
    return [one for one in found if one != "json_each"]


def bound_buckets(text: str, bucket: str) -> set[str]:
    """Return the tables (or "") whose bucket is compared with a value in *text*."""
    return set(re.findall(rf"\b(?:([a-z_]+)\.)?{bucket} = \?", text))


@pytest.mark.parametrize("side", ["conversations", "people"])
def test_every_unique_key_begins_with_its_bucket(side: str) -> None:
    con = sqlite3.connect(":memory:")
    for file in migration_files((side,)):
        con.executescript(file.read_text())
    for table, bucket in tables(side).items():
        keys = [row[1] for row in con.execute(f"PRAGMA index_list({table})") if row[2]]
        assert keys, f"{table} has no key"
        for key in keys:
            columns = [row[2] for row in con.execute(f"PRAGMA index_info({key})")]
            assert columns[0] == bucket, f"{key} on {table} does not begin with its bucket"


def test_the_two_sides_share_no_table() -> None:
    assert not CONVERSATIONS.keys() & PEOPLE.keys()
    assert set(CONVERSATIONS.values()) == {"cb"}
    assert set(PEOPLE.values()) == {"ub"}


def test_no_foreign_key_leads_from_one_side_to_the_other() -> None:
    for side, own in (("conversations", CONVERSATIONS), ("people", PEOPLE)):
        for file in migration_files((side,)):
            for table in re.findall(r"REFERENCES\s+([a-z_]+)", file.read_text()):
                assert table in own


@pytest.mark.parametrize(("file", "name", "text"), STATEMENTS)
def test_every_statement_stays_on_one_side(file: str, name: str, text: str) -> None:
    sides = {BUCKETS[table] for table in named(text) if table not in REFERENCE}
    assert len(sides) <= 1


@pytest.mark.parametrize(("file", "name", "text"), STATEMENTS)
def test_every_statement_names_its_bucket(file: str, name: str, text: str) -> None:
    if EXEMPT.search(file):
        return
    first, *others = named(text)
    bucket = BUCKETS[first]
    if text.startswith("INSERT"):
        assert re.search(rf"\({bucket}\b|\b{bucket}\b", text)
        return
    assert bound_buckets(text, bucket), "no bucket is given"
    for other in others:
        assert re.search(
            rf"\b{other}\.{bucket} = \w+\.{bucket}\b|\w+\.{bucket} = {other}\.{bucket}\b"
            rf"|\b{other}\.{bucket} = \?|{bucket} = \?",
            text,
        ), f"{other} is joined without its bucket"


@pytest.mark.parametrize(("file", "name", "text"), STATEMENTS)
def test_no_statement_inserts_what_it_selects(file: str, name: str, text: str) -> None:
    assert not re.search(r"\bINSERT\b.*\bSELECT\b", text)
    assert not re.match(r"\s*WITH\b.*\b(INSERT|UPDATE|DELETE)\b", text)


@pytest.mark.parametrize(("file", "name", "text"), STATEMENTS)
def test_every_statement_compiles_against_the_newest_schema(
    file: str, name: str, text: str
) -> None:
    con = sqlite3.connect(":memory:")
    for migration in migration_files():
        con.executescript(migration.read_text())
    con.execute(f"EXPLAIN {text}", (None,) * text.count("?"))
    con.close()


def test_the_lint_itself_finds_what_is_forbidden() -> None:
    assert not bound_buckets("SELECT a FROM event WHERE c = ?", "cb")
    assert bound_buckets("SELECT a FROM event WHERE event.cb = ?", "cb") == {"event"}
    assert named("SELECT a FROM event JOIN inbox ON 1") == ["event", "inbox"]
    assert len(STATEMENTS) > 60


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="named one"):
        parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")


def test_statements_are_read_without_their_comments() -> None:
    text = "-- about\n\n-- name: one\n-- why\nSELECT 1,\n  2;\n\n-- name: two\nSELECT 3;\n"
    assert parse(text) == {"one": "SELECT 1, 2", "two": "SELECT 3"}
