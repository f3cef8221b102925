"""The facts about people that contact is decided by, as values."""

import msgspec

from halfdoor.safety.ages import AgeBand


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person, as the platform's signed claims describe them.

    `dm_choice` is the person's own switch for direct messages: True on, False off, None never
    touched. `guardian_allows` counts only where a `guardian` is linked. `device_checks` says that
    the app on their device looks for harm itself, where no server can.
    """

    user_id: str
    band: AgeBand = AgeBand.UNKNOWN
    region: str | None = None
    guardian: str | None = None
    guardian_allows: frozenset[str] = frozenset()
    dm_choice: bool | None = None
    device_checks: bool = False

    def guardian_listed(self, other: "Person") -> bool:
        """Tell whether this person's guardian has listed *other*."""
        return self.guardian is not None and other.user_id in self.guardian_allows


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """What lies between a sender and a recipient, seen from the sender.

    `connected` is the connection that stands now; `accepted` says that the recipient accepted a
    request or joined a conversation of the two. `sent_first_contact` counts over all rooms,
    `closed_until` (ms since 1970) holds for the pair, whichever of the two had asked.
    """

    connected: bool = False
    accepted: bool = False
    blocked_by_recipient: bool = False
    ignored_by_recipient: bool = False
    sent_first_contact: int = 0
    closed_until: int | None = None

    @property
    def known(self) -> bool:
        """Whether the two know each other; between an adult and a minor this is not enough."""
        return self.connected or self.accepted

    @property
    def shown(self) -> bool:
        """Whether what arrives is shown; otherwise it is stored and never shown."""
        return not (self.blocked_by_recipient or self.ignored_by_recipient)

    def closed(self, now_ms: int) -> bool:
        """Tell whether a refused or left request still closes the pair."""
        return self.closed_until is not None and now_ms < self.closed_until
