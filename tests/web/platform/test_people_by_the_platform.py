"""The platform says who people are: a list is taken whole or not at all, and binds at once."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.house_fixture import SERVER, WholeHouse, good, refusal

ALICE = f"@alice:{SERVER}"
BOB = f"@bob:{SERVER}"

EVERYTHING = {
    "user": "alice",
    "age_band": "13-15",
    "age_source": "id-check",
    "guardian": "gus",
    "guardian_allows": [BOB, "anna", "bob"],
    "region": "FI",
    "dm_choice": True,
    "device_checks": True,
    "display_name": "Alice",
}


async def put(house: WholeHouse, *people: Any) -> Any:
    return good(await house.told("PUT", "/people", {"people": people}))


async def known(house: WholeHouse, user: str = "alice") -> Any:
    return good(await house.told("GET", f"/people/{user}"))


BAD: dict[str, dict[str, Any]] = {
    "a name in capitals": {"user": "Alice"},
    "a name with a blank": {"user": "al ice"},
    "an empty name": {"user": ""},
    "a name that begins with an underscore": {"user": "_alice"},
    "a name that is too long": {"user": "a" * 250},
    "a person of another server": {"user": "@alice:b.example"},
    "a name without a server": {"user": "@alice"},
    "a name that is a number": {"user": 7},
    "no name": {"age_band": "adult"},
    "an age band nobody knows": {"user": "alice", "age_band": "grown-up"},
    "an age": {"user": "alice", "age_band": 14},
    "a source that is no word": {"user": "alice", "age_source": "two words"},
    "a source that is too long": {"user": "alice", "age_source": "x" * 65},
    "a region of another entity": {"user": "alice", "region": "US"},
    "a region in small letters": {"user": "alice", "region": "fi"},
    "a region with an end of line": {"user": "alice", "region": "F\n"},
    "a guardian of another server": {"user": "alice", "guardian": "@gus:b.example"},
    "oneself as a guardian": {"user": "alice", "guardian": ALICE},
    "a guardian's choice of another server": {"user": "alice", "guardian_allows": ["@x:y"]},
    "a guardian's choice that is no list": {"user": "alice", "guardian_allows": None},
    "too many allowed": {"user": "alice", "guardian_allows": ["bob"] * 201},
    "a switch that is a text": {"user": "alice", "dm_choice": "yes"},
    "checks that are a text": {"user": "alice", "device_checks": "yes"},
    "checks that nobody knows of": {"user": "alice", "device_checks": None},
    "an empty display name": {"user": "alice", "display_name": ""},
    "a display name that is too long": {"user": "alice", "display_name": "x" * 256},
    "a display name with a NUL": {"user": "alice", "display_name": "A\0"},
    "a display name that turns the writing": {"user": "alice", "display_name": "A\u202eB"},
    "a misspelt field": {"user": "alice", "age_bnad": "adult"},
    "the suspension, which has its own place": {"user": "alice", "suspended": True},
}


@pytest.mark.parametrize("what", BAD)
async def test_one_bad_person_refuses_the_whole_list(house: WholeHouse, what: str) -> None:
    body = {"people": [{"user": "bob"}, BAD[what], {"user": "carol"}]}
    answer = await house.told("PUT", "/people", body)
    assert answer.status_code == 400
    assert answer.json()["errcode"] in {"M_INVALID_PARAM", "M_BAD_JSON", "M_MISSING_PARAM"}
    # Whether shape or sense is at fault, the text says where.
    text = answer.json()["error"]
    assert "people[1]" in text or "number 1 " in text, text
    for user in ("alice", "bob", "carol"):
        assert refusal(await house.told("GET", f"/people/{user}"))[0] == 404


async def test_every_fault_of_a_list_is_named_with_its_index(house: WholeHouse) -> None:
    people = [{"user": "bob"}, {"user": "Al"}, {"user": BOB}, {"user": "carol", "region": "US"}]
    answer = await house.told("PUT", "/people", {"people": people})
    assert refusal(answer) == (400, "M_INVALID_PARAM")
    items = answer.json()["org.halfdoor.items"]
    assert [one["index"] for one in items] == [1, 2, 3]
    assert "twice" in items[1]["reason"]
    assert "another entity" in items[2]["reason"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"people":[]}',
        b'{"people":{}}',
        b'{"people":[{"user":"a"}],"more":1}',
        b'{"people":[{"user":"\xff"}]}',
        b'{"people":[{"user":"\\ud800"}]}',
        b"[" * 50_000,
        b'{"people":' * 5_000,
        b'{"people":[' + b'{"user":"a"},' * 1_000 + b'{"user":"b"}]}',
    ],
)
async def test_a_body_of_the_wrong_shape_is_refused(house: WholeHouse, body: bytes) -> None:
    assert refusal(await house.told("PUT", "/people", raw=body))[0] == 400


async def test_a_body_that_is_too_long_is_refused_before_it_is_read(house: WholeHouse) -> None:
    body = b'{"people":[]}' + b" " * (4 << 20)
    assert refusal(await house.told("PUT", "/people", raw=body)) == (413, "M_TOO_LARGE")


async def test_what_was_said_is_known(house: WholeHouse) -> None:
    assert await put(house, EVERYTHING) == {"results": [{"user": ALICE, "result": "created"}]}
    assert await known(house) == {
        "user": ALICE,
        "age_band": "13-15",
        "age_source": "id-check",
        "guardian": f"@gus:{SERVER}",
        "guardian_allows": [f"@anna:{SERVER}", BOB],
        "region": "FI",
        "dm_choice": True,
        "device_checks": True,
        "suspended": False,
        "display_name": "Alice",
    }


async def test_of_a_person_named_and_no_more_nothing_is_known(house: WholeHouse) -> None:
    assert (await put(house, {"user": ALICE}))["results"][0]["result"] == "created"
    facts = await known(house)
    assert (facts["age_band"], facts["guardian_allows"], facts["suspended"]) == (None, [], False)
    assert (await put(house, {"user": ALICE}))["results"][0]["result"] == "unchanged"


async def test_a_field_left_out_stays_and_null_takes_it_away(house: WholeHouse) -> None:
    await put(house, EVERYTHING)
    answer = await put(house, {"user": "alice", "age_band": "16-17", "guardian": None})
    assert answer["results"][0]["result"] == "updated"
    facts = await known(house)
    assert (facts["age_band"], facts["guardian"], facts["region"]) == ("16-17", None, "FI")
    await put(house, {"user": "alice", "age_band": None, "dm_choice": None, "guardian_allows": []})
    facts = await known(house)
    assert (facts["age_band"], facts["dm_choice"], facts["guardian_allows"]) == (None, None, [])


async def test_a_display_name_is_only_a_beginning(house: WholeHouse) -> None:
    await put(house, EVERYTHING)
    await put(house, {"user": "alice", "display_name": "Somebody else"})
    assert (await known(house))["display_name"] == "Alice"


async def test_a_thousand_people_are_one_request(house: WholeHouse) -> None:
    people = [{"user": f"p{number}", "age_band": "adult"} for number in range(1000)]
    results = (await put(house, *people))["results"]
    assert {one["result"] for one in results} == {"created"}
    assert [one["user"] for one in results[:2]] == [f"@p0:{SERVER}", f"@p1:{SERVER}"]
    results = (await put(house, *people[:999], {"user": "p999", "region": "DE"}))["results"]
    assert [one["result"] for one in results[-2:]] == ["unchanged", "updated"]


async def test_a_suspension_binds_the_next_request_and_so_does_its_end(house: WholeHouse) -> None:
    await house.person("alice")
    token = (await house.sign_in("alice"))["access_token"]
    good(await house.ask("POST", "/createRoom", {}, token=token))
    body = {"suspended": True}
    assert good(await house.told("PUT", "/people/alice/suspension", body)) == {}
    answer = await house.ask("POST", "/createRoom", {}, token=token)
    assert refusal(answer) == (403, "M_USER_SUSPENDED")
    assert (await known(house))["suspended"]
    # An update of the facts does not lift it.
    await put(house, {"user": "alice", "age_band": "adult", "region": "FI"})
    assert (await known(house))["suspended"]
    good(await house.told("PUT", "/people/alice/suspension", {"suspended": False}))
    good(await house.ask("POST", "/createRoom", {}, token=token))


async def test_of_updates_and_suspensions_at_the_same_moment_none_is_lost(
    house: WholeHouse,
) -> None:
    await put(house, {"user": "alice"})
    await asyncio.gather(
        house.told("PUT", "/people/alice/suspension", {"suspended": True}),
        house.told("PUT", "/people", {"people": [{"user": "alice", "region": "FI"}]}),
        house.told("PUT", "/people", {"people": [{"user": "alice", "age_band": "adult"}]}),
        house.told("PUT", "/people", {"people": [{"user": "alice", "guardian": "gus"}]}),
    )
    facts = await known(house)
    assert facts["suspended"]
    assert (facts["region"], facts["age_band"]) == ("FI", "adult")
    assert facts["guardian"] == f"@gus:{SERVER}"


@pytest.mark.parametrize("body", [{}, {"suspended": None}, {"suspended": 1}, {"suspend": True}])
async def test_a_suspension_is_true_or_false(house: WholeHouse, body: Any) -> None:
    await put(house, {"user": "alice"})
    assert refusal(await house.told("PUT", "/people/alice/suspension", body))[0] == 400
    assert not (await known(house))["suspended"]


async def test_nobody_is_not_suspended_and_nothing_is_known_of_them(house: WholeHouse) -> None:
    answer = await house.told("PUT", "/people/nobody/suspension", {"suspended": True})
    assert refusal(answer) == (404, "M_NOT_FOUND")
    assert refusal(await house.told("GET", "/people/nobody")) == (404, "M_NOT_FOUND")
    assert refusal(await house.told("GET", "/people/@x:b.example")) == (400, "M_INVALID_USERNAME")


async def test_a_person_whom_the_platform_made_signs_in_later(house: WholeHouse) -> None:
    await put(house, {"user": "alice", "age_band": "13-15", "guardian": "gus"})
    signed = await house.sign_in_by_jwt("alice")
    assert signed["user_id"] == ALICE
    facts = await known(house)
    # The token says adult, and it is the later word; what it does not say stays.
    assert (facts["age_band"], facts["guardian"]) == ("adult", f"@gus:{SERVER}")


async def test_an_age_that_changes_binds_the_next_request(house: WholeHouse) -> None:
    kid = {"user": "kid", "age_band": "16-17", "dm_choice": True}
    await put(house, kid, {"user": "alice", "age_band": "adult"})
    good(await house.told("PUT", "/connections", {"connections": [["alice", "kid"]]}))
    token = (await house.sign_in_by_jwt("alice"))["access_token"]
    invite = {"preset": "trusted_private_chat", "invite": [f"@kid:{SERVER}"], "is_direct": True}
    good(await house.ask("POST", "/createRoom", invite, token=token))
    for change in ({"dm_choice": False}, {"dm_choice": True, "age_band": "under13"}):
        await put(house, {"user": "kid", **change})
        answer = await house.ask("POST", "/createRoom", invite, token=token)
        assert refusal(answer) == (403, "M_FORBIDDEN")
    await put(house, kid)
    good(await house.ask("POST", "/createRoom", invite, token=token))


NAMES = st.sampled_from(
    ["user", "age_band", "guardian", "guardian_allows", "region", "dm_choice", "display_name",
     "age_source", "people", "connections", "suspended", "x"]
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
        st.sampled_from(["alice", ALICE, BOB, "adult", "FI", "\0", "x" * 70_000]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=10,
)  # fmt: skip
BODIES = st.one_of(
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=3).map(
        lambda people: {"people": people}
    ),
    st.lists(st.lists(VALUES, max_size=3), max_size=3).map(lambda pairs: {"connections": pairs}),
)
PATHS = st.sampled_from(
    ["/people", "/connections", "/people/alice/suspension", "/blocks/alice/bob", "/people/%00",
     "/people/@alice:a.example", "/connections/alice/alice", "/blocks/%ff/bob", "/people/é"]
)  # fmt: skip


async def test_no_signed_request_makes_the_server_fail(house: WholeHouse) -> None:
    # Drawn first and asked afterwards, so that one house answers all of them.
    asked: list[tuple[str, str, Any]] = []

    @settings(max_examples=150, deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.sampled_from(["PUT", "GET", "DELETE"]), PATHS, BODIES)
    def collect(method: str, path: str, body: Any) -> None:
        asked.append((method, path, body))

    collect()
    for method, path, body in asked:
        answer = await house.told(method, path, body)
        assert answer.status_code < 500, (method, path, body, house.log.getvalue())
        assert answer.headers["content-type"] == "application/json"
        assert "Traceback" not in answer.text
