"""Promotions under guard of many sizes, and how many bytes their statuses take as the API server stores them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from earlystop.api.conditions import ConditionStatus
from earlystop.api.counts import ClassAnswers, Look, Tally, Variant
from earlystop.api.policy import PolicySpec
from earlystop.api.status.compact import compact, whole
from earlystop.api.times import from_rfc3339, rfc3339
from earlystop.api.when_busy import MOST_CHANGES
from earlystop.controller.status_layout import StatusLayout
from earlystop.controller.store.status_writer import merge_conditions
from earlystop.evidence.engine import replay
from earlystop.evidence.objective import EXACT_MATCH
from earlystop.metrics.convention.answers_by_class import by_answers
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, pack
from earlystop.rollout.certificate.binding import Binding
from earlystop.rollout.conditions import conditions
from earlystop.rollout.guard.coverage import GuardCoverage, Seen
from earlystop.rollout.guard.culprit_evidence import rates_of
from earlystop.rollout.guard.detector_packing import pack_detectors, rounded
from earlystop.rollout.guard.spans import LARGEST, with_rates
from earlystop.rollout.guard.state import Busy, kept_looks
from earlystop.rollout.guard.window import added
from earlystop.rollout.hooks.outbox import HookCursor, HookJob, JobResult, Outbox
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observation, Observations
from earlystop.rollout.state import Certified, Comparison, Decision, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.plan_reference import with_plan
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.waiting.gates import GateAnswer, GatesAsked, GateState
from tests.turns import Turns
from tests.unit.rollout.guard.many_kinds import RAILS, in_classes
from tests.unit.rollout.guarding import guard_of, look, watching
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.traffic import Server, answers

LONGEST = 63
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
IN_FORCE = Observation(
    ConditionStatus.TRUE, "InForce", "Weights are in force, proven by requests counted under this step."
)
READABLE = Observation(ConditionStatus.TRUE, "Readable", "Counts can be read.")
WHEN_BUSY = {"load": "queue", "above": "40", "below": "10", "minimumSeconds": 300, "changesPerHour": 4}


class Size(NamedTuple):
    """Of a policy. classes, rails, parameters: how many. follows_load: whether a second setting serves at times.
    length: of all names, where they may be as long. settings: how many are tried together, and proven, besides those.
    on_pairs: whether golden questions are compared. hooks: whether two hooks are told, one by a Job, and a gate was
    asked."""

    classes: int = 0
    rails: int = 0
    parameters: int = 1
    follows_load: bool = False
    length: int = 16
    settings: int = 1
    on_pairs: bool = False
    hooks: bool = False

    @property
    def candidates(self) -> int:
        """How many settings are tried."""
        return max(self.settings, 1 + self.follows_load)


def named(prefix: str, number: int, length: int) -> str:
    """A name of this length that looks like no other one."""
    letters = random.Random(f"{prefix}{number}")
    return prefix + str(number) + "".join(letters.choices("abcdefghijklmnopqrstuvwxyz", k=length - len(prefix) - 1))


def spec_of(size: Size) -> PolicySpec:
    """A policy of this size."""
    short = min(size.length, 32)
    parameters = [named("p", number, short) for number in range(size.parameters)]
    ranges = {"type": "Integer", "minimum": "1", "maximum": "4096", "stopsSooner": "WhenLower"}
    candidates = [
        {"name": named("c", n, short), "values": [{"name": each, "value": str(1024 >> n)} for each in parameters]}
        for n in range(size.candidates)
    ]
    classes = [{"name": named("k", number, short), "margin": "0.05"} for number in range(size.classes)]
    together: dict[str, Any] = {"strategy": "ABTest", "steps": [{"weight": 30, "minimumSeconds": 60}]}
    guard: dict[str, Any] = {"holdbackWeight": 10, **({"evidence": "Pairs"} if size.on_pairs else {})}
    hooks = [
        {"name": named("h", 0, short), "targetRef": {"name": named("h", 1, size.length)}},
        {"name": named("h", 2, short), "jobRef": {"name": named("h", 3, min(size.length, 52))}, "on": ["Lapsed"]},
    ]
    return policy(
        {
            "targetRef": {"name": named("t", 0, size.length)},
            "parameters": [{"name": each, **ranges} for each in parameters],
            "baseline": {"values": [{"name": each, "value": "4096"} for each in parameters]},
            "candidates": candidates,
            "delivery": {"gatewayHeader": {"routeRef": {"name": named("r", 0, size.length)}}},
            "metrics": {"sourceRef": {"name": named("s", 0, size.length)}},
            **({"rollout": together} if size.candidates > 1 else {}),
            **({"hooks": hooks} if size.hooks else {}),
            "objective": {
                "exactMatch": {"floor": "0.5"},
                **({"guardrails": RAILS[: size.rails]} if size.rails else {}),
                **({"queryClasses": classes} if classes else {}),
            },
            "guard": {
                **guard,
                **({"adjust": {}} if size.candidates > 1 else {}),
                **({"whenBusy": WHEN_BUSY} if size.follows_load else {}),
            },
            # Where people are asked before a promotion, no other setting follows the load without asking them.
            "approval": {"mode": "Never" if size.follows_load else "BeforePromotion"},
        }
    )


def promoted_as(spec: PolicySpec, size: Size) -> RolloutState:
    """A promotion of the boldest, by evidence, which people have approved."""
    state = started(spec)
    *_, boldest = state.pinned_plan.names
    by = () if size.follows_load else (f"user {named('u', 0, size.length)}",)
    message = (
        "EM +0.02 [-1.04; +1.08] points, non-inferior within 5.00 points; 50.0 % [48.1 %; 51.9 %] of the tokens saved, "
        "at least 10.0 % are asked for."
    )
    digests = random.Random(13)
    *others, proposal, previous = (f"{digests.getrandbits(256):064x}" for _ in range(7))
    others = [each[:32] for each in others]
    proposal = "sha256:" + proposal
    decision = Decision(Verdict.PROMOTE, "Proven", message, NOW + 900, boldest, proposal=proposal, approved_by=by)
    bound = Binding(NOW, spec.target_ref.name, others[0], others[1], named("m", 0, size.length), *others[2:5])
    several = len(state.comparisons) > 1
    comparisons = tuple(
        replace(judged(each, size), certified_at=NOW + 900 if several else None) for each in state.comparisons
    )
    return replace(
        state,
        phase=Phase.PROMOTED,
        decision=decision,
        comparisons=comparisons,
        certified=Certified(state.pinned_plan.settings_of(boldest), NOW + 900, bound=bound),
        previous_digest="sha256:" + previous,
        outbox=told(spec) if size.hooks else None,
        gates=GatesAsked(NOW + 600, answers=(gate_answer(size),)) if size.hooks else None,
    )


def told(spec: PolicySpec) -> Outbox:
    """Hooks that were told all that happened, the second one by a Job."""
    first, second = (each.name for each in spec.hooks or ())
    job = HookJob(9, f"{second}-{named('j', 0, 10)}-9", JobResult.SUCCEEDED, uid=UID)
    return Outbox(last=12, cursors=(HookCursor(first, 12), HookCursor(second, 12, job=job)))


def answered(rng: random.Random, classes: int) -> Totals:
    """A look's answers, which are never the same."""
    return in_classes(rng, classes=classes) if classes else replace(in_classes(rng, classes=1), classes=())


def judged(comparison: Comparison, size: Size) -> Comparison:
    """A trial of twelve looks, so that its evidence is as long as it ever is."""
    rng, rows = random.Random(comparison.name), []
    for number in range(12):
        totals = answered(rng, size.classes)
        beside = 30 if size.candidates > 1 else None
        rows.append(Look(NOW + 60 * number, 0, 50, totals.baseline, totals.candidate, totals.classes, beside))
    looks = CompressedLooks(tuple(rows))
    return replace(comparison, evidence=replay(comparison.evidence.objective, looks), looks=looks)


def watched_as(
    size: Size, answers_at: Callable[[random.Random, int], Totals] = answered
) -> tuple[PolicySpec, RolloutState]:
    """The same under a guard that has as many looks as it ever keeps, and detectors of another setting beside its own
    where the load is followed."""
    spec, rng, server = spec_of(size), random.Random(3), Server(size.classes)

    def looked(state: RolloutState, least: int) -> RolloutState:
        turns, kept = Turns(), kept_looks(guard_of(state).objective, guard_of(state).busy)
        while (guard_of(state).taken < least or len(guard_of(state).looks) < kept) and turns.another():
            server.serve(state, answers_at(rng, size.classes))
            state = look(spec, state, server)
        assert state.is_guarded
        return state

    state = looked(watching(spec, server, promoted_as(spec, size)), 30)
    if not size.follows_load:
        return spec, state
    guard = guard_of(state)
    changes = tuple(guard.looked_at - 900 * number for number in range(MOST_CHANGES, 0, -1))
    parked = pack_detectors(rounded(guard.detectors, guard.objective), guard.objective)
    busy = Busy("", changes, parked, guard.taken)
    return spec, looked(replace(state, guard=replace(guard, busy=busy)), 40)


def after_months(state: RolloutState, answers_at: Callable[[random.Random, int], Totals] = answered) -> RolloutState:
    """The same with a window and spans that are full, as they are after days for good."""
    guard = guard_of(state)
    window, spans, (*_, last) = guard.window, guard.spans, guard.looks
    rng, classes = random.Random(7), len(guard.objective.classes)
    drawn = [answers_at(rng, classes) for _ in range(300)]
    for number in range(3 * LARGEST):
        totals, at = rng.choice(drawn), last.at + 60 * (number + 1)
        seen = replace(last, at=at, baseline=totals.baseline, candidate=totals.candidate, classes=totals.classes)
        if number >= 2 * LARGEST:
            window = added(window, guard.window_seconds, seen, on_pairs=False)
        spans = with_rates(spans, at - 60, rates_of(guard.objective, EXACT_MATCH, seen))
    return replace(state, guard=replace(guard, window=window, spans=spans))


def scattered(rng: random.Random, classes: int) -> Totals:
    """A look whose load goes up and down by 70 %, and whose answers scatter as those of a binomial law."""
    load, rows, arms = rng.uniform(0.3, 1.7), [], []
    for _ in range(classes):
        few, many = (max(1, round(rng.gauss(mean * load, (mean * load) ** 0.5))) for mean in (20, 200))
        right = [sum(rng.random() < 0.8 for _ in range(number)) for number in (few, many)]
        rows.append(ClassAnswers(right[0], few - right[0], right[1], many - right[1]))
    for side, mean in ((0, 600), (2, 300)):
        match, miss = sum(row[side] for row in rows), sum(row[side + 1] for row in rows)
        tokens = round((match + miss) * mean * rng.gauss(1, 0.05))
        squares = round(tokens**2 / (match + miss) * rng.gauss(1.4, 0.1))
        failed = rng.randrange(3)
        arms.append(Tally(match + miss + failed, match + miss, failed, match, miss, 0, tokens, squares))
    return Totals(arms[0], arms[1], tuple(rows))


def counted_by_class(state: RolloutState, looks: int, seed: int, servers: int = 1) -> tuple[RolloutState, str]:
    """The same after so many looks, at 220 requests a look in each class: a ledger of so many servers as the operator
    keeps it, and the totals at the last look."""
    guard, rng = guard_of(state), random.Random(seed)
    processes, rows = [f"{rng.randrange(1 << 40):010x}" for _ in range(servers)], {}
    sums = {variant: Tally() for variant in Variant}
    classes = []
    for each in guard.objective.classes:
        answers_of_class: list[int] = []
        for variant, often, mean in ((Variant.BASELINE, 20, 600), (Variant.CANDIDATE, 200, 300)):
            usual = Usual.drawn(rng, often * looks / servers, mean)
            whole = Tally()
            for process in processes:
                tally = usual.counted(rng)
                rows[SeriesKey(guard.clock.step, variant, each.name, process)] = tally
                whole += tally
            sums[variant] += whole
            answers_of_class += [whole.match, whole.mismatch]
        classes.append(ClassAnswers(*answers_of_class))
    mark = Totals(sums[Variant.BASELINE], sums[Variant.CANDIDATE], tuple(classes)).as_guarded
    coverage = GuardCoverage(guard.looked_at, looks, seen(mark))
    kept = by_answers(rows, guard.clock.step, [each.name for each in guard.objective.classes])
    return replace(state, guard=replace(guard, mark=mark, taken=looks, coverage=coverage)), pack(Ledger(kept))


class Usual(NamedTuple):
    """What servers of a variant count of a class: as many requests on average, and rates and means of these."""

    requests: float
    right: float
    failed: float
    unscored: float
    tokens: float
    scatter: float

    @classmethod
    def drawn(cls, rng: random.Random, requests: float, tokens: float) -> Usual:
        """A class and a variant. requests, tokens: about."""
        rates = rng.uniform(0.75, 0.85), rng.uniform(0, 0.01), rng.uniform(0, 0.01)
        return cls(requests * rng.uniform(0.8, 1.2), *rates, tokens * rng.uniform(0.9, 1.1), rng.uniform(0.4, 0.8))

    def counted(self, rng: random.Random) -> Tally:
        """What one server has counted."""
        completed = max(1, round(rng.gauss(self.requests, self.requests**0.5)))
        failed, unscored = (
            max(0, round(rng.gauss(mean, mean**0.5))) for mean in (completed * self.failed, completed * self.unscored)
        )
        scored = completed - unscored
        match = min(scored, round(rng.gauss(scored * self.right, (scored * self.right * (1 - self.right)) ** 0.5)))
        tokens = round(completed * rng.gauss(self.tokens, self.tokens * self.scatter / completed**0.5))
        squares = round(tokens**2 / completed * (1 + self.scatter**2) * rng.gauss(1, 1 / completed**0.5))
        started = completed + failed + rng.randrange(3)
        return Tally(started, completed, failed, match, scored - match, unscored, tokens, squares)


def seen(totals: Totals) -> Seen:
    """What a guard says to have compared at its last look."""
    arms = totals.baseline, totals.candidate
    return Seen(*(each.started for each in arms), *(each.scored for each in arms))


def counters_of(processes: int, step: int) -> str:
    """The ledger of a step that so many servers have counted in for a day."""
    rng, rows = random.Random(11), {}
    for number in range(processes):
        process = f"{number:04x}{rng.randrange(1 << 16):04x}-4a1d"
        for variant, often in ((Variant.BASELINE, 1), (Variant.CANDIDATE, 9)):
            counted = answers(often * rng.randrange(40_000, 60_000), 0.8, 400 + rng.randrange(100))
            rows[SeriesKey(step, variant, "qa", process)] = counted
    return pack(Ledger(by_answers(rows, step, ())))


def gate_answer(size: Size) -> GateAnswer:
    """A gate that was open."""
    return GateAnswer(named("g", 0, min(size.length, 32)), GateState.OPEN, NOW + 700)


def stored_bytes(spec: PolicySpec, state: RolloutState, processes: int = 0) -> int:
    """Of the status as it is stored, once its verdict is. processes: servers that count, in no class."""
    return bytes_with(spec, state, counters_of(processes, guard_of(state).clock.step))


def bytes_with(spec: PolicySpec, state: RolloutState, ledger: str) -> int:
    """The same with this ledger: of the JSON of `status` alone, as the API server stores it."""
    status = to_status(named("n", 0, len(spec.target_ref.name)), UID, LiveTimes.of(spec), state, ledger)
    quiet = Observations(traffic=IN_FORCE, metrics=READABLE)
    status["conditions"] = merge_conditions((), conditions(state, quiet), 1, NOW)
    status["observedGeneration"] = 1
    layout = StatusLayout(keeps_internal=True, keeps_rest=True)
    small = json.loads(json.dumps(layout.of(status, spec, is_recorded=True)))
    assert from_status(with_plan(whole(small), spec))[0].guard == state.guard
    small = compact(at_other_moments(whole(small)))
    return len(as_go_writes(json.dumps(small, separators=(",", ":"), ensure_ascii=False)).encode())


def at_other_moments(status: dict[str, Any]) -> dict[str, Any]:
    """The same with other times between what happened: those of these worlds are all alike, and no cluster's are."""
    rng, text = random.Random(17), json.dumps(status)
    moments = sorted({from_rfc3339(each) for each in MOMENT.findall(text)})
    at, others = moments[0], {}
    for before, moment in pairwise([at, *moments]):
        at += round((moment - before) * rng.uniform(0.5, 2)) + rng.randrange(1, 900)
        others[rfc3339(moment)] = rfc3339(at)
    found: dict[str, Any] = json.loads(MOMENT.sub(lambda each: others[each[0]], text))
    return found


def as_go_writes(text: str) -> str:
    """JSON as the API server stores it and sends it: three signs of HTML are escaped."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
