"""Rollouts of a policy as random walks: when each ends, how, and after how many answers.

The rules are the rollout's own (looks that come less often, settling, the steps' least times, answers and refuted
losses, a promotion's hours); what the answers say is drawn as in `random_walk`, some thousand rollouts at once. So a
plan takes a second where `simulate` takes minutes, and it knows the ramp that a formula does not.

What it leaves out: guardrails and the floor, which are taken to hold; tokens, which are taken to be saved as soon as
their test may bet and knows how much lengths scatter; and candidates judged beside each other, each of which is
followed until its own verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import ceil, inf, log

import numpy as np
from numpy.random import Generator, default_rng

from earlystop.api.policy import PolicySpec
from earlystop.evidence.bets import Side
from earlystop.evidence.dispersion import LEAST_PAIRS
from earlystop.evidence.split_look import ANSWERS_A_PART, MOST_PARTS
from earlystop.rollout.advance import HARM_TO_ADVANCE, RISK_TO_ADVANCE, SCORED_TO_ADVANCE
from earlystop.rollout.look_spacing import looks_per_spacing
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse
from earlystop.rollout.plan import Stage, StageKind, parse_plan, plan_text
from earlystop.simulation.paths import Numbers, Paths, Truths
from earlystop.simulation.random_walk import (
    Floats,
    add_against_loss,
    log_mixture,
    loss_log_e,
    pairs_against_loss,
)
from earlystop.simulation.reaching import DrawnLook, reaching
from earlystop.simulation.same_setting import SupposedSameSetting
from earlystop.simulation.watched_stages import SupposedTraffic, Watched

RUNS, SEED = 2000, 1
"""Rollouts that are drawn: the mean of their time is then known to about 2 %. The same plan is told each time."""

MOST_LOOKS = 800
"""A rollout that goes on for longer finds no room for its looks; it counts as undecided."""


@dataclass(frozen=True, slots=True)
class RolloutForecast:
    """How the rollouts end, one number each: verdict 1 for a promotion, -1 for a rollback, 0 for none; seconds from the
    campaign's beginning; answers that were evidence, in all and of the candidate. Deadlines are not looked at."""

    verdict: Numbers
    seconds: Floats
    answers: Floats
    candidate: Floats


def forecast(
    spec: PolicySpec,
    supposed: SupposedTraffic,
    runs: int = RUNS,
    seed: int = SEED,
    used: MarginUse = NOTHING_USED,
) -> RolloutForecast:
    """Rollouts of one candidate of the policy, as it is supposed to be. used: of the margin, before."""
    plan, random = parse_plan(plan_text(spec, used=used)), default_rng(seed)
    begun, alive = np.zeros(runs), np.arange(runs)
    told = RolloutForecast(np.zeros(runs, np.int64), np.full(runs, inf), np.zeros(runs), np.zeros(runs))
    learned, first = None, 0
    alike = SupposedSameSetting(
        plan, spec.rollout.look_seconds, supposed.rate, supposed.baseline_em, supposed.dispersion
    )
    for kind, group in groupby(plan.stages, key=lambda each: (each.kind, each.same_setting)):
        stages = list(group)
        if kind[0] is StageKind.LEARN:
            begun, learned = begun + seconds_to_learn(spec, stages[0]), supposed.dispersion
        elif kind[1]:
            begun = begun + spec.rollout.settle_seconds + alike.seconds
        else:
            objective = alike.after(plan.objective_at(first, learned))
            watched = Watched(plan, spec, supposed, stages, first, objective)
            alive, begun = follow(watched, random, watched.begin(alive, begun), told)
        first += len(stages)
    return told


def seconds_to_learn(spec: PolicySpec, stage: Stage) -> float:
    """How long the baseline alone is watched, with the wait before that."""
    rollout = spec.rollout
    looks = max(LEAST_PAIRS + 1, ceil(stage.minimum_seconds / rollout.look_seconds))
    return rollout.settle_seconds + looks * rollout.look_seconds


def follow(
    watched: Watched, random: Generator, paths: Paths, told: RolloutForecast, until: float = inf
) -> tuple[Numbers, Floats]:
    """Follow rollouts through these stages, none for longer than `until` seconds after its campaign began. Gives those
    that go on to the next kind of stage, and since when."""
    onward: list[tuple[Numbers, Floats]] = []
    for _ in range(MOST_LOOKS):
        if until < inf:
            paths.keep(paths.last < until)
        if not len(paths.number):
            break
        _look(watched, paths, random)
        _conclude(watched, paths, told, onward)
    if not onward:
        return np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate([each[0] for each in onward]), np.concatenate([each[1] for each in onward])


def _look(watched: Watched, paths: Paths, random: Generator) -> None:
    """One more look of every path."""
    rollout, delay = watched.rollout, watched.supposed.answer_seconds
    per = looks_per_spacing(len(watched.objective.classes), len(watched.plan.names))
    at = paths.last + rollout.look_seconds * 2.0 ** (paths.looks // per)
    since = paths.started + delay
    seconds = np.maximum(0.0, at - since) - np.maximum(0.0, paths.last - since)
    variance = watched.variances[paths.step]
    part = variance / watched.strata
    surplus = random.standard_normal((len(at), watched.strata)) * np.sqrt(part * seconds)[:, None]
    together = surplus.sum(axis=1)
    # Numbers of answers are drawn too: a step waits for the look at which there are enough.
    baseline, candidate = (random.poisson(watched.rates[paths.step, arm] * seconds).astype(float) for arm in (0, 1))
    _add_against_loss(watched, paths, seconds, together)
    parts = np.minimum((baseline + candidate) / ANSWERS_A_PART, MOST_PARTS)
    paths.looks += 1
    least, is_known = watched.dispersion.least_after(paths.looks, paths.number)
    drawn = DrawnLook(seconds, surplus, together, part * seconds, variance * seconds, parts, least, is_known)
    for index, claim in enumerate(watched.claims):
        paths.reached[index] |= reaching(claim, paths, index, drawn, watched.dispersion, random)
    paths.answers += baseline if watched.on_pairs else baseline + len(watched.plan.names) * candidate
    paths.candidate += candidate
    paths.in_step += np.minimum(baseline, candidate)
    paths.tokens.add(np.minimum(baseline, candidate))
    paths.first = np.minimum(paths.first, at)
    paths.last = at


def _add_against_loss(watched: Watched, paths: Paths, seconds: Floats, surplus: Floats) -> None:
    """Add to what a next step asks about, where one asks."""
    asking = [stage for stage, loss in enumerate(watched.losses) if loss is not None]
    if not asking:
        return
    if watched.on_pairs:
        paths.against[0, 0] += watched.supposed.rate * seconds
        paths.against[0, 1] += surplus
        return
    margin, dispersion = watched.objective.margin, watched.objective.dispersion
    # Nobody asks any more in the stages after the last that asks, which most looks are of.
    for stage, arms in enumerate(watched.arms[: asking[-1] + 1]):
        rows = paths.step == stage
        if rows.any():
            paths.against[:, :, rows] += add_against_loss(
                arms, margin, dispersion, seconds[rows], surplus[rows], paths.candidate[rows]
            )


def _is_refuted(watched: Watched, paths: Paths, asked: Truths) -> Truths:
    """Whether the loss that the next step asks about is refuted, of the paths that are asked; true where none is."""
    refuted, told = np.ones(len(paths.number), bool), watched.supposed
    for stage, loss in enumerate(watched.losses):
        rows = asked & (paths.step == stage)
        if loss is None or loss >= 1 or not rows.any():
            continue
        if watched.on_pairs:
            worse, better = (told.discordance + told.em_loss) / 2, (told.discordance - told.em_loss) / 2
            value = pairs_against_loss(paths.against[0][:, rows], worse, better, loss, watched.objective.dispersion)
        else:
            value = loss_log_e(paths.against.compress(rows, axis=-1), watched.objective.margin, loss)
        factor, _ = watched.dispersion.after(paths.looks[rows], paths.number[rows])
        refuted[rows] = value / factor >= -log(RISK_TO_ADVANCE)
    return refuted


def _saves(watched: Watched, paths: Paths, rows: Numbers) -> Truths:
    """Whether tokens are saved for all that is known: lengths scatter by their own blocks, which begin after
    100 answers and may span several looks at a small weight, so these are learned later than looks of answers."""
    if watched.on_pairs:
        return np.ones(len(rows), bool)
    bets = paths.tokens.bets[rows]
    _, is_known = watched.dispersion.after(bets, paths.number[rows])
    return np.asarray(is_known & (bets > 0))


def _now(watched: Watched, paths: Paths, side: Side, rows: Numbers) -> Floats:
    """The log e-values of the claims of a side in these paths, undivided, a row for each claim."""
    pairs = zip(watched.claims, paths.capital, strict=True)
    return np.stack([log_mixture(held[:, rows], each.walk.log_weights)[0] for each, held in pairs if each.side is side])


def _conclude(watched: Watched, paths: Paths, told: RolloutForecast, onward: list[tuple[Numbers, Floats]]) -> None:
    """End the paths that have a verdict, and raise the weight of those that may have more. What takes long is asked of
    the paths alone that it is left to."""
    is_harm = np.array([each.side is Side.HARM for each in watched.claims])
    harmed = paths.reached[is_harm].any(axis=0)
    has_time = paths.last - paths.started - watched.rollout.settle_seconds >= watched.least[paths.step]
    spans = paths.last - paths.first >= 3600 * watched.rollout.minimum_hours
    promoted = paths.reached[~is_harm].all(axis=0) & has_time & spans & ~harmed & watched.may_promote
    if len(rows := np.flatnonzero(promoted)):
        promoted[rows] = (_now(watched, paths, Side.PROMOTE, rows) > 0).all(axis=0) & _saves(watched, paths, rows)
    for ended, verdict in ((harmed, -1), (promoted, 1)):
        which = paths.number[ended]
        told.verdict[which], told.seconds[which] = verdict, paths.last[ended]
        told.answers[which], told.candidate[which] = paths.answers[ended], paths.candidate[ended]
    is_last = paths.step == len(watched.stages) - 1
    raised = has_time & (paths.in_step >= SCORED_TO_ADVANCE) & ~harmed & ~promoted
    raised &= ~(is_last & watched.may_promote)
    raised &= _is_refuted(watched, paths, raised)
    if len(rows := np.flatnonzero(raised)):
        raised[rows] = (_now(watched, paths, Side.HARM, rows) < HARM_TO_ADVANCE).all(axis=0)
    leaving = raised & is_last
    onward.append((paths.number[leaving], paths.last[leaving]))
    raised &= ~is_last
    if raised.any():
        paths.step[raised] += 1
        paths.started[raised] = paths.last[raised]
        paths.last[raised] += watched.rollout.settle_seconds
        paths.in_step[raised] = 0
        paths.tokens.change_weights(raised)
    paths.keep(~(harmed | promoted | leaving))
