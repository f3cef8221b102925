"""Which words are links, and which links are the platform's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.safety.links import has_foreign_link, has_link

OWN = ("www.own.example", "own.com")


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.com/x",
        "HTTP://EVIL.COM",
        "evil.com",
        "come to evil.gg/abc now",
        "(evil.com)",
        "//evil.com/x",
        "http://192.0.2.1/",
        "192.0.2.1",
        "http://[2001:db8::1]/",
        "http://localhost/x",
        "me@evil.com",
        "mailto:me@evil.com",
        "tel:+15550100",
        "TG:resolve",
        "matrix:u/me:evil.com",
        "mxc://evil.com/a",
        "whatsapp://send",
        "ev\u200bil.com",
        "evil\u3002com",
        "evil\uff0ecom",
        "\uff45vil.com",
        "пример.рф",
        "ok https://a.example/ ok",
        "evil.com/../x",
        "wait...evil.com",
    ],
)
def test_whatever_can_be_followed_is_a_link(text: str) -> None:
    assert has_link(text)
    assert has_foreign_link(text, OWN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello, how are you?",
        "ok... fine",
        "ok… fine",
        "it costs 3.50 or 1,000.00",
        "v1.2.3",
        "at 10:30, or 10.30",
        "either/or",
        "50% :) <3 ;-)",
        "ratio 1:2",
        "héllo wörld",
        "@someone hi",
    ],
)
def test_ordinary_words_are_no_link(text: str) -> None:
    assert not has_link(text)
    assert not has_foreign_link(text, OWN)


@pytest.mark.parametrize(
    "text",
    [
        "https://www.own.example/",
        "see https://www.own.example/help?page=2#top, please",
        "(https://own.com/x)",
        "https://own.com",
        "https://own.com/?next=https://evil.com",
    ],
)
def test_the_platforms_own_addresses_are_own(text: str) -> None:
    assert has_link(text)
    assert not has_foreign_link(text, OWN)
    assert has_foreign_link(text, ())


@pytest.mark.parametrize(
    "text",
    [
        "http://own.com/",
        "own.com",
        "https://own.com:8443/",
        "https://own.com.evil.com/",
        "https://sub.own.com/",
        "https://own.com@evil.com/",
        "https://me@own.com/",
        "https://own.com\\@evil.com/",
        "https://own.com/ evil.com",
        "https://evil.com/https://own.com/",
        "https://[own.com",
        "https://own.com..evil.com/",
        "https://own.com..@evil.com/",
        "https://own.com\x1c@evil.com/",
        "https://own.com\u2003@evil.com/",
        "https://own.com\u00a8@evil.com/",
        "https://own.com\u200b@evil.com/",
        "https://own.сom/",
        "javascript://own.com/%0aalert(1)",
    ],
)
def test_an_address_that_only_looks_own_is_foreign(text: str) -> None:
    assert has_foreign_link(text, OWN)


def test_a_text_too_long_to_search_counts_as_a_link() -> None:
    assert not has_link("a " * 2_048)
    assert has_link("a " * 2_049)
    assert has_foreign_link("a " * 2_049, OWN)
    # Characters that unfold into many count as the many.
    assert has_link("\ufdfa" * 300)
    assert has_link("x.y " * 101)
    assert not has_link("x.y " * 100)


@given(st.text(), st.text())
def test_a_link_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    assert has_link(f"{before} https://evil.com/ {after}")


@given(st.text())
def test_no_link_at_all_means_no_foreign_link(text: str) -> None:
    if has_foreign_link(text, OWN):
        assert has_link(text)
