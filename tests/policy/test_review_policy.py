"""The policy of reports: what contradicts itself is refused, and a child can read the reasons."""

import re
from typing import Any

import pytest

from halfdoor.policy.load import PolicyError, load, policy_from
from halfdoor.policy.review import Reason

DEFAULT = load().review


def queue(name: str, role: str = "reviewer") -> dict[str, Any]:
    return {"name": name, "title": name, "role": role}


def reason(key: str, queue: str, **more: Any) -> dict[str, Any]:
    needed = {"title": "t", "words": "w", "rank": 2, "claim_minutes": 60, "decide_minutes": 60}
    return {"key": key, "queue": queue, **needed, **more}


QUEUES = [queue("vault", "child_safety"), queue("plain"), queue("appeals")]
REASONS = [reason("child.harm", "vault", child_safety=True), reason("rude", "plain")]


def own(**more: Any) -> dict[str, Any]:
    whole = {"queues": QUEUES, "reasons": REASONS, "intake": {"plain_reason": "rude"}, **more}
    return {"review": whole}


@pytest.mark.parametrize(
    ("changed", "key", "said"),
    [
        ({"reasons": [*REASONS, reason("x", "none")]}, "review.reasons[2].queue", "no queue"),
        ({"reasons": [*REASONS, reason("rude", "plain")]}, "review.reasons[2]", "there twice"),
        ({"queues": [*QUEUES, queue("plain")]}, "review.queues[3]", "there twice"),
        (
            {"reasons": [*REASONS, reason("x", "plain", child_safety=True)]},
            "review.reasons[2].queue",
            "only",
        ),
        ({"reasons": [*REASONS, reason("x", "vault")]}, "review.reasons[2].queue", "the vault"),
        ({"reasons": [*REASONS, reason("x", "appeals")]}, "review.reasons[2].queue", "no reports"),
        ({"reasons": [REASONS[1]]}, "review.reasons", "no reason has child_safety"),
        ({"reasons": []}, "review.reasons", "no reason has child_safety"),
        ({"queues": QUEUES[:2]}, "review.queues", 'no queue "appeals"'),
        (
            {"reasons": [*REASONS, reason("x", "plain", help=["nobody"])]},
            "review.reasons[2].help",
            "no help line",
        ),
        (
            {"reasons": [*REASONS, reason("x", "plain", category="STATEMENT_CATEGORY_X")]},
            "review.reasons[2].category",
            "no category",
        ),
        (
            {"help": [{"key": "a", "region": "DE", "title": "t", "contact": "1"}] * 2},
            "review.help[1]",
            "there twice",
        ),
        ({"intake": {"plain_reason": "none"}}, "review.intake.plain_reason", "no reason"),
        ({"reasons": [{"key": "Not A Key"}]}, "review.reasons[0].key", "regex"),
        ({"reasons": [{"kee": "x"}]}, "review.reasons[0].kee", 'did you mean "key"?'),
        ({"queues": [queue("a", "boss")]}, "review.queues[0].role", "reviewer"),
        ({"intake": {"neighbours": 6}}, "review.intake.neighbours", "<= 5"),
        ({"reasons": [reason("x", "plain", rank=4)]}, "review.reasons[0].rank", "<= 3"),
        ({"help": [{"key": "a"}]}, "review.help[0]", "region"),
    ],
)  # fmt: skip
def test_a_review_policy_that_contradicts_itself_is_refused_with_the_key(
    changed: dict[str, Any], key: str, said: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        policy_from(own(**changed), "own.toml")
    assert refused.value.key == key
    assert said in refused.value.reason


def test_an_entity_may_bring_its_own_queues_and_reasons() -> None:
    review = policy_from(own(), "own.toml").review
    assert [one.key for one in review.reasons] == ["child.harm", "rude"]
    assert review.help == DEFAULT.help
    assert review.desk == DEFAULT.desk


def test_child_safety_and_threats_to_life_are_claimed_within_a_quarter_of_an_hour() -> None:
    urgent = [one for one in DEFAULT.reasons if one.child_safety or one.key == "threat.life"]
    assert len(urgent) >= 3
    assert all(one.claim_minutes == 15 and one.decide_minutes <= 60 for one in urgent)


def test_the_whole_time_of_each_kind_is_as_promised() -> None:
    hours = {one.key: (one.claim_minutes + one.decide_minutes) / 60 for one in DEFAULT.reasons}
    assert hours["sextortion.threat"] == 1
    assert hours["ncii.shared"] == hours["harassment.targeted"] == 24
    assert hours["spam.unwanted"] == 72


def test_every_country_with_help_lines_has_one_for_children() -> None:
    regions = {one.region for one in DEFAULT.help}
    assert len(regions) >= 6
    assert {one.region for one in DEFAULT.help if one.key == "child"} == regions


def _syllables(word: str) -> int:
    """Count groups of vowels; a silent e at the end is none."""
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(groups - silent, 1)


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade level of *text* (Kincaid et al., 1975)."""
    words = re.findall(r"[a-z']+", text.lower())
    sentences = max(len(re.findall(r"[.!?](?:\s|$)", text)), 1)
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def test_the_measure_of_reading_knows_hard_text_from_easy_text() -> None:
    hard = "Notwithstanding contractual stipulations, jurisdictional considerations predominate."
    assert grade(hard) > 12
    assert grade("The cat sat on the mat. It was a big cat.") < 2


@pytest.mark.parametrize("one", DEFAULT.reasons, ids=lambda one: one.key)
def test_a_person_of_thirteen_understands_every_reason(one: Reason) -> None:
    assert grade(one.words) <= 6, grade(one.words)
    assert len(one.title.split()) <= 10
