"""The CyberTipline report of a decided child-safety case, as XML (SAFETY §5.6).

Only what a person viewed stands in it. What nobody opened is named, so that an investigator knows
that it is there, and a search of it can be lawful.
"""

from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from halfdoor.readers.review.cyber_tip_facts import CyberTip, Filer, Party
from halfdoor.readers.review.cyber_tip_schema import TipRefusedError, check_schema
from halfdoor.readers.review.transcript import sealed_lines, transcript
from halfdoor.readers.review.xml_text import xml_text

_SCHEMA_PLACE: Final = "https://report.cybertip.org/ispws/xsd"
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
_CLIENT: Final = "Matrix direct messages"


def cyber_tip_xml(tip: CyberTip) -> bytes:
    """Return *tip* as an XML document in UTF-8 that fits NCMEC's schema.

    `TipRefusedError` where nobody is reported, where the recipient is known and no victim is named,
    where there is nothing to tell, or where the schema says no.
    """
    check_facts(tip)
    root = Element("report")
    root.set(f"{{{_INSTANCE}}}noNamespaceSchemaLocation", _SCHEMA_PLACE)
    _summary(root, tip)
    _chat(root, tip)
    _filer(root, tip.filer)
    _reported(root, tip)
    for one in tip.recipients:
        _party(SubElement(root, "intendedRecipient"), one, tip.filer, "intendedRecipientPerson")
    for one in tip.victims:
        _party(SubElement(root, "victim"), one, tip.filer, "victimPerson")
    _text(root, "additionalInfo", _remarks(tip))
    indent(root)
    xml: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    check_schema(xml)
    return xml


def check_facts(tip: CyberTip) -> None:
    """Refuse what fits the schema and yet would help nobody (`TipRefusedError`)."""
    if not tip.subject.user:
        raise TipRefusedError("The report names nobody who is reported.")
    known = [one for one in tip.recipients if one.user]
    named = [one for one in tip.victims if one.user]
    if len(named) != len(tip.victims) or len(known) != len(tip.recipients):
        raise TipRefusedError("A victim or recipient without a name helps nobody.")
    if known and not named:
        raise TipRefusedError("The recipient is known, so the victim must be named.")
    if tip.subject.user in {one.user for one in named}:
        raise TipRefusedError("The person who is reported cannot be the victim.")
    if not tip.exhibits and not any(text.strip() for text in tip.told):
        raise TipRefusedError("There is nothing to tell: no message was viewed, and no note.")
    if not tip.filer.email.strip():
        raise TipRefusedError("The configuration names nobody who files ([cyber_tip] email).")


def _summary(root: Element, tip: CyberTip) -> None:
    summary = SubElement(root, "incidentSummary")
    _text(summary, "incidentType", tip.incident.value)
    _text(summary, "platform", tip.filer.service)
    _text(summary, "escalateToHighPriority", tip.high_priority)
    if tip.annotations:
        marks = SubElement(summary, "reportAnnotations")
        for mark in sorted(one.value for one in tip.annotations):
            _text(marks, mark, "true")
    _text(summary, "incidentDateTime", iso(tip.at))
    _text(
        summary,
        "incidentDateTimeDescription",
        "The time of the earliest reported message, by this server's clock, in UTC.",
    )


def _chat(root: Element, tip: CyberTip) -> None:
    chat = SubElement(SubElement(root, "internetDetails"), "chatImIncident")
    _text(chat, "chatClient", _CLIENT)
    _text(chat, "chatRoomName", tip.room)
    _text(chat, "content", transcript(tip.exhibits))
    _text(chat, "additionalInfo", sealed_lines(tip.exhibits, tip.sealed))


def _filer(root: Element, filer: Filer) -> None:
    reporter = SubElement(root, "reporter")
    person = SubElement(reporter, "reportingPerson")
    _text(person, "firstName", filer.first_name)
    _text(person, "lastName", filer.last_name)
    _text(person, "email", filer.email)
    _text(reporter, "companyTemplate", filer.company_template)
    _text(reporter, "termsOfService", filer.terms_of_service)
    _text(reporter, "legalURL", filer.legal_url)


def _reported(root: Element, tip: CyberTip) -> None:
    one = SubElement(root, "personOrUserReported")
    _party(one, tip.subject, tip.filer, "personOrUserReportedPerson")


def _party(element: Element, party: Party, filer: Filer, person: str) -> None:
    """Fill *element*; the order is the schema's, which the three kinds of people share."""
    # The schema wants this element of a victim even where we know no name, address or birthday.
    SubElement(element, person)
    _text(element, "espIdentifier", party.user)
    _text(element, "espService", filer.service)
    _text(element, "screenName", party.user.removeprefix("@").partition(":")[0])
    for name in party.display_names:
        _text(element, "displayName", name)
    for number in party.prior_reports:
        _text(element, "priorCTReports", str(number))
    if party.disabled is not None:
        tag = (
            "accountPermanentlyDisabled"
            if party.disabled == "permanently"
            else "accountTemporarilyDisabled"
        )
        disabled = SubElement(element, tag)
        disabled.text = "true"
        if party.disabled_at is not None:
            disabled.set("disabledDate", iso(party.disabled_at))
    if party.country is not None:
        place = SubElement(element, "estimatedLocation")
        place.set("verified", "false")
        _text(place, "countryCode", party.country)
    _text(element, "additionalInfo", _age(party))


def _age(party: Party) -> str:
    if party.age_band is None:
        return "Age: not known to us."
    vouched = f", vouched for by {party.age_source}" if party.age_source else ""
    # A band is no age, and no age is made up from it.
    return f"Age band: {party.age_band}{vouched}."


def _remarks(tip: CyberTip) -> str:
    parts = [f"Our reference: {tip.referral}."]
    if tip.note.strip():
        parts.append(f"From our reviewers:\n{_quoted(tip.note)}")
    parts += [
        f"Written by the person who reported; nobody could check it:\n{_quoted(text)}"
        for text in tip.told
        if text.strip()
    ]
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in xml_text(text).split("\n"))


def _text(parent: Element, tag: str, text: str) -> None:
    """Add *tag* with *text*, nothing where there is none: an empty element says something false."""
    if text:
        SubElement(parent, tag).text = xml_text(text)


def iso(ms: int) -> str:
    """Return the time *ms* as `xs:dateTime` in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
