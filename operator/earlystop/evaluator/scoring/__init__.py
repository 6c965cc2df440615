"""How answers are scored: one file for each kind of answer, all pure, without a service's imports, and total but for
patterns that take too long."""

from earlystop.evaluator.scoring.exact import exact_match, normalize_answer
from earlystop.evaluator.scoring.method import Scoring, ScoringMode
from earlystop.evaluator.scoring.pattern import TooSlow

__all__ = ["Scoring", "ScoringMode", "TooSlow", "exact_match", "normalize_answer"]
