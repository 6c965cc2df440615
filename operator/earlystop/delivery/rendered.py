"""What a delivery mode renders: the objects that bring a split about."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.conditions import Condition
from earlystop.delivery.inputs import Manifest


@dataclass(frozen=True, slots=True)
class Unready:
    """Why what the primary object leads requests to cannot serve another split yet, as it was observed.

    reason, message: of the condition TrafficApplied. overdue: whether it has had all the time that it may take.
    serves_nobody: whether a request that is led there is answered by nobody. needs_help: whether it may stay so unless
    somebody acts. leads_all: whether the baseline's requests are led there too, and not only candidates'.
    """

    reason: str
    message: str
    overdue: bool = False
    serves_nobody: bool = False
    needs_help: bool = False
    leads_all: bool = False


@dataclass(frozen=True, slots=True)
class FieldApply:
    """A server-side apply of one field of an object that is not the operator's.

    manager: whom the API server notes as the field's owner. Each field has a manager of its own, since what a manager
    leaves out of its next apply is removed. manifest: the object with that field alone.
    """

    manager: str
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects that put a split in force.

    objects: in the order of writing.
    primary: the one of them by which a gateway leads users' requests, None for a mode without such an object. The
        others are in place before it is written, and its changes are kept apart, since gateways take time to serve it.
    unready: why no request may be led by the primary one yet, or no longer, None when it may.
    over: what is said when no request needs the objects any more, since the target itself has what was promoted; None
        before that.
    settle_seconds: how old the others have to be before the primary one is written, where that takes longer than a
        gateway needs for any change.
    promotion: values of the user's object that carry out a promotion; none where a person does that.
    left_to_do: a sentence about what a person has still to do, "" for nothing.
    idle: objects as they shall be once no request has been led to them for `idle_seconds`.
    """

    objects: tuple[Manifest, ...]
    primary: Manifest | None = None
    unready: Unready | None = None
    over: Condition | None = None
    idle: tuple[Manifest, ...] = ()
    idle_seconds: float = 0.0
    settle_seconds: float = 0.0
    left_to_do: str = ""
    promotion: tuple[FieldApply, ...] = ()

    @property
    def prerequisites(self) -> tuple[Manifest, ...]:
        """The objects that have to be in place before the primary one; none where there is no primary one."""
        return tuple(each for each in self.objects if each is not self.primary) if self.primary is not None else ()
