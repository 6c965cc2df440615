"""How answers are scored: one file for each kind of answer, all pure, total and without a service's imports."""

from earlystop.evaluator.scoring.exact import exact_match, normalize_answer
from earlystop.evaluator.scoring.method import Scoring, ScoringMode

__all__ = ["Scoring", "ScoringMode", "exact_match", "normalize_answer"]
