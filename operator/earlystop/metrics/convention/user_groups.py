"""What happened to the requests of each group of users: sums over all processes of a campaign, by one query.

A group has some of its users' requests in every process, so its sum over processes is needed before anything is
squared. The source adds them up, and remembers processes that have ended: the query reaches back to the campaign's
begin. Looks become rarer as a campaign grows older, so its range costs the source about as much an hour at any age.
Nothing is kept of single groups; a look holds six numbers that follow from them (`evidence.user_scatter`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from earlystop.api.counts import Tally, UserScatter, total
from earlystop.api.wire import (
    BY_USER_GROUP,
    EVENT,
    GROUPED_EVENTS,
    POLICY,
    PROCESS,
    REVISION,
    STEP,
    USER_GROUP,
    USER_GROUPS,
    VARIANT,
)
from earlystop.evidence import user_scatter
from earlystop.metrics.convention.query import alternation, escape, in_namespace_of
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.source.sample_value import is_count
from earlystop.metrics.vectors import InstantVectors

LEAST_SHARE = 0.95
"""Of the answers that were counted, so many at least must have been counted by users."""

_GROUP = {str(number): number for number in range(USER_GROUPS)}
_ROW = (STEP, VARIANT, USER_GROUP, EVENT)


@dataclass(frozen=True, slots=True)
class UserGroups:
    """What groups of users did.

    by_variant: variant's label -> the counts of each group. counts_completed: whether servers say how many requests of
    a group were answered. Those of earlier releases say of how many somebody tried to score the answer, which stands
    for it.
    """

    by_variant: Mapping[str, tuple[Tally, ...]]
    counts_completed: bool = True


@dataclass(frozen=True, slots=True)
class UserQuestion:
    """Which counts of users a look asks for: those of the last `window_seconds`, and of steps but the first
    `skipped_steps`, in which users were not split yet."""

    window_seconds: int
    skipped_steps: int = 0


def users_query(policy: str, revision: str, question: UserQuestion, namespace_label: str | None) -> str:
    """The PromQL text. `max by` folds the replicas of an HA pair before processes are added up."""
    chosen = f'{POLICY}="{escape(policy)}",{REVISION}="{escape(revision)}"'
    if question.skipped_steps:
        chosen += f',{STEP}!~"{alternation(map(str, range(question.skipped_steps)))}"'
    chosen += in_namespace_of(policy, namespace_label)
    of_processes = f"max by ({','.join((*_ROW, PROCESS))})(last_over_time({BY_USER_GROUP}{{{chosen}}}"
    return f"sum by ({','.join(_ROW[1:])})({of_processes}[{question.window_seconds}s])))"


def read_users(
    client: InstantVectors,
    policy: str,
    revision: str,
    question: UserQuestion,
    at: int,
    namespace_label: str | None,
) -> UserGroups | None:
    """The counts of each variant that has any at Unix second `at`; None when they cannot be read: a look is worth
    having without them, since harm must act."""
    try:
        return groups_in(client.instant_vector(users_query(policy, revision, question, namespace_label), float(at)))
    except MetricsFailure:
        return None


def groups_in(samples: Sequence[Sample]) -> UserGroups | None:
    """The rows of an answer by variant and group; None when one of them is no row of a server's."""
    found: dict[str, list[dict[str, int]]] = {}
    for labels, value in samples:
        group, event = _GROUP.get(labels.get(USER_GROUP, "")), labels.get(EVENT, "")
        if group is None or event not in GROUPED_EVENTS or not is_count(value):
            return None
        found.setdefault(labels.get(VARIANT, ""), [{} for _ in _GROUP])[group][event] = int(value)
    return UserGroups(
        {variant: tuple(map(_tally, groups)) for variant, groups in found.items()},
        counts_completed=any("completed" in events for groups in found.values() for events in groups),
    )


def _tally(events: Mapping[str, int]) -> Tally:
    """The counts of a group. Where some servers do not say how many were answered, these are at least those tried."""
    counted = Tally(**events)
    return replace(counted, completed=max(counted.completed, counted.tried))


def scatter_of(
    groups: UserGroups | None,
    counted: Mapping[str, Tally],
    arms: Mapping[str, Tally],
    *,
    is_all: bool = True,
    unscored_is_wrong: bool = False,
) -> UserScatter:
    """What the groups of two variants show, nothing where they do not fit the counts.

    counted: by label of the baseline and then of the candidate, all that was counted since users were split; groups
    that hold fewer answers, of those judged or of all, were lost or never counted, and groups that hold more are of
    somebody else. arms: the totals of a step of both. is_all: whether `counted` is all that there was: between two
    steps there are answers that are no evidence, and groups hold these, too. unscored_is_wrong: as in
    `user_scatter.measure`.
    """
    if groups is None or not set(counted) <= set(groups.by_variant):
        return UserScatter()
    judged = "tried" if unscored_is_wrong else "scored"
    read = (judged, "completed") if groups.counts_completed else (judged,)
    for label, all_of in counted.items():
        by_users = total(groups.by_variant[label])
        if not all(_fits(getattr(by_users, name), getattr(all_of, name), is_all) for name in read):
            return UserScatter()
    (baseline, b), (candidate, c) = ((label, groups.by_variant[label]) for label in counted)
    return user_scatter.measure(b, c, (arms[baseline], arms[candidate]), unscored_is_wrong=unscored_is_wrong)


def _fits(by_users: int, counted: int, is_all: bool) -> bool:
    return by_users >= LEAST_SHARE * counted and (not is_all or LEAST_SHARE * by_users <= counted)
