"""What the operator remembers of one policy between reconciliations: a cache, since status holds all that matters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import is_
from typing import Any

from earlystop.api.delivery import Delivery
from earlystop.api.interning import interned_spec
from earlystop.api.policy import PolicySpec
from earlystop.api.signatures import RETRY
from earlystop.api.status.compact import whole, without_defaults
from earlystop.controller.desired_split import desired_split
from earlystop.controller.memory.checks import AcceptanceMemory, CrossCheckMemory, LoadMemory, StatusMemory
from earlystop.controller.memory.evaluators import EvaluatorMemory
from earlystop.controller.memory.gates import GateMemory
from earlystop.controller.memory.hooks import HookMemory
from earlystop.controller.memory.next_identity import NextIdentity
from earlystop.controller.memory.pauses import LONGEST_RETRY_SECONDS
from earlystop.controller.memory.policy_snapshot import PolicySnapshot
from earlystop.controller.memory.read_ahead import ReadAhead
from earlystop.controller.memory.resumed import resumed_traffic
from earlystop.controller.memory.traffic import TrafficMemory
from earlystop.controller.resources import Manifest
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.count_ledger import CountLedger, unpack_ledger
from earlystop.rollout.damping import DampedObservation, observe
from earlystop.rollout.guard.busy import wanted_of
from earlystop.rollout.guard.state import Alarm
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.handled_requests import is_spent
from earlystop.rollout.hooks.occurrence import PolicyIdentity
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observations, observations_from
from earlystop.rollout.plan import Plan
from earlystop.rollout.revision import is_of_policy
from earlystop.rollout.state import WATCHING, Phase, RolloutState
from earlystop.rollout.stored.plan_reference import with_plan
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.words.event_notes import EventNote, observation_notes

STATUS_OF_ANOTHER = EventNote(
    "StatusOfAnother",
    "StartTracking",
    "The status held a campaign of another policy, as after a restore that made this one anew with its status, or of a "
    "copy. Nothing of it is followed: all requests get the baseline until a campaign of this policy says otherwise.",
    warning=True,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """A state that a policy has come to, and the counts that led to it. ledger: None where counts stay as they are."""

    state: RolloutState
    ledger: CountLedger | None = None

    @property
    def alarm(self) -> Alarm | None:
        """The alarm of the guard in what a look has led to; None without one, and where nothing was counted."""
        return alarm_of(self.state) if self.ledger is not None and self.state.is_guarded else None


@dataclass(slots=True)
class TrackedPolicy:
    """One policy as last read, and what has happened since.

    policy: the object as last read or written.
    spec: its spec.
    spec_read_at: when the object was first read in its present generation, in Unix seconds.
    state, ledger: where the rollout stands, possibly ahead of the stored status.
    status, traffic, acceptance, cross_check, hooks, gates, step_gates, load_memory, evaluators: what is remembered of
        storing, of the cluster's objects, of checks, of the engine's own counters, of notifying hooks, of asking gates
        before a promotion and before a step, of how busy servers are and of evaluators.
    observations: what the operator last found out about acceptance, traffic, metrics and storage.
    shown_metrics, shown_traffic: what conditions and events show of that.
    announced: what was shown when people were last told by events.
    notes: other news that waits to be told by events.
    metrics_failures: failed readings since the last usable one.
    read_again_at: before this Unix time no moment is read again whose reading has failed, or found no room.
    declined: text of the last request of each verb about which people were told that it was declined.
    deletion_is_told: whether people were told by an event that it was deleted.
    next_identity: by which the next campaign will be told apart, None before that was made.
    read_ahead: counts for looks that are due, None for none.
    """

    policy: PolicySnapshot
    spec: PolicySpec
    spec_read_at: float
    state: RolloutState
    ledger: CountLedger
    status: StatusMemory
    observations: Observations = field(default_factory=Observations)
    shown_metrics: DampedObservation = field(default_factory=DampedObservation)
    shown_traffic: DampedObservation = field(default_factory=DampedObservation)
    traffic: TrafficMemory = field(default_factory=TrafficMemory)
    acceptance: AcceptanceMemory = field(default_factory=AcceptanceMemory)
    cross_check: CrossCheckMemory = field(default_factory=CrossCheckMemory)
    hooks: HookMemory = field(default_factory=HookMemory)
    gates: GateMemory = field(default_factory=GateMemory)
    step_gates: GateMemory = field(default_factory=GateMemory)
    load_memory: LoadMemory = field(default_factory=LoadMemory)
    evaluators: EvaluatorMemory = field(default_factory=EvaluatorMemory)
    announced: Observations = field(default_factory=Observations)
    notes: list[EventNote] = field(default_factory=list)
    metrics_failures: int = 0
    read_again_at: float = 0.0
    declined: dict[str, str] = field(default_factory=dict)
    deletion_is_told: bool = False
    next_identity: NextIdentity | None = field(default=None, repr=False, compare=False)
    read_ahead: ReadAhead | None = field(default=None, repr=False, compare=False)
    _times: tuple[PolicySpec, LiveTimes] | None = field(default=None, init=False, repr=False, compare=False)
    _told: tuple[Observations, DampedObservation, DampedObservation] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    _split: tuple[RolloutState, TrafficSplit | None] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def load(cls, manifest: Manifest, now: float, plans: Iterable[str] = ()) -> TrackedPolicy:
        """Start to track a policy, as the API server gave it, at Unix time `now`. plans: texts among which the plan of
        its campaign may be, where its status only refers to that.

        A policy that was accepted when its status was stored is not checked at once but at a moment of its own: after a
        restart of the operator, looks come first. A status whose campaign is another policy's, as after a restore that
        brought it along, tells nothing: the verdicts of its campaign would be nobody's.

        Raises PlanElsewhere where that plan is none of these and the spec has been edited since, ValueError (pydantic's
        is one) when spec or status cannot be understood.
        """
        spec = interned_spec(PolicySpec.model_validate(manifest["spec"]))
        status = with_plan(whole(manifest.get("status", {})), spec, plans)
        state, ledger = from_status(without_defaults(status))
        is_own = is_of_policy(manifest["metadata"]["uid"], state.revision, state.campaign, state.entropy)
        if not is_own:
            status, state, ledger = {}, RolloutState(), ""
        counted = unpack_ledger(ledger)
        policy, observations = PolicySnapshot.of(manifest), observations_from(status.get("conditions", []))
        known = state.phase != Phase.PENDING and policy.observed_generation == policy.generation
        accepted = known and observations.refusal is None
        return cls(
            notes=[] if is_own else [STATUS_OF_ANOTHER],
            policy=policy,
            spec=spec,
            spec_read_at=now,
            state=state,
            ledger=counted,
            status=StatusMemory(stored=state, written_at=now),
            observations=observations,
            announced=observations,
            shown_metrics=DampedObservation.beginning(observations.metrics),
            shown_traffic=DampedObservation.beginning(observations.traffic),
            traffic=resumed_traffic(
                state, observations.traffic, policy.conditions, recheck=not (accepted and state.watch_phase in WATCHING)
            ),
            acceptance=AcceptanceMemory(generation=policy.generation, checked_at=now)
            if accepted
            else AcceptanceMemory(),
        )

    def advance(self, state: RolloutState, ledger: CountLedger) -> None:
        """Replace the rollout's state and its ledger of counts by newer ones."""
        self.state, self.ledger = state, ledger
        self._split = None  # it would keep the state before alive until somebody asks

    def observe(self, observations: Observations, now: float) -> None:
        """Take over what the operator knows of the policy's surroundings at Unix time `now`."""
        self.observations = observations
        self.shown_metrics = observe(self.shown_metrics, observations.metrics, now)
        self.shown_traffic = observe(self.shown_traffic, observations.traffic, now)

    def observe_stored(self, observations: Observations) -> None:
        """Take over what another writer's status says."""
        self.observations = observations
        self.shown_metrics = DampedObservation.beginning(observations.metrics)
        self.shown_traffic = DampedObservation.beginning(observations.traffic)

    @property
    def shown(self) -> Observations:
        """What conditions and events say of the observations: what alternates is damped."""
        found, metrics, traffic = self.observations, self.shown_metrics.shown, self.shown_traffic.shown
        if metrics == found.metrics and traffic == found.traffic:
            return found
        return replace(found, metrics=metrics, traffic=traffic)

    def replace_object(self, policy: PolicySnapshot, spec: PolicySpec, now: float) -> None:
        """Take over the object as the API server has it at Unix time `now`."""
        if policy.generation != self.policy.generation:
            self.spec_read_at = now
        self.policy = policy
        if spec != self.spec:  # an equal one would be one more object, and have all be asked again that follows from it
            self.spec = spec

    def resume_from(self, other: TrackedPolicy) -> None:
        """Go on from a status that another writer has stored. Nothing of it is news."""
        self.advance(other.state, other.ledger)
        self.status.note_stored(other.state)
        self.observe_stored(other.observations)
        self.announced = self.shown
        self.traffic.forget_proof()
        if other.traffic.handover.is_left:
            self.traffic.handover.resume(other.traffic.handover.successor)

    def is_edited(self, state: RolloutState) -> bool:
        """Whether the policy as it is written now asks for another campaign than the one in a state. An edit under way
        starts one at once, unless it is refused, the policy is suspended, or a decision is being carried out."""
        return state.plan is not None and not state.plan.is_asked_for(self.spec, self.retry_token)

    def announce(self, note: EventNote) -> None:
        """Keep a note, of which an event is to be written."""
        self.notes.append(note)

    @property
    def may_have_news(self) -> bool:
        """Whether anything was announced or observed since the news was taken last."""
        seen = self.observations, self.shown_metrics, self.shown_traffic
        return bool(self.notes) or self._told is None or not all(map(is_, seen, self._told))

    def take_news(self) -> list[EventNote]:
        """What there is to tell, oldest first: what is shown since the last time, and other notes. Each is handed
        over once."""
        if not self.may_have_news:
            return []  # as nearly always: a reconciliation asks after each of its parts
        self._told, shown = (self.observations, self.shown_metrics, self.shown_traffic), self.shown
        news = [*observation_notes(self.announced, shown), *self.notes]
        self.announced, self.notes = shown, []
        return news

    def note_reading(self) -> None:
        """The counts of a look could be read."""
        self.metrics_failures, self.read_again_at = 0, 0.0

    def note_failed_reading(self, now: float, *, again: bool) -> None:
        """The counts of a look could not be read at Unix time `now`. again: the same moment is to be read again."""
        self.metrics_failures += 1
        self.read_again_at = now + self.retry_seconds if again else 0.0

    def postpone_reading(self, until: float) -> None:
        """No counts are to be read before Unix time `until`: the last ones found no room."""
        self.read_again_at = until

    @property
    def retry_seconds(self) -> float:
        """Seconds from a failed reading to the next one: longer with each failure."""
        return min(LONGEST_RETRY_SECONDS, 2.0 ** min(self.metrics_failures, 10))

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.policy.namespace, self.policy.name

    @property
    def namespace(self) -> str:
        """Namespace of the policy."""
        return self.policy.namespace

    @property
    def name(self) -> str:
        """Name of the policy."""
        return self.policy.name

    @property
    def is_to_be_recalled(self) -> bool:
        """Whether the state lacks looks or is still said to, or has looks that a verdict may hold as well."""
        is_unsure = self.state.is_guarded and self.state.most_looks > 0 and not self.status.verdict_digest
        return self.state.lacks_looks or is_unsure or self.observations.record is not None

    @property
    def load_due_at(self) -> float | None:
        """When the load is to be read next, in Unix seconds; None where nothing follows it."""
        wanted = wanted_of(self.times)
        if wanted is None or not self.state.is_guarded or self.spec.suspend:
            return None
        return self.load_memory.due_at(wanted.load, self.spec.rollout.look_seconds)

    @property
    def is_lapsed(self) -> bool:
        """Whether the policy's certificate has lapsed, as far as is known."""
        return self.state.certified is not None and self.state.certified.lapse is not None

    @property
    def uid(self) -> str:
        """UID of the policy."""
        return self.policy.uid

    @property
    def generation(self) -> int:
        """Generation of the spec."""
        return self.policy.generation

    @property
    def retry_token(self) -> str:
        """The retry annotation's value; a campaign starts anew when a person changes it to one that is new. Where it
        was removed, or an old value was written again, it is the token of the campaign under way."""
        request, state = self.policy.requests.retry, self.state
        if request.text and not is_spent(state, RETRY, request):
            return request.text
        return "" if state.plan is None else state.plan.retry

    @property
    def plan(self) -> Plan:
        """The plan of the campaign under way."""
        return self.state.pinned_plan

    @property
    def split(self) -> TrafficSplit | None:
        """The split that the present state asks for, None before the first campaign."""
        if self._split is None or self._split[0] is not self.state:
            self._split = self.state, desired_split(self.state)  # a look asks for it several times
        return self._split[1]

    @property
    def times(self) -> LiveTimes:
        """The times of the spec that may change under a campaign."""
        if self._times is None or self._times[0] is not self.spec:
            self._times = self.spec, LiveTimes.of(self.spec)  # a look asks for them a dozen times
        return self._times[1]

    @property
    def routes(self) -> frozenset[str]:
        """Names of the routes that the campaign under way overlays, and that the spec names now."""
        references = (each.route_ref for each in self.deliveries)
        return frozenset(each.name for each in references if each is not None)

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The delivery of the spec, and that of the campaign under way."""
        return tuple(each.delivery for each in (self.spec, *([self.plan.spec] if self.state.plan else [])))

    @property
    def identity(self) -> PolicyIdentity:
        """Which policy it is, to those who are told of it outside."""
        return PolicyIdentity(self.namespace, self.name, self.uid)

    @property
    def label(self) -> str:
        """The policy label in metrics and headers."""
        return f"{self.namespace}/{self.name}"

    @property
    def log_fields(self) -> dict[str, Any]:
        """What every log line about this policy carries: its campaign, and the decision once there is one."""
        campaign = {"campaign": self.state.campaign, "revision": self.state.revision}
        decided = {} if self.state.decision is None else {"decision": self.state.decision.verdict.value}
        return {"policy": self.label, **campaign, **decided}
