"""The claims about Exact Match (EM) of one comparison: over all answers, in each query class, and on pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from earlystop.api.counts import Look
from earlystop.evidence import exact_match, missing_answers, pairs, strata
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.discount import UNDIVIDED, Discount
from earlystop.evidence.exact_match import ExactMatchProcess
from earlystop.evidence.objective import Basis, Claim, Objective, certificate_claim, class_claim
from earlystop.evidence.pairs import PairsProcess
from earlystop.evidence.split_look import ClassesInParts, LookInParts
from earlystop.evidence.strata import Arms, StrataProcess
from earlystop.evidence.version import FIRST

OTHER = ""
"""All classes that the policy does not name, together."""

MeanProcess = ExactMatchProcess | StrataProcess


@dataclass(frozen=True, slots=True)
class Quality:
    """promote, harm: on the mean over all answers. paired_*: the same on pairs. harmed, certified: one process for each
    query class, in the policy's order; `certified` is empty unless each class must be proven."""

    promote: MeanProcess
    harm: MeanProcess
    paired_promote: PairsProcess
    paired_harm: PairsProcess
    harmed: tuple[ExactMatchProcess, ...] = ()
    certified: tuple[ExactMatchProcess, ...] = ()

    def deciding(self, basis: Basis) -> tuple[MeanProcess | PairsProcess, MeanProcess | PairsProcess]:
        """The processes that decide, promote and harm."""
        if basis is Basis.PAIRS:
            return self.paired_promote, self.paired_harm
        return self.promote, self.harm


def start(objective: Objective) -> Quality:
    """The processes before any look."""
    begin = strata.start if objective.classes else exact_match.start
    return Quality(
        promote=begin(objective.margin, Side.PROMOTE),
        harm=begin(objective.margin, Side.HARM),
        paired_promote=pairs.start(objective.margin, Side.PROMOTE),
        paired_harm=pairs.start(objective.margin, Side.HARM),
        harmed=tuple(exact_match.start(each.margin, Side.HARM) for each in objective.classes),
        certified=tuple(
            exact_match.start(each.margin, Side.PROMOTE) for each in objective.classes if objective.require_each
        ),
    )


def usable(objective: Objective, look: Look) -> bool:
    """Whether the answers of a look can be bet on now; otherwise they are to be kept for the next one.

    On pairs: there is one. On answers: both variants have some, and in every class where the candidate has any, the
    baseline has too. The numbers of answers alone decide; answers that could not be scored are some where they count
    in their class.
    """
    if objective.basis is Basis.PAIRS:
        return look.candidate.pairs.total > 0
    if missing_answers.counted_by_class(objective):
        look = missing_answers.as_judged(objective, look)
    return look.baseline.scored > 0 and strata.usable(by_class(objective, look))


def update(quality: Quality, objective: Objective, look: Look) -> Quality:
    """The processes after one more look, divided by what the policy states alone; what is not usable changes nothing.

    Raises ValueError, naming the class, for counts that cannot be.
    """
    judged = missing_answers.as_judged(objective, look)
    return advance(quality, objective, judged, by_look=objective.dispersion) if usable(objective, judged) else quality


def advance(
    quality: Quality, objective: Objective, look: Look, discount: Discount = UNDIVIDED, by_look: float = 1.0
) -> Quality:
    """As `update`, after a look that is known to be `usable`, and as it is judged (`missing_answers`).
    discount, by_look: as in `divisors.Divisors`."""
    if objective.basis is Basis.PAIRS:
        return _on_pairs(quality, look, discount, by_look)
    classes = by_class(objective, look)
    named = [LookInParts(*classes[each.name], look.at) for each in objective.classes]
    risks, divided = objective.harm_risks, (by_look, discount)
    mixed, pooled = ClassesInParts(classes, look.at), LookInParts(*classes[OTHER], look.at)

    def mean(process: MeanProcess, risk: float) -> MeanProcess:
        if isinstance(process, ExactMatchProcess):
            return exact_match.advance(process, pooled, risk, *divided)
        if objective.engine == FIRST:
            return strata.advance_by_own_mix(process, classes, by_look)
        share = look.share if objective.split_known else None
        return strata.advance(process, mixed, risk, by_look, share, discount)

    return Quality(
        promote=mean(quality.promote, objective.risk_promote),
        harm=mean(quality.harm, risks.exact_match),
        paired_promote=quality.paired_promote,
        paired_harm=quality.paired_harm,
        harmed=tuple(
            exact_match.advance(process, part, risks.guardrails[class_claim(each.name)], *divided)
            for process, part, each in zip(quality.harmed, named, objective.classes, strict=True)
        ),
        certified=tuple(
            exact_match.advance(process, part, objective.risk_promote, *divided)
            for process, part in zip(quality.certified, named, strict=bool(quality.certified))
        ),
    )


def class_processes(quality: Quality, objective: Objective) -> Iterator[tuple[Claim, ExactMatchProcess]]:
    """Each class's process by its claim, harm first."""
    for each, process in zip(objective.classes, quality.harmed, strict=True):
        yield class_claim(each.name), process
    for each, process in zip(objective.classes, quality.certified, strict=bool(quality.certified)):
        yield certificate_claim(each.name), process


def _on_pairs(quality: Quality, look: Look, discount: Discount, by_look: float) -> Quality:
    promote, harm = quality.paired_promote, quality.paired_harm
    factor = discount.factor * by_look
    for part in pairs.deal(look.candidate.pairs, look.at):
        promote = pairs.update(promote, part, factor, discount)
        harm = pairs.update(harm, part, factor, discount)
    return Quality(quality.promote, quality.harm, promote, harm)


def by_class(objective: Objective, look: Look) -> dict[str, Arms]:
    """The answers of each named class, and of all others together."""
    rest = [look.baseline.match, look.baseline.scored, look.candidate.match, look.candidate.scored]
    found = {}
    for each, (match_b, miss_b, match_c, miss_c) in zip(objective.classes, look.classes, strict=True):
        found[each.name] = Arms(Answers(match_b + miss_b, match_b), Answers(match_c + miss_c, match_c))
        rest = [rest[0] - match_b, rest[1] - match_b - miss_b, rest[2] - match_c, rest[3] - match_c - miss_c]
    if min(rest[0], rest[1] - rest[0], rest[2], rest[3] - rest[2]) < 0:
        raise ValueError(f"look at {look.at}: the named query classes hold more answers than the variant has in all")
    found[OTHER] = Arms(Answers(rest[1], rest[0]), Answers(rest[3], rest[2]))
    return found
