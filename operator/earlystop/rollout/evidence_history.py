"""The log e-values of a comparison after each of its looks, worked out anew from these."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.evidence.engine import EvidenceState, begin, update
from earlystop.rollout.state import Comparison


@dataclass(frozen=True, slots=True)
class EvidenceHistory:
    """Log e-values, one a look: that the candidate loses less than the margin, that it saves tokens, that it harms."""

    promote: tuple[float, ...]
    tokens: tuple[float, ...]
    harm: tuple[float, ...]


def history_of(comparison: Comparison) -> EvidenceHistory:
    """The log e-values of a comparison after each of its looks, worked out anew from the looks."""
    state, rows = begin(comparison.evidence.objective), []
    for look in comparison.looks:
        state = update(state, look)
        rows.append(_log_e_values(state))
    promote, tokens, harm = zip(*rows, strict=True) if rows else ((), (), ())
    return EvidenceHistory(promote, tokens, harm)


def _log_e_values(state: EvidenceState) -> tuple[float, float, float]:
    """The three as `assess` reads them, without its intervals, which are found by bisection."""
    promote, harm = state.quality.deciding(state.objective.basis)
    return promote.log_e, (state.exact_tokens or state.tokens).log_e, harm.log_e
