"""What a delivery mode renders: the objects that bring a split about."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.delivery.inputs import Manifest


@dataclass(frozen=True, slots=True)
class Shortage:
    """What is not ready of the objects that users are led through.

    reason, message: of the condition TrafficApplied. serves_as_before: whether what is there serves the users that it
    has, though not those of another split.
    """

    reason: str
    message: str
    serves_as_before: bool


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects that put a split in force.

    objects: in the order of writing.
    primary: the one of them by which a gateway leads users' requests, None for a mode without such an object. The
        others are in place before it is written, and its changes are kept apart, since gateways take time to serve it.
    shortage: why users cannot be led by it yet, or no longer, None where nothing is missing.
    """

    objects: tuple[Manifest, ...]
    primary: Manifest | None = None
    shortage: Shortage | None = None

    @property
    def prerequisites(self) -> tuple[Manifest, ...]:
        """The objects that have to be in place before the primary one; none where there is no primary one."""
        return tuple(each for each in self.objects if each is not self.primary) if self.primary is not None else ()
