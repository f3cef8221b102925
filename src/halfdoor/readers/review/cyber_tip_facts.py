"""What a CyberTipline report says, as values; names follow NCMEC's schema (`cyber_tipline.xsd`)."""

import enum

import msgspec


class IncidentType(enum.Enum):
    """The eight types of incident that the schema knows."""

    MATERIAL = "Child Pornography (possession, manufacture, and distribution)"
    TRAFFICKING = "Child Sex Trafficking"
    TOURISM = "Child Sex Tourism"
    MOLESTATION = "Child Sexual Molestation"
    MISLEADING_DOMAIN = "Misleading Domain Name"
    MISLEADING_WORDS = "Misleading Words or Digital Images on the Internet"
    ENTICEMENT = "Online Enticement of Children for Sexual Acts"
    OBSCENE = "Unsolicited Obscene Material Sent to a Child"


class Annotation(enum.Enum):
    """What a report can be marked with."""

    SEXTORTION = "sextortion"
    SOLICITATION = "csamSolicitation"
    MINOR_TO_MINOR = "minorToMinorInteraction"
    SPAM = "spam"
    SADISTIC = "sadisticOnlineExploitation"


class Filer(msgspec.Struct, frozen=True, kw_only=True):
    """Who files: the element `reporter`. `service` is how people know this platform."""

    service: str
    first_name: str
    last_name: str
    email: str
    company_template: str = ""
    terms_of_service: str = ""
    legal_url: str = ""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A person as this server knows them. `user` is the Matrix id; empty means unknown.

    `age_band` is what was vouched for, never a guess, and `country` ISO 3166-1. `disabled` is None,
    temporarily or permanently, since `disabled_at` (ms).
    """

    user: str
    display_names: tuple[str, ...] = ()
    age_band: str | None = None
    age_source: str | None = None
    country: str | None = None
    prior_reports: tuple[int, ...] = ()
    disabled: str | None = None
    disabled_at: int | None = None

    def __repr__(self) -> str:
        return f"Party({self.user!r})"


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """A reported message, opened. `verified` where it was checked against what was stored."""

    evidence: str
    event_id: str
    sender: str
    at: int
    type: str
    text: str
    verified: bool = True

    def __repr__(self) -> str:
        return f"Exhibit({self.evidence!r})"


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A reported message that no person viewed: it is named, and not opened."""

    evidence: str
    event_id: str
    sender: str
    at: int


class CyberTip(msgspec.Struct, frozen=True, kw_only=True):
    """One report to be filed. Times are ms since 1970.

    `high_priority` is why a child is at risk now, empty where it is not so. `recipients` are known
    people to whom the messages went, those in `victims` among them or not. `told` is what the
    person who reported wrote, which nobody could check.
    """

    referral: str
    incident: IncidentType
    at: int
    filer: Filer
    subject: Party
    victims: tuple[Party, ...]
    recipients: tuple[Party, ...] = ()
    annotations: frozenset[Annotation] = frozenset()
    high_priority: str = ""
    room: str = ""
    exhibits: tuple[Exhibit, ...] = ()
    sealed: tuple[Sealed, ...] = ()
    told: tuple[str, ...] = ()
    note: str = ""

    def __repr__(self) -> str:
        return f"CyberTip({self.referral!r})"
