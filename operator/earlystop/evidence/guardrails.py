"""The floor and the rates of bad events: claims that take a candidate back and are never needed to keep it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from earlystop.api.counts import Look, Tally
from earlystop.evidence import candidate_bursts, floor, rate_ratio
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.dispersion_source import LEARNED
from earlystop.evidence.divisors import Divisors
from earlystop.evidence.floor import FloorProcess
from earlystop.evidence.objective import FLOOR, Basis, Claim, GuardrailKind, Objective, guardrail_claim
from earlystop.evidence.rate_ratio import Events, RateProcess
from earlystop.evidence.version import NINTH


@dataclass(frozen=True, slots=True)
class Guardrails:
    """floor: "the candidate is below the floor", None without one; rates: one process a guardrail, in their order."""

    floor: FloorProcess | None
    rates: tuple[RateProcess, ...]


def start(objective: Objective) -> Guardrails:
    """The processes before any look."""
    learns = objective.engine > NINTH and objective.source in LEARNED
    bursts = candidate_bursts.start(objective.known_looks, objective.engine) if learns else None
    return Guardrails(
        None if objective.floor is None else floor.start(objective.floor, Side.HARM),
        tuple(rate_ratio.start(each.maximum_ratio, bursts) for each in objective.guardrails),
    )


def update(guardrails: Guardrails, objective: Objective, look: Look, judged: Look, divisors: Divisors) -> Guardrails:
    """The processes after one more look. judged: the same, as Exact Match is read from it (`missing_answers`)."""
    below, dispersion = guardrails.floor, divisors.floor.factor * divisors.by_look
    return Guardrails(
        below and floor.update(below, floor_answers(objective, judged), dispersion, divisors.floor),
        tuple(
            rate_ratio.update(process, *arms, divisors.by_look, discount)
            for process, arms, discount in zip(
                guardrails.rates, events_of(objective, look), divisors.guardrails, strict=True
            )
        ),
    )


def events_of(objective: Objective, look: Look) -> list[tuple[Events, Events]]:
    """The bad events of a look, of the baseline and of the candidate, for each guardrail."""
    return [(_events(each.kind, look.baseline), _events(each.kind, look.candidate)) for each in objective.guardrails]


def processes(guardrails: Guardrails, objective: Objective) -> Iterator[tuple[Claim, FloorProcess | RateProcess]]:
    """Each process by its claim."""
    if guardrails.floor is not None:
        yield FLOOR, guardrails.floor
    for rail, process in zip(objective.guardrails, guardrails.rates, strict=True):
        yield guardrail_claim(rail.name), process


def rest_on_a_burst(guardrails: Guardrails, objective: Objective) -> frozenset[str]:
    """Names of guardrails of which most of the candidate's events came in one burst, which breaks none."""
    rates = zip(objective.guardrails, guardrails.rates, strict=True)
    return frozenset(rail.name for rail, each in rates if each.bursts is not None and each.bursts.holds_most)


def floor_answers(objective: Objective, look: Look) -> Answers:
    """The candidate's answers as a floor is read from them; where Exact Match is read from pairs, those to their
    questions."""
    if objective.basis is Basis.PAIRS:
        pairs = look.candidate.pairs
        return Answers(pairs.total, pairs.both + pairs.candidate_only)
    return Answers(look.candidate.scored, look.candidate.match)


def _events(kind: GuardrailKind, tally: Tally) -> Events:
    """A vote may come looks after its answer: more votes than completed requests are as many as those."""
    match kind:
        case GuardrailKind.FAILURE_RATE:
            return Events(tally.completed + tally.failed, tally.failed)
        case GuardrailKind.UNSCORED_RATE:
            return Events(tally.tried, tally.unscored)
        case GuardrailKind.NEGATIVE_FEEDBACK:
            events = tally.feedback_down
        case GuardrailKind.EMPTY_RATE:
            events = tally.empty
        case GuardrailKind.CUT_RATE:
            events = tally.cut
    return Events(tally.completed, min(events, tally.completed))
