"""A CyberTipline report helps a child, tells no lie, and fits NCMEC's schema."""

import re
from hashlib import sha256
from importlib.resources import files
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.readers.review.xml_reading import read_xml

from halfdoor.readers.review.cyber_tip import cyber_tip_xml
from halfdoor.readers.review.cyber_tip_facts import (
    Annotation,
    CyberTip,
    Exhibit,
    Filer,
    IncidentType,
    Party,
    Sealed,
)
from halfdoor.readers.review.cyber_tip_schema import TipRefusedError, check_schema, schema_bytes
from halfdoor.readers.review.sealed_files import TipFile
from halfdoor.readers.review.tip_files import file_details_xml

NOW = 1_795_000_000_000
CHILD = Party(user="@kim:a.example", age_band="13-15", age_source="id-check", country="FI")
FILER = Filer(service="Chat", first_name="Ada", last_name="Lo", email="safety@a.example")
SAID = Exhibit(
    evidence="evd_1",
    event_id="$one",
    sender="@mallory:a.example",
    at=NOW - 1000,
    type="m.room.message",
    text="do not tell your mum <b>&amp;</b> ]]> \x07",
)
TIP = CyberTip(
    referral="ref_1",
    incident=IncidentType.ENTICEMENT,
    at=NOW - 1000,
    filer=FILER,
    subject=Party(user="@mallory:a.example", disabled="permanently", disabled_at=NOW),
    victims=(CHILD,),
    recipients=(CHILD,),
    annotations=frozenset({Annotation.SEXTORTION, Annotation.SOLICITATION}),
    high_priority="He wants to meet tonight.",
    room="!room:a.example",
    exhibits=(SAID,),
)


def root(tip: CyberTip) -> Element:
    return read_xml(cyber_tip_xml(tip))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"victims": ()}, "victim must be named"),
        ({"victims": (Party(user=""),)}, "without a name"),
        ({"victims": (Party(user="@mallory:a.example"),)}, "cannot be the victim"),
        ({"subject": Party(user="")}, "names nobody"),
        ({"exhibits": ()}, "nothing to tell"),
        ({"exhibits": (), "told": ("  \n",)}, "nothing to tell"),
        ({"filer": replace(FILER, email=" ")}, "nobody who files"),
        ({"victims": (replace(CHILD, country="XX"),)}, "does not fit the schema"),
    ],
)
def test_a_report_that_helps_nobody_is_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(TipRefusedError, match=why):
        cyber_tip_xml(replace(TIP, **wrong))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<report",
        b"\xff\xfe",
        b"<report/>",
        b'<!DOCTYPE r [<!ENTITY a "b">]><report>&a;</report>',
        b"<fileDetails><reportId>x</reportId></fileDetails>",
    ],
)
def test_what_is_no_report_is_refused_without_being_quoted(document: bytes) -> None:
    with pytest.raises(TipRefusedError) as caught:
        check_schema(document)
    assert "ENTITY" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_refusal_of_the_schema_names_the_place_and_not_what_stands_there() -> None:
    with pytest.raises(TipRefusedError) as caught:
        cyber_tip_xml(replace(TIP, subject=replace(TIP.subject, country="canary")))
    assert "countryCode" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_where_nobody_knows_the_recipient_no_victim_is_made_up() -> None:
    made = root(replace(TIP, victims=(), recipients=()))
    assert made.find("victim") is None
    assert made.find("intendedRecipient") is None


def test_enticement_in_words_alone_is_reported() -> None:
    made = root(TIP)
    assert made.findtext("incidentSummary/incidentType") == (
        "Online Enticement of Children for Sexual Acts"
    )
    assert made.findtext("incidentSummary/escalateToHighPriority") == "He wants to meet tonight."
    assert made.findtext("incidentSummary/reportAnnotations/sextortion") == "true"
    assert made.findtext("incidentSummary/incidentDateTime") == "2026-11-18T11:06:39.000+00:00"
    content = made.findtext("internetDetails/chatImIncident/content") or ""
    assert "> do not tell your mum <b>&amp;</b> ]]> [U+0007]" in content
    assert made.findtext("personOrUserReported/espIdentifier") == "@mallory:a.example"
    assert made.findtext("personOrUserReported/accountPermanentlyDisabled") == "true"
    assert made.findtext("victim/espIdentifier") == "@kim:a.example"
    assert made.findtext("victim/additionalInfo") == "Age band: 13-15, vouched for by id-check."
    assert made.findtext("intendedRecipient/espIdentifier") == "@kim:a.example"
    assert made.findtext("reporter/reportingPerson/email") == "safety@a.example"


def test_an_age_is_never_made_up_from_a_band() -> None:
    assert root(TIP).find("victim/victimPerson/age") is None
    assert root(TIP).find("victim/victimPerson/dateOfBirth") is None


def test_what_nobody_viewed_is_named_and_said_to_be_unseen() -> None:
    unseen = Sealed(evidence="evd_2", event_id="$two", sender="@mallory:a.example", at=NOW)
    said = root(replace(TIP, sealed=(unseen,))).findtext(
        "internetDetails/chatImIncident/additionalInfo"
    )
    assert said is not None
    assert "1 reported message(s) were each viewed by a person" in said
    assert "No person of ours viewed them" in said
    assert "$two" in said


def test_where_nothing_was_viewed_the_report_does_not_say_that_anything_was() -> None:
    unseen = Sealed(evidence="evd_2", event_id="$two", sender="@mallory:a.example", at=NOW)
    made = root(replace(TIP, exhibits=(), sealed=(unseen,), told=("he asked for photos",)))
    said = made.findtext("internetDetails/chatImIncident/additionalInfo") or ""
    assert "were each viewed" not in said
    assert made.find("internetDetails/chatImIncident/content") is None
    assert "> he asked for photos" in (made.findtext("additionalInfo") or "")


@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
@settings(max_examples=60, deadline=None)
def test_no_text_of_anybody_breaks_the_report(said: str, told: str, name: str) -> None:
    tip = replace(
        TIP,
        exhibits=(replace(SAID, text=said),),
        told=(told,),
        note=told,
        high_priority=said,
        subject=replace(TIP.subject, display_names=(name,)),
    )
    made = root(tip)
    # Whatever was written stays text: no element is there that was not there before.
    allowed = {one.tag for one in root(TIP).iter()} | {"displayName", "additionalInfo"}
    assert {one.tag for one in made.iter()} <= allowed


@given(st.builds(Party, user=st.just("@kim:a.example"), prior_reports=st.just((12, 13))))
def test_what_is_known_of_people_fits_the_schema(party: Party) -> None:
    numbers = root(replace(TIP, victims=(party,))).findall("victim/priorCTReports")
    assert [one.text for one in numbers] == ["12", "13"]


@pytest.mark.parametrize("viewed", [True, False])
def test_a_file_says_truly_whether_a_person_viewed_it(viewed: bool) -> None:
    file = TipFile(name="messages.json", content=b"[]", evidence=("evd_1",), viewed=viewed)
    made = read_xml(file_details_xml(7, "f-1", file, others=("a \x00",)))
    assert made.findtext("fileViewedByEsp") == str(viewed).lower()
    assert made.findtext("exifViewedByEsp") == "false"
    assert made.findtext("originalFileHash") == sha256(b"[]").hexdigest()
    assert made.findtext("additionalInfo") == "a [U+0000]"


def test_the_schema_is_the_one_whose_origin_is_written_down() -> None:
    note = (files("halfdoor.readers.review") / "cyber_tipline.md").read_text()
    written = re.search(r"`([0-9a-f]{64})`", note)
    assert written is not None
    assert sha256(schema_bytes()).hexdigest() == written[1]


def test_a_report_does_not_print_what_was_said() -> None:
    assert repr(TIP) == "CyberTip('ref_1')"
    assert repr(SAID) == "Exhibit('evd_1')"
    assert repr(TIP.subject) == "Party('@mallory:a.example')"
