"""The source from which it is known how much events scatter."""

from __future__ import annotations

from enum import StrEnum


class DispersionSource(StrEnum):
    """From where it is known how much events scatter."""

    GIVEN = "Given"
    """The policy says by how much answers do."""
    ASSUMED = "Assumed"
    """The policy says that events are independent."""
    BY_DESIGN = "ByDesign"
    """Golden questions are drawn independently, so their answers are."""
    USERS = "Users"
    """Each user keeps a variant, and servers count by users."""
    LOOKS = "Looks"
    """The looks of the comparison show it as they go."""


STATED = frozenset({DispersionSource.GIVEN, DispersionSource.ASSUMED})
"""Where the policy decides, and nothing that looks show does."""

LEARNED = frozenset({DispersionSource.USERS, DispersionSource.LOOKS})
"""Where the comparison itself teaches it, as it goes."""
