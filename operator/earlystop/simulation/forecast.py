"""Rollouts of a policy as random walks: when each ends, how, and after how many answers.

The rules are the rollout's own (looks that come less often, settling, the steps' least times, answers and refuted
losses, a promotion's hours); what the answers say is drawn as in `random_walk`, a thousand rollouts at once. So a
plan takes half a second where `simulate` takes minutes, and it knows the ramp that a formula does not.

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
from earlystop.evidence.exact_match import NEAR, YOUNG_ANSWERS
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
from earlystop.simulation.same_setting import SupposedSameSetting
from earlystop.simulation.watched_stages import SupposedTraffic, Watched

RUNS, SEED = 1000, 1
"""Rollouts that are drawn: the mean of their time is then known to about 3 %. The same plan is told each time."""

MOST_LOOKS = 800
"""A rollout that goes on for longer finds no room for its looks; it counts as undecided."""

DISCRETE = 0.5826
"""How far a walk that is looked at in steps overshoots a line, in standard deviations of a step (Siegmund, 1985)."""

SLACK = 1e-9
"""More than what rounding does to a mixture, in nats."""


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
            watched = Watched(plan, spec, [supposed], stages, first, objective, runs)
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


@dataclass(frozen=True, slots=True)
class _Look:
    """What all claims have in common in a look, of each path: the column that it is in (one where all are in the same),
    seconds of traffic, variance of a stratum's surplus, surplus of all strata and of each (a row each), answers, and
    whether it had few before; the least factor by which evidence is divided, and whether that is known."""

    columns: Numbers
    seconds: Floats
    variance: Floats
    together: Floats
    surplus: Floats
    answers: Floats
    is_young: Truths
    least: Floats
    is_known: Truths


def _look(watched: Watched, paths: Paths, random: Generator) -> None:
    """One more look of every path."""
    rollout, delay = watched.rollout, watched.supposed.answer_seconds
    per = looks_per_spacing(len(watched.objective.classes), len(watched.plan.names))
    at = paths.last + rollout.look_seconds * 2.0 ** (paths.looks // per)
    since = paths.started + delay
    seconds = np.maximum(0.0, at - since) - np.maximum(0.0, paths.last - since)
    columns = paths.column
    # Where all rollouts are in one step, its column is enough for them.
    columns = columns[:1] if (columns == columns[:1]).all() else columns
    variance = watched.variances[columns] * seconds / watched.strata
    surplus = random.standard_normal((watched.strata, len(at))) * np.sqrt(variance)
    together = surplus[0] if watched.strata == 1 else surplus.sum(axis=0)
    baseline, candidate = _answers(watched.shares[:2].take(columns, axis=1) * seconds, paths, random)
    _add_against_loss(watched, paths, seconds, together)
    paths.looks += 1
    known = watched.dispersion.least_after(paths.looks, paths.number)
    is_young = paths.answers < YOUNG_ANSWERS
    look = _Look(columns, seconds, variance, together, surplus, baseline + candidate, is_young, *known)
    for index in range(len(watched.claims)):
        _reach(watched, index, paths, look, random)
    of_both = np.minimum(baseline, candidate)
    paths.answers += baseline if watched.on_pairs else baseline + len(watched.plan.names) * candidate
    paths.candidate += candidate
    paths.in_step += of_both
    paths.tokens.add(of_both)
    paths.first = np.minimum(paths.first, at)
    paths.last = at


def _answers(expected: Floats, paths: Paths, random: Generator) -> Floats:
    """Numbers of answers of both variants in a look, a row each: drawn where a step waits for enough of them, else as
    expected. expected: on average."""
    waiting = np.flatnonzero(paths.in_step < SCORED_TO_ADVANCE)
    expected[:, waiting] = random.poisson(expected[:, waiting])
    return expected


def _reach(watched: Watched, index: int, paths: Paths, look: _Look, random: Generator) -> None:
    """Move the simulated bets of a claim in each rollout of a forecast, and note where its line was reached: at the
    end, or on the way where the look is bet on in parts.

    A mixture is never more than its largest bet, so most rollouts are known to be far from the line without it.
    """
    claim, capital = watched.claims[index], paths.capital[index]
    stake = claim.walk.stake.take(look.columns, axis=1)
    moved = capital + claim.walk.drift.take(look.columns, axis=1) * look.seconds
    moved += stake * (look.together if claim.stratum is None else look.surplus[claim.stratum])
    was_most, most = paths.most[index], moved.max(axis=0)
    paths.capital[index], paths.most[index] = moved, most
    counts = ~paths.reached[index]
    if claim.side is Side.PROMOTE:
        counts &= look.is_known
    if not counts.any():
        return
    needed = watched.dispersion.needed(claim.line, paths.looks)
    may_be = _reaches(was_most, look.least, needed - NEAR) | _reaches(most, look.least, needed)
    rows = np.flatnonzero(counts & (look.is_young | may_be))
    if not len(rows):
        return
    factor, _ = watched.dispersion.after(paths.looks, paths.number[rows])
    before, _ = log_mixture(capital[:, rows] / factor, claim.walk.log_weights)
    after, chances = log_mixture(moved[:, rows] / factor, claim.walk.log_weights)
    variance = look.variance[rows] * (watched.strata if claim.stratum is None else 1)
    own = stake if len(look.columns) == 1 else stake[:, rows]
    spread = np.abs((chances * own).sum(axis=0)) * np.sqrt(variance) / factor
    parts = np.minimum(look.answers[rows] / ANSWERS_A_PART, MOST_PARTS)
    is_fine = look.is_young[rows] | (before >= needed - NEAR)
    line = needed + DISCRETE * spread / np.sqrt(np.maximum(parts, 1))
    below = np.maximum(line - before, 0) * np.maximum(line - after, 0)
    passing = np.exp(-2 * below / np.maximum(spread, 1e-12) ** 2)
    on_the_way = is_fine & (parts >= 2) & (random.random(len(rows)) < passing)
    paths.reached[index, rows] = (after >= needed) | on_the_way


def _reaches(most: Floats, least: Floats, log_e: float) -> Truths:
    """Whether a mixture may be as much as this log e-value. most: its largest bet, undivided; least: the factor."""
    return np.ones(len(most), bool) if log_e <= SLACK else most >= (log_e - SLACK) * least


def _add_against_loss(watched: Watched, paths: Paths, seconds: Floats, surplus: Floats) -> None:
    """Add to what a next step asks about, where one asks."""
    asking = [stage for stage, loss in enumerate(watched.losses) if loss is not None]
    if not asking:
        return
    if watched.on_pairs:
        paths.against[0, 0] += watched.supposed.rate * seconds
        paths.against[0, 1] += surplus
        return
    # Nobody asks any more in the stages after the last that asks, which most looks are of.
    rows = np.flatnonzero(paths.step <= asking[-1])
    if len(rows):
        paths.against[:, :, rows] += add_against_loss(
            watched.shares.take(paths.column[rows], axis=1),
            watched.objective.margin,
            watched.objective.dispersion,
            seconds[rows],
            surplus[rows],
            paths.candidate[rows],
        )


def _is_refuted(watched: Watched, paths: Paths, asked: Truths) -> Truths:
    """Whether the loss that the next step asks about is refuted, of the paths that are asked; true where none is."""
    refuted = np.ones(len(paths.number), bool)
    for stage, loss in enumerate(watched.losses):
        rows = np.flatnonzero(asked & (paths.step == stage))
        if loss is None or loss >= 1 or not len(rows):
            continue
        value = _log_e_against(watched, paths, rows, loss)
        factor, _ = watched.dispersion.after(paths.looks, paths.number[rows])
        refuted[rows] = value / factor >= -log(RISK_TO_ADVANCE)
    return refuted


def _log_e_against(watched: Watched, paths: Paths, rows: Numbers, loss: float) -> Floats:
    """The log e-value of these paths against a loss, undivided."""
    against = paths.against.take(rows, axis=-1)
    if not watched.on_pairs:
        return loss_log_e(against, watched.objective.margin, loss)
    value, supposed = np.zeros(len(rows)), paths.base[rows] // len(watched.stages)
    for which in np.unique(supposed):
        told, of_it = watched.suppositions[which], supposed == which
        worse, better = (told.discordance + told.em_loss) / 2, (told.discordance - told.em_loss) / 2
        seen = against[0][:, of_it]
        value[of_it] = pairs_against_loss(seen, worse, better, loss, watched.objective.dispersion)
    return value


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
    is_harm = watched.is_harm
    harmed = paths.reached[is_harm].any(axis=0)
    has_time = paths.last - paths.started - watched.rollout.settle_seconds >= watched.least[paths.step]
    promoted = np.zeros(len(harmed), bool)
    if watched.may_promote:
        spans = paths.last - paths.first >= 3600 * watched.rollout.minimum_hours
        promoted = paths.reached[~is_harm].all(axis=0) & has_time & spans & ~harmed
    if len(rows := np.flatnonzero(promoted)):
        promoted[rows] = (_now(watched, paths, Side.PROMOTE, rows) > 0).all(axis=0) & _saves(watched, paths, rows)
    for ended, verdict in ((harmed, -1), (promoted, 1)):
        which = paths.number[ended]
        if len(which):
            told.verdict[which], told.seconds[which] = verdict, paths.last[ended]
            told.answers[which], told.candidate[which] = paths.answers[ended], paths.candidate[ended]
    over = harmed | promoted
    leaving = _advance(watched, paths, has_time & ~over)
    if leaving.any():
        onward.append((paths.number[leaving], paths.last[leaving]))
        over |= leaving
    if over.any():
        paths.keep(~over)


def _advance(watched: Watched, paths: Paths, raised: Truths) -> Truths:
    """Raise the weight of those paths that may have more. raised: of which steps have had their time. Gives those that
    leave the last stage."""
    is_last = paths.step == len(watched.stages) - 1
    raised = raised & (paths.in_step >= SCORED_TO_ADVANCE)
    if watched.may_promote:
        raised &= ~is_last
    if not raised.any():
        return np.zeros(len(raised), bool)
    raised &= _is_refuted(watched, paths, raised)
    if len(rows := np.flatnonzero(raised)):
        raised[rows] = (_now(watched, paths, Side.HARM, rows) < HARM_TO_ADVANCE).all(axis=0)
    leaving: Truths = raised & is_last
    raised &= ~is_last
    if raised.any():
        paths.step[raised] += 1
        paths.started[raised] = paths.last[raised]
        paths.last[raised] += watched.rollout.settle_seconds
        paths.in_step[raised] = 0
        paths.tokens.change_weights(raised)
    return leaving
