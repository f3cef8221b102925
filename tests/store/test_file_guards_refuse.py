"""What one person does to files never touches another's, and nothing passes a quota or a deletion.

The steps that both stores share, over tables in memory.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytest

from halfdoor.ids import bucket, new_media_id
from halfdoor.messaging.media_store import (
    UNNAMED_MS,
    MediaState,
    MediaTakenError,
    NoMediaError,
    Quota,
    QuotaError,
    Upload,
)
from halfdoor.store import media_steps as steps
from halfdoor.store.media_rows import media_of_blob, new_media_blob, packed_media
from halfdoor.store.media_steps import Steps
from halfdoor.store.migrate import migration_files
from halfdoor.store.sqlite.statements import statements

T = TypeVar("T")
SQL = statements("media")
EVE, BEN = (
    (bucket("@eve:a.example"), "@eve:a.example"),
    (bucket("@ben:a.example"), "@ben:a.example"),
)
NOW, QUOTA = 1_790_000_000_000, Quota(bytes=1_000, files=2, reserved=2)
GONE = b"name of somebody erased"
WHAT = Upload(100, 149, b"d" * 32, b"wrap", b"facts", opaque=False)


class Table:
    """The rows of files in memory."""

    def __init__(self) -> None:
        self.con = sqlite3.connect(":memory:")
        for file in migration_files(("people",)):
            self.con.executescript(file.read_text())

    def do(self, made: Steps[T]) -> T:
        """Do the statements of a step; what it raises undoes them."""
        rows: Sequence[Any] | None = None
        with self.con:
            while True:
                try:
                    name, values = next(made) if rows is None else made.send(rows)
                except StopIteration as done:
                    result: T = done.value
                    return result
                rows = self.con.execute(SQL[name], values).fetchall()

    def reserved(self) -> bytes:
        packed = packed_media(new_media_id(EVE[1]))
        self.do(steps.reserve(EVE, packed, GONE, NOW, QUOTA))
        return packed

    def uploading(self, size: int = 100) -> bytes:
        packed = self.reserved()
        self.do(steps.claim(EVE, packed, GONE, size, NOW, QUOTA))
        return packed

    def ready(self, size: int = 100) -> bytes:
        packed = self.uploading(size)
        self.do(steps.finish(EVE, packed, GONE, WHAT, b"sealed", QUOTA))
        return packed

    def erase(self) -> None:
        with self.con:
            row = (EVE[0], GONE)
            self.con.execute("INSERT INTO erased (ub, name, asked) VALUES (?, ?, 1)", row)

    def state(self, packed: bytes) -> int:
        (found,) = self.con.execute("SELECT state FROM media WHERE media_id = ?", (packed,))
        state: int = found[0]
        return state


@pytest.fixture
def table() -> Iterator[Table]:
    made = Table()
    yield made
    made.con.close()


def test_nothing_is_kept_for_somebody_erased(table: Table) -> None:
    reserved, uploading = table.reserved(), table.uploading()
    table.erase()
    fresh = packed_media(new_media_id(EVE[1]))
    for refused in (
        steps.reserve(EVE, fresh, GONE, NOW, QUOTA),
        steps.claim(EVE, reserved, GONE, 1, NOW, QUOTA),
        steps.finish(EVE, uploading, GONE, WHAT, b"sealed", QUOTA),
    ):
        with pytest.raises(NoMediaError, match="account is gone"):
            table.do(refused)


def test_nobody_puts_a_file_under_anothers_id(table: Table) -> None:
    reserved, uploading = table.reserved(), table.uploading()
    with pytest.raises(NoMediaError):
        table.do(steps.claim(BEN, reserved, b"", 1, NOW, QUOTA))
    with pytest.raises(NoMediaError):
        table.do(steps.finish(BEN, uploading, b"", WHAT, b"sealed", QUOTA))
    table.do(steps.give_up(BEN, uploading, again=False))
    assert table.state(uploading) == MediaState.UPLOADING


def test_an_id_that_is_taken_or_expired_takes_no_file(table: Table) -> None:
    packed = table.uploading()
    with pytest.raises(MediaTakenError):
        table.do(steps.reserve(EVE, packed, GONE, NOW, QUOTA))
    with pytest.raises(MediaTakenError, match="began before"):
        table.do(steps.claim(EVE, packed, GONE, 1, NOW, QUOTA))
    unknown = packed_media(new_media_id(EVE[1]))
    with pytest.raises(NoMediaError, match="no such file"):
        table.do(steps.claim(EVE, unknown, GONE, 1, NOW, QUOTA))
    late = table.reserved()
    with pytest.raises(NoMediaError, match="expired"):
        table.do(steps.claim(EVE, late, GONE, 1, NOW + UNNAMED_MS + 1, QUOTA))
    with pytest.raises(NoMediaError, match="under way"):
        table.do(steps.finish(EVE, late, GONE, WHAT, b"sealed", QUOTA))


def test_an_upload_that_another_request_began_or_gave_up_meanwhile_is_refused(
    table: Table,
) -> None:
    # Between the look and the write, as two requests in PostgreSQL may meet.
    begun = table.reserved()
    claim = steps.claim(EVE, begun, GONE, 1, NOW, QUOTA)
    answers: dict[str, list[Any]] = {
        "one": table.con.execute(SQL["one"], (EVE[0], begun)).fetchall(),
        "take_file": [(1,)],
    }
    with pytest.raises(MediaTakenError, match="moment ago"):
        _answered(claim, answers)
    going = table.uploading()
    answers = {
        "one": table.con.execute(SQL["one"], (EVE[0], going)).fetchall(),
        "settle": [(1,)],
    }
    with pytest.raises(NoMediaError, match="moment ago"):
        _answered(steps.finish(EVE, going, GONE, WHAT, b"sealed", QUOTA), answers)


def _answered(made: Steps[Any], answers: dict[str, list[Any]]) -> None:
    """Do a step whose statements find what *answers* say, and nothing else."""
    name, _ = next(made)
    while True:
        name, _ = made.send(answers.get(name, []))


def test_no_quota_is_passed(table: Table) -> None:
    table.reserved()
    small = packed_media(new_media_id(EVE[1]))
    table.do(steps.reserve(EVE, small, GONE, NOW, QUOTA))
    with pytest.raises(QuotaError, match="ids"):
        table.do(steps.reserve(EVE, packed_media(new_media_id(EVE[1])), GONE, NOW, QUOTA))
    with pytest.raises(QuotaError, match="bytes"):
        table.do(steps.claim(EVE, small, GONE, 1_001, NOW, QUOTA))
    table.do(steps.claim(EVE, small, GONE, 950, NOW, QUOTA))
    # The row that was refused is as it was, and so is what counts.
    grown = Upload(1_001, 1_050, b"d" * 32, b"wrap", b"facts", opaque=False)
    with pytest.raises(QuotaError, match="bytes"):
        table.do(steps.finish(EVE, small, GONE, grown, b"sealed", QUOTA))
    assert table.do(steps.read_usage(EVE)).bytes == 950
    table.uploading(0)
    third = table.reserved() if table.do(steps.read_usage(EVE)).reserved < 2 else None
    assert third is not None
    with pytest.raises(QuotaError, match="files"):
        table.do(steps.claim(EVE, third, GONE, 0, NOW, QUOTA))


def test_a_ready_file_is_not_given_up(table: Table) -> None:
    packed = table.ready()
    for again in (True, False):
        table.do(steps.give_up(EVE, packed, again=again))
    assert table.state(packed) == MediaState.READY


def test_an_avatar_is_a_ready_file_of_ones_own(table: Table) -> None:
    ready, uploading = table.ready(), table.uploading()
    with pytest.raises(NoMediaError):
        table.do(steps.show(BEN, ready, b"key"))
    with pytest.raises(NoMediaError):
        table.do(steps.show((EVE[0], BEN[1]), ready, b"key"))
    with pytest.raises(NoMediaError):
        table.do(steps.show(EVE, uploading, b"key"))
    table.do(steps.show(EVE, ready, b"key"))
    assert not table.do(steps.doom(ready, MediaState.READY, NOW + 1))


def test_a_file_that_moved_since_it_was_looked_at_is_not_deleted(table: Table) -> None:
    packed = table.ready()
    assert table.do(steps.use([packed], "!r:a.example", NOW + 9, standard=True)) == {packed}
    assert not table.do(steps.doom(packed, MediaState.READY, NOW))
    assert not table.do(steps.doom(packed, MediaState.UPLOADING, NOW + 9))
    table.do(steps.bury(packed))
    assert table.state(packed) == MediaState.READY
    assert table.do(steps.doom(packed, MediaState.READY, NOW + 9))
    # From here on nobody names or shows it.
    assert table.do(steps.use([packed], "!r:a.example", NOW + 10, standard=True)) == set()
    with pytest.raises(NoMediaError):
        table.do(steps.show(EVE, packed, b"key"))


def test_a_blob_tells_which_file_it_was_an_attempt_at_and_nobody_guesses_its_name() -> None:
    packed = packed_media(new_media_id(EVE[1]))
    names = {new_media_blob(packed) for _ in range(9)}
    assert len(names) == 9
    assert {media_of_blob(name) for name in names} == {packed}
    for other in ("media/00/zz", "case/00/" + "0" * 64, "media/ff/" + "f" * 64 + "-1", "x"):
        assert media_of_blob(other) != packed
    assert media_of_blob("media/ff/" + "f" * 64 + "-1") is None
