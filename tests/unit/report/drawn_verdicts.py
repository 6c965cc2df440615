"""Verdicts of drawn policies and traffic: every basis, every witness of dispersion, all versions of the engine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from earlystop.api.counts import ClassAnswers, Look, Tally, UserScatter
from earlystop.evidence.engine import replay
from earlystop.evidence.missing_answers import counted_by_class
from earlystop.evidence.objective import Basis, Objective
from earlystop.evidence.version import CURRENT, EIGHTH, FIFTH, FIRST, FOURTH, NINTH, SECOND, SEVENTH, SIXTH, TENTH
from earlystop.rollout.plan import Plan, parse_plan, plan_text
from earlystop.rollout.revision import revision_of
from earlystop.rollout.state import Comparison, Decision, RolloutState, Verdict
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.verdict import verdict_object
from tests.unit.rollout.policies import NOW, UID, policy
from tests.unit.rollout.several import CANDIDATES

CLASSES = ("easy", "hard")
COHORTS = [{"variant": "baseline", "values": ["a"]}, {"variant": "w10", "values": ["b"]}]
DELIVERY = {
    "mode": "HeaderCohort",
    "gatewayHeader": None,
    "headerCohort": {"routeRef": {"name": "qa"}, "header": "x-user-cohort", "cohorts": COHORTS},
}
Drawn = random.Random


def drawn_verdict(seed: int) -> dict[str, Any]:
    """The verdict object of a campaign that was drawn, whatever its evidence says. The same for the same seed."""
    return verdict_object("qa", "llm", UID, drawn_campaign(seed))


def drawn_chain(*seeds: int) -> list[dict[str, Any]]:
    """Verdicts of one policy, each of which follows the one before it."""
    found: list[dict[str, Any]] = []
    for number, seed in enumerate(seeds, start=1):
        before, state = found[-1]["spec"]["digest"] if found else "", drawn_campaign(seed)
        assert state.decision is not None
        decision = replace(state.decision, at=NOW + number * 100_000)
        found.append(verdict_object("qa", "llm", UID, replace(state, previous_digest=before, decision=decision)))
    return found


def long_verdict() -> dict[str, Any]:
    """One whose record is long: the looks of another one, again and again."""
    state = drawn_campaign(5)
    (only,) = state.comparisons
    last = only.looks[-1].at
    looks = tuple(replace(look, at=look.at + again * (last - NOW)) for again in range(5) for look in only.looks)
    assert state.decision is not None
    longer = replace(only, evidence=replay(only.evidence.objective, looks), looks=looks)
    decision = replace(state.decision, at=looks[-1].at)
    return verdict_object("qa", "llm", UID, replace(state, comparisons=(longer,), decision=decision))


def drawn_campaign(seed: int, session: int | None = None) -> RolloutState:
    """The state of that campaign, decided. session: seconds that sessions last at most, where looks show how much
    answers scatter."""
    rng = Drawn(seed)
    plan = _plan(rng, session)
    comparisons = tuple(_comparison(rng, plan, name) for name in plan.names)
    last = max((each.looks[-1].at for each in comparisons if each.looks), default=NOW)
    message = "Neither benefit nor harm was shown within 3600 s."
    decision = Decision(Verdict.INCONCLUSIVE, "DeadlineExceeded", message, last, plan.names[0])
    campaign, entropy = 1 + seed, f"{seed:x}"
    revision = revision_of(UID, campaign, entropy)
    return RolloutState(
        campaign=campaign,
        revision=revision,
        entropy=entropy,
        plan=plan,
        comparisons=comparisons,
        decision=decision,
    )


def cohorts_campaign(seed: int) -> RolloutState:
    """A campaign under way whose cohorts had the baseline's setting in the first half of its looks."""
    rng = Drawn(seed)
    rollout = {"strategy": "ABTest", "steps": None, "aaSeconds": 60}
    exact_match = {"margin": "0.1", "assumeIndependent": None, "longestSessionSeconds": 60}
    plan = parse_plan(
        plan_text(policy({"delivery": DELIVERY, "rollout": rollout, "objective": {"exactMatch": exact_match}}))
    )
    drawn = [*_looks(rng, plan, 40), *_looks(rng, plan, 40)]
    looks = tuple(replace(look, at=NOW + 30 * at, step=int(at >= 40)) for at, look in enumerate(drawn))
    only = Comparison(plan.names[0], replay(plan.objective_at(0, None), looks), looks=looks)
    return RolloutState(campaign=1, plan=plan, comparisons=(only,))


def grouped_campaign(seed: int, looks: int) -> RolloutState:
    """A campaign under way whose requests keep a variant in groups that last for 32 looks."""
    rng = random.Random(seed)
    exact_match = {"margin": "0.1", "assumeIndependent": None}
    plan = parse_plan(plan_text(policy({"objective": {"exactMatch": exact_match, "tokens": {"longestAnswer": 4096}}})))
    found = []
    for at in range(looks):
        more = 12 if at // 32 % 2 else -12
        found.append(Look(NOW + 30 * at, 0, 50, _grouped(rng, 60 + more), _grouped(rng, 60 - more)))
    only = Comparison(plan.names[0], replay(plan.objective_at(0, None), found), looks=tuple(found))
    return RolloutState(campaign=1, plan=plan, comparisons=(only,))


def quiet_campaign(seed: int, quiet: int, times: int) -> RolloutState:
    """A campaign under way with few requests a look, then so many times as many in sessions that a variant keeps and
    that are right or wrong as a whole; nearly all are right. quiet: looks before these."""
    rng = random.Random(seed)
    exact_match = {"margin": "0.1", "assumeIndependent": None, "floor": "0.9"}
    plan = parse_plan(plan_text(policy({"objective": {"exactMatch": exact_match}})))
    found = []
    for at in range(150):
        sessions, alike = (20, 1) if at < quiet else (20, times)
        own = sum(rng.random() < 0.5 for _ in range(sessions))
        baseline, candidate = (_grouped(rng, each * alike, 0.98, alike) for each in (own, sessions - own))
        found.append(Look(NOW + 30 * at, 0, 50, baseline, candidate))
    only = Comparison(plan.names[0], replay(plan.objective_at(0, None), found), looks=tuple(found))
    return RolloutState(campaign=1, plan=plan, comparisons=(only,))


def _grouped(rng: random.Random, count: int, rate: float = 0.8, alike: int = 1) -> Tally:
    right = alike * sum(rng.random() < rate for _ in range(count // alike))
    tokens = [rng.randint(100, 900) for _ in range(count)]
    return Tally(
        started=count,
        completed=count,
        match=right,
        mismatch=count - right,
        tokens=sum(tokens),
        tokens_squared=sum(each * each for each in tokens),
    )


def _plan(rng: Drawn, session: int | None) -> Plan:
    kind = rng.choice(["canary", "several", "pairs", "classes", "users"])
    chance = 1.0 if kind == "users" else rng.random()
    engines = (
        *((0.2, FIRST), (0.4, SECOND), (0.5, FOURTH), (0.6, FIFTH), (0.65, SIXTH), (0.72, SEVENTH), (0.78, EIGHTH)),
        (0.82, NINTH),
        (0.86, TENTH),
    )
    engine = next((version for most, version in engines if chance < most), CURRENT)
    exact_match: dict[str, Any] = {"margin": rng.choice(["0.02", "0.05", "0.1"]), "assumeIndependent": None}
    if kind != "users":
        exact_match |= rng.choice([{"assumeIndependent": True}, {"dispersion": "1.7"}, {}])
    if engine == FIRST:
        exact_match |= {"assumeIndependent": True}
        exact_match.pop("dispersion", None)
    if rng.random() < 0.3:
        exact_match |= {"unscored": "Exclude"}
    if session is not None and kind not in ("users", "pairs"):
        exact_match = {"margin": exact_match["margin"], "assumeIndependent": None, "longestSessionSeconds": session}
    objective: dict[str, Any] = {"exactMatch": exact_match}
    if rng.random() < 0.3:
        objective["tokens"] = {"longestAnswer": 4096}
    changes: dict[str, Any] = {"objective": objective, "rollout": {"steps": [{"weight": 20}, {"weight": 50}]}}
    match kind:
        case "several":
            changes |= {
                "candidates": CANDIDATES[: rng.choice([2, 3])],
                "rollout": {"strategy": "ABTest", "steps": [{"weight": 20, "minimumSeconds": 60}]},
            }
        case "pairs":
            exact_match["evidence"] = "Pairs"
        case "classes":
            objective["queryClasses"] = [{"name": name, "margin": "0.1"} for name in CLASSES]
        case "users":
            changes |= {
                "delivery": DELIVERY,
                "rollout": {"strategy": "ABTest", "steps": None, "minimumSeconds": 60},
            }
    return parse_plan(plan_text(policy(changes), engine=engine))


def _comparison(rng: Drawn, plan: Plan, name: str) -> Comparison:
    objective = plan.objective_at(0, None)
    looks = _looks(rng, plan, rng.choice([0, 3, 12, 24, 24, 135]))
    return Comparison(name, replay(objective, looks), looks=looks)


def _looks(rng: Drawn, plan: Plan, number: int) -> Sequence[Look]:
    beside = strategy_of(plan).judges_together(plan)
    rate, loss, saving = rng.uniform(0.4, 0.95), rng.choice([0.0, 0.0, 0.01, 0.2]), rng.choice([0.0, 0.2, 0.6])
    size, scored = rng.choice([6, 40, 160]), rng.choice([1.0, 0.7])
    found, at = [], NOW
    for index in range(number):
        weight = 20 if index < number // 3 or beside else 50
        at += rng.choice([15, 30])
        counts = [
            round(size * part * rng.uniform(0.5, 1.5) / 50) for part in (weight if beside else 100 - weight, weight)
        ]
        baseline = _tally(rng, counts[0], rate, 400, scored)
        candidate = _tally(rng, counts[1], rate - loss, 400 * (1 - saving), scored)
        if plan.objective.basis is Basis.PAIRS:
            candidate = _with_missing_answers(candidate)
        classes = tuple(_class_answers(rng, plan.objective, baseline, candidate) for _ in plan.objective.classes)
        users = UserScatter(rng.choice([0, 1500, 2500]), 1300, 1000, 1000, 90, 80)
        own_weight, counted = weight if beside else None, users if plan.objective.by_users else None
        found.append(Look(at, 0, weight, baseline, candidate, classes, own_weight, counted))
    return tuple(found)


def _tally(rng: Drawn, started: int, rate: float, mean: float, scored: float) -> Tally:
    tried = sum(rng.random() < scored for _ in range(started))
    unscored = sum(rng.random() < 0.02 for _ in range(tried))
    match = sum(rng.random() < rate for _ in range(tried - unscored))
    lengths = [min(4096, 1 + int(rng.expovariate(1 / mean))) for _ in range(started)]
    both, baseline_only, candidate_only, neither = (
        sum(rng.random() < part for _ in range(tried // 3)) for part in (0.6, 0.05, 0.06, 0.1)
    )
    return Tally(
        started=started,
        completed=started,
        match=match,
        mismatch=tried - unscored - match,
        unscored=unscored,
        tokens=sum(lengths),
        tokens_squared=sum(each * each for each in lengths),
        pairs_both=both,
        pairs_baseline_only=baseline_only,
        pairs_candidate_only=candidate_only,
        pairs_neither=neither,
        empty=rng.choice([0, 0, 1]) if started > 1 else 0,
    )


def _with_missing_answers(tally: Tally) -> Tally:
    """Half of the pairs that differ lack an answer. Some looks do not say whose answers are missing."""
    pairs = tally.pairs
    if pairs.neither % 3 == 0:
        return tally
    lost, won, wrong = (count // 2 for count in (pairs.baseline_only, pairs.candidate_only, pairs.neither))
    return replace(
        tally,
        pairs_whole=pairs.total - lost - won - wrong,
        pairs_without_baseline_right=won,
        pairs_without_baseline_wrong=wrong,
        pairs_without_candidate_right=lost,
    )


def _class_answers(rng: Drawn, objective: Objective, baseline: Tally, candidate: Tally) -> ClassAnswers:
    """About a third of the answers, so two classes and others share them."""
    wrong = [arm.tried - arm.match if counted_by_class(objective) else arm.mismatch for arm in (baseline, candidate)]
    third = (each // 3 for each in (baseline.match, wrong[0], candidate.match, wrong[1]))
    return ClassAnswers(*(rng.randint(each // 2, each) for each in third))
