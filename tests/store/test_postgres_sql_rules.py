"""The SQL for PostgreSQL keeps to what also runs on many machines: one bucket a statement."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest
from tests.store.postgres_houses import WHOLE, Postgresql

from halfdoor.store.postgres import statements as statements_module
from halfdoor.store.postgres.migrate import migration_files
from halfdoor.store.postgres.statements import copies
from halfdoor.store.sqlite.statements import parse

REFERENCE = {"data_key", "secret", "lineage", "schema_version", "mark"}
# Sweeps that no request calls, and tables of a few rows for the whole entity.
EXEMPT = re.compile(r"(^|_)(maintenance|keys)$")

STATEMENTS = [
    (file.stem, name, text)
    for file in sorted(Path(statements_module.__file__).parent.glob("*.sql"))
    for name, text in parse(file.read_text()).items()
]
RULED = [one for one in STATEMENTS if not EXEMPT.search(one[0])]


def schema(side: str) -> str:
    return "\n".join(file.read_text() for file in migration_files(side))


def tables(side: str) -> dict[str, str]:
    """Return the bucket column of every table of *side*, which is its first."""
    found = dict(re.findall(r"CREATE TABLE (\w+) \(\s+(?:--[^\n]*\n\s+)*(\w+)", schema(side)))
    for table in REFERENCE:
        found.pop(table, None)
    assert set(found.values()) == {"cb" if side == "conversations" else "ub"}
    return found


CONVERSATIONS, PEOPLE = tables("conversations"), tables("people")
BUCKETS = CONVERSATIONS | PEOPLE


def named(text: str) -> list[str]:
    """Return the tables a statement names, in order, as often as it names them."""
    text = text.replace("FOR UPDATE", "").replace("DO UPDATE", "")
    found = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|COPY)\s+([a-z_]+)", text)
    # Its rows are values that were given.
    return [one for one in found if one != "unnest"]


def unbound(text: str) -> list[str]:
    """Return the tables of a statement whose bucket is neither a value nor another's bucket."""
    missing = []
    for whole in re.split(r"\bUNION ALL\b", text):
        part = whole
        # A query within a query stands for itself.
        inner = re.findall(r"\((SELECT [^()]*(?:\([^()]*\)[^()]*)*)\)", part)
        for query in inner:
            missing += unbound(query)
            part = part.replace(f"({query})", "(…)")
        missing += [table for table in named(part) if not _is_bound(part, table)]
    return missing


def _is_bound(text: str, table: str) -> bool:
    if table in REFERENCE:
        return True
    bucket = BUCKETS[table]
    if re.match(r"(INSERT INTO|COPY)", text):
        return re.search(rf"^(INSERT INTO|COPY) {table} \({bucket},", text) is not None
    alone = len(set(named(text))) == 1
    plain = rf"(?<!\.)\b{bucket} = \$\d" if alone else "(?!)"
    own = rf"\b{table}\.{bucket} = \$\d"
    others = "|".join(set(named(text)) - {table}) or "(?!)"
    joined = (
        rf"\b{table}\.{bucket} = (?:{others})\.{bucket}\b"
        rf"|\b(?:{others})\.{bucket} = {table}\.{bucket}\b"
    )
    # A join counts only where somebody in it is bound to a value.
    anchored = re.search(rf"\.{bucket} = \$\d", text) is not None
    return bool(re.search(f"{plain}|{own}", text) or (anchored and re.search(joined, text)))


@pytest.mark.parametrize("side", ["conversations", "people"])
def test_every_key_contains_its_bucket(side: str) -> None:
    keys = re.findall(r"CREATE TABLE (\w+)|(?:PRIMARY KEY|UNIQUE) \((\w+)", schema(side))
    table, found = "", set()
    for made, first in keys:
        table = made or table
        if first and table not in REFERENCE:
            assert first == BUCKETS[table], f"a key of {table} does not begin with its bucket"
            found.add(table)
    assert found == tables(side).keys()
    for index in re.findall(r"CREATE UNIQUE INDEX \w+ ON (\w+) \((\w+)", schema(side)):
        assert BUCKETS[index[0]] == index[1]


def test_the_two_sides_share_no_table_and_no_foreign_key() -> None:
    assert not CONVERSATIONS.keys() & PEOPLE.keys()
    assert "REFERENCES" not in schema("conversations") + schema("people")


@pytest.mark.parametrize(("file", "name", "text"), STATEMENTS)
def test_every_statement_stays_on_one_side(file: str, name: str, text: str) -> None:
    assert len({BUCKETS[table] for table in named(text) if table in BUCKETS}) <= 1


@pytest.mark.parametrize(("file", "name", "text"), RULED)
def test_every_statement_names_its_bucket(file: str, name: str, text: str) -> None:
    assert named(text)
    assert unbound(text) == []


@pytest.mark.parametrize(("file", "name", "text"), STATEMENTS)
def test_no_statement_inserts_what_it_selects(file: str, name: str, text: str) -> None:
    assert not re.search(r"\bINSERT\b.*\bSELECT\b", text)
    assert not re.search(r"\bWITH\b.*\b(INSERT|UPDATE|DELETE)\b", text)


@pytest.mark.parametrize("name", ["lock", "bump"])
def test_what_locks_is_one_row_by_its_own_key(name: str) -> None:
    (text,) = (text for file, one, text in STATEMENTS if one == name and "_" not in file)
    assert re.search(
        r"WHERE (cb|ub) = \$1 AND (conv_id|user_id) = \$2( FOR UPDATE| RETURNING)", text
    )


def test_every_copy_names_the_columns_of_its_table() -> None:
    for name, copy in copies().items():
        assert name == copy.table
        assert copy.columns[0] == BUCKETS[copy.table]


def test_no_sql_is_hidden_in_the_code() -> None:
    folder = Path(statements_module.__file__).parent
    words = re.compile(r'"(SELECT|INSERT|UPDATE|DELETE) ')
    assert [path.name for path in folder.glob("*.py") if words.search(path.read_text())] == []


def test_every_statement_compiles_against_the_newest_schema(postgresql: Postgresql) -> None:
    async def prepare() -> list[str]:
        con = await asyncpg.connect(postgresql.dsn(WHOLE))
        failed = []
        for file, name, text in STATEMENTS:
            if text.startswith(("COPY", "CREATE")):
                continue
            try:
                await con.prepare(text)
            except asyncpg.PostgresError as error:
                failed.append(f"{file} {name}: {error}")
        await con.close()
        return failed

    with asyncio.Runner() as runner:
        assert runner.run(prepare()) == []


def test_the_lint_itself_finds_what_is_forbidden() -> None:
    assert unbound("SELECT a FROM event WHERE c = $1") == ["event"]
    assert unbound("SELECT a FROM event WHERE cb = $1") == []
    assert unbound("SELECT a FROM event JOIN conv ON event.c = conv.c WHERE event.cb = $1") == [
        "conv"
    ]
    assert unbound("SELECT a FROM event WHERE cb = $1 AND c = (SELECT c FROM conv)") == ["conv"]
    assert unbound("SELECT 1 FROM event WHERE cb = $1 UNION ALL SELECT 1 FROM conv") == ["conv"]
    assert unbound("INSERT INTO event (c, cb) VALUES ($1, $2)") == ["event"]
    assert unbound("DELETE FROM hold WHERE c = $1") == ["hold"]
    assert len(RULED) > 60
