"""What room version 11 leaves of a redacted event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.content import Content
from halfdoor.messaging.redaction import redact_content


@pytest.mark.parametrize(
    "event_type",
    ["m.room.message", "m.room.encrypted", "m.room.name", "m.room.aliases", "m.reaction", "x"],
)
def test_nothing_is_left_of_a_message(event_type: str) -> None:
    content = {"body": "hello", "membership": "join", "org.halfdoor.franking.commitment": "c"}
    assert redact_content(event_type, content) == {}


def test_a_membership_loses_the_name_and_the_face() -> None:
    content = {
        "membership": "join",
        "displayname": "Alice",
        "avatar_url": "mxc://hd.example/a",
        "reason": "hello",
        "join_authorised_via_users_server": "@bob:hd.example",
        "third_party_invite": {"display_name": "alice@…", "signed": {"token": "t"}},
    }
    assert redact_content("m.room.member", content) == {
        "membership": "join",
        "join_authorised_via_users_server": "@bob:hd.example",
        "third_party_invite": {"signed": {"token": "t"}},
    }


@pytest.mark.parametrize("invite", [None, "text", {}, {"display_name": "a"}])
def test_a_third_party_invite_that_is_not_signed_goes_whole(invite: object) -> None:
    content = {"membership": "invite", "third_party_invite": invite}
    assert redact_content("m.room.member", content) == {"membership": "invite"}


def test_creation_is_kept_whole() -> None:
    content = {"room_version": "11", "m.federate": False, "anything": {"else": 1}}
    assert redact_content("m.room.create", content) == content


def test_power_levels_keep_who_may_invite_and_lose_the_notifications() -> None:
    kept: Content = {
        "ban": 50,
        "events": {"m.room.name": 50},
        "events_default": 0,
        "invite": 50,
        "kick": 50,
        "redact": 50,
        "state_default": 50,
        "users": {"@alice:hd.example": 100},
        "users_default": 0,
    }
    content = {**kept, "notifications": {"room": 20}, "x": 1}
    assert redact_content("m.room.power_levels", content) == kept


@pytest.mark.parametrize(
    ("event_type", "kept"),
    [
        ("m.room.join_rules", {"join_rule": "invite", "allow": []}),
        ("m.room.history_visibility", {"history_visibility": "shared"}),
        ("m.room.redaction", {"redacts": "$event"}),
    ],
)
def test_what_the_rules_need_is_kept(event_type: str, kept: Content) -> None:
    assert redact_content(event_type, {**kept, "reason": "spam"}) == kept


types = st.sampled_from(
    ["m.room.member", "m.room.create", "m.room.power_levels", "m.room.redaction", "m.room.message"]
)
keys = st.sampled_from(["membership", "third_party_invite", "ban", "redacts", "body", "signed"])
contents = st.dictionaries(keys, st.integers() | st.dictionaries(keys, st.integers()))


@given(types, contents)
def test_redacting_twice_is_redacting_once_and_the_original_stays(
    event_type: str, content: Content
) -> None:
    original = dict(content)
    once = redact_content(event_type, content)
    assert redact_content(event_type, once) == once
    assert content == original
