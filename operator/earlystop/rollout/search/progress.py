"""Where a search stands: the trials that are over, the setting that serves meanwhile, and why it ended if it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from earlystop.rollout.search.trial import Belief, TrialEnd, TrialOutcome


def in_order(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Values of parameters as plans, status and verdicts compare them: by name, as canonical JSON has them."""
    return tuple(sorted(values.items()))


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The best setting that is certified so far.

    name: of the setting. values: of each parameter, `in_order`; the baseline's where the setting names none.
    least_saving: share of the baseline's tokens that it is proven to save at least.
    """

    name: str
    values: tuple[tuple[str, str], ...]
    least_saving: float


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial that is over.

    name: of its setting. outcome: what a proposer is told of it. least_saving: as in `Incumbent`, None where it was not
    certified. revision: of its campaign, by which its verdict is found.
    """

    name: str
    outcome: TrialOutcome
    least_saving: float | None
    revision: str


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """Why a search ended. reason: one word of `api/reasons/trial.py`. message: a sentence. at: Unix seconds."""

    reason: str
    message: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchProgress:
    """Where a search stands.

    number: which search of the policy it is, from 1. started_at: Unix seconds; a pause of the policy moves it on.
    seed: of all that the proposer draws. belief: what earlier verdicts made likely when it began, None where nothing.
    resumes: name of the setting that an earlier search certified and that is tried anew first; "" for none.
    trials: that are over, in order. incumbent: the setting that serves while another is tried, None before the first.
    reason: why the present trial is made. ended: None while the search goes on. interruptions: how often outages have
    interrupted the present trial.
    """

    number: int
    started_at: int
    seed: int
    belief: Belief | None = None
    resumes: str = ""
    trials: tuple[TrialRecord, ...] = ()
    incumbent: Incumbent | None = None
    reason: str = ""
    ended: SearchEnd | None = None
    interruptions: int = 0

    @property
    def outcomes(self) -> tuple[TrialOutcome, ...]:
        """What a proposer is told of the trials that are over."""
        return tuple(each.outcome for each in self.trials)

    @property
    def requests(self) -> int:
        """Requests of both variants that the trials took."""
        return sum(each.outcome.requests for each in self.trials)


def spent_risk(
    outcomes: tuple[TrialOutcome, ...], trying: float = 0.0, *, certified_are_free: bool, proposer: str = ""
) -> float:
    """Bound on the probability that any setting was certified wrongly, in the trials that are over and in one at risk
    `trying` that is under way.

    certified_are_free: whether the trials from one failure to the next, that one among them, share a risk
    (fixed-sequence testing): at most one false claim is tried among them before it fails or errs, so they spend the
    largest of their risks, once; where others propose, of each proposer by itself. proposer: whose the trial under way
    is, as in `TrialOutcome`.
    """
    trials = [(each.proposer, each.risk, each.end is not TrialEnd.CERTIFIED) for each in outcomes]
    trials += [(proposer, trying, False)] if trying else []
    if not certified_are_free:
        return fsum(risk for _, risk, _ in trials)
    levels: dict[tuple[str, int], float] = {}
    failures: Counter[str] = Counter()
    for whose, risk, has_failed in trials:
        level = whose, failures[whose]
        levels[level] = max(levels.get(level, 0.0), risk)
        failures[whose] += has_failed
    return fsum(levels.values())
