"""The words of a search: what may be tried, what came of earlier trials, and what to try next.

A trial is a campaign with one candidate, judged at a risk of its own. Whoever proposes it cannot promote anything: a
setting is certified by the e-processes of its trial, against the original baseline, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from earlystop.api.search_space import SearchSetting

REQUESTS_PER_LOOK = 100
"""Of both variants, as a search supposes before it has seen any; a trial of fewer would show nothing."""

Setting = SearchSetting
"""One setting that may be tried: `earlystop.api.search_space` makes all of a search."""


class TrialEnd(StrEnum):
    """How a trial ended."""

    CERTIFIED = "Certified"
    """Everything that a promotion needs was shown at the trial's risk."""
    HARMFUL = "Harmful"
    """Harm was shown."""
    INCONCLUSIVE = "Inconclusive"
    """Nothing was shown until its requests or its time were used up, or a person ended it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its standard error, both finite; error > 0."""

    mean: float
    error: float


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What came of a trial.

    setting: its index among the settings of the search. risk: probability of a false certificate at which it was
    judged. loss: Exact Match lost against the baseline, -1..1; saving: share of the baseline's tokens that is saved,
    below 1; both None where no look had answers of both variants. requests: that the trial took, of both variants.
    proposer: who proposed it, "" where the search's own strategy did.
    """

    setting: int
    end: TrialEnd
    risk: float
    loss: Estimate | None
    saving: Estimate | None
    requests: int
    proposer: str = ""


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What a search must keep to.

    margin: Exact Match that may be lost, 0..1. minimum_saving: share of tokens that must be saved. risk: of certifying
    any setting that loses more, over the whole search. failure_budget: trials that may fail. requests: that are left,
    None without a bound. horizon: requests that the setting found will serve, by which a trial's worth is measured.
    per_look: requests of both variants in a look, > 0. wait: how long a trial lasts before anything can be certified,
    in lengths of its first look, since looks teach first how much answers scatter; 0 where the policy says that.
    candidate_part: of the requests that a trial compares, the part that the candidate answers in the end, 0..1.
    version: of the strategy's arithmetic (`api.searches`), by which a proposal is made or recomputed.
    """

    margin: float
    minimum_saving: float
    risk: float
    failure_budget: int
    requests: int | None
    horizon: int
    per_look: int = REQUESTS_PER_LOOK
    wait: int = 0
    candidate_part: float = 0.5
    version: int = 7

    @property
    def requests_awaited(self) -> int:
        """Requests of both variants before anything can be certified."""
        return self.wait * self.per_look


@dataclass(frozen=True, slots=True)
class Belief:
    """What earlier verdicts make likely of each setting, before any trial; None where they say nothing of it.

    loss, saving: one entry for each setting of the search. It orders trials and never lowers what must be shown.
    """

    loss: tuple[Estimate | None, ...]
    saving: tuple[Estimate | None, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The trial to make next.

    setting: its index. risk: probability of a false certificate at which it is judged. requests: of both variants after
    which it ends as inconclusive. reason: why this one, as a sentence for people. proposer: as in `TrialOutcome`, which
    keeps it: a proposer's share of the risk follows from its own outcomes. offer: name of what was proposed, "" for
    none.
    """

    setting: int
    risk: float
    requests: int
    reason: str
    proposer: str = ""
    offer: str = ""


class Proposer(Protocol):
    """Who says what to try next, as a pure function: the same arguments give the same proposal for ever."""

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        """The next trial, None when the search is over. The risks of all proposals of one search never add up to more
        than `terms.risk`, but for those of certified trials where the strategy's own argument spends none."""
