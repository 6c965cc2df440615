"""What is remembered of a policy's traffic, as the decision about it sees it."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.conditions import Condition
from earlystop.delivery.probes.canary import Fault
from earlystop.delivery.probes.engine_check import EngineCheck
from earlystop.delivery.proof import ProbeResult, ProbeTarget
from earlystop.delivery.split import TrafficSplit


@dataclass(frozen=True, slots=True)
class Rest:
    """A split that was taken off.

    seconds: for how long. until: Unix time before which it is not tried again. condition: why.
    proven_at: when it was proven again after that, in Unix seconds; None before that.
    """

    split: TrafficSplit
    seconds: float
    until: float
    condition: Condition
    proven_at: float | None = None


@dataclass(frozen=True, slots=True)
class TrafficView:
    """What is remembered of a policy's traffic, as a decision sees it. Times are Unix seconds.

    condition: what was last said about the traffic.
    proven: the split last shown to be in force. proven_on_probes: the one last shown on the operator's probes alone.
    written_at: when an object that moves traffic was last written.
    wanted_since: since when the desired split is tried to be put in force.
    contradicted_at: since when answers to probes contradict what was written, None when they do not.
    quarantined_revision: revision of the campaign that was taken off since the gateway misroutes, "" for none.
    unproven_since: since when users are led by a split that is not proven, None when they are not.
    missing: whether counts show that a variant gets none of the requests that it should have.
    fault: what probes by variant found last of a split that leads users, None where nothing is wrong.
    unseen: what the probes that watch a split have met for long, instead of an answer that tells anything; "" for none.
    rest: the split that was last taken off, None for none.
    engine: what the engine last answered to the operator's own questions, None before that.
    answers: what the probes of this reconciliation showed, with the targets that they were sent to.
    """

    condition: Condition
    proven: TrafficSplit | None = None
    proven_on_probes: TrafficSplit | None = None
    written_at: float = 0.0
    wanted_since: float = 0.0
    contradicted_at: float | None = None
    quarantined_revision: str = ""
    unproven_since: float | None = None
    missing: bool = False
    fault: Fault | None = None
    unseen: str = ""
    rest: Rest | None = None
    engine: EngineCheck | None = None
    answers: tuple[tuple[tuple[ProbeTarget, ...], ProbeResult], ...] = ()

    @property
    def waited_since(self) -> float:
        """The Unix second from which what was written had time to be served, as far as is known: never too early."""
        return max(self.written_at, self.wanted_since)

    def answer_of(self, targets: tuple[ProbeTarget, ...]) -> ProbeResult | None:
        """What probes to these targets showed, None before they were sent."""
        return next((result for sent_to, result in self.answers if sent_to == targets), None)
