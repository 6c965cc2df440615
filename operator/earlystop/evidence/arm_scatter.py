"""How much answers and rare events of the two arms scatter against each other, from the looks that compare them.

What is handed to `scatter` for a look is the difference between the arms, over the variance that independent events
would give it. Exact Match is compared inside query classes, as it is by the claims (`strata`). Failures and votes are
few, so looks are gathered until `EVENTS_A_BLOCK` have happened: what is compared is the candidate's share of them. A
burst that hits one arm fills a block alone.

A floor is about the level of the candidate's answers alone, and what moves the level of both arms does not cancel
there. So where there is one, that level is compared from block to block too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from earlystop.api.counts import Pairs
from earlystop.evidence import scatter
from earlystop.evidence.bets import Answers
from earlystop.evidence.rate_ratio import Events
from earlystop.evidence.scatter import MOST_FACTOR, SCALES, Scatter
from earlystop.evidence.version import CURRENT, SEVENTH

FIRST_RATE, FIRST_ANSWERS = 0.8, 20
"""A guess of a rate before any answer, and how many answers it is worth. A look's own rate counts besides what was seen
before as if the past had been so many answers: the variance follows a level that both arms share."""

NO_EVENTS, NO_ANSWERS, NOTHING = Events(0, 0), Answers(0, 0), Scatter()

LEAST_RATE = 1e-9

EVENTS_A_BLOCK = 10
"""Failures or votes of both arms together."""


@dataclass(frozen=True, slots=True)
class EventScatter:
    """Scatter of one kind of rare event. baseline, candidate: of the block that is not full yet. blocks, squares: how
    many are full, and the sum of the squares by which their shares missed an equal rate, standardised. looks: how many
    were taken."""

    baseline: Events = NO_EVENTS
    candidate: Events = NO_EVENTS
    scatter: Scatter = NOTHING
    blocks: int = 0
    squares: float = 0.0
    looks: int = 0

    def needed_blocks(self, looks: int) -> int:
        """How many blocks one after the other span so many looks, as the next larger scale: events that are frequent
        fill one in each look."""
        spanned = looks * self.blocks / max(self.looks, 1)
        return next((each for each in SCALES if each >= spanned), SCALES[-1])

    def guess(self, unknown: float) -> float:
        """The factor while too few blocks were compared: every block that misses an equal rate may be a burst."""
        return max(unknown, min(self.squares / self.blocks, MOST_FACTOR) if self.blocks else unknown)


NO_SCATTER = EventScatter()


@dataclass(frozen=True, slots=True)
class ArmScatter:
    """What looks so far have shown.

    answers: of Exact Match, in answers or in pairs. seen: query class -> its answers so far, of both arms; sorted by
    name. events: one for each guardrail, in their order. level: of the candidate's answers by themselves, where there
    is a floor; answered: of these, so far.
    """

    answers: Scatter = NOTHING
    seen: tuple[tuple[str, Answers], ...] = ()
    events: tuple[EventScatter, ...] = ()
    level: Scatter = NOTHING
    answered: Answers = NO_ANSWERS


NOBODY_COMPARED = ArmScatter()


def start(guardrails: int, engine: int = CURRENT) -> ArmScatter:
    """Before any look; guardrails: how many there are; engine: version of the arithmetic."""
    nothing = Scatter(is_weighed=engine > SEVENTH)
    return ArmScatter(answers=nothing, events=(NO_SCATTER,) * guardrails, level=nothing)


def observe_answers(known: ArmScatter, classes: Mapping[str, tuple[Answers, Answers]]) -> ArmScatter:
    """What is known after one more look. classes: its answers by query class, of the baseline and of the candidate."""
    seen, difference, variance, total, exposed = dict(known.seen), 0.0, 0.0, 0, 0.0
    for name, (baseline, candidate) in sorted(classes.items()):
        if not baseline.scored or not candidate.scored:
            continue
        both = Answers(baseline.scored + candidate.scored, baseline.match + candidate.match)
        before = seen.get(name, Answers(0, 0))
        rate, ratio = _rate(before, both), candidate.scored / baseline.scored
        difference += candidate.match - ratio * baseline.match
        variance += candidate.scored * rate * (1 - rate) * (1 + ratio)
        exposed += candidate.scored * (1 + ratio)
        total += candidate.scored
        seen[name] = Answers(before.scored + both.scored, before.match + both.match)
    if not total:
        return known
    information, weight = total * total / variance, total * total / exposed
    learned = scatter.observe(known.answers, difference * total / variance, information, weight)
    return replace(known, answers=learned, seen=tuple(sorted(seen.items())))


def observe_pairs(known: ArmScatter, pairs: Pairs) -> ArmScatter:
    """What is known after the pairs of one more look. A pair in which both were right, or wrong, does not scatter."""
    if not pairs.total:
        return known
    apart = pairs.baseline_only + pairs.candidate_only
    before = dict(known.seen).get("", Answers(0, 0))
    rate = _rate(before, Answers(pairs.total, apart))
    seen = (("", Answers(before.scored + pairs.total, before.match + apart)),)
    statistic = (pairs.candidate_only - pairs.baseline_only) / rate
    learned = scatter.observe(known.answers, statistic, pairs.total / rate, pairs.total)
    return replace(known, answers=learned, seen=seen)


def observe_level(known: ArmScatter, answers: Answers) -> ArmScatter:
    """With the candidate's answers of one more look, as a floor is read from them."""
    if not answers.scored:
        return known
    rate, before = _rate(known.answered, answers), known.answered
    variance = rate * (1 - rate)
    learned = scatter.observe(known.level, answers.match / variance, answers.scored / variance, answers.scored)
    answered = Answers(before.scored + answers.scored, before.match + answers.match)
    return replace(known, level=learned, answered=answered)


def observe_events(known: ArmScatter, looks: Sequence[tuple[Events, Events]]) -> ArmScatter:
    """What is known after one more look. looks: its rare events of baseline and candidate, for each guardrail."""
    return replace(
        known, events=tuple(_with_events(each, *arms) for each, arms in zip(known.events, looks, strict=True))
    )


def _with_events(known: EventScatter, baseline: Events, candidate: Events) -> EventScatter:
    baseline, candidate = _added(known.baseline, baseline), _added(known.candidate, candidate)
    exposed, events = baseline.exposed + candidate.exposed, baseline.events + candidate.events
    if events < EVENTS_A_BLOCK or not baseline.exposed or not candidate.exposed:
        return replace(known, baseline=baseline, candidate=candidate, looks=known.looks + 1)
    share, rest = candidate.exposed / exposed, baseline.exposed / exposed
    information = events / (share * rest)
    apart = candidate.events / events - share
    learned = scatter.observe(known.scatter, apart * information, information)
    squares = known.squares + apart * apart * information
    return EventScatter(scatter=learned, blocks=known.blocks + 1, squares=squares, looks=known.looks + 1)


def _added(one: Events, other: Events) -> Events:
    return Events(one.exposed + other.exposed, one.events + other.events)


def _rate(before: Answers, now: Answers) -> float:
    """The rate of a look, with what was seen before it; inside (0, 1)."""
    past = (before.match + FIRST_RATE * FIRST_ANSWERS) / (before.scored + FIRST_ANSWERS)
    return min(max((now.match + FIRST_ANSWERS * past) / (now.scored + FIRST_ANSWERS), LEAST_RATE), 1 - LEAST_RATE)
