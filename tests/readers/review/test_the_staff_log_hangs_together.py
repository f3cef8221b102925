"""No line of the staff log can be changed, dropped, added or put elsewhere unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.readers.review.desk_scene import ANNA, DAY, T0, Scene, say

from halfdoor.merkle.tree import root
from halfdoor.readers.review.records import StaffEntry
from halfdoor.readers.review.staff_log import (
    START,
    StaffLogError,
    batch_root,
    check_lines,
    link,
)

said = st.builds(
    StaffEntry,
    at=st.integers(T0, T0 + 2 * DAY),
    staff=st.text("ab", max_size=2),
    what=st.sampled_from(["reveal", "unmask", "claim", "sign_in"]),
    case=st.none() | st.text("xy", max_size=2),
    about=st.none() | st.text("vw", max_size=2),
    reason=st.text(max_size=5),
)


def chained(lines: list[StaffEntry]) -> list[StaffEntry]:
    log: list[StaffEntry] = []
    for n, line in enumerate(lines, 1):
        numbered = replace(line, n=n)
        log.append(replace(numbered, chain=link(log[-1].chain if log else START, numbered)))
    return log


@given(st.lists(said, max_size=12))
def test_lines_as_they_were_written_hold(lines: list[StaffEntry]) -> None:
    log = chained(lines)
    check_lines(log)
    assert [replace(one, n=0, chain=b"") for one in log] == lines
    # Any part of it holds behind what stands before.
    for at in range(1, len(log)):
        check_lines(log[at:], log[at - 1].chain, at + 1)


@given(st.lists(said, min_size=2, max_size=8), st.data())
def test_any_change_is_found_where_it_was_made(
    lines: list[StaffEntry], data: st.DataObject
) -> None:
    log = chained(lines)
    at = data.draw(st.integers(0, len(log) - 1))
    line = log[at]
    changes = [
        replace(line, at=line.at + 1),
        replace(line, staff=line.staff + "c"),
        replace(line, what=line.what + "d"),
        replace(line, case=None if line.case is not None else ""),
        replace(line, about=None if line.about is not None else ""),
        replace(line, reason=line.reason + " "),
        replace(line, chain=bytes(32)),
        replace(line, n=line.n + 1),
    ]
    for changed in changes:
        with pytest.raises(StaffLogError) as caught:
            check_lines([*log[:at], changed, *log[at + 1 :]])
        assert caught.value.n == at + 1
    for other in (
        [*log[:at], *log[at + 1 :], log[0]],
        [*log[:at], line, *log[at:]],
        log[1:],
        list(reversed(log)),
    ):
        with pytest.raises(StaffLogError):
            check_lines(other)


def test_a_log_that_begins_later_is_none_even_where_its_chain_fits() -> None:
    line = StaffEntry(at=T0, staff="a", what="reveal", n=2)
    with pytest.raises(StaffLogError):
        check_lines([replace(line, chain=link(START, line))])


def test_dropping_the_last_lines_is_found_by_whoever_knows_how_many_there_were() -> None:
    log = chained([StaffEntry(at=T0, staff="a", what="reveal") for _ in range(3)])
    check_lines(log[:2])
    assert log[:2][-1].chain != log[-1].chain


async def test_what_the_desk_wrote_hangs_together() -> None:
    scene = Scene()
    case = await scene.case()
    _, (item,) = await scene.report(case, say("a"))
    await scene.cases.claim(ANNA, case.id)
    await scene.reveals.reveal(ANNA, case.id, item.id, "to judge")
    await scene.reveals.unmask(ANNA, case.id, "Person A", "to find the profile")
    await scene.cases.escalate(ANNA, case.id, "the law is unclear")
    check_lines(scene.desk.log)
    assert [one.what for one in scene.desk.log] == ["claim", "reveal", "unmask", "escalate"]


@given(st.lists(said, max_size=20))
def test_the_root_of_a_day_is_over_its_reveals_alone(lines: list[StaffEntry]) -> None:
    log = chained(lines)
    for day in (T0 // DAY, T0 // DAY + 1):
        leaves = [
            one.chain for one in log if one.what in ("reveal", "unmask") and one.at // DAY == day
        ]
        assert batch_root(log, day) == root(leaves)
    assert batch_root(log, 0) == root([])


def test_another_reason_for_one_reveal_gives_another_root() -> None:
    roots = {
        batch_root(chained([StaffEntry(at=T0, staff="a", what="reveal", reason=why)]), T0 // DAY)
        for why in ("to judge", "to look")
    }
    assert len(roots) == 2
