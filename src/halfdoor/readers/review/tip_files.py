"""What is told of a file beside a CyberTipline report: the element `fileDetails`."""

from collections.abc import Sequence
from hashlib import sha256
from xml.etree.ElementTree import Element, SubElement, tostring

from halfdoor.readers.review.cyber_tip_schema import check_schema
from halfdoor.readers.review.sealed_files import TipFile
from halfdoor.readers.review.xml_text import xml_text


def file_details_xml(
    report: int, file_id: str, file: TipFile, *, others: Sequence[str] = ()
) -> bytes:
    """Return the details of *file*, which NCMEC took as *file_id* of *report*, as XML.

    `fileViewedByEsp` is what the staff log proved when the file was made, and is said either way: a
    search of what no person viewed may need a warrant. `TipRefusedError` where the schema says no.
    """
    root = Element("fileDetails")
    for tag, text in (
        ("reportId", str(report)),
        ("fileId", file_id),
        ("originalFileName", xml_text(file.name)),
        ("fileViewedByEsp", "true" if file.viewed else "false"),
        ("exifViewedByEsp", "false"),
        ("publiclyAvailable", "false"),
        ("fileRelevance", "Reported"),
    ):
        SubElement(root, tag).text = text
    digest = SubElement(root, "originalFileHash", hashType="SHA256")
    digest.text = sha256(file.content).hexdigest()
    for text in others:
        SubElement(root, "additionalInfo").text = xml_text(text)
    xml: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    check_schema(xml)
    return xml
