"""The files that pages load are those we reviewed, and are named by their content."""

import hashlib
import re
from importlib import resources

from tests.web.console.conftest import Browser

STATIC = resources.files("halfdoor.web.console").joinpath("static")

# dist/htmx.min.js of the npm package htmx.org 4.0.1, Zero-Clause BSD.
HTMX = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"


def test_htmx_is_the_file_that_was_published_and_its_licence_lies_beside_it() -> None:
    content = STATIC.joinpath("htmx-4.0.1.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == HTMX
    assert b"htmx" in content
    licence = STATIC.joinpath("htmx-4.0.1.LICENSE").read_text()
    assert licence.startswith("Zero-Clause BSD")


async def test_a_file_is_kept_for_ever_under_the_name_of_its_content(browser: Browser) -> None:
    page = await browser.get("/sign-in")
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(set(found)) == 5
    for address in found:
        file = await browser.get(address)
        assert file.status == 200
        assert b"immutable" in file.headers[b"cache-control"]
        digest = address.split(".")[-2]
        assert hashlib.sha256(file.text.encode()).hexdigest().startswith(digest)


async def test_what_is_no_file_of_ours_is_not_served(browser: Browser) -> None:
    for name in ("console.css", "htmx-4.0.1.LICENSE", "..%2Fconsole.py", "console.00.css", ""):
        assert (await browser.get(f"/static/{name}")).status == 404


def test_our_own_files_load_nothing_from_elsewhere_and_make_no_markup() -> None:
    for name in ("tokens.css", "console.css", "console.js"):
        text = STATIC.joinpath(name).read_text()
        assert "://" not in text
        assert "@import" not in text
    script = STATIC.joinpath("console.js").read_text()
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"):
        assert sink not in script
    assert len(script.splitlines()) < 300
