"""What a server does with one request when it decides on the variant itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from earlystop.api.wire import UNASSIGNED
from earlystop.exporter.assignment import Assignment


@dataclass(frozen=True, slots=True)
class Choice:
    """The variant of a request.

    assignment: how it counts. values: the setting, by parameter; a parameter that it lacks keeps the server's own
    value, as all do before any settings were read, and after the policy is gone.
    """

    assignment: Assignment
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_assigned(self) -> bool:
        """False when the request counts for no policy's revision."""
        return self.assignment.revision != UNASSIGNED


@dataclass(frozen=True, slots=True)
class SettingsInForce:
    """What a process serves by, for its metrics.

    policy: namespace/name. revision, step, digest: of the settings, "" where it has read none, or where they were taken
    away. fault: why the latest could not be read, as a label; "" where they could.
    """

    policy: str
    revision: str = ""
    step: str = ""
    digest: str = ""
    fault: str = ""


def unassigned_choice(policy: str, values: Mapping[str, str] | None = None) -> Choice:
    """The choice for a request that counts for no revision. values: its setting, None for the server's own."""
    return Choice(Assignment(policy, UNASSIGNED, 0, UNASSIGNED), values or {})


def known_user(user: str | None) -> str | None:
    """Who asks, None where that is not known: a header that is missing or blank names nobody."""
    return user if user is not None and user.strip() else None
