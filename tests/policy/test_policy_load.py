"""Loading a policy: what is refused, what is said about it, and what the default is."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.policy.keys import every_key
from halfdoor.policy.load import PolicyError, escrow_documents, load, policy_from
from halfdoor.policy.model import (
    Band,
    DmEnabled,
    EndToEnd,
    GroupAdd,
    Kinds,
    LinkHandling,
    ListVisible,
    Policy,
    WhoCanStart,
)
from halfdoor.sealing.labels import H, canonical

ROOT = Path(__file__).parents[2]
DEFAULT_FILE = ROOT / "src" / "halfdoor" / "policy" / "default.toml"


def refusal(own: dict[str, Any]) -> PolicyError:
    with pytest.raises(PolicyError) as refused:
        policy_from(own, "own.toml")
    return refused.value


def write(folder: Path, text: str) -> Path:
    file = folder / "own.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("own", "key", "meant"),
    [
        ({"entitty": {"name": "x"}}, "entitty", "entity"),
        ({"entity": {"region": ["US"]}}, "entity.region", "regions"),
        ({"bands": {"13_15": {}}}, "bands.13_15", "13-15"),
        ({"bands": {"adults": {}}}, "bands.adults", "adult"),
        ({"bands": {"13-15": {"dm": {"enable": "off"}}}}, "bands.13-15.dm.enable", "enabled"),
        ({"contact": {"close_days": 3}}, "contact.close_days", "closed_days"),
        ({"redaction_grace_day": 3}, "redaction_grace_day", "redaction_grace_days"),
    ],
)
def test_an_unknown_key_is_refused_and_the_one_that_was_meant_is_named(
    own: dict[str, Any], key: str, meant: str
) -> None:
    error = refusal(own)
    assert (error.file, error.key) == ("own.toml", key)
    assert error.reason == f'there is no such key; did you mean "{meant}"?'
    assert str(error) == f"own.toml: {key}: {error.reason}"


def test_a_key_that_resembles_none_is_answered_with_all_there_are() -> None:
    assert refusal({"posture": {"zzz": 1}}).reason == (
        "there is no such key; it may be: allowed, default."
    )


@pytest.mark.parametrize(
    ("own", "key", "said"),
    [
        (
            {"bands": {"13-15": {"dm": {"enabled": "mutual"}}}},
            "bands.13-15.dm.enabled",
            "did you mean",
        ),
        ({"bands": {"adult": {"group_add": "yes"}}}, "bands.adult.group_add", "it may be"),
        ({"bands": {"adult": 3}}, "bands.adult", "Expected `object`"),
        ({"bands": [1]}, "bands", "Expected `object`"),
        ({"entity": {"name": "Not A Name"}}, "entity.name", "lower-case letters"),
        ({"entity": {"name": "name\n"}}, "entity.name", "lower-case letters"),
        ({"entity": {"regions": ["US", "usa"]}}, "entity.regions[1]", "ISO 3166-1"),
        ({"contact": {"own_link_hosts": ["https://x.example"]}}, "contact.own_link_hosts[0]", ""),
        ({"contact": {"own_link_hosts": ["X.example"]}}, "contact.own_link_hosts[0]", ""),
        ({"contact": {"closed_days": 0}}, "contact.closed_days", "`int` >= 1"),
        ({"redaction_grace_days": -1}, "redaction_grace_days", "`int` >= 0"),
        ({"redaction_grace_days": 1.5}, "redaction_grace_days", "Expected `int`"),
        ({"posture": {"allowed": ["open"]}}, "posture.allowed[0]", "it may be: e2ee, standard."),
        ({"posture": {"allowed": ["e2ee"]}}, "posture.default", "is none of posture.allowed"),
        ({"posture": {"default": "e2ee"}}, "posture.default", "is none of posture.allowed"),
        ({"posture": {"allowed": ["standard"] * 2}}, "posture.allowed", "named twice"),
        ({"escrow": {"set": ""}}, "escrow.set", "length >= 1"),
        ({"version": 2}, "version", "it may be: 1."),
        (
            {"bands": {"adult": {"first_contact": {"messages": 11}}}},
            "bands.adult.first_contact.messages",
            "<= 10",
        ),
    ],
)
def test_a_value_that_is_none_of_the_choices_is_refused_with_the_key_and_the_reason(
    own: dict[str, Any], key: str, said: str
) -> None:
    error = refusal(own)
    assert error.key == key
    assert said in error.reason


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bands.under13.dm.enabled", "mutuals"),
        ("bands.under13.dm.who_can_start", "mutuals"),
        ("bands.under13.first_contact.messages", 1),
        ("bands.under13.first_contact.kinds", "text_and_own_links"),
        ("bands.under13.links_from_non_connection", "unlinked_warning"),
        ("bands.under13.group_add", "mutuals_must_accept"),
        ("bands.under13.connection_list_visible", "connections"),
        ("bands.13-15.dm.enabled", "explicit_choice"),
        ("bands.13-15.dm.enabled", "on"),
        ("bands.13-15.dm.who_can_start", "everyone_by_request"),
        ("bands.13-15.first_contact.messages", 1),
        ("bands.13-15.links_from_non_connection", "warning"),
        ("bands.13-15.group_add", "must_accept"),
        ("bands.under13.end_to_end", "mutuals_with_device_checks"),
        ("bands.13-15.end_to_end", "mutuals_with_device_checks"),
        ("bands.13-15.end_to_end", "allow"),
        ("bands.16-17.end_to_end", "allow"),
        ("bands.unknown.end_to_end", "mutuals_with_device_checks"),
        ("bands.unknown.end_to_end", "allow"),
        ("bands.unknown.dm.enabled", "on"),
        ("bands.unknown.dm.who_can_start", "everyone_by_request"),
        ("bands.unknown.first_contact.messages", 2),
        ("bands.unknown.links_from_non_connection", "allow"),
        ("bands.unknown.connection_list_visible", "connections"),
    ],
)
def test_what_protects_children_cannot_be_loosened(key: str, value: str | int) -> None:
    own: dict[str, Any] = {}
    here = own
    *folders, last = key.split(".")
    for folder in folders:
        here = here.setdefault(folder, {})
    here[last] = value
    error = refusal(own)
    assert error.key == key
    assert "is looser than" in error.reason


def test_when_sixteen_is_tightened_an_unknown_age_must_follow() -> None:
    tight = {"bands": {"16-17": {"group_add": "mutuals_must_accept"}}}
    assert refusal(tight).key == "bands.unknown.group_add"
    both = {"bands": {band: {"group_add": "guardian"} for band in ("16-17", "unknown")}}
    assert policy_from(both, "own.toml").bands.unknown.group_add is GroupAdd.GUARDIAN


def test_an_entity_may_open_messages_among_mutuals_of_thirteen() -> None:
    policy = policy_from({"bands": {"13-15": {"dm": {"enabled": "mutuals"}}}}, "own.toml")
    assert policy.bands.of("13-15").dm.enabled is DmEnabled.MUTUALS


@pytest.mark.parametrize("allowed", [["standard", "e2ee"], ["e2ee"]])
def test_an_entity_may_offer_end_to_end_encryption_and_nothing_else(allowed: list[str]) -> None:
    posture = {"allowed": allowed, "default": "e2ee"}
    assert policy_from({"posture": posture}, "own.toml").posture.allowed == tuple(allowed)


@pytest.mark.parametrize(
    ("own", "key"),
    [
        ({"entity": {"regions": []}}, "entity.regions"),
        ({"posture": {"allowed": []}}, "posture.allowed"),
        ({"escrow": {"emergency_set": "e.json"}}, "escrow.emergency_set"),
    ],
)
def test_empty_is_not_permission(own: dict[str, Any], key: str) -> None:
    assert refusal(own).key == key


def test_what_no_file_says_is_as_strict_as_can_be() -> None:
    bare = msgspec.convert({"version": 1, "entity": {"name": "bare"}}, Policy)
    for name in ("under13", "13-15", "16-17", "adult", "unknown"):
        band = bare.bands.of(name)
        assert band == Band()
        assert band.dm.enabled is next(iter(DmEnabled))
        assert band.dm.who_can_start is next(iter(WhoCanStart))
        assert band.first_contact.messages == 0
        assert band.first_contact.kinds is next(iter(Kinds))
        assert band.links_from_non_connection is next(iter(LinkHandling))
        assert band.group_add is next(iter(GroupAdd))
        assert band.connection_list_visible is next(iter(ListVisible))
        assert band.end_to_end is EndToEnd.NEVER
    assert bare.entity.regions == ()
    assert not bare.entity.is_home_of("US")
    assert bare.posture.allowed == ()
    assert bare.posture.default == "standard"
    assert bare.contact.own_link_hosts == ()


def test_the_default_loads_and_names_no_custodians() -> None:
    policy = load()
    assert policy.escrow.set is None
    assert policy.escrow.emergency_set is None
    assert policy.posture.allowed == ("standard",)
    assert policy.redaction_grace_days == 30


def test_the_default_leaves_nothing_to_the_schema_but_the_custodians() -> None:
    written = tomllib.loads(DEFAULT_FILE.read_text())
    written |= tomllib.loads(DEFAULT_FILE.with_name("review.toml").read_text())
    for key in every_key(Policy):
        here: Any = written
        for name in key.name.split("."):
            here = here.get(name, {})
        assert (here == {}) is key.name.startswith("escrow."), key.name


def test_an_entitys_file_is_laid_over_the_default_key_by_key(tmp_path: Path) -> None:
    own = load(write(tmp_path, '[entity]\nregions = ["DE", "AT"]\n[bands.adult]\ndm.enabled="off"'))
    default = load()
    assert own.entity.regions == ("DE", "AT")
    assert own.entity.name == default.entity.name
    assert own.bands.adult.dm.enabled is DmEnabled.OFF
    assert own.bands.adult.dm.who_can_start is default.bands.adult.dm.who_can_start
    assert own.bands.from16 == default.bands.from16
    assert own.entity.is_home_of("AT")
    assert not own.entity.is_home_of("US")


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert load(write(tmp_path, "")) == load()


@pytest.mark.parametrize("text", ["version = ", "a = 1\na = 2", "\x00", "[entity]\n[entity]"])
def test_what_is_not_toml_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(PolicyError, match="is not TOML") as refused:
        load(file)
    assert refused.value.file == str(file)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match="is not TOML"):
        load(file)


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(PolicyError, match="cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(PolicyError, match="larger than a policy can be"):
        load(write(tmp_path, "#" * 1_000_001))


def test_the_custodians_documents_lie_beside_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[escrow]\nset = "set.json"\nemergency_set = "/keys/emergency.json"')
    documents = escrow_documents(load(file), file)
    assert documents == (tmp_path / "set.json", Path("/keys/emergency.json"))
    assert escrow_documents(load(), file) == (None, None)


def test_every_example_loads_and_is_an_entity_of_its_own() -> None:
    examples = sorted((ROOT / "policy").glob("*.toml"))
    assert examples
    for file in examples:
        assert load(file).entity.name != load().entity.name


def test_the_digest_is_of_the_canonical_json_of_every_value() -> None:
    policy = load()
    values = msgspec.json.decode(msgspec.json.encode(policy))
    assert policy.digest == H(canonical(values))
    assert len(policy.digest) == 32


def test_the_digest_is_of_what_is_decided_and_not_of_how_it_is_written(tmp_path: Path) -> None:
    said = write(tmp_path, "# a remark\nredaction_grace_days    = 30\n")
    assert load(said).digest == load().digest


@given(st.integers(0, 365), st.integers(0, 365))
def test_two_policies_have_one_digest_only_if_they_are_equal(one: int, other: int) -> None:
    first = policy_from({"redaction_grace_days": one}, "a.toml")
    second = policy_from({"redaction_grace_days": other}, "b.toml")
    assert (first.digest == second.digest) is (first == second)


TREES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just("never")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["entity", "bands", "13-15", "dm", "enabled", "contact", "x"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["entity", "bands", "contact", "escrow", "y"]), TREES))
def test_whatever_a_file_holds_the_answer_is_a_policy_or_a_policy_error(own: Any) -> None:
    try:
        answer: Policy | PolicyError = policy_from(own, "any.toml")
    except PolicyError as error:
        answer = error
    assert isinstance(answer, Policy) or answer.file == "any.toml"


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        ({"default_days": 0}, "default_days"),
        ({"default_days": "forever"}, "default_days"),
        ({"shortest_days": "unlimited"}, "shortest_days"),
        ({"longest_days": 36_501}, "longest_days"),
        ({"longest_days": 60}, "default_days"),
        ({"default_days": 61, "longest_days": 60}, "default_days"),
        ({"default_days": 7}, "shortest_days"),
        ({"default_days": 7, "shortest_days": 8}, "shortest_days"),
    ],
)
def test_days_of_retention_that_contradict_each_other_are_refused(
    rules: dict[str, Any], key: str
) -> None:
    assert refusal({"retention": rules}).key == f"retention.{key}"


def test_nothing_is_deleted_by_age_unless_an_entity_says_so() -> None:
    assert load().retention.default_days == load().retention.longest_days == "unlimited"
    own = {"retention": {"default_days": 7, "shortest_days": 7, "longest_days": 90}}
    assert policy_from(own, "own.toml").retention.default_days == 7
