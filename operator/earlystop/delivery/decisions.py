"""What can be done next about a policy's traffic, and how far a split has got."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.conditions import Condition
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.probes.engine_check import AskEngine
from earlystop.delivery.proof import ProbeTarget


class SplitStatus(StrEnum):
    """How far the desired split has got."""

    NOT_WRITTEN = "NotWritten"
    WRITTEN = "Written"
    UNPROVABLE = "Unprovable"
    PROVEN = "Proven"
    MISROUTED = "Misrouted"
    OVERDUE = "Overdue"
    """What the split leads to is not ready, and has had all the time that it may take."""


LEADS = frozenset({SplitStatus.WRITTEN, SplitStatus.UNPROVABLE, SplitStatus.PROVEN})
"""Users are led by the split then, as far as the operator knows."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing more can be done now. status: how far the split has got. condition: what to say about it."""

    status: SplitStatus
    condition: Condition


@dataclass(frozen=True, slots=True)
class Write:
    """Write these objects, in this order, and ask again.

    then: where no user's request reaches the objects yet, what to wait for instead of asking again. They void no proof.
    """

    objects: tuple[Manifest, ...]
    then: Wait | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """Send probes to these targets, note the answer, and ask again.

    users_led: whether proof of it is proof of what users get, and not of probe-only rules. by_variant: whether each
        target can reach one variant only, and the question is which of them is served.
    """

    targets: tuple[ProbeTarget, ...]
    users_led: bool
    by_variant: bool = False


@dataclass(frozen=True, slots=True)
class Detach:
    """Let no user's request meet the mode's objects, since the split no longer fits: neither harm nor a route that the
    user has changed may wait.

    status: how far the split has got. condition: why it does not fit. objects: what to replace for that, none where no
    object leads anybody. rest: for how many seconds the split is not tried again, None where that depends on what the
    user writes.
    """

    status: SplitStatus
    condition: Condition
    objects: tuple[Manifest, ...] = ()
    rest: float | None = None


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Lead no request by rules that the gateway got wrong, until another campaign. Where the mode sets headers by
    backend not even the baseline's stay, since they may be confused too.

    objects: what to write for that, none where it is so already. condition: what the gateway got wrong.
    """

    objects: tuple[Manifest, ...]
    condition: Condition


TrafficDecision = Write | Wait | Probe | AskEngine | Detach | Quarantine
