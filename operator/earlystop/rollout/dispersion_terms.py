"""What a policy says of how much answers scatter: from where that is known, and for how many looks it is waited for."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.longest_session import block_for, looks_to_learn
from earlystop.evidence.objective import Basis


def dispersion_source(spec: PolicySpec) -> DispersionSource:
    """From where it is known how much events scatter, before any look: what the policy says goes before what is
    counted, and users, where each keeps a variant, before looks, in which the same ones are. Where both cohorts had the
    baseline's setting first, what users have in common is in that, and looks show the rest."""
    stated, traits = spec.objective.exact_match, spec.delivery.traits
    if stated.dispersion is not None:
        return DispersionSource.GIVEN
    if stated.assume_independent:
        return DispersionSource.ASSUMED
    if stated.evidence == Basis.PAIRS.value and traits.moves_traffic:
        return DispersionSource.BY_DESIGN
    if traits.same_users and not spec.rollout.aa_seconds:
        return DispersionSource.USERS
    return DispersionSource.LOOKS


def known_looks(spec: PolicySpec) -> int:
    """Looks in the blocks that must be learned where looks show it. Raises ValueError, saying what to write, for
    sessions that are declared to last longer than blocks of looks can show."""
    return block_for(spec.objective.exact_match.longest_session_seconds, spec.rollout.look_seconds)


def awaited_looks(spec: PolicySpec) -> int | None:
    """Looks that a promotion waits for; None where nothing waits for looks. Raises ValueError as `known_looks`."""
    if dispersion_source(spec) is not DispersionSource.LOOKS:
        return None
    return looks_to_learn(known_looks(spec))
