"""What is known of how much answers scatter, in sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earlystop.api.plurals import counted
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.divisors import Knowledge
from earlystop.evidence.longest_session import looks_to_learn
from earlystop.evidence.scatter import MOST_FACTOR
from earlystop.evidence.split_scatter import LONG_BLOCK
from earlystop.rollout.formatting import in_hundredths

if TYPE_CHECKING:
    from earlystop.rollout.state import Comparison

ADVICE = (
    "write exactMatch.dispersion where it is known by how much answers of a session are alike, "
    "exactMatch.longestSessionSeconds where it is known how long sessions last, or exactMatch.assumeIndependent: true "
    "where nothing keeps a session on a variant"
)


def without_users(comparisons: tuple[Comparison, ...]) -> str:
    """What to do about users whose answers nobody can tell apart. Harm acts meanwhile."""
    were_known = any(each.claims.users is not None for each in comparisons)
    missing = (
        "Users are no longer counted for all answers that were counted"
        if were_known
        else "Servers do not count by users, or not all of their answers"
    )
    factor = in_hundredths(max(each.claims.dispersion.factor for each in comparisons))
    return (
        "Each user keeps a variant, so the same users are in every look, and how much their answers scatter is not "
        f"known: {missing}. Nothing is promoted; harm acts on evidence that is divided by {factor}. Give the server's "
        "exporter each request's user, or write exactMatch.dispersion, or exactMatch.assumeIndependent: true. Cohorts "
        "by a header can have the baseline's setting first instead, with rollout.aaSeconds."
    )


def unknown_dispersion(known: Knowledge) -> str:
    """Why a promotion cannot rest on the factor, without a capital or a full stop."""
    if known.source is DispersionSource.USERS:
        return "how much users scatter, since the same ones are in every look"
    if known.drifts:
        return (
            f"how much answers scatter (the variants differ from look to look {MOST_FACTOR:.0f} times as much as "
            f"independent answers or more, which sessions do not explain: each drifts by itself; {ADVICE})"
        )
    if known.groups_outlast:
        return (
            f"how much answers scatter (requests seem to stay with a variant in groups that last beyond blocks of "
            f"{counted(LONG_BLOCK, 'look')}, so blocks of {known.needed_looks} must be learned; evidence is divided by "
            f"{in_hundredths(known.factor)} meanwhile; a longer rollout.lookSeconds holds such groups in fewer looks; "
            f"{ADVICE})"
        )
    if known.learned_looks >= known.needed_looks:
        return (
            f"how much answers scatter (a few looks have nearly all answers, and quieter ones say nothing of these; "
            f"{counted(known.needed_looks, 'look')} as busy would; evidence is divided by "
            f"{in_hundredths(known.factor)} meanwhile; {ADVICE})"
        )
    return (
        f"how much answers scatter (so far known for sessions of {counted(known.learned_looks, 'look')}, needed for "
        f"{known.needed_looks}; evidence is divided by {in_hundredths(known.factor)} meanwhile; {ADVICE})"
    )


def not_promoted_yet(known: Knowledge) -> str:
    """Says that looks are still too few for any promotion, and why, without a capital or a full stop."""
    if known.learned_looks >= known.needed_looks:
        return f"nothing is promoted yet: it is not known {unknown_dispersion(known)}"
    looks = looks_to_learn(known.needed_looks)
    return f"nothing is promoted before {counted(looks, 'look')}: it is not known yet {unknown_dispersion(known)}"
