"""The state of a rollout: one frozen value that each transition turns into the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from earlystop.api.counts import Look
from earlystop.api.status.evidence import Counts, EvidenceText
from earlystop.api.status.risk import MarginStatus
from earlystop.evidence.dispersion import DispersionEstimate
from earlystop.evidence.engine import Assessment, Claims, EvidenceState
from earlystop.rollout.certificate.binding import Binding, Lapse
from earlystop.rollout.guard.state import GuardState, StepClock
from earlystop.rollout.hooks.outbox import Outbox
from earlystop.rollout.phases import ACTING as ACTING
from earlystop.rollout.phases import BETWEEN_TRIALS as BETWEEN_TRIALS
from earlystop.rollout.phases import DECIDED as DECIDED
from earlystop.rollout.phases import ENDED as ENDED
from earlystop.rollout.phases import PHASES as PHASES
from earlystop.rollout.phases import TRYING as TRYING
from earlystop.rollout.phases import WATCHED_AS as WATCHED_AS
from earlystop.rollout.phases import WATCHING as WATCHING
from earlystop.rollout.phases import WITHOUT_CANDIDATE as WITHOUT_CANDIDATE
from earlystop.rollout.phases import Phase as Phase
from earlystop.rollout.phases import PhaseTraits as PhaseTraits
from earlystop.rollout.plan import Plan
from earlystop.rollout.remembered import Attempts as Attempts
from earlystop.rollout.remembered import HandledRequest as HandledRequest
from earlystop.rollout.remembered import ProvenLoss as ProvenLoss
from earlystop.rollout.savings.ledger import SavingsLedger
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.totals import NO_COUNTS
from earlystop.rollout.totals import Totals as Totals
from earlystop.rollout.verdict_kind import Verdict as Verdict
from earlystop.rollout.waiting.awaited import AwaitedDecision
from earlystop.rollout.waiting.gates import GatesAsked, StepGates

NOTHING_LEARNED = DispersionEstimate()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Decision:
    """What was decided, why, and when (Unix seconds).

    candidate: name of the one that it is about, or of the foremost one. requested_by: who asked for it, "" when the
    evidence or a deadline did. number: which decision of its campaign, from 1: a person may change the first.
    proposal: digest of what people were asked, "" when nobody was. approved_by, rejected_by: who answered, in words.
    looks_as_text: form of the looks in its verdict; rows of numbers in those that earlier releases decided.
    guard_looks_as_text: the same of a guard's looks, where it is a guard's decision.
    """

    verdict: Verdict
    reason: str
    message: str
    at: int
    candidate: str
    requested_by: str = ""
    number: int = 1
    proposal: str = ""
    approved_by: tuple[str, ...] = ()
    rejected_by: str = ""
    looks_as_text: bool = True
    guard_looks_as_text: bool = False

    @property
    def is_certificate(self) -> bool:
        """Whether it says that its candidate is proven."""
        return self.verdict in (Verdict.PROMOTE, Verdict.RECOMMEND) and not self.requested_by


@dataclass(frozen=True, slots=True)
class RecordedLooks:
    """Looks that the verdict of a decision holds, and the status no longer.

    decision: its number. digest: of that verdict, "" once another decision of the campaign has followed, which was made
    without them. counts, evidence: what is shown of them, of each candidate in the plan's order. margin: as that
    verdict says it.
    """

    decision: int
    digest: str
    counts: tuple[Counts, ...]
    evidence: tuple[EvidenceText, ...]
    margin: MarginStatus | None = None


@dataclass(frozen=True, slots=True)
class Unstored:
    """A decision whose verdict may not be stored yet although another decision of the campaign has followed.

    previous_digest: of the verdict that its own names. guard: what its own records of a guard.
    """

    decision: Decision
    previous_digest: str
    guard: GuardState | None = None


NOT_CHOSEN = "AnotherSavesMore"
"""Why a setting is tried no longer that nobody has shown to be harmful."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why one of several candidates gets no more requests; step: the last one in which it had some."""

    reason: str
    message: str
    at: int
    step: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """One trial: a candidate against the baseline, in a campaign. What the plan names may be tried; what has a
    comparison is tried or was, each with an objective, and so a risk, of its own.

    name: of the candidate. mark: totals of this step at its last look that was evidence (or at its snapshot).
    uncertain: how many more events than in `looks` there may have been; only counters of others leave any.
    evidence: always equal to the replay of `looks`. certified_at: moment of the look at which all that a promotion
    needs was proven, beside the other candidates; never where there is only one. dropped: None while it is tried.
    by_class: the same of each query class's requests alone, by the class's name, where each is judged by itself.
    """

    name: str
    evidence: EvidenceState
    mark: Totals = NO_COUNTS
    looks: Sequence[Look] = ()
    uncertain: Totals = NO_COUNTS
    certified_at: int | None = None
    dropped: Dropped | None = None
    by_class: tuple[Comparison, ...] = ()

    def marked(self, totals: Totals) -> Comparison:
        """The comparison whose next look begins at these totals."""
        parts = totals.by_class or (Totals(),) * len(self.by_class)
        of_classes = (each.marked(counted) for each, counted in zip(self.by_class, parts, strict=True))
        return replace(self, mark=totals.as_mark, by_class=tuple(of_classes))

    @property
    def assessment(self) -> Assessment:
        """What the evidence says; worked out once for each state of the evidence."""
        return self.evidence.assessment

    @property
    def claims(self) -> Claims:
        """What the evidence claims; `assessment` has intervals beside it, which cost more."""
        return self.evidence.claims


@dataclass(frozen=True, slots=True)
class ClassSetting:
    """What is proven for one query class. query_class: its name. candidate: the name of what it gets. values: of each
    parameter."""

    query_class: str
    candidate: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Certified:
    """A setting that was proven, and when (Unix seconds). classes: settings of their own that query classes have, in
    the policy's order; `values` is then what all other requests keep. bound: what it was proven on, None while nobody
    has read that. lapse: what has changed of that, None where nothing has."""

    values: dict[str, str]
    at: int
    classes: tuple[ClassSetting, ...] = ()
    bound: Binding | None = None
    lapse: Lapse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutState:
    """Everything that decides what happens next. All times are whole Unix seconds.

    plan: what this campaign tries and must prove, None before the first one. step: index of the current step.
    step_started_at: when its weights were proven in force. evidence_from: moment of this step's snapshot.
    last_look_at: last moment of the look schedule that was dealt with.
    comparisons: one for each candidate that is tried or was, in the plan's order; none before the first campaign.
    scatter: what looks of the baseline alone have shown; dispersion: the factor learned from them, None before that
    and where nothing is learned. handled: the latest request of each verb that people made. attempts: campaigns before
    this one that spent risk, by candidate, the latest first. losses: settings proven since a pinned baseline, the
    latest first.
    entropy: the random text in the revision, "" in campaigns of earlier releases.
    in_flight: requests in flight at the last look while a step waits for its answers, or when its wait was over without
    them; None where a step has none to wait for.
    interrupted: whether the step's weights may have been in force before, under which other weights followed, and
    nobody has counted yet what it began with when they came back.
    search: where the search stands of which the campaign is a trial; None outside of one.
    awaiting: a favourable decision that waits; None when none does. gates: of it, or of the latest that had any.
    outbox: of hooks; None where there never were any. savings: tokens of all campaigns' looks; None before the first.
    guard: what watches over the promotion, or did until its alarm; None without one. guard_steps: how many steps guards
    of this campaign have had, whose counters are never read again.
    step_gates: before the next step, or before the latest one that had any; None where none were asked.
    unstored: decisions of this campaign before the latest one whose verdicts come first, the first one first.
    recorded: of looks that the comparisons lack, since a verdict holds them; None where they lack none.
    """

    phase: Phase = Phase.PENDING
    campaign: int = 0
    revision: str = ""
    entropy: str = ""
    plan: Plan | None = None
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
    attempts: tuple[Attempts, ...] = ()
    losses: tuple[ProvenLoss, ...] = ()
    handled: tuple[HandledRequest, ...] = ()
    in_flight: int | None = None
    interrupted: bool = False
    search: SearchProgress | None = None
    outbox: Outbox | None = None
    awaiting: AwaitedDecision | None = None
    gates: GatesAsked | None = None
    savings: SavingsLedger | None = None
    guard: GuardState | None = None
    guard_steps: int = 0
    unstored: tuple[Unstored, ...] = ()
    step_gates: StepGates | None = None
    recorded: RecordedLooks | None = None

    @property
    def is_guarded(self) -> bool:
        """Whether a guard watches over a promotion now. One that has alarmed is kept as the record of that."""
        return self.guard is not None and self.phase is Phase.PROMOTED

    @property
    def is_held(self) -> bool:
        """Whether the step under way waits for its gates, so that no candidate has any request yet."""
        asked = self.step_gates
        return asked is not None and not asked.entered and asked.step == self.step

    @property
    def clock(self) -> StepClock:
        """The step under way, of which counts are read: the guard's, once one watches over a promotion."""
        if self.guard is not None and self.is_guarded:
            return self.guard.clock
        return StepClock(
            step=self.step,
            started_at=self.step_started_at,
            evidence_from=self.evidence_from,
            last_look_at=self.last_look_at,
            metrics_lost_at=self.metrics_lost_at,
        )

    @property
    def watch_phase(self) -> Phase:
        """The phase as looks and traffic see it: a guard goes through phases of its own while the phase of the rollout
        stays Promoted."""
        if self.guard is None or not self.is_guarded:
            return self.phase
        return Phase.SUSPENDED if self.guard.suspended_at is not None else WATCHED_AS[self.guard.phase]

    @property
    def pinned_plan(self) -> Plan:
        """The plan of the campaign under way. Raises ValueError before the first campaign."""
        if self.plan is None:
            raise ValueError("no campaign has begun, so there is no plan")
        return self.plan

    def comparison(self, name: str) -> Comparison:
        """The comparison of a candidate. Raises KeyError for a name that is not tried."""
        found = next((each for each in self.comparisons if each.name == name), None)
        if found is None:
            raise KeyError(f"no candidate {name} in campaign {self.revision}")
        return found

    @property
    def active(self) -> tuple[Comparison, ...]:
        """Comparisons of the candidates that are still tried."""
        return tuple(each for each in self.comparisons if each.dropped is None)

    @property
    def under_trial(self) -> tuple[Comparison, ...]:
        """The comparisons that may still lead to something; all of them when every candidate was dropped."""
        return self.active or self.comparisons

    @property
    def leading(self) -> Comparison | None:
        """The foremost candidate's comparison: the decision's, else of one that is certified, else of the first that
        is still tried, else the first; None before the first campaign."""
        if self.decision is not None:
            return self.comparison(self.decision.candidate)
        certified = [each for each in self.active if each.certified_at is not None]
        return next(iter((*certified, *self.active, *self.comparisons)), None)

    @property
    def leader(self) -> str:
        """Name of the foremost candidate; "" before the first campaign."""
        return self.leading.name if self.leading else ""

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

    @property
    def lacks_looks(self) -> bool:
        """Whether the looks of its decision stand in the verdict alone, and are to be read from there."""
        recorded, decision = self.recorded, self.decision
        return recorded is not None and decision is not None and recorded.decision == decision.number
