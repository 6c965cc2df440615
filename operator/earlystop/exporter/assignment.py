"""What a server may expose: assignments and answers, and whether their words and numbers fit the convention."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from earlystop.api import wire as names

MAX_STRATA = 64
"""Pairs of step and query class that one revision may have."""
MAX_VARIANTS = 16
"""Variants that one revision may have."""
MAX_PLACES = 256
"""Strata times variants of one revision: all its variants stand in each of its strata."""

_POLICY = re.compile(r"[a-z0-9.-]{1,63}/[a-z0-9.-]{1,253}")
DEFAULT_CLASS = "default"
"""The query class of requests of which nobody says another."""
WORD = re.compile(r"[A-Za-z0-9._+-]{1,64}")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the headers of a request say. Nothing is trusted: what does not fit is counted as unassigned.

    token: the header `<prefix>token`, "" where a request has none or several. It is secret, so no repr holds it.
    user: who asks, by whatever name the server knows users; None for a server that knows none. It is used for its group
    alone (`api.wire.user_group`), and stands in no repr either. All requests without a name are those of one user, "".
    known_group: that group, where it was worked out before, as of a receipt; None where `user` says it.
    """

    policy: str
    revision: str
    step: int
    variant: str
    query_class: str = DEFAULT_CLASS
    token: str = field(default="", repr=False, compare=False)
    user: str | None = field(default=None, repr=False, compare=False)
    known_group: int | None = field(default=None, repr=False, compare=False)

    @property
    def is_forged(self) -> bool:
        """Whether the request named a revision without its token, so that it did not come by the policy's overlay: it
        is to be served as one without these headers."""
        return not names.is_genuine(self.policy, self.revision, self.token)

    @property
    def group(self) -> int | None:
        """The user's group in this campaign, None where the user is not known."""
        if self.known_group is not None or self.user is None:
            return self.known_group
        return names.user_group(self.policy, self.revision, self.token, self.user)


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a candidate would have made of a request that the baseline served: its label, output tokens, result; None
    where nobody tried to score it."""

    variant: str
    tokens: int
    result: str | None


def is_exposable(assignment: Assignment) -> bool:
    """Whether policy, revision, step and query class can be label values; the variant is not asked for."""
    words = WORD.fullmatch(assignment.revision) and WORD.fullmatch(assignment.query_class)
    named = is_policy(assignment.policy) and assignment.revision != names.UNASSIGNED
    return bool(words and named) and type(assignment.step) is int and 0 <= assignment.step <= 9999


def is_policy(name: str) -> bool:
    """Whether a policy, as namespace/name, can be a label value."""
    return bool(_POLICY.fullmatch(name))


def checked_policies(policies: Collection[str]) -> Collection[str]:
    """The same policies. Raises ValueError where one is no namespace/name, or where text stands in place of a list."""
    for policy in [policies] if isinstance(policies, str) else policies:
        if isinstance(policies, str) or not is_policy(policy):
            raise ValueError(f"policies has {policy[:80]!r}; write a list of names like 'llm/qa', namespace/name")
    return policies


def variants_beside(label: str) -> tuple[str, ...]:
    """The variants whose counters stand at 0 from the first request of one of them on. label: that request's."""
    if label == names.INCUMBENT:
        return (*names.ONE_CANDIDATE, label)
    return names.ONE_CANDIDATE if label in names.ONE_CANDIDATE else (names.BASELINE, label)


def is_variant(label: str) -> bool:
    """Whether a variant can be exposed under this label."""
    return bool(WORD.fullmatch(label)) and label != names.UNASSIGNED


def has_places(strata: set[tuple[int, str]], labels: set[str]) -> bool:
    """Whether one revision may have these pairs of step and query class, each with these variants."""
    return len(strata) <= MAX_STRATA and 1 <= len(labels) <= MAX_VARIANTS and len(strata) * len(labels) <= MAX_PLACES


def counts_of(tokens: int, result: str | None, *, empty: bool | None = None, cut: bool = False) -> dict[str, int]:
    """What one answer adds to a `Tally`. result, empty, cut: as in `Exporter.completed`. Raises ValueError for a result
    or a number of tokens that is none."""
    if result is not None and result not in names.RESULTS:
        raise ValueError(
            f"result is {result!r}; write one of {', '.join(names.RESULTS)}, or None for an answer that nobody tried "
            "to score"
        )
    if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
        raise ValueError(f"tokens is {tokens!r}; it must be a whole number >= 0")
    counts = {"completed": 1, "tokens": tokens, "tokens_squared": tokens * tokens}
    if result is not None:
        counts[result] = 1
    if tokens == 0 if empty is None else empty:
        counts["empty"] = 1
    if cut:
        counts["cut"] = 1
    return counts


def pair_of(baseline: str | None, candidate: str | None) -> dict[str, int]:
    """What two results for one request add to the candidate's `Tally`. An answer that could not be scored beside one
    that could is a wrong one, or a variant could hide wrong answers in it. Nothing where neither could be scored, or
    nobody tried to score one. It says as well whose answer is missing."""
    if None in (baseline, candidate) or baseline == candidate == names.UNSCORED:
        return {}
    known = [None if result == names.UNSCORED else result == names.MATCH for result in (baseline, candidate)]
    told = names.pair_outcome(*map(bool, known)), names.pair_completeness(*known)
    return {f"pairs_{outcome}": 1 for outcome in told}
