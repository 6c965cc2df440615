"""Counts by groups of users: what is asked for, and which answers are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally, UserScatter
from earlystop.api.wire import USER_GROUPS
from earlystop.metrics.convention.user_groups import UserQuestion, groups_in, read_users, scatter_of, users_query
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

RIGHT, WRONG = 40, 10


def row(variant: str, group: object, event: str, value: float) -> Sample:
    return Sample({"variant": variant, "user_group": str(group), "event": event}, value)


def answered(variants: tuple[str, ...] = ("baseline", "w10"), right: int = RIGHT) -> list[Sample]:
    return [
        row(variant, group, event, count)
        for variant in variants
        for group in range(USER_GROUPS)
        for event, count in (("match", right), ("mismatch", WRONG), ("tokens", 500))
    ]


ARM = Tally(completed=1600, match=1280, mismatch=320, tokens=16_000, tokens_squared=200_000)
ARMS = {"baseline": ARM, "w10": ARM}
COUNTED = ARMS


def test_rows_become_counts_of_each_group() -> None:
    found = groups_in([*answered(), row("w10", 3, "failed", 2.0), row("w10", 3, "feedback_down", 1.0)])
    assert found is not None and set(found.by_variant) == {"baseline", "w10"}
    assert found.by_variant["baseline"] == (Tally(completed=50, match=40, mismatch=10, tokens=500),) * USER_GROUPS
    assert found.by_variant["w10"][3] == Tally(
        completed=50, failed=2, match=40, mismatch=10, tokens=500, feedback_down=1
    )
    assert scatter_of(found, COUNTED, ARMS).is_known


@pytest.mark.parametrize(
    "odd",
    [
        row("w10", USER_GROUPS, "match", 1.0),
        row("w10", "", "match", 1.0),
        row("w10", "07", "match", 1.0),
        row("w10", 1, "started", 1.0),
        row("w10", 1, "match", -1.0),
        row("w10", 1, "match", 0.5),
        row("w10", 1, "match", float("nan")),
    ],
)
def test_an_answer_with_a_row_that_no_server_exports_is_not_used(odd: Sample) -> None:
    assert groups_in([*answered(), odd]) is None


@pytest.mark.parametrize(
    ("variants", "right"),
    [
        (("baseline", "w10"), RIGHT // 2),
        (("baseline", "w10"), 3 * RIGHT),
        (("baseline",), RIGHT),
        ((), RIGHT),
    ],
    ids=["counts that shrank", "more answers of users than answers", "none of a variant", "none"],
)
def test_groups_that_do_not_fit_the_answers_counted_are_refused(variants: tuple[str, ...], right: int) -> None:
    assert scatter_of(groups_in(answered(variants, right)), COUNTED, ARMS) == UserScatter()


def test_answers_between_two_steps_are_no_evidence_and_belong_to_users_all_the_same() -> None:
    groups = groups_in(answered(right=2 * RIGHT))
    assert scatter_of(groups, COUNTED, ARMS) == UserScatter()
    assert scatter_of(groups, COUNTED, ARMS, is_all=False).is_known
    assert scatter_of(groups_in(answered(right=RIGHT // 2)), COUNTED, ARMS, is_all=False) == UserScatter()


def sampled(answered_each: int) -> list[Sample]:
    """As `answered`, where not every answer is scored: so many requests are answered for each that is."""
    completed = answered_each * (RIGHT + WRONG)
    rows = [Sample(each.labels, 10 * completed) if each.labels["event"] == "tokens" else each for each in answered()]
    return [
        *rows,
        *(row(variant, group, "completed", completed) for variant in ARMS for group in range(USER_GROUPS)),
    ]


SAMPLED = {label: replace(arm, completed=6400, tokens=64_000, tokens_squared=800_000) for label, arm in ARMS.items()}


def test_lengths_are_of_all_answers_also_where_a_sample_is_scored() -> None:
    uneven = [
        Sample(each.labels, each.value + (8 if int(each.labels["user_group"]) % 2 else -8))
        if each.labels["event"] == "match"
        else each
        for each in sampled(4)
    ]
    found = groups_in(uneven)
    assert found is not None and found.by_variant["w10"][0].completed == 200
    # How many of a group's answers were drawn for scoring says nothing about the lengths of the answers.
    assert scatter_of(found, SAMPLED, SAMPLED).lengths == 1000
    old = groups_in([each for each in uneven if each.labels["event"] != "completed"])
    assert old is not None and not old.counts_completed and old.by_variant["w10"][0].completed == RIGHT - 8 + WRONG
    assert scatter_of(old, SAMPLED, SAMPLED).lengths > 1000


@pytest.mark.parametrize("share", [2, 5], ids=["fewer", "more"])
def test_groups_that_do_not_fit_the_requests_answered_are_refused_though_all_scored_answers_are_theirs(
    share: int,
) -> None:
    assert scatter_of(groups_in(sampled(4)), SAMPLED, SAMPLED).is_known
    assert scatter_of(groups_in(sampled(share)), SAMPLED, SAMPLED) == UserScatter()


def test_answers_of_servers_that_do_not_say_how_many_were_answered_are_added_to_those_of_servers_that_do() -> None:
    found = groups_in([*answered(), *(row("w10", group, "completed", 20) for group in range(USER_GROUPS))])
    assert found is not None and {each.completed for each in found.by_variant["w10"]} == {RIGHT + WRONG}
    assert scatter_of(found, COUNTED, ARMS).is_known


def test_answers_that_cannot_be_scored_are_of_users_as_the_policy_judges_them() -> None:
    hard = [row("w10", group, "unscored", 20) for group in range(0, USER_GROUPS, 4)]
    groups, all_of = groups_in([*answered(), *hard]), {**COUNTED, "w10": replace(ARM, unscored=160)}
    excluded, wrong = (scatter_of(groups, all_of, ARMS, unscored_is_wrong=each) for each in (False, True))
    assert excluded.answers < wrong.answers
    # So many are missing from the groups that they are not those of the answers that are judged.
    lost = {**COUNTED, "w10": replace(ARM, unscored=400)}
    assert scatter_of(groups, lost, ARMS, unscored_is_wrong=False).is_known
    assert not scatter_of(groups, lost, ARMS, unscored_is_wrong=True).is_known


def test_groups_that_could_not_be_read_say_nothing() -> None:
    class Silent:
        def instant_vector(self, query: str, at: float) -> list[Sample]:
            raise MetricsFailure(FailureKind.NOT_EXECUTED, "too many samples")

    assert read_users(Silent(), "llm/qa", "r1", UserQuestion(600), 0, None) is None
    assert scatter_of(None, COUNTED, ARMS) == UserScatter()


def test_the_query_folds_replicas_before_processes_are_added_and_leaves_out_steps_in_which_nobody_was_split() -> None:
    assert users_query("llm/qa", "r1", UserQuestion(600, 2), "namespace") == (
        "sum by (variant,user_group,event)(max by (step,variant,user_group,event,process)("
        'last_over_time(earlystop_user_group_events_total{policy="llm/qa",revision="r1",step!~"0|1",'
        'namespace="llm"}[600s])))'
    )
    assert "step!" not in users_query("llm/qa", "r1", UserQuestion(600), None)
