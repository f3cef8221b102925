"""Checks XML against NCMEC's schema, which lies beside this module (see cyber_tipline.md)."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

from halfdoor.readers.review.errors import ReviewError

if TYPE_CHECKING:
    from xmlschema import XMLSchema10

_NAME: Final = "cyber_tipline.xsd"


class TipRefusedError(ReviewError):
    """A CyberTipline report that cannot be filed as it is (409); the text says what is missing."""


def check_schema(xml: bytes) -> None:
    """Refuse *xml* that the schema does not allow, naming the place and never what stands there.

    Document types and entities are refused before anything is read (`TipRefusedError`).
    """
    # 30 MB and half a second, which a server spends only once it has something to report.
    from xmlschema import XMLResource, XMLResourceError, XMLSchemaException  # noqa: PLC0415

    try:
        # The text of an XMLSchema error quotes the document: only path and rule leave this module.
        fault = next(_schema().iter_errors(XMLResource(xml, defuse="always")), None)
    except (XMLResourceError, XMLSchemaException, ParseError, ValueError):
        raise TipRefusedError("The report is no XML document.") from None
    if fault is not None:
        raise TipRefusedError(f"The report does not fit the schema at {fault.path}.")


def schema_bytes() -> bytes:
    """Return the schema as it was published."""
    return (files("halfdoor.readers.review") / _NAME).read_bytes()


@cache
def _schema() -> "XMLSchema10":
    from xmlschema import XMLSchema10  # noqa: PLC0415

    # Nothing is fetched from anywhere.
    return XMLSchema10(schema_bytes(), allow="none", defuse="always")
