"""Which rung of a ladder to test next, and at what risk: fixed-sequence testing with a failure budget.

Rungs are numbered from the most careful (0) to the boldest. A rung that passes costs nothing: only the first rung
tested whose claim is false can lead to an error, so the next one is tested at the same risk. A rung that fails
spends the risk it was tested at, and testing goes on with the next share: half, a quarter, a quarter for three
failures. Whatever the rungs are, the probability of certifying any violating rung is at most `risk`: at each
level, at most one false claim is tested before it fails (next level) or errs. Which rung comes next may depend on
everything seen so far. Sources: fixed-sequence testing (Westfall, Krishen, 2001); Learn then Test (Angelopoulos,
Bates, Candes, Jordan, Lei, 2021), with e-processes as in Zecchin, Simeone, arXiv 2409.15844.

Conditions: evidence of a rung is an e-process of its own, and every rung is compared with the same original
baseline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Outcome(StrEnum):
    """How the test of a rung ended."""

    PASSED = "Passed"
    """Every claim needed for a promotion was shown."""
    FAILED = "Failed"
    """Harm was shown, or nothing until the deadline."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where the search stands.

    rungs: how many there are, >= 1. risk: of certifying any violating rung. failure_budget: failures that end
    the search, >= 1. step: rungs to climb next; longest_step: its bound. certified: the boldest rung that passed,
    None before. failed_from: the most careful rung that failed, None before. failures: so far.
    """

    rungs: int
    risk: float
    failure_budget: int
    longest_step: int
    step: int
    certified: int | None = None
    failed_from: int | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """What to test next: a rung, and the risk of a false certificate for it."""

    rung: int
    risk: float


def start(rungs: int, risk: float, failure_budget: int = 3, first_step: int = 1, longest_step: int = 1) -> Ladder:
    """The ladder before any test.

    first_step: rungs to climb at once at first (a warm start: history's best rung + 1); longest_step: 1 tests every
    rung in turn; above 1 each success doubles the step up to it and each failure halves it.
    Raises ValueError outside the domains.
    """
    if rungs < 1 or failure_budget < 1 or first_step < 1 or longest_step < 1:
        raise ValueError(
            f"{rungs} rungs, {failure_budget} failures, steps {first_step} and {longest_step}; write 1 or more of each"
        )
    if not 0 < risk < 1:
        raise ValueError(f"risk is {risk}; write a probability, as in 0.05")
    return Ladder(rungs, risk, failure_budget, longest_step, first_step)


def next_test(ladder: Ladder) -> Trial | None:
    """The rung to test now, None when the search is over: budget spent, or nothing left that could be better.

    Climbs `step` rungs from the certified one but stays below the most careful rung that failed.
    """
    if ladder.failures >= ladder.failure_budget:
        return None
    lowest = -1 if ladder.certified is None else ladder.certified
    ceiling = ladder.rungs if ladder.failed_from is None else ladder.failed_from
    rung = min(lowest + ladder.step, ceiling - 1)
    return Trial(rung, level(ladder)) if rung > lowest else None


def record(ladder: Ladder, rung: int, outcome: Outcome) -> Ladder:
    """The ladder after the test of `rung`. Raises ValueError for another rung than `next_test` names."""
    due = next_test(ladder)
    if due is None or due.rung != rung:
        raise ValueError(f"rung {rung} was not due; record the outcome of {due}")
    if outcome is Outcome.PASSED:
        step = max(1, min(2 * ladder.step, ladder.longest_step))
        return replace(ladder, certified=rung, step=step)
    return replace(ladder, failed_from=rung, failures=ladder.failures + 1, step=max(1, ladder.step // 2))


def level(ladder: Ladder) -> float:
    """Risk of the next test: risk/2, risk/4, ...; the last failure allowed gets all that is left."""
    spent = min(ladder.failures + 1, ladder.failure_budget - 1)
    return ladder.risk / 2.0**spent
