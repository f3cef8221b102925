"""Words of strangers do nothing on a page, wherever they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.web.console.conftest import Browser, Markup, read
from tests.web.console.console_fakes import CONTESTED, LEA, PLAIN, RENE, WAITS

from halfdoor.web.console.inert import inert, plain
from halfdoor.web.console.values import Choice, Shown

HOSTILE = [
    "<script>alert(1)</script>",
    "</blockquote></details><script src=//evil.example></script>",
    "<img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>tap</a>",
    "<form action=https://evil.example><input name=csrf>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{display:none}</style>",
    "<hx-partial hx-get=/admin></hx-partial>",
    '<div hx-get="/sign-out" hx-trigger="load">',
    '<button data-hx-post="/admin/invite">',
    "<!--", "-->", "<![CDATA[", "]]>", "<?php", "&lt;script&gt;", "&#60;script&#62;",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "\u202egpj.exe", "a\u2066b\u2069c", "zero\u200bwidth\ufeff",
    "\x1b[31mred\x07", "line\u2028separator",
    "https://evil.example/login", "www.evil.example", "mailto:a@evil.example", "tel:112",
    "Z\u0351\u036b\u0343a\u0300\u0301lgo" * 50, "\U000e0041\U000e0042tags", "\u00ad\u034f\u3164",
]  # fmt: skip

BAD_TAGS = {"iframe", "object", "embed", "base", "math", "hx-partial"}


def check(markup: Markup, before: Markup, words: str) -> None:
    """Besides the visible marks, the words brought no element and no attribute along."""
    extra = [tag for tag, attributes in markup.elements if attributes.get("class") != "mark"]
    plain_before = [tag for tag, attributes in before.elements if attributes.get("class") != "mark"]
    assert extra == plain_before, words
    assert not BAD_TAGS & set(extra)
    for tag, attributes in markup.elements:
        assert not any(name.startswith("on") for name in attributes)
        if tag == "a":
            assert str(attributes["href"]).startswith(("/", "#"))


@pytest.mark.parametrize("words", HOSTILE)
async def test_a_revealed_message_and_its_file_name_stay_words(
    browser: Browser, words: str
) -> None:
    await browser.post(f"/cases/{PLAIN}/claim", RENE)
    path = f"/cases/{PLAIN}/items/evd_1/reveal"

    async def look(text: str, headers: dict[str, str]) -> Markup:
        browser.desk.shown["evd_1"] = Shown(
            id="evd_1", text=text, file=text, kind=text, proven=False, because=(text,)
        )
        return read(await browser.post(path, RENE, {"why": "judge"}, headers=headers))

    for headers in ({}, {"hx_request": "true"}):
        check(await look(words, headers), await look("calm", headers), words)


@pytest.mark.parametrize("words", HOSTILE)
async def test_words_of_staff_and_names_stay_words(browser: Browser, words: str) -> None:
    if any(char < " " for char in words):
        # A form cannot hold these in a case's reason; messages can, above.
        words = "".join(char for char in words if char >= " ")
    row = browser.desk.rows[WAITS]
    before = read(await browser.get(f"/confirm/{WAITS}", LEA))
    assert row.decided is not None
    row.decided = replace(row.decided, facts=words)
    row.proposed_by = words
    check(read(await browser.get(f"/confirm/{WAITS}", LEA)), before, words)
    contested = browser.desk.rows[CONTESTED]
    contested.holder = "lea"
    contested.judged["lea"] = Choice(reason="harassment.bullying")
    before = read(await browser.get(f"/appeals/{CONTESTED}", LEA))
    contested.decided = Choice(reason=words, measures=("no_media",), facts=words)
    check(read(await browser.get(f"/appeals/{CONTESTED}", LEA)), before, words)


@pytest.mark.parametrize("words", HOSTILE)
async def test_an_address_that_holds_markup_is_no_markup(browser: Browser, words: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in words.encode())
    browser.gate.links |= {words: "sasha", "calm": "sasha"}
    for path in (f"/queue?language={quoted}", f"/join/{quoted}", f"/demo/{quoted}"):
        page = await browser.get(path, RENE)
        calm = await browser.get(path.replace(quoted, "calm"), RENE)
        if page.status == 200:
            check(read(page), read(calm), words)


def test_steering_characters_are_shown_by_their_number() -> None:
    assert "U+202E" in inert("exe.\u202egpj")
    assert "\u202e" not in inert("exe.\u202egpj")
    assert inert("family 👨\u200d👩\u200d👧 می\u200cخواهم\n\tok") == (
        "family 👨\u200d👩\u200d👧 می\u200cخواهم\n\tok"
    )


def test_a_name_of_one_line_has_no_steering_characters() -> None:
    assert plain("  a\u202e b\n c ") == "a\N{REPLACEMENT CHARACTER} b c"


@given(st.text())
def test_no_text_makes_an_element_of_its_own(text: str) -> None:
    markup = Markup()
    markup.feed(str(inert(text)))
    assert all(tag == "span" and found["class"] == "mark" for tag, found in markup.elements)
