"""Groups of reasons, the part of a key before the dot, in the words of the desk."""

from typing import Final

from halfdoor.policy.review import Review

# Of Halfdoor's own reasons. An entity's own group is called by its key.
_WORDS: Final = {
    "child_safety": "Child safety",
    "threat": "Threats",
    "self_harm": "Self-harm",
    "sextortion": "Sexual blackmail",
    "ncii": "Intimate images without consent",
    "minor": "Age rules",
    "harassment": "Harassment",
    "hate": "Hate",
    "violence": "Violence",
    "privacy": "Private details",
    "nudity": "Unwanted nudity",
    "scam": "Scams",
    "spam": "Spam",
    "other": "Other",
}


def groups(policy: Review) -> dict[str, str]:
    """The groups of reasons by their keys, in the order of the policy, each in words."""
    keys = dict.fromkeys(one.key.partition(".")[0] for one in policy.reasons)
    return {key: _WORDS.get(key, key.replace("_", " ").capitalize()) for key in keys}
