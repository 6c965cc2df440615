"""When a trial goes on though it has had the requests that it was proposed for, and when it ends before.

Nothing is promoted before so many looks have told how much answers scatter, so a trial that ends sooner cannot end in a
certificate. And a trial that has come far was paid for already: what is left to prove costs less than what it brings,
while to end it would spend a failure and the risk of one. Evidence is an e-process at any moment, so a trial may go on
for any reason that its past gives (Ramdas, Grünwald, Vovk, Shafer, Statistical Science 38, 2023).

Each trial learns that anew, although the traffic and the baseline are those of the trials before. It was tried to
carry the factor: after 16 looks of its own a trial would go on with what the last one had learned, its excess over 1
doubled. That covers the candidate, for at an even split the baseline's own factor is at most 1 + 2 (f - 1) where f is
that of a difference, and so is the new one's where its answers are no more alike than the baseline's. With looks of 800
answers a candidate without any loss was proven after 39 looks in place of 129. But a factor is an estimate, from four
blocks of the longest kind, and the looks that a trial waits for teach it about its own traffic. At the border, 300
campaigns a kind: sessions over 40 looks (likeness .05) were rolled back in 9.3 % of trials, with a wait of their own in
6.3 %; and where sessions had grown from 2 to 20 looks since the trial before, 10 to 12 % were promoted and as many
rolled back, in place of 5 and 8 %. Traffic that changes between trials leaves no sign in 16 or 32 looks, so the wait
stays. Whoever knows how long sessions last says so (`longestSessionSeconds`), or by how much answers scatter
(`dispersion`), and that holds for all trials.
"""

from __future__ import annotations

from math import log

from earlystop.api.policy import PolicySpec
from earlystop.evidence import standard_errors
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.engine import EvidenceState
from earlystop.evidence.longest_session import looks_to_learn
from earlystop.rollout.dispersion_terms import dispersion_source, known_looks
from earlystop.rollout.look_spacing import seconds_of_looks
from earlystop.rollout.search.trial import Estimate
from earlystop.rollout.search.worth import (
    GOES_ON_ABOVE,
    LEAST_LOOKS,
    LEAST_PART,
    MOST_TIMES,
    PRICE,
    chance_to_prove,
)


def looks_to_certify(block: int) -> int:
    """Looks before anything can be certified, where blocks of so many must be learned: as many more as a block has, in
    which claims are proven that rest on what was learned, such as the saving."""
    return looks_to_learn(block) + block


def wait_of(spec: PolicySpec) -> int:
    """How long a trial of the policy's search lasts before anything can be certified, in lengths of its first look; 0
    where the policy says how much answers scatter, or users or golden questions show it."""
    if dispersion_source(spec) is not DispersionSource.LOOKS:
        return 0
    return seconds_of_looks(1, looks_to_certify(known_looks(spec)), len(spec.objective.query_classes or ()))


def goes_on_to_learn(evidence: EvidenceState, looks: int) -> bool:
    """Whether the looks are too few for any certificate, will be enough before long, and the evidence so far is rather
    for the setting than against it. looks: so many it had."""
    known, log_e = evidence.claims.dispersion, evidence.claims.log_e
    by_looks = known.source is DispersionSource.LOOKS and not known.drifts
    return by_looks and looks < looks_to_certify(known.needed_looks) and log_e.promote >= log_e.harm


PROMISING = 0.5
"""A trial has come far when the logarithm of each evidence that it needs is this part of what a certificate takes."""


def goes_on_to_prove(evidence: EvidenceState, used: int, proposed: int, below: float = 0.0) -> bool:
    """Whether a trial has come far enough for more requests.

    used, proposed: requests of both variants. below: as in `is_given_up`; where it is above 0, one that is likely
    enough to end in a certificate goes on as well: it takes no more than what was found worth it, and its end would
    spend a failure.
    """
    log_e, needed = evidence.claims.log_e, log(1 / evidence.objective.risk_promote)
    if used >= MOST_TIMES * proposed:
        return False
    if min(log_e.promote, log_e.tokens) >= PROMISING * needed:
        return True
    chance = _chance_to_end_in_a_certificate(evidence, used, proposed) if below else None
    return chance is not None and chance >= GOES_ON_ABOVE


def is_given_up(evidence: EvidenceState, looks: int, used: int, proposed: int, below: float) -> bool:
    """Whether a trial is so unlikely to end in a certificate, however long it may go on, that its requests are better
    spent on another one. To end it is a failure as any other: it spends what the trial was judged at.

    looks: that it had. used: requests of both variants in them. proposed: as in `goes_on_to_prove`. below: probability,
    0 where no trial is given up.
    """
    if not below or looks < LEAST_LOOKS or used < LEAST_PART * proposed:
        return False
    chance = _chance_to_end_in_a_certificate(evidence, used, proposed)
    return chance is not None and chance < below


def _chance_to_end_in_a_certificate(evidence: EvidenceState, used: int, proposed: int) -> float | None:
    """The chance that the less likely of the two, loss and saving, is proven; None before both can be estimated."""
    loss, saving = standard_errors.loss(evidence), standard_errors.saving(evidence)
    if loss is None or saving is None:
        return None
    wanted, nats = evidence.objective, log(1 / evidence.objective.risk_promote) + PRICE
    gaps = Estimate(wanted.margin - loss[0], loss[1]), Estimate(saving[0] - wanted.minimum_saving, saving[1])
    return min(chance_to_prove(gap, used, MOST_TIMES * proposed, nats) for gap in gaps)
