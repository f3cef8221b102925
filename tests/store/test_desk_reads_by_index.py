"""A page of a queue is read from an index, however many cases there are, and so is all else."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from tests.store.postgres_houses import PostgresHouse

from halfdoor.store.desk_rows import UB
from halfdoor.store.migrate import migration_files
from halfdoor.store.postgres.statements import statements as postgres_statements
from halfdoor.store.sqlite.statements import statements as sqlite_statements

PAGES = ("page_by_due", "page_by_severity")
# Different people are told apart among those who reported one.
SORTED = {"reporters_of"}
READS = sorted(
    name for name, text in sqlite_statements("desk").items() if text.startswith("SELECT")
)
CASES = 30_000
_FILL = """
    INSERT INTO desk_case (ub, id, revision, queue, state, severity, due, adult, reason, subject,
      opened, takes, sealed)
    SELECT $1, 'case_' || n, 1, 'q' || n % 3, 'open', n % 4, n / 2, n % 2, '\\x00', '\\x00', n, 1,
      decode(repeat('00', 400), 'hex')
    FROM generate_series(1, $2::int) AS n
"""


def plan_of(name: str) -> str:
    con = sqlite3.connect(":memory:")
    for file in migration_files(("people",)):
        con.executescript(file.read_text())
    text = sqlite_statements("desk")[name]
    found = con.execute(f"EXPLAIN QUERY PLAN {text}", (None,) * text.count("?")).fetchall()
    con.close()
    return "; ".join(row[3] for row in found)


@pytest.mark.parametrize("name", READS)
def test_embedded_nothing_is_found_by_looking_at_everything(name: str) -> None:
    plan = plan_of(name)
    assert "SEARCH" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan or name in SORTED


@pytest.mark.parametrize("name", PAGES)
def test_embedded_a_page_begins_where_the_last_one_ended(name: str) -> None:
    plan = plan_of(name)
    order = "due,adult,id" if name == "page_by_due" else "severity,due,adult,id"
    assert f"USING COVERING INDEX desk_case_{name.removeprefix('page_by_')}" in plan
    assert f"({order})>" in plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize("name", PAGES)
async def test_in_postgresql_a_page_is_read_from_an_index_in_its_order(
    served: PostgresHouse, name: str
) -> None:
    con = await asyncpg.connect(served.postgresql.dsn(served.names[-1]))
    try:
        await con.execute(_FILL, UB, CASES)
        await con.execute("ANALYZE desk_case")
        # As a statement that is kept runs after some times: planned once for all values.
        await con.execute("SET plan_cache_mode = force_generic_plan")
        behind = [9000, 1, "case_18000"] if name == "page_by_due" else [1, 9000, 1, "case_18000"]
        key = [UB, ["q0", "q1"], ["open", "second"], *behind, None, None, None, 50]
        text = f"EXPLAIN (ANALYZE, FORMAT JSON) {postgres_statements('desk')[name]}"
        plan = json.loads(await con.fetchval(text, *key))[0]["Plan"]
    finally:
        await con.close()
    found = list(nodes(plan))
    scans = [node for node in found if node.get("Relation Name") == "desk_case"]
    assert [node["Node Type"] for node in scans] == ["Index Scan"]
    assert scans[0]["Index Name"] == f"desk_case_{name.removeprefix('page_by_')}"
    # Each queue and state gives its own page; nothing that lies before or behind is read.
    assert scans[0]["Actual Rows"] <= 50
    assert scans[0].get("Rows Removed by Filter", 0) == 0
    # Only what each of them gave is put in one order.
    sorts = [node for node in found if node["Node Type"].endswith("Sort")]
    assert len(sorts) == 1
    assert sorts[0]["Actual Rows"] <= 100
