"""Several checks of what is missing: each is a way in which it can be, and has an even part of the risk."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from earlystop.evidence.mixture import log_mixture
from earlystop.evidence.sample_ratio import SampleRatioProcess


@dataclass(frozen=True, slots=True)
class EvenChecks:
    """At least one check, in the order of the ways."""

    checks: tuple[SampleRatioProcess, ...]

    @property
    def log_e(self) -> float:
        """Natural log of the e-value against "as much is missing of both variants", now: the mean over the checks."""
        return self._mean([each.log_e for each in self.checks])

    @property
    def log_e_max(self) -> float:
        """As `log_e`, from the largest e-value of each check since its scatter is known, >= 0."""
        return max(0.0, self._mean([each.log_e_max for each in self.checks]))

    def differ_now(self, risk: float) -> list[bool]:
        """Of each way whether the evidence of this moment says so, at this risk of a mistake altogether."""
        return [each.log_e >= self._needed(risk) for each in self.checks]

    def differ(self, risk: float) -> list[bool]:
        """Of each way whether it was ever shown, at this risk of a false alarm altogether."""
        return [each.log_e_shown >= self._needed(risk) for each in self.checks]

    def _mean(self, values: list[float]) -> float:
        return log_mixture(values, [-log(len(values))] * len(values))

    def _needed(self, risk: float) -> float:
        return log(len(self.checks) / risk)
