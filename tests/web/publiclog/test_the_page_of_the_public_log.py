"""The page about the log without a browser: every number labelled, every word only a word."""

import re
from importlib import resources
from typing import Any

from tests.transparency.public_log import PublicLog
from tests.web.console.conftest import Markup
from tests.web.publiclog.conftest import Got, Visitor, visitor_of
from tests.web.publiclog.public_house import grown_log

from halfdoor.merkle.trust_policy import parse_policy
from halfdoor.transparency.entries import HeartbeatEntry
from halfdoor.transparency.report import Basis, Number
from halfdoor.transparency.source import CHECKPOINT, REPORT, UnreachableError
from halfdoor.web.publiclog.charts import MOST, chart
from halfdoor.web.publiclog.values import IN_WORDS, groups_of, quorum_words, totals_of

STATIC = resources.files("halfdoor.web.publiclog").joinpath("static")


def read(got: Got) -> Markup:
    markup = Markup()
    markup.feed(got.text)
    return markup


def words(got: Got) -> str:
    return " ".join(" ".join(read(got).words).split())


async def test_before_anything_was_read_the_page_says_so() -> None:
    visitor = await visitor_of(await grown_log())
    got = await visitor.get("/")
    assert got.status == 503
    assert "The log is being read" in words(got)


async def test_a_page_that_loads_nothing_from_elsewhere_and_frames_nowhere(
    visitor: Visitor,
) -> None:
    got = await visitor.get("/")
    policy = got.headers[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "unsafe" not in policy
    for tag, attributes in read(got).elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("src", "href", "action"):
            # Relative throughout: the log may lie below any prefix.
            assert not re.match(r"/|[a-z]+:", attributes.get(name) or ""), (tag, attributes)


async def test_the_files_of_the_page_are_served_for_ever(visitor: Visitor) -> None:
    found = re.findall(r'(?:href|src)="(static/[^"]+)"', (await visitor.get("/")).text)
    assert len(set(found)) == 5
    for address in found:
        got = await visitor.get(f"/{address}")
        assert got.status == 200
        assert b"immutable" in got.headers[b"cache-control"]


def test_the_script_makes_no_markup_and_asks_nobody_else() -> None:
    for name in ("publiclog.js", "publiclog.css"):
        text = STATIC.joinpath(name).read_text()
        for sink in ("innerHTML", "outerHTML", "insertAdjacent", "eval(", "document.write", "://"):
            assert sink not in text


async def test_without_script_everything_is_there_as_text(visitor: Visitor) -> None:
    text = words(await visitor.get("/"))
    for said in (
        "example.com/access",
        "Witnessed 7 Oct 2024, 00:00 UTC",
        "of 4 cosigned this checkpoint; 3 of 4 have to",
        "1 of 5 work for the operator",
        "Custodian 5 Organisation 5 Church",
        "all checks pass",
        "halfdoor verify URL --policy FILE",
        "HEARTBEAT 11",
    ):
        assert re.sub(r"\s+", " ", said) in text


async def test_every_number_of_the_report_is_in_a_table_with_its_basis(visitor: Visitor) -> None:
    text = words(await visitor.get("/"))
    seen = await visitor.reading.renew()
    assert len(seen.verdict.numbers) > 15
    for one in seen.verdict.numbers:
        name = one.row.capitalize() if one.of == "all" else one.of
        assert f"{name} {one.count:,} {one.basis}" in text


async def test_a_company_that_decides_alone_is_told(visitor: Visitor) -> None:
    visitor = await visitor_of(await grown_log(["example"] * 5))
    await visitor.reading.renew()
    text = words(await visitor.get("/"))
    assert "5 of 5 work for the operator: the company alone can decide" in text


async def test_the_rules_in_force_and_those_that_come_are_shown(visitor: Visitor) -> None:
    await visitor.log.append(visitor.log.policy(operator_held_keys=True))
    await visitor.reading.renew()
    got = await visitor.get("/")
    text = words(got)
    assert "In force: entry 0" in text
    assert "Announced, not in force yet: entry 12" in text
    assert "The operator itself holds the custodians’ keys." in text
    assert "72 hours that a grant lasts" in text
    for path in visitor.log.documents:
        assert f'href="{path}"' in got.text


async def test_a_demonstration_says_that_it_is_one(visitor: Visitor) -> None:
    assert "A demonstration" not in words(await visitor.get("/"))
    log = PublicLog()
    await log.append(log.policy(demo=1))
    other = await visitor_of(log)
    await other.reading.renew()
    assert "A demonstration: nobody of those named here exists." in words(await other.get("/"))


async def test_an_overdue_notice_stands_on_top() -> None:
    log = await grown_log()
    for _ in range(31):
        await log.night()
    visitor = await visitor_of(log)
    await visitor.reading.renew()
    got = await visitor.get("/")
    assert "3 checks fail" in words(got)
    assert "notice-overdue" in words(got)
    assert "all checks pass" not in words(got)


async def test_a_log_without_a_checkpoint_has_a_page_too() -> None:
    visitor = await visitor_of(PublicLog())
    visitor.log.shown |= {CHECKPOINT: None, REPORT: None}
    await visitor.reading.renew()
    got = await visitor.get("/")
    assert got.status == 200
    assert "There is no readable checkpoint." in words(got)
    assert "Nothing to count" in words(got)
    visitor.log.shown[CHECKPOINT] = b"\xff garbage"
    await visitor.reading.renew()
    assert "note-form" in words(await visitor.get("/"))


async def test_an_entry_is_shown_by_its_number_and_no_other(visitor: Visitor) -> None:
    got = await visitor.get("/?entry=2")
    assert "Entry 2: GRANT" in words(got)
    assert '"jurisdiction": "FI"' in words(got)
    for asked in ("12", "-2", "x", "9" * 30, "9007199254740991"):
        got = await visitor.get(f"/?entry={asked}")
        assert got.status == 404
        assert "There is no such entry" in words(got)

    async def lost(path: str) -> bytes | None:
        raise UnreachableError(path)

    visitor.log.get = lost  # type: ignore[method-assign]
    assert (await visitor.get("/?entry=2")).status == 404
    assert (await visitor.get("/")).status == 200


async def test_an_entity_that_is_markup_is_only_a_name() -> None:
    log = PublicLog()
    hostile = "<script>x</script>\u202e"
    beat: dict[str, Any] = {
        "of_day": log.day - 1,
        "headers_root": "A" * 43 + "=",
        "users_root": "A" * 43 + "=",
    }
    entry = HeartbeatEntry(entity=hostile, day=log.day, checkpoint=None, epochs=0, users=0, **beat)
    await log.append(entry)
    visitor = await visitor_of(log)
    await visitor.reading.renew()
    got = await visitor.get("/?entry=0")
    assert "<script>x" not in got.text
    assert "U+202E" in got.text
    assert "\u202e" not in got.text


async def test_an_entry_that_breaks_the_rules_is_shown_as_it_is(visitor: Visitor) -> None:
    path = "tile/entries/000.p/12"
    data = visitor.log.files.files[path]
    visitor.log.shown[path] = data.replace(b'"type":"GRANT"', b'"type":"GRAFT"', 1)
    text = words(await visitor.get("/?entry=2"))
    assert "It breaks the rules of the log" in text
    assert "GRAFT" in text


def test_a_picture_has_a_bar_for_each_number_as_long_as_it_is_large() -> None:
    numbers = [Number("grants", f"n{n}", n, Basis.PROVED) for n in range(1, 15)]
    numbers[13] = Number("grants", "<b>", 14, Basis.DECLARED)
    markup = Markup()
    markup.feed(chart("Grants", numbers))
    bars = [attributes for tag, attributes in markup.elements if tag == "rect"]
    assert len(bars) == MOST
    widths = [float(str(one["width"])) for one in bars]
    assert widths == sorted(widths, reverse=True)
    assert widths[7] / widths[0] == 7 / 14
    assert [one["class"] for one in bars[:2]] == ["declared", "proved"]
    assert "14 declared" in markup.words
    assert "<b>" in markup.words
    assert chart("Nothing", [])


def test_each_number_is_either_split_or_a_total() -> None:
    numbers = [
        Number("grants", "court", 1, Basis.PROVED),
        Number("holds", "all", 2, Basis.DECLARED),
    ]
    assert totals_of(numbers) == numbers[1:]
    assert [one.numbers for one in groups_of(numbers)] == [(numbers[0],)]


def test_each_type_of_entry_has_its_words() -> None:
    import typing

    from halfdoor.transparency.entries import AnyEntry

    assert {one.__struct_config__.tag for one in typing.get_args(AnyEntry)} == set(IN_WORDS)


def test_quorums_of_every_form_are_told() -> None:
    from tests.transparency.log_fakes import KEYS, LOG, POLICY

    lines = [f"log {LOG.public}", *(f"witness {n} {k.public}" for n, k in KEYS.items())]

    def said(*more: str) -> str:
        return quorum_words(parse_policy("\n".join([*lines, *more, ""]).encode()))

    assert quorum_words(POLICY) == "3 of 4 have to"
    assert said("quorum none") == "nobody has to"
    assert said("quorum w1") == "w1 has to"
    nested = ["group a any w1 w2", "group b any w3 w4", "group c all a b", "quorum c"]
    assert said(*nested) == "2 of the groups a, b have to"
