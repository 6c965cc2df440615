"""Where a rollout stands: one frozen value that the kernel turns into the next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.dispersion import Scatter
from earlystop.evidence.engine import EvidenceState


class Phase(StrEnum):
    """The named situations of a rollout; the -ing ones are under way and always go on by themselves."""

    PENDING = "Pending"
    APPLYING = "Applying"
    SETTLING = "Settling"
    OBSERVING = "Observing"
    SUSPENDED = "Suspended"
    PROMOTING = "Promoting"
    PROMOTED = "Promoted"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    HOLDING = "Holding"
    HELD = "Held"


TRYING = frozenset({Phase.APPLYING, Phase.SETTLING, Phase.OBSERVING})
WATCHING = frozenset({Phase.SETTLING, Phase.OBSERVING})
ACTING = frozenset({Phase.PROMOTING, Phase.ROLLING_BACK, Phase.HOLDING})
DECIDED = ACTING | {Phase.PROMOTED, Phase.ROLLED_BACK, Phase.HELD}


class Verdict(StrEnum):
    """What a campaign ends with."""

    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"
    INCONCLUSIVE = "Inconclusive"


NOTHING_LEARNED = Scatter()


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of both variants at one moment of one step; classes: of each query class that the plan names."""

    baseline: Tally = Tally()
    candidate: Tally = Tally()
    classes: tuple[ClassAnswers, ...] = ()

    def look_since(self, mark: Totals, at: int, step: int, weight: int) -> Look:
        """What was added after `mark`, as a look."""
        classes = tuple(mine - theirs for mine, theirs in zip(self.classes, mark.classes, strict=True))
        return Look(at, step, weight, self.baseline - mark.baseline, self.candidate - mark.candidate, classes)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, why, and when (Unix seconds)."""

    verdict: Verdict
    reason: str
    message: str
    at: int


@dataclass(frozen=True, slots=True)
class Certified:
    """A setting that was proven, and when (Unix seconds)."""

    values: dict[str, str]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutState:
    """Everything that decides what happens next. All times are whole Unix seconds.

    plan: canonical JSON of what this campaign tries. step: index of the current step.
    step_started_at: weights seen in force. evidence_from: moment of this step's snapshot.
    last_look_at: last moment of the look grid that was dealt with.
    mark: totals of this step at its last look that was evidence (or at its snapshot).
    uncertain: how many more events than in `looks` there may have been; only counters of others leave any.
    evidence: always equal to the replay of `looks`; None before the first campaign.
    scatter: what looks of the baseline alone have shown; dispersion: the factor learned from them, None before that
    and where nothing is learned.
    """

    phase: Phase = Phase.PENDING
    campaign: int = 0
    revision: str = ""
    plan: str = ""
    step: int = 0
    campaign_started_at: int = 0
    step_started_at: int | None = None
    evidence_from: int | None = None
    last_look_at: int | None = None
    suspended_at: int | None = None
    metrics_lost_at: int | None = None
    mark: Totals = Totals()
    looks: tuple[Look, ...] = ()
    uncertain: Totals = Totals()
    evidence: EvidenceState | None = None
    scatter: Scatter = NOTHING_LEARNED
    dispersion: float | None = None
    decision: Decision | None = None
    previous_digest: str = ""
    certified: Certified | None = None
