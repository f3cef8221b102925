"""Until somebody accepts: how many events, which kinds, what a block changes (SAFETY §5.13)."""

from typing import Any

import msgspec
import pytest

from halfdoor.policy.load import load, policy_from
from halfdoor.policy.model import LinkHandling, Policy
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import (
    Connected,
    ContactRefused,
    FirstEvent,
    Person,
    Reason,
    Relation,
    Request,
    check_first_contact,
    check_links,
    check_state_before_accept,
    may_start,
)

NOW = 1_790_000_000_000
DAY = 86_400_000
DEFAULT = load()
OWN_HOST = policy_from({"contact": {"own_link_hosts": ["www.own.example"]}}, "own.toml")
ALICE = Person(user_id="@alice:hd.example", band=AgeBand.ADULT)
BOB = Person(user_id="@bob:hd.example", band=AgeBand.ADULT)
CHILD = Person(user_id="@child:hd.example", band=AgeBand.FROM_13)
NOBODY_KNOWS = Person(user_id="@unknown:hd.example", dm_choice=True)
STRANGERS = Relation()


def text(body: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body, **more}


def edit(body: str = "hello you") -> dict[str, Any]:
    return {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.new_content": text(body),
        "m.relates_to": {"rel_type": "m.replace", "event_id": "$one"},
    }


def send(
    content: dict[str, Any],
    event_type: str = "m.room.message",
    *,
    policy: Policy = DEFAULT,
    sender: Person = ALICE,
    recipient: Person = BOB,
    relation: Relation = STRANGERS,
    is_own_redaction: bool = False,
    direct: bool = True,
) -> FirstEvent:
    return check_first_contact(
        policy,
        sender,
        recipient,
        relation,
        event_type,
        content,
        is_own_redaction=is_own_redaction,
        now_ms=NOW,
        direct=direct,
    )


def refusal(*args: Any, **kwargs: Any) -> Reason:
    with pytest.raises(ContactRefused) as refused:
        send(*args, **kwargs)
    return refused.value.reason


def test_a_second_message_to_a_stranger_is_refused_in_whatever_room() -> None:
    # The count is of the pair, over all rooms; no room is named here at all.
    relation = Relation(sent_first_contact=1)
    assert refusal(text(), relation=relation) is Reason.LIMIT_REACHED
    assert refusal(text(), relation=relation, direct=False) is Reason.LIMIT_REACHED
    assert may_start(DEFAULT, ALICE, BOB, relation, NOW).messages_left == 0  # type: ignore[union-attr]


def test_an_edit_counts_like_a_message() -> None:
    assert send(edit()).counts
    assert refusal(edit(), relation=Relation(sent_first_contact=1)) is Reason.LIMIT_REACHED


def test_the_first_message_counts() -> None:
    assert send(text()) == FirstEvent(counts=True, links=None, shown=True)


def test_the_entity_may_allow_more_messages_and_the_smaller_of_two_bands_holds() -> None:
    three = policy_from(
        {
            "bands": {
                "adult": {"first_contact": {"messages": 3}},
                "16-17": {"first_contact": {"messages": 2}},
                "unknown": {"first_contact": {"messages": 2}},
            }
        },
        "three.toml",
    )
    relation = Relation(sent_first_contact=2)
    assert send(text(), policy=three, relation=relation).counts
    assert refusal(text(), policy=three, sender=NOBODY_KNOWS, relation=relation) is (
        Reason.LIMIT_REACHED
    )


def test_nothing_ends_below_zero_where_the_count_is_past_the_limit() -> None:
    start = may_start(DEFAULT, ALICE, BOB, Relation(sent_first_contact=7), NOW)
    assert isinstance(start, Request)
    assert start.messages_left == 0


def test_taking_back_ones_own_message_is_free_but_says_nothing() -> None:
    after = Relation(sent_first_contact=1)
    free = send({"redacts": "$one"}, "m.room.redaction", relation=after, is_own_redaction=True)
    assert free == FirstEvent(counts=False, links=None, shown=True)
    speaking = {"redacts": "$one", "reason": "write me at example.com"}
    assert refusal(speaking, "m.room.redaction", is_own_redaction=True) is Reason.TEXT_ONLY


def test_a_message_is_not_free_because_somebody_calls_it_a_redaction() -> None:
    after = Relation(sent_first_contact=1)
    assert refusal(text(), relation=after, is_own_redaction=True) is Reason.LIMIT_REACHED


def test_redacting_somebody_elses_event_is_no_first_contact() -> None:
    assert refusal({"redacts": "$other"}, "m.room.redaction") is Reason.TEXT_ONLY


@pytest.mark.parametrize(
    ("event_type", "content"),
    [
        ("m.room.message", {"msgtype": "m.image", "body": "x.png", "url": "mxc://hd.example/a"}),
        ("m.room.message", {"msgtype": "m.file", "body": "x", "url": "mxc://hd.example/a"}),
        ("m.room.message", {"msgtype": "m.audio", "body": "x", "url": "mxc://hd.example/a"}),
        ("m.room.message", {"msgtype": "m.video", "body": "x", "url": "mxc://hd.example/a"}),
        ("m.room.message", {"msgtype": "m.location", "body": "x", "geo_uri": "geo:1,2"}),
        ("m.room.message", {"msgtype": "m.emote", "body": "waves"}),
        ("m.room.message", {"msgtype": "m.notice", "body": "hello"}),
        ("m.room.message", {"body": "hello"}),
        ("m.room.message", {}),
        ("m.room.message", text(url="mxc://hd.example/a")),
        ("m.room.message", text("x", **{"com.example.previews": [{"og:image": "mxc://a/b"}]})),
        ("m.room.message", text(body=7)),
        ("m.room.message", text("x", **{"m.mentions": "all"})),
        ("m.room.message", text("x", **{"m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}})),
        (
            "m.room.message",
            text("x", **{"m.relates_to": {"rel_type": "m.thread", "event_id": "$x"}}),
        ),
        ("m.room.message", text("x", **{"m.new_content": text()})),
        (
            "m.reaction",
            {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "x"}},
        ),
        ("m.sticker", {"body": "x", "url": "mxc://hd.example/a"}),
        ("m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2"}),
        ("m.call.invite", {"call_id": "1"}),
        ("m.poll.start", {}),
        ("org.example.anything", text()),
    ],
)
def test_a_stranger_is_sent_nothing_but_text(event_type: str, content: dict[str, Any]) -> None:
    assert refusal(content, event_type) is Reason.TEXT_ONLY


def test_an_edit_may_not_smuggle_in_what_a_message_may_not_hold() -> None:
    picture = edit() | {"m.new_content": {"msgtype": "m.image", "body": "x", "url": "mxc://a/b"}}
    assert refusal(picture) is Reason.TEXT_ONLY
    nested = edit() | {"m.new_content": edit()}
    assert refusal(nested) is Reason.TEXT_ONLY
    assert refusal(edit() | {"m.new_content": "text"}) is Reason.TEXT_ONLY
    linked = edit() | {"m.new_content": text("see evil.com")}
    assert refusal(linked) is Reason.LINK


def test_bare_formatting_is_text() -> None:
    shaped = {"format": "org.matrix.custom.html", "formatted_body": "<strong>hello</strong><br />"}
    assert send(text("**hello**", **shaped)).counts


@pytest.mark.parametrize(
    "formatted",
    [
        '<a href="https://evil.com">here</a>',
        '<img src="mxc://hd.example/a">',
        "<font color='red'>x</font>",
        "<strong style='x'>x</strong>",
        "<script>x</script>",
        "<!-- x -->",
        "< a href=x>",
        "<strong",
        7,
    ],
)
def test_formatting_that_could_carry_more_than_shape_is_refused(formatted: Any) -> None:
    shaped = {"format": "org.matrix.custom.html", "formatted_body": formatted}
    assert refusal(text("hello", **shaped)) is Reason.TEXT_ONLY


def test_an_unknown_format_is_refused() -> None:
    assert refusal(text(format="text/x", formatted_body="hello")) is Reason.TEXT_ONLY
    assert refusal(text(formatted_body="hello")) is Reason.TEXT_ONLY


@pytest.mark.parametrize("shown", ["see evil.com", "ev<b>il</b>.com", "evil&#46;com"])
def test_a_link_in_the_formatted_words_is_found(shown: str) -> None:
    shaped = {"format": "org.matrix.custom.html", "formatted_body": shown}
    assert refusal(text("hello", **shaped)) is Reason.LINK


def test_a_link_to_a_stranger_is_refused_and_one_of_the_platform_is_accepted_under_a_warning() -> (
    None
):
    own = text("look: https://www.own.example/help")
    assert refusal(own) is Reason.LINK
    assert send(own, policy=OWN_HOST).links is LinkHandling.WARNING
    assert refusal(text("https://evil.com/"), policy=OWN_HOST) is Reason.LINK
    both = text("https://www.own.example/ and evil.com")
    assert refusal(both, policy=OWN_HOST) is Reason.LINK


def test_an_unknown_age_may_send_an_adult_words_alone() -> None:
    assert send(text(), sender=NOBODY_KNOWS).counts
    own = text("https://www.own.example/help")
    assert refusal(own, policy=OWN_HOST, sender=NOBODY_KNOWS) is Reason.LINK


def test_an_entity_that_blocks_links_blocks_its_own_as_well() -> None:
    blocked = policy_from(
        {
            "contact": {"own_link_hosts": ["www.own.example"]},
            "bands": {"adult": {"links_from_non_connection": "blocked"}},
        },
        "blocked.toml",
    )
    with pytest.raises(ContactRefused) as refused:
        send(text("https://www.own.example/"), policy=blocked)
    assert refused.value.reason is Reason.LINK
    assert refused.value.row == "bands.adult.links_from_non_connection"


@pytest.mark.parametrize("relation", [Relation(connected=True), Relation(accepted=True)])
def test_those_who_know_each_other_have_no_limits(relation: Relation) -> None:
    busy = msgspec.structs.replace(relation, sent_first_contact=9, closed_until=NOW + DAY)
    image = {"msgtype": "m.image", "body": "x", "url": "mxc://hd.example/a"}
    for content in (text("evil.com"), image):
        assert send(content, relation=busy) == FirstEvent(counts=False, links=None, shown=True)


def test_having_accepted_does_not_join_an_adult_and_a_minor() -> None:
    # An age can become known after two people met as adults.
    teen = Person(user_id="@teen:hd.example", band=AgeBand.FROM_16, dm_choice=True)
    met = Relation(accepted=True)
    assert refusal(text(), recipient=teen, relation=met) is Reason.ADULT_AND_MINOR
    assert refusal(text(), recipient=teen, relation=met, direct=False) is Reason.ADULT_AND_MINOR
    assert refusal(text(), sender=teen, recipient=ALICE, relation=met) is Reason.ADULT_AND_MINOR


def test_what_the_rows_refuse_at_the_invite_they_refuse_at_the_message() -> None:
    off = Person(user_id="@off:hd.example", band=AgeBand.ADULT, dm_choice=False)
    assert refusal(text(), recipient=off) is Reason.MESSAGES_OFF
    assert refusal(text(), sender=off) is Reason.OWN_MESSAGES_OFF


def test_in_a_group_a_request_between_strangers_of_sixteen_is_one_text() -> None:
    teens = [
        Person(user_id=f"@{name}:hd.example", band=AgeBand.FROM_16, dm_choice=True)
        for name in ("one", "two")
    ]
    pair: dict[str, Any] = {"sender": teens[0], "recipient": teens[1]}
    assert refusal(text(), **pair) is Reason.NOT_CONNECTED
    assert send(text(), direct=False, **pair).counts
    assert refusal(text("evil.com"), direct=False, **pair) is Reason.LINK


def test_a_refused_request_closes_the_pair_until_its_time_has_come() -> None:
    closed = Relation(closed_until=NOW + 1)
    with pytest.raises(ContactRefused) as refused:
        may_start(DEFAULT, ALICE, BOB, closed, NOW)
    assert refused.value.reason is Reason.CLOSED
    assert refusal(text(), relation=closed) is Reason.CLOSED
    assert isinstance(may_start(DEFAULT, ALICE, BOB, closed, NOW + 1), Request)
    connected = Relation(closed_until=NOW + DAY, connected=True)
    assert isinstance(may_start(DEFAULT, ALICE, BOB, connected, NOW), Connected)


def test_the_default_closes_a_pair_for_thirty_days() -> None:
    assert DEFAULT.contact.closed_days == 30


@pytest.mark.parametrize("hidden", ["blocked_by_recipient", "ignored_by_recipient"])
@pytest.mark.parametrize("sent", [0, 1])
@pytest.mark.parametrize("band", list(AgeBand))
@pytest.mark.parametrize("content", [text(), text("evil.com"), edit(), {"msgtype": "m.image"}])
def test_a_block_changes_nothing_but_what_is_shown(
    hidden: str, sent: int, band: AgeBand, content: dict[str, Any]
) -> None:
    recipient = Person(user_id="@r:hd.example", band=band, dm_choice=True)
    open_door = Relation(sent_first_contact=sent)
    blocked = msgspec.structs.replace(open_door, **{hidden: True})
    try:
        without: FirstEvent | tuple[Reason, str, str] = send(
            content, recipient=recipient, relation=open_door
        )
    except ContactRefused as refused:
        without = (refused.reason, refused.row, str(refused))
    try:
        with_block: FirstEvent | tuple[Reason, str, str] = send(
            content, recipient=recipient, relation=blocked
        )
    except ContactRefused as refused:
        with_block = (refused.reason, refused.row, str(refused))
    if isinstance(without, FirstEvent):
        assert without.shown
        assert with_block == msgspec.structs.replace(without, shown=False)
    else:
        assert with_block == without


@pytest.mark.parametrize("about", ["block", "ignore"])
def test_no_reason_and_no_sentence_speaks_of_a_block(about: str) -> None:
    for reason in Reason:
        assert about not in reason.value
        assert about not in ContactRefused(reason).sentence


def test_who_is_refused_cannot_tell_a_child_from_a_closed_door() -> None:
    about_the_other = (
        Reason.ADULT_AND_MINOR,
        Reason.MESSAGES_OFF,
        Reason.GUARDIAN,
        Reason.NOT_CONNECTED,
        Reason.BANDS_APART,
    )
    refusals = [ContactRefused(reason) for reason in about_the_other]
    assert {refused.public for refused in refusals} == {Reason.NOT_REACHABLE}
    assert len({str(refused) for refused in refusals}) == 1


@pytest.mark.parametrize(
    ("band", "handling"),
    [
        (AgeBand.UNDER_13, None),
        (AgeBand.FROM_13, None),
        (AgeBand.FROM_16, LinkHandling.UNLINKED_WARNING),
        (AgeBand.ADULT, LinkHandling.WARNING),
        (AgeBand.UNKNOWN, None),
    ],
)
@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        text("evil.com"),
        edit("evil.com"),
        {"msgtype": "m.image", "body": "evil.com", "url": "mxc://hd.example/a"},
        text("x", formatted_body='<A HREF="evil">x</A>'),
    ],
)
def test_links_among_members_of_a_group_are_handled_as_the_recipients_row_says(
    band: AgeBand, handling: LinkHandling | None, blocked: bool, content: dict[str, Any]
) -> None:
    recipient = Person(user_id="@r:hd.example", band=band)
    relation = Relation(blocked_by_recipient=blocked)
    if handling is None:
        with pytest.raises(ContactRefused) as refused:
            check_links(DEFAULT, recipient, relation, content)
        assert refused.value.reason is Reason.LINK
    else:
        assert check_links(DEFAULT, recipient, relation, content) is handling
    assert check_links(DEFAULT, recipient, relation, text("no link")) is None
    assert check_links(DEFAULT, recipient, Relation(connected=True), content) is None


PRESET = {
    ("m.room.guest_access", ""): {"guest_access": "can_join"},
    ("m.room.history_visibility", ""): {"history_visibility": "shared"},
}


@pytest.mark.parametrize(
    ("event_type", "content"),
    [
        ("m.room.name", {"name": "call me"}),
        ("m.room.topic", {"topic": "call me"}),
        ("m.room.avatar", {"url": "mxc://hd.example/a"}),
        ("m.room.power_levels", {"users": {}}),
        ("m.room.guest_access", {"guest_access": "forbidden"}),
        ("m.room.guest_access", {"guest_access": "can_join", "note": "call me"}),
        ("m.room.pinned_events", {"pinned": []}),
        ("org.example.note", {"text": "call me"}),
        ("m.room.member", {"membership": "invite", "reason": "call me"}),
        ("m.room.member", {"membership": "leave", "note": "call me"}),
    ],
)
def test_an_unconnected_creator_may_not_speak_by_state(
    event_type: str, content: dict[str, Any]
) -> None:
    with pytest.raises(ContactRefused) as refused:
        check_state_before_accept(STRANGERS, event_type, "", content, preset=PRESET)
    assert refused.value.reason is Reason.STATE_BEFORE_ACCEPT
    for relation in (Relation(connected=True), Relation(accepted=True)):
        check_state_before_accept(relation, event_type, "", content, preset=PRESET)


def test_state_that_says_what_the_preset_says_is_let_through() -> None:
    for (event_type, state_key), content in PRESET.items():
        check_state_before_accept(STRANGERS, event_type, state_key, content, preset=PRESET)
        with pytest.raises(ContactRefused):
            check_state_before_accept(STRANGERS, event_type, "other", content, preset=PRESET)
    for membership in ("invite", "join", "leave"):
        check_state_before_accept(
            STRANGERS, "m.room.member", BOB.user_id, {"membership": membership}, preset=PRESET
        )
