"""What a campaign's plan says of the trial that it is, as canonical JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.rollout.search.progress import Incumbent, in_order

MOST_TIMES_BASELINE = 1e9
"""No setting takes so many times the baseline's tokens."""


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """A trial of a search.

    search, number: which search of the policy, and which trial of it, from 1. name, values: of the setting. risk:
    probability of a false certificate at which it is judged. requests: of both variants after which it ends.
    incumbent: the setting that serves meanwhile, None where the baseline does; incumbent_weight: percent of requests
    that it gets at least, 0 without one. proposer, proposal: who proposed the setting, and the name of the
    EarlyStopProposal; "" where the search's own strategy did. version: of that strategy's arithmetic when it did.
    candidate_weight: percent of requests that the candidate gets at most, None for as many as the baseline beside an
    incumbent. gives_up_below: the trial ends where its probability to end in a certificate is below this, 0 for never.
    """

    search: int
    number: int
    name: str
    values: tuple[tuple[str, str], ...]
    risk: float
    requests: int
    incumbent: Incumbent | None = None
    incumbent_weight: int = 0
    proposer: str = ""
    proposal: str = ""
    version: int = 1
    candidate_weight: int | None = None
    gives_up_below: float = 0.0

    def wire(self) -> dict[str, Any]:
        """The trial as it stands in a plan's text."""
        written: dict[str, Any] = {
            "search": self.search,
            "number": self.number,
            "name": self.name,
            "values": dict(self.values),
            "risk": self.risk,
            "requests": self.requests,
        }
        if self.incumbent is not None:
            written["incumbent"] = {
                "name": self.incumbent.name,
                "values": dict(self.incumbent.values),
                "leastSaving": self.incumbent.least_saving,
                "weight": self.incumbent_weight,
            }
        if self.proposer:
            written |= {"proposer": self.proposer, "proposal": self.proposal}
        if self.version != 1:  # as plans of releases that knew no other
            written["version"] = self.version
        if self.candidate_weight is not None:
            written["candidateWeight"] = self.candidate_weight
        if self.gives_up_below:
            written["givesUpBelow"] = self.gives_up_below
        return written

    @classmethod
    def of(cls, written: object) -> TrialPlan:
        """Inverse of `wire`. Raises ValueError for anything else."""
        try:
            return _checked(_read(written))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the plan's trial cannot be read: {error!r}") from None

    @property
    def largest_weight(self) -> int:
        """Percent of requests that the candidate gets at most beside an incumbent; 100 without one."""
        if self.incumbent is None:
            return 100
        return (100 - self.incumbent_weight) // 2 if self.candidate_weight is None else self.candidate_weight

    def baseline_weight(self, candidate: int) -> int:
        """Percent of requests that the baseline gets beside an incumbent and a candidate with so many: as many, as far
        as the incumbent leaves them."""
        return min(candidate, 100 - self.incumbent_weight - candidate)


def _read(written: Any) -> TrialPlan:
    incumbent = written.get("incumbent")
    return TrialPlan(
        search=written["search"],
        number=written["number"],
        name=written["name"],
        values=_pairs(written["values"]),
        risk=written["risk"],
        requests=written["requests"],
        incumbent=None
        if incumbent is None
        else Incumbent(incumbent["name"], _pairs(incumbent["values"]), incumbent["leastSaving"]),
        incumbent_weight=0 if incumbent is None else incumbent["weight"],
        proposer=written.get("proposer", ""),
        proposal=written.get("proposal", ""),
        version=written.get("version", 1),
        candidate_weight=written.get("candidateWeight"),
        gives_up_below=written.get("givesUpBelow", 0.0),
    )


def _checked(trial: TrialPlan) -> TrialPlan:
    counts = trial.search, trial.number, trial.requests, trial.version
    if not all(type(each) is int and each >= 1 for each in counts):
        raise ValueError(f"the plan's trial counts {counts}; write whole numbers from 1")
    if not isinstance(trial.proposer, str) or not isinstance(trial.proposal, str):
        raise ValueError(f"the plan's trial was proposed by {trial.proposer!r} in {trial.proposal!r}; write names")
    if type(trial.risk) is not float or not 0 < trial.risk < 1:
        raise ValueError(f"the plan's trial has a risk of {trial.risk!r}; write a probability, as in 0.025")
    if type(trial.gives_up_below) is not float or not 0 <= trial.gives_up_below < 1:
        raise ValueError(f"the plan's trial gives up below {trial.gives_up_below!r}; write a probability, as in 0.05")
    if trial.incumbent is None:
        return trial
    saving, serves = trial.incumbent.least_saving, trial.incumbent_weight
    # By comparison, since a whole number of JSON may be too large for a float.
    is_saving = type(saving) in (int, float) and -MOST_TIMES_BASELINE < saving <= 1
    if not is_saving or type(serves) is not int or not 0 < serves < 99:
        raise ValueError(f"the plan's incumbent saves {saving!r} at a weight of {serves!r} %")
    weight = trial.candidate_weight
    if weight is not None and (type(weight) is not int or not 0 < weight < 100 - serves):
        raise ValueError(f"the plan's trial gives its candidate {weight!r} %; write a part of what an incumbent leaves")
    return trial


def _pairs(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if not all(isinstance(each, str) for pair in values.items() for each in pair):
        raise ValueError(f"the plan's trial sets {values!r}; write text for each parameter")
    return in_order(values)
