"""Pictures of numbers, and times in words."""

from tests.web.console.conftest import Markup

from halfdoor.web.console.charts import WIDE, Bars, bars
from halfdoor.web.console.times import clock, moment, span, stamp

MINUTE = 60_000


def rects(text: str) -> list[dict[str, str | None]]:
    markup = Markup()
    markup.feed(text)
    return [found for tag, found in markup.elements if tag == "rect"]


def test_of_nothing_there_is_a_picture_without_bars() -> None:
    assert rects(bars("none", [], [])) == []
    assert all(one["height"] == "0.0" for one in rects(bars("x", ["a"], [Bars("n", (0,))])))


def test_bars_stand_in_proportion_inside_the_picture() -> None:
    found = rects(bars("x", ["a", "b"], [Bars("n", (1, 2)), Bars("m", (0.5, 2))]))
    heights = [float(str(one["height"])) for one in found]
    assert heights[1] * 2 == heights[0]
    assert heights[2] == heights[3] == heights[0] * 2
    for one in rects(bars("x", ["a"] * 14, [Bars("n", (1e6,) * 14)], WIDE)):
        assert 0 <= float(str(one["x"])) <= WIDE - float(str(one["width"]))
        assert float(str(one["y"])) >= 0


def test_a_label_is_a_word_and_never_longer_than_its_place() -> None:
    text = bars("<b>", ["<script>", "Sextortion and intimate images"] * 4, [Bars("<i>", (1,) * 8)])
    assert "<script>" not in text
    assert "<b>" not in text
    assert ">Sextorti…</text>" in text


def test_a_deadline_is_told_in_words() -> None:
    now = 1_795_000_000_000
    assert clock(now + 45 * MINUTE, now).words == "45 min left"
    assert clock(now + 45 * MINUTE, now).kind == "calm"
    assert clock(now + 29 * MINUTE, now).kind == "soon"
    assert clock(now, now).kind == "soon"
    assert clock(now - 1000, now).words == "1 s late"
    assert clock(now - 1000, now).kind == "late"
    assert [span(n * MINUTE) for n in (60, 47 * 60, 48 * 60)] == ["1 h", "47 h", "2 days"]
    assert (moment(0), stamp(0)) == ("1 Jan 1970, 00:00 UTC", "1970-01-01T00:00:00Z")
