"""Where a rollout stands: one frozen value that the kernel turns into the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.dispersion import DispersionEstimate
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
    REPORTING = "Reporting"
    REPORTED = "Reported"


TRYING = frozenset({Phase.APPLYING, Phase.SETTLING, Phase.OBSERVING})
WATCHING = frozenset({Phase.SETTLING, Phase.OBSERVING})
ACTING = frozenset({Phase.PROMOTING, Phase.ROLLING_BACK, Phase.HOLDING, Phase.REPORTING})
ENDED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.HELD, Phase.REPORTED})
DECIDED = ACTING | ENDED


class Verdict(StrEnum):
    """What a campaign ends with."""

    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"
    INCONCLUSIVE = "Inconclusive"
    RECOMMEND = "Recommend"


NOTHING_LEARNED = DispersionEstimate()


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
    """What was decided, why, and when (Unix seconds).

    candidate: place in the plan of the one that it is about. requested_by: who asked for it, "" when the evidence or a
    deadline did. number: which decision of its campaign, from 1: a person may change the first.
    """

    verdict: Verdict
    reason: str
    message: str
    at: int
    candidate: int = 0
    requested_by: str = ""
    number: int = 1


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why one of several candidates gets no more requests; step: the last one in which it had some."""

    reason: str
    message: str
    at: int
    step: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One candidate against the baseline, in a campaign.

    mark: totals of this step at its last look that was evidence (or at its snapshot).
    uncertain: how many more events than in `looks` there may have been; only counters of others leave any.
    evidence: always equal to the replay of `looks`. certified_at: moment of the look at which all that a promotion
    needs was proven, beside the other candidates; never where there is only one. dropped: None while it is tried.
    """

    evidence: EvidenceState
    mark: Totals = Totals()
    looks: Sequence[Look] = ()
    uncertain: Totals = Totals()
    certified_at: int | None = None
    dropped: Dropped | None = None


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
    comparisons: one for each candidate of the plan, in its order; none before the first campaign.
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
    comparisons: tuple[Comparison, ...] = ()
    scatter: DispersionEstimate = NOTHING_LEARNED
    dispersion: float | None = None
    decision: Decision | None = None
    previous_digest: str = ""
    certified: Certified | None = None

    @property
    def active(self) -> tuple[int, ...]:
        """Places of the candidates that are still tried."""
        return tuple(place for place, each in enumerate(self.comparisons) if each.dropped is None)

    @property
    def leader(self) -> int:
        """Place of the foremost candidate: the decision's, else one that is certified, else the first still tried."""
        if self.decision is not None:
            return self.decision.candidate
        certified = [place for place in self.active if self.comparisons[place].certified_at is not None]
        return next(iter((*certified, *self.active)), 0)

    @property
    def leading(self) -> Comparison | None:
        """The foremost candidate's comparison; None before the first campaign."""
        return self.comparisons[self.leader] if self.comparisons else None

    @property
    def looks(self) -> Sequence[Look]:
        """Looks of the foremost candidate."""
        return self.leading.looks if self.leading else ()

    @property
    def evidence(self) -> EvidenceState | None:
        """Evidence of the foremost candidate; None before the first campaign."""
        return self.leading.evidence if self.leading else None

    @property
    def most_looks(self) -> int:
        """Looks of the candidate that has most."""
        return max((len(each.looks) for each in self.comparisons), default=0)
