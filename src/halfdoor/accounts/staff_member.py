"""Who of the staff asks: apart from people's accounts, with roles from the policy."""

import msgspec


class StaffMember(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in member of staff. `name` is a pseudonym; `roles` are those of `policy.review`.

    `place` is where they work (ISO 3166-1, two letters). `people` are user ids of their own
    accounts, so that nobody judges themselves. `opted_out` are groups of reasons (before the dot)
    whose cases they do not want to see.
    """

    id: str
    name: str
    roles: frozenset[str]
    place: str
    people: tuple[str, ...] = ()
    opted_out: frozenset[str] = frozenset()

    def may(self, role: str) -> bool:
        """Tell whether they have *role*."""
        return role in self.roles
