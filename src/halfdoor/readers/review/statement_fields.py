"""The fields of a statement of reasons, as values: those of the EU's transparency database.

Names and words are the database's own (SAFETY §5.4, the request of 2026-06-24). There is no field
for the text of a message, and none for who reported.
"""

import enum

import msgspec


class Visibility(enum.Enum):
    """What became of content, or of the ways to write."""

    REMOVED = "DECISION_VISIBILITY_CONTENT_REMOVED"
    DISABLED = "DECISION_VISIBILITY_CONTENT_DISABLED"
    DEMOTED = "DECISION_VISIBILITY_CONTENT_DEMOTED"
    AGE_RESTRICTED = "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED"
    INTERACTION_RESTRICTED = "DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED"
    LABELLED = "DECISION_VISIBILITY_CONTENT_LABELLED"
    OTHER = "DECISION_VISIBILITY_OTHER"


class Provision(enum.Enum):
    """What became of the service as a whole."""

    PARTIAL_SUSPENSION = "DECISION_PROVISION_PARTIAL_SUSPENSION"
    TOTAL_SUSPENSION = "DECISION_PROVISION_TOTAL_SUSPENSION"
    PARTIAL_TERMINATION = "DECISION_PROVISION_PARTIAL_TERMINATION"
    TOTAL_TERMINATION = "DECISION_PROVISION_TOTAL_TERMINATION"


class AccountDecision(enum.Enum):
    """What became of the account."""

    SUSPENDED = "DECISION_ACCOUNT_SUSPENDED"
    TERMINATED = "DECISION_ACCOUNT_TERMINATED"


class Ground(enum.Enum):
    """Against what it was: the law, or our own rules."""

    ILLEGAL = "DECISION_GROUND_ILLEGAL_CONTENT"
    INCOMPATIBLE = "DECISION_GROUND_INCOMPATIBLE_CONTENT"


class ContentType(enum.Enum):
    """What kind of content it was about."""

    TEXT = "CONTENT_TYPE_TEXT"
    IMAGE = "CONTENT_TYPE_IMAGE"
    VIDEO = "CONTENT_TYPE_VIDEO"
    AUDIO = "CONTENT_TYPE_AUDIO"
    SYNTHETIC_MEDIA = "CONTENT_TYPE_SYNTHETIC_MEDIA"
    OTHER = "CONTENT_TYPE_OTHER"


class SourceType(enum.Enum):
    """How it came to be known: by a notice (Art. 16), or by looking oneself."""

    ARTICLE_16 = "SOURCE_ARTICLE_16"
    TRUSTED_FLAGGER = "SOURCE_TRUSTED_FLAGGER"
    OTHER_NOTIFICATION = "SOURCE_TYPE_OTHER_NOTIFICATION"
    VOLUNTARY = "SOURCE_VOLUNTARY"


class Automation(enum.Enum):
    """How far a machine decided."""

    FULLY = "AUTOMATED_DECISION_FULLY"
    PARTIALLY = "AUTOMATED_DECISION_PARTIALLY"
    NOT = "AUTOMATED_DECISION_NOT_AUTOMATED"


class YesNo(enum.Enum):
    """The database's own words for a truth value."""

    YES = "Yes"
    NO = "No"


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One statement of reasons, by the database's names. Dates are YYYY-MM-DD, or YYYY-MM."""

    puid: str
    decision_ground: Ground
    category: str
    content_type: tuple[ContentType, ...]
    content_date: str
    application_date: str
    decision_facts: str
    source_type: SourceType
    automated_detection: YesNo
    automated_decision: Automation
    decision_visibility: tuple[Visibility, ...] = ()
    decision_visibility_other: str | None = None
    decision_provision: Provision | None = None
    decision_account: AccountDecision | None = None
    illegal_content_legal_ground: str | None = None
    illegal_content_explanation: str | None = None
    incompatible_content_ground: str | None = None
    incompatible_content_explanation: str | None = None
    incompatible_content_illegal: YesNo | None = None
    category_specification: tuple[str, ...] = ()
    category_addition: tuple[str, ...] = ()
    content_type_other: str | None = None
    end_date_visibility_restriction: str | None = None
    end_date_service_restriction: str | None = None
    end_date_account_restriction: str | None = None
    content_language: str | None = None
    territorial_scope: tuple[str, ...] = ()
    account_type: str = "ACCOUNT_TYPE_PRIVATE"


class Redress(msgspec.Struct, frozen=True, kw_only=True):
    """What the person can do: DSA Art. 20 (here, free of charge), Art. 21, and a court.

    `internal_until` is the last day, in ms since 1970, on which we look again ourselves.
    """

    internal_until: int
    internal: str = "Somebody else than the first reviewer decides, and not a machine alone."
    out_of_court: str = "A certified out-of-court dispute settlement body (DSA Art. 21)."
    court: str = "A court."
