"""A declared longest session that a policy cannot mean is refused, with a sentence that says what to write."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.cli.files.offline_check import problems_of
from tests.unit.api.cohort_policies import BY_HEADER, IN_BODIES
from tests.unit.rollout.policies import written

DRAWN = {
    "mode": "RequestBody",
    "gatewayHeader": None,
    "requestBody": {
        "engine": "VLLM",
        "serviceRef": {"name": "qa", "port": 8000},
        "split": "Injector",
        "userKey": {"kind": "ApiKey"},
    },
}
BY_SERVERS = {"name": "qa-settings", "key": "early-stop.json", "drawnBy": "User"}


def _problems(seconds: int | None, changes: dict[str, Any], **exact: Any) -> str:
    said = {"assumeIndependent": None, "longestSessionSeconds": seconds, **exact}
    spec = written({**changes, "objective": {"exactMatch": said}})
    manifest = {
        "apiVersion": "earlystop.dev/v1alpha1",
        "kind": "EarlyStopPolicy",
        "metadata": {"name": "qa", "namespace": "llm"},
        "spec": spec,
    }
    return " ".join(map(str, problems_of(manifest)))


@pytest.mark.parametrize(("seconds", "look_seconds"), [(1, 15), (585, 15), (39, 1), (3600, 900)])
def test_a_session_that_looks_can_show_is_accepted(seconds: int, look_seconds: int) -> None:
    assert _problems(seconds, {"rollout": {"lookSeconds": look_seconds}}) == ""


@pytest.mark.parametrize(("seconds", "look_seconds"), [(586, 15), (40, 1), (86_400, 15)])
def test_one_of_too_many_looks_is_refused_with_how_often_to_look(seconds: int, look_seconds: int) -> None:
    said = _problems(seconds, {"rollout": {"lookSeconds": look_seconds}})
    assert "write a rollout.lookSeconds of a 39th of it, or more" in said


@pytest.mark.parametrize(
    ("exact", "sentence"),
    [
        ({"dispersion": "2"}, "and dispersion says it; remove one of the two"),
        ({"assumeIndependent": True}, "assumeIndependent: true that none are; remove one of the two"),
        ({"evidence": "Pairs"}, "golden questions are asked one by one and have no sessions"),
    ],
)
def test_what_says_the_same_in_another_way_is_refused_beside_it(exact: dict[str, Any], sentence: str) -> None:
    assert sentence in _problems(60, {}, **exact)


@pytest.mark.parametrize(
    "changes",
    [
        {"delivery": DRAWN},
        {"delivery": {"mode": "ConfigMap", "gatewayHeader": None, "configMap": BY_SERVERS}},
        {
            "delivery": {
                "mode": "FeatureFlag",
                "gatewayHeader": None,
                "featureFlag": {"name": "qa-settings", "drawnBy": "User"},
            }
        },
        {"delivery": BY_HEADER},
        {"delivery": IN_BODIES},
    ],
    ids=["injector", "config map", "feature flag", "cohorts", "cohorts before an injector"],
)
def test_users_who_keep_a_variant_have_no_longest_session(changes: dict[str, Any]) -> None:
    assert "a user keeps a variant for the whole campaign" in _problems(60, changes)


def test_answers_that_are_given_again_are_refused_beside_independent_ones() -> None:
    said = _problems(None, {}, repeatedAnswers=True, assumeIndependent=True)
    assert "exactMatch.repeatedAnswers says that answers to one prompt are the same" in said
    assert _problems(None, {}, repeatedAnswers=True) == ""
