"""What the evidence of a comparison says: its e-values, intervals and claims, and the verdict that follows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.counts import UserScatter
from earlystop.evidence.attrition import Silence
from earlystop.evidence.divisors import STATED_INDEPENDENT, Knowledge
from earlystop.evidence.gaps import Gap
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import Claim, ClaimKind
from earlystop.evidence.pair_attrition import OneSided
from earlystop.evidence.setting_check import Effect


class Verdict(StrEnum):
    """What the evidence of a comparison asks for."""

    CONTINUE = "Continue"
    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"


@dataclass(frozen=True, slots=True)
class LogE:
    """Natural logarithms of e-values: non-inferior EM, harm, token saving, broken sample ratio; others: claim and value
    of the floor, the guardrails and the query classes; attrition: that more is missing in one variant."""

    promote: float
    harm: float
    tokens: float
    sample_ratio: float
    others: tuple[tuple[Claim, float], ...] = ()
    attrition: float = 0.0

    @property
    def certificates(self) -> tuple[tuple[str, float], ...]:
        """Name and value of each query class that must be proven."""
        return tuple((claim.name, value) for claim, value in self.others if claim.kind is ClaimKind.CERTIFICATE)

    @property
    def harms(self) -> tuple[float, ...]:
        """Values of every claim that takes the candidate back."""
        against = (value for claim, value in self.others if claim.kind is not ClaimKind.CERTIFICATE)
        return (self.harm, *against)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the evidence of a comparison claims. log_e: now; log_e_max: what claims are read from: the largest so far,
    or that of the last look where a learned factor divides it.

    scored: answers in use, baseline and candidate, or pairs as both. setting: whether lengths show that the setting is
    in force. harms: the claims that take the candidate back and are shown, `EXACT_MATCH` or of `log_e.others`.
    attrition: in which ways more is shown to be missing in one variant. Claims by a stated factor stay true once they
    are.
    users: of the last look that knew them, None where they are not asked for or were never known. dispersion: what is
    known of how much answers scatter.
    is_mostly_unscored, contradiction: what is wrong with the counts now, the second as the end of a sentence.
    attrition_suspected: whether more seems to be missing in one variant now, which keeps a promotion waiting and is no
    alarm. rests_on_missing: whether the pairs that lack no answer do not prove what all pairs together do.
    """

    log_e: LogE
    log_e_max: LogE
    scored: tuple[int, int]
    setting: Effect
    non_inferior: bool
    saves_tokens: bool
    harms: tuple[Claim, ...]
    sample_ratio_broken: bool
    users: UserScatter | None = None
    dispersion: Knowledge = STATED_INDEPENDENT
    attrition: tuple[Silence | OneSided, ...] = ()
    is_mostly_unscored: bool = False
    contradiction: str = ""
    attrition_suspected: bool = False
    rests_on_missing: bool = False

    @property
    def harmful(self) -> bool:
        """Whether any harm is shown."""
        return bool(self.harms)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What a promotion needs and this evidence lacks: its claims, traffic that arrives as it was asked to, and a
        setting that does something."""
        lacking = (
            (Gap.EXACT_MATCH, not self.non_inferior),
            (Gap.TOKENS, not self.saves_tokens),
            (Gap.SAMPLE_RATIO, self.sample_ratio_broken),
            (Gap.DISPERSION, not self.dispersion.is_known),
            (Gap.SETTING, self.setting is Effect.NOT_MOVED),
            (Gap.ATTRITION, bool(self.attrition or self.attrition_suspected)),
            (Gap.WHOLE_PAIRS, self.rests_on_missing),
            (Gap.UNSCORED, self.is_mostly_unscored),
            (Gap.COUNTS, bool(self.contradiction)),
        )
        return tuple(gap for gap, is_lacking in lacking if is_lacking)

    @property
    def verdict(self) -> Verdict:
        """Harm comes first. A promotion needs evidence without `gaps`."""
        if self.harmful:
            return Verdict.ROLL_BACK
        return Verdict.CONTINUE if self.gaps else Verdict.PROMOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Claims):
    """What the evidence of a comparison says: its claims, and intervals to show beside them, which cost more than all
    claims. effect: EM candidate minus baseline; saving: share of tokens saved."""

    effect: Interval
    saving: Interval
