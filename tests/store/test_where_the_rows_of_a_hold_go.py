"""When a hold ends, each epoch goes where the plain words say: checked epoch by epoch."""

from hypothesis import given
from hypothesis import strategies as st

from halfdoor.store.freezes import Freeze, moves, overlap, without

epochs = st.integers(1, 12)
spans = st.tuples(epochs, epochs).map(lambda pair: (min(pair), max(pair)))
holds = st.builds(
    lambda name, span, generation: Freeze(name, span[0], span[1], None, generation),
    st.text(max_size=3),
    spans,
    st.integers(192, 194),
)


@given(spans, st.lists(spans))
def test_what_is_left_of_a_span_is_what_no_other_covers(
    span: tuple[int, int], taken: list[tuple[int, int]]
) -> None:
    left = [epoch for low, high in without(span, taken) for epoch in range(low, high + 1)]
    assert left == [
        epoch
        for epoch in range(span[0], span[1] + 1)
        if not any(low <= epoch <= high for low, high in taken)
    ]


@given(spans, spans)
def test_spans_overlap_where_both_are(one: tuple[int, int], other: tuple[int, int]) -> None:
    both = set(range(one[0], one[1] + 1)) & set(range(other[0], other[1] + 1))
    found = overlap(one, other)
    assert both == (set() if found is None else set(range(found[0], found[1] + 1)))


@given(holds, st.lists(holds, max_size=4))
def test_an_epoch_stays_where_it_is_still_held_else_goes_to_another_hold_else_to_the_month(
    ending: Freeze, others: list[Freeze]
) -> None:
    gone: dict[int, int | None] = {}
    for (low, high), generation in moves(ending, others):
        for epoch in range(low, high + 1):
            assert epoch not in gone, "an epoch goes to one place"
            gone[epoch] = generation
    for epoch in range(1, 14):
        covering = [one.generation for one in others if one.covers(epoch)]
        if not ending.covers(epoch) or ending.generation in covering:
            assert epoch not in gone
        else:
            assert gone[epoch] == (covering[0] if covering else None)
